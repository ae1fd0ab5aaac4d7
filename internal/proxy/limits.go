package proxy

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	defaultConns = 1024             // of one client address
	defaultAll   = 8192             // of all clients, where descriptors allow
	defaultStall = 10 * time.Minute // a paused film may take that long

	// keptFiles are descriptors that no connection takes: stores, logs, sockets.
	keptFiles = 128
	// reservePart of the connections of all clients is kept for loopback, so that
	// whoever floods us from the network leaves the people at this machine room.
	reservePart = 8
)

// bounds say how many connections there may be. Whatever is configured, they
// leave room: all clients hold a third of the descriptors at most, since each
// needs others to sites, and one client half of what all may.
type bounds struct{ client, all, far int }

// newBounds returns what holds where the system gives so many descriptors; 0
// is not known.
func newBounds(p *Proxy, files int) bounds {
	if files <= 0 {
		files = keptFiles + 3*defaultAll
	}
	room := max(files-keptFiles, 48)
	b := bounds{all: min(orDefault(p.MaxAllConns, defaultAll), room/3)}
	b.client = min(orDefault(p.MaxConns, defaultConns), max(b.all/2, 1))
	b.far = room - b.all
	return b
}

// entrance counts the connections of clients at all listeners.
type entrance struct {
	bounds
	mu   sync.Mutex
	open map[netip.Addr]int
	all  int
}

func (e *entrance) enter(a netip.Addr) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	room := e.bounds.all - e.all
	if !a.IsLoopback() {
		room -= e.bounds.all / reservePart
	}
	if room <= 0 || e.open[a] >= e.client {
		return false
	}
	if e.open == nil {
		e.open = map[netip.Addr]int{}
	}
	e.open[a]++
	e.all++
	return true
}

func (e *entrance) leave(a netip.Addr) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all--
	if e.open[a]--; e.open[a] <= 0 {
		delete(e.open, a)
	}
}

// limited is a listener that gives no client address more than so many
// connections, and all together no more than others, so that a flood leaves
// its neighbours room; its connections give up writing to who does not read.
type limited struct {
	net.Listener
	in    *entrance
	stall time.Duration
}

func newLimited(ln net.Listener, c *core) *limited {
	return &limited{Listener: ln, in: &c.in, stall: orDefault(c.p.StallTimeout, defaultStall)}
}

// Accept implements net.Listener. Connections past the limit are closed unread:
// an answer would cost what the limit is to save.
func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := addrOf(c)
		if l.in.enter(from) {
			return &limitedConn{Conn: c, l: l, from: from, start: time.Now()}, nil
		}
		_ = c.Close()
	}
}

// addrOf returns the address that a connection counts for; of IPv6 it is the
// network of a household (RFC 6177), in which one machine can have any address.
func addrOf(c net.Conn) netip.Addr {
	ap, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	a := ap.Addr().Unmap().WithZone("")
	if a.Is6() && !a.IsLoopback() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}

// limitedConn is a client's connection.
type limitedConn struct {
	net.Conn
	l     *limited
	from  netip.Addr
	start time.Time
	set   atomic.Int64 // when the write deadline was moved last, since start; 0 never, notOurs by others
	once  sync.Once
}

// Write fails once the client has taken nothing for the stall time. The
// deadline moves only now and then, since each move costs a timer.
func (c *limitedConn) Write(p []byte) (int, error) {
	now := int64(time.Since(c.start)) | 1 // never 0
	last := c.set.Load()
	if last == notOurs {
		return c.Conn.Write(p)
	}
	if last == 0 || now-last > int64(c.l.stall)/8 {
		c.set.Store(now)
		_ = c.Conn.SetWriteDeadline(time.Now().Add(c.l.stall))
	}
	for done := 0; ; {
		// In pieces, so that one long write to a slow reader is not one stall.
		piece := p[done:min(len(p), done+maxPiece)]
		n, err := c.Conn.Write(piece)
		done += n
		if err != nil || done == len(p) {
			return done, err
		}
		c.set.Store(int64(time.Since(c.start)) | 1)
		_ = c.Conn.SetWriteDeadline(time.Now().Add(c.l.stall))
	}
}

const (
	maxPiece = 64 << 10 // is written under one deadline
	notOurs  = -1       // somebody set a write deadline who knows better, such as crypto/tls
)

func (c *limitedConn) lend(t time.Time) {
	if t.IsZero() {
		c.set.Store(0)
		return
	}
	c.set.Store(notOurs)
}

// SetWriteDeadline sets another deadline than ours, which a zero t brings back.
func (c *limitedConn) SetWriteDeadline(t time.Time) error {
	c.lend(t)
	return c.Conn.SetWriteDeadline(t)
}

// SetDeadline does so too.
func (c *limitedConn) SetDeadline(t time.Time) error {
	c.lend(t)
	return c.Conn.SetDeadline(t)
}

// Close implements net.Conn.
func (c *limitedConn) Close() error {
	c.once.Do(func() { c.l.in.leave(c.from) })
	return c.Conn.Close()
}

// CloseWrite ends our direction alone.
func (c *limitedConn) CloseWrite() error { return closeWrite(c.Conn) }
