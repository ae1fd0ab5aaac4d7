package upstream

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/miekg/dns"
)

const (
	// maxBad is how many packets that answer nothing we asked one socket takes:
	// more are an attack, and TCP is asked, which cannot be forged like that.
	maxBad = 16
	// udpBuffer is the longest UDP answer that is read: what EDNS allows and the
	// few servers that exceed it.
	udpBuffer = 4096
	// firstSend is how long the first packet may take before it is sent again;
	// later ones twice as long each.
	firstSend = 700 * time.Millisecond
	// maxSends bounds the packets of one question.
	maxSends = 3
	// foldTime is how long a server is asked in lower case that TCP has shown to
	// change the case of names.
	foldTime = time.Hour
)

// udp asks over UDP, one socket with a port of its own for each packet, and
// over TCP what UDP is not good enough for.
type udp struct {
	reach *reach
	tcp   *streams
	count *counters
	now   func() time.Time

	mu   sync.Mutex
	fold time.Time // until then the server does not keep the case
}

func (u *udp) ask(ctx context.Context, q *question, edns bool) (*dns.Msg, error) {
	mixed := !u.folds()
	m, err := u.datagrams(ctx, q, form{edns: edns, mixed: mixed})
	f, ok := err.(*fault)
	if !ok {
		return m, err
	}
	switch f.kind {
	case kindCut:
		u.count.truncated.Add(1)
	case kindFlood, kindOther, kindMalformed:
	default:
		return nil, err
	}
	m, kept, terr := u.tcp.exchange(ctx, q, form{edns: edns, mixed: mixed})
	if f.kind != kindOther {
		if terr != nil {
			return nil, &fault{kind: f.kind, err: terr}
		}
		return m, nil
	}
	if terr != nil && ctx.Err() == nil { // it has no TCP
		m, terr = u.datagrams(ctx, q, form{edns: edns})
		kept = false
	}
	if terr == nil && !kept {
		u.mu.Lock()
		u.fold = u.now().Add(foldTime)
		u.mu.Unlock()
	}
	return m, terr
}

// folds reports whether the server is known to change the case of names.
func (u *udp) folds() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.now().Before(u.fold)
}

// datagrams sends a question, and again if nothing comes; an answer to any of
// the packets will do. Its faults are *fault themselves where TCP may help.
func (u *udp) datagrams(ctx context.Context, q *question, f form) (*dns.Msg, error) {
	type result struct {
		m   *dns.Msg
		err error
	}
	ctx, cancel := context.WithCancel(ctx)
	var sends sync.WaitGroup
	defer sends.Wait()
	defer cancel()
	results := make(chan result, maxSends)
	sent, open := 0, 0
	send := func() {
		sent++
		open++
		sends.Go(func() {
			m, err := u.datagram(ctx, q, f)
			results <- result{m, err}
		})
	}
	send()
	again := time.NewTimer(firstSend)
	defer again.Stop()
	for {
		select {
		case r := <-results:
			open--
			switch {
			case r.err == nil || askTCP(r.err):
				return r.m, r.err
			case open > 0:
			case sent < maxSends && ctx.Err() == nil && u.reach.others():
				send() // to another address
			default:
				return nil, r.err
			}
		case <-again.C:
			if sent < maxSends {
				send()
				again.Reset(firstSend << sent)
			}
		}
	}
}

// askTCP reports whether a fault of UDP is one that TCP does not have.
func askTCP(err error) bool {
	f, ok := err.(*fault)
	return ok && (f.kind == kindCut || f.kind == kindFlood || f.kind == kindOther || f.kind == kindMalformed)
}

// datagram sends one packet and waits for its answer.
func (u *udp) datagram(ctx context.Context, q *question, f form) (*dns.Msg, error) {
	f.id = randomID()
	pkt, err := q.pack(f)
	if err != nil {
		return nil, err
	}
	c, err := u.reach.dial(ctx, "udp")
	if err != nil {
		return nil, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err = c.Write(pkt); err != nil {
		u.reach.failedAt(c.RemoteAddr())
		return nil, err
	}
	late := time.AfterFunc(firstSend, func() { u.reach.failedAt(c.RemoteAddr()) }) // the next packet tries another address
	defer late.Stop()
	m, err := u.listen(c, pkt, f.mixed)
	switch {
	case err != nil && ctx.Err() != nil:
		err = ctx.Err()
	case err != nil && !askTCP(err):
		u.reach.failedAt(c.RemoteAddr())
	}
	return m, err
}

// udpBuffers hold answers for as long as they are read.
var udpBuffers = sync.Pool{New: func() any { return new([udpBuffer]byte) }}

// listen reads until the answer to sent comes.
func (u *udp) listen(c net.Conn, sent []byte, mixed bool) (*dns.Msg, error) {
	room := udpBuffers.Get().(*[udpBuffer]byte)
	defer udpBuffers.Put(room) // read copies what it keeps
	buf := room[:]
	for bad := 0; bad <= maxBad; bad++ {
		n, err := c.Read(buf)
		if err != nil {
			return nil, err
		}
		switch fit := matches(sent, buf[:n]); {
		case fit == stranger:
			u.count.bad.Add(1)
			continue
		case fit == otherCase && mixed:
			u.count.bad.Add(1)
			return nil, &fault{kind: kindOther}
		case cutOff(buf[:n]):
			return nil, &fault{kind: kindCut}
		}
		return read(buf[:n])
	}
	return nil, &fault{kind: kindFlood}
}

func (u *udp) close() { u.tcp.close() }
