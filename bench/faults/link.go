package faults

import (
	"context"
	"io"
	"net"
	"sync"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

// queue is how many pieces of up to 32 KB wait in a link.
const queue = 8

// link carries one direction through a toxic.
type link struct {
	in, out chan *stream.StreamChunk
	stub    *toxics.ToxicStub
	runs    sync.WaitGroup
}

func newLink() *link {
	l := &link{in: make(chan *stream.StreamChunk, queue), out: make(chan *stream.StreamChunk)}
	l.stub = toxics.NewToxicStub(l.in, l.out)
	return l
}

// start lets t work from now on.
func (l *link) start(t toxics.Toxic) {
	if s, ok := t.(toxics.StatefulToxic); ok {
		l.stub.State = s.NewState()
	}
	l.runs.Go(func() {
		l.stub.Run(&toxics.ToxicWrapper{Toxic: t, Toxicity: 1})
		if l.stub.Closed() {
			for range l.in { // what is still sent is lost
			}
		}
	})
}

// strike puts t in the place of what works now, unless the link has ended.
func (l *link) strike(t toxics.Toxic) {
	if l.stub.InterruptToxic() {
		l.start(t)
	}
}

// copy carries from src to dst until the toxic or src ends. src is read to its
// end by another goroutine, which wg waits for.
func (l *link) copy(wg *sync.WaitGroup, dst io.Writer, src io.Reader) {
	wg.Go(func() {
		_, _ = io.Copy(stream.NewChanWriter(l.in), src)
		close(l.in)
	})
	_, err := io.Copy(dst, stream.NewChanReader(l.out))
	if err != nil {
		for range l.out { // dst is gone; the toxic must not wait for it
		}
	}
}

// trigger is a reader that calls once when n bytes have been read.
type trigger struct {
	io.Reader
	n    int64
	once func()
	hold <-chan struct{} // the end is not seen before this is closed; nil is at once
}

// Read implements io.Reader.
func (t *trigger) Read(b []byte) (int, error) {
	n, err := t.Reader.Read(b)
	if t.n -= int64(n); t.n <= 0 {
		t.once()
	}
	if err != nil && t.hold != nil {
		<-t.hold
	}
	return n, err
}

// pair is a connection to us with the one that we made for it, and a link each
// way.
type pair struct {
	client, server *net.TCPConn
	d              drawn
	down, up       *link
	later, both    toxics.Toxic // of toxicsFor
	wg             sync.WaitGroup
}

// carry lets client and server speak until one of them or the fault has ended
// that, and closes both. It returns when nothing is left.
func carry(ctx context.Context, client, server *net.TCPConn, d drawn) {
	p := &pair{client: client, server: server, d: d, down: newLink(), up: newLink()}
	var first toxics.Toxic
	first, p.later, p.both = toxicsFor(d)
	p.down.start(first)
	p.up.start(&toxics.NoopToxic{})
	now, over, left := make(chan struct{}), make(chan struct{}), make(chan struct{})
	answers := &trigger{Reader: server, n: d.span, once: sync.OnceFunc(func() { close(now) })}
	if d.span == 0 {
		answers.once()
	}
	if d.fault == HalfOpen {
		answers.hold = left
	}
	p.wg.Go(func() { p.strike(now, over) })
	p.wg.Go(func() {
		p.up.copy(&p.wg, server, client)
		close(left)
		_ = server.CloseWrite()
	})
	stop := context.AfterFunc(ctx, p.close)
	p.down.copy(&p.wg, client, answers)
	stop()
	close(over)
	p.close()
	p.wg.Wait()
	p.down.runs.Wait()
	p.up.runs.Wait()
}

func (p *pair) close() {
	_ = p.client.Close()
	_ = p.server.Close()
}

// strike lets the fault strike when now is closed or enough time has passed,
// unless all is over before that.
func (p *pair) strike(now, over <-chan struct{}) {
	wait := time.NewTimer(p.d.wait)
	defer wait.Stop()
	select {
	case <-now:
	case <-wait.C:
	case <-over:
		return
	}
	switch p.d.fault {
	case Reset:
		_ = p.client.SetLinger(0)
		_ = p.server.SetLinger(0)
	case SlowClose: // that there is an end to hold back
		_ = p.server.CloseRead()
	}
	if p.later != nil {
		p.down.strike(p.later)
	}
	if p.both != nil {
		p.up.strike(p.both)
	}
}

// toxicsFor returns what works on answers from the start, what takes its place
// when the fault strikes, and what then befalls requests; nil is nothing.
func toxicsFor(d drawn) (first, later, both toxics.Toxic) {
	noop := &toxics.NoopToxic{}
	switch d.fault {
	case Latency:
		return &toxics.LatencyToxic{Latency: 28, Jitter: 22}, nil, nil
	case Slicer:
		return &toxics.SlicerToxic{AverageSize: 1024, SizeVariation: 512, Delay: 100}, nil, nil
	case Bandwidth:
		return &toxics.BandwidthToxic{Rate: 64}, nil, nil
	case SlowClose:
		return &toxics.SlowCloseToxic{Delay: 3000}, nil, nil
	case Limit:
		return &toxics.LimitDataToxic{Bytes: d.span}, nil, nil
	case Reset:
		return noop, &toxics.ResetToxic{}, nil
	case Timeout:
		return noop, &toxics.TimeoutToxic{Timeout: 1500}, &toxics.TimeoutToxic{}
	case HalfOpen:
		return noop, &toxics.TimeoutToxic{}, &toxics.TimeoutToxic{}
	default:
		return noop, nil, nil
	}
}
