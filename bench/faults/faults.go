// Package faults is a bad network: it listens before a server and does to each
// connection what networks and servers do at their worst.
package faults

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Fault is what happens to one connection.
type Fault int

// The faults. None lets the connection be.
const (
	None      Fault = iota
	Late            // 5 to 50 ms before each piece of an answer
	Slow            // answers trickle: 64 KB a second
	Reset           // a reset after some bytes of an answer
	Cut             // an orderly end after some bytes of an answer
	Silent          // requests are swallowed, nothing ever comes
	HalfOpen        // the answer ends but the connection stays, both ways dead
	Refused         // a reset at once
	FaultsLen       // how many there are
)

var names = [FaultsLen]string{"none", "late", "slow", "reset", "cut", "silent", "half-open", "refused"}

func (f Fault) String() string { return names[f] }

const (
	maxConns   = 2048             // more are closed at once
	maxLife    = 60 * time.Second // of a connection, whatever its fault
	silentLife = 20 * time.Second
	cutSpan    = 256 << 10 // bytes of an answer after which Reset and Cut strike, at most
	slowPiece  = 1 << 10
	slowPause  = 16 * time.Millisecond
)

// Listener stands before a server.
type Listener struct {
	ln     net.Listener
	target string
	weight [FaultsLen]int
	total  int
	counts [FaultsLen]atomic.Int64

	mu  sync.Mutex
	rng *rand.Rand
	sem chan struct{}
	wg  sync.WaitGroup
	ctx context.Context
	end context.CancelFunc
}

// Listen starts on a port of 127.0.0.1. weight says how often each fault
// strikes beside the others; seed makes the order of faults the same again.
func Listen(target string, weight [FaultsLen]int, seed uint64) (*Listener, error) {
	l := &Listener{target: target, weight: weight, rng: rand.New(rand.NewPCG(seed, seed)), sem: make(chan struct{}, maxConns)}
	for _, w := range weight {
		l.total += max(0, w)
	}
	if l.total == 0 {
		return nil, errors.New("no fault has a weight")
	}
	var err error
	if l.ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	l.ctx, l.end = context.WithCancel(context.Background())
	l.wg.Go(l.accept)
	return l, nil
}

// Addr returns where l listens.
func (l *Listener) Addr() string { return l.ln.Addr().String() }

// Counts returns how many connections met each fault.
func (l *Listener) Counts() (n [FaultsLen]int64) {
	for i := range n {
		n[i] = l.counts[i].Load()
	}
	return n
}

// Close ends all connections and returns when nothing is left.
func (l *Listener) Close() error {
	l.end()
	err := l.ln.Close()
	l.wg.Wait()
	return err
}

func (l *Listener) accept() {
	for {
		c, err := l.ln.Accept()
		if err != nil {
			return
		}
		select {
		case l.sem <- struct{}{}:
		default:
			_ = c.Close()
			continue
		}
		f, span := l.draw()
		l.counts[f].Add(1)
		l.wg.Go(func() {
			defer func() { <-l.sem }()
			l.serve(c, f, span)
		})
	}
}

func (l *Listener) draw() (Fault, int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.rng.IntN(l.total)
	span := l.rng.Int64N(cutSpan)
	for f, w := range l.weight {
		if n < w {
			return Fault(f), span
		}
		n -= max(0, w)
	}
	return None, span
}

func (l *Listener) serve(c net.Conn, f Fault, span int64) {
	life := maxLife
	if f == Silent || f == HalfOpen {
		life = silentLife
	}
	ctx, cancel := context.WithTimeout(l.ctx, life)
	defer cancel()
	defer c.Close()
	if f == Refused {
		reset(c)
		return
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	if f == Silent {
		_, _ = io.Copy(io.Discard, c)
		return
	}
	up, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", l.target)
	if err != nil {
		return
	}
	defer up.Close()
	stopUp := context.AfterFunc(ctx, func() { _ = up.Close() })
	defer stopUp()
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = io.Copy(up, c)
		_ = up.(*net.TCPConn).CloseWrite()
	})
	answer(ctx, c, up, f, span)
	_ = c.Close()
	_ = up.Close()
	wg.Wait()
}

// answer carries what the server says to c until the fault strikes.
func answer(ctx context.Context, c, up net.Conn, f Fault, span int64) {
	switch f {
	case Reset, Cut:
		_, _ = io.CopyN(c, up, span)
		if f == Reset {
			reset(c)
		}
	case HalfOpen:
		_, _ = io.CopyN(c, up, span)
		<-ctx.Done()
	case Slow:
		trickle(ctx, c, up, make([]byte, slowPiece), slowPause)
	case Late:
		trickle(ctx, c, up, make([]byte, 32<<10), time.Duration(5+span%45)*time.Millisecond)
	default:
		_, _ = io.Copy(c, up)
	}
}

func trickle(ctx context.Context, c io.Writer, up io.Reader, buf []byte, pause time.Duration) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		n, err := up.Read(buf)
		if n > 0 {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			if _, err := c.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// reset makes the other side see a reset instead of an end.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}
