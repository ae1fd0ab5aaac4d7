package upstream

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"

	"github.com/miekg/dns"
)

const (
	// maxPipes bounds the connections to one upstream, maxPiped the questions
	// that wait on one before another is opened.
	maxPipes = 8
	maxPiped = 64
	// maxSerialPipes bounds those to a server that answers only one question on
	// each.
	maxSerialPipes = 32
	// maxLost is how many connections may end under one question.
	maxLost = 3
)

var errClosed = errors.New("the resolver is stopping")

// streams asks over TCP or TLS, on connections that are kept and shared.
type streams struct {
	connect func(context.Context) (net.Conn, error)
	padded  bool
	ctx     context.Context // ends with close
	cancel  context.CancelFunc
	all     crowd // dialers and readers

	mu     sync.Mutex
	pipes  []*pipe
	dial   *dialing
	serial bool // the server ends connections after one answer
}

// dialing is a connection in the making, for all who wait for one.
type dialing struct {
	done chan struct{}
	err  error
}

func newStreams(connect func(context.Context) (net.Conn, error), padded bool) *streams {
	s := &streams{connect: connect, padded: padded}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// ask implements transport.
func (s *streams) ask(ctx context.Context, q *question, edns bool) (*dns.Msg, error) {
	m, _, err := s.exchange(ctx, q, form{edns: edns})
	return m, err
}

// exchange asks one question, again if a connection ends under it. kept says
// that the case of the name came back as it was sent.
func (s *streams) exchange(ctx context.Context, q *question, f form) (m *dns.Msg, kept bool, err error) {
	f.padded = s.padded
	for dead := 0; dead < maxLost; dead++ {
		var p *pipe
		if p, err = s.take(ctx); err != nil {
			return nil, false, err
		}
		m, kept, err = p.exchange(ctx, q, f)
		var l *lost
		if !errors.As(err, &l) {
			return m, kept, err
		}
		s.forget(p)
		if l.used { // an old connection that the server was done with
			continue
		}
		dead++ // a new one: the next will hardly do better
	}
	return nil, false, err
}

// take returns a pipe with a place reserved, and opens one if need be.
func (s *streams) take(ctx context.Context) (*pipe, error) {
	for {
		s.mu.Lock()
		p, d := s.pick()
		s.mu.Unlock()
		if p != nil {
			return p, nil
		}
		select {
		case <-d.done:
			if d.err != nil {
				return nil, d.err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// pick chooses the pipe with most room, or what makes a new one. s.mu is held.
func (s *streams) pick() (*pipe, *dialing) {
	most, conns := maxPiped, maxPipes
	if s.serial {
		most, conns = 1, maxSerialPipes
	}
	var best *pipe
	least := 0
	for _, p := range s.pipes {
		if n, ok := p.load(); ok && (best == nil || n < least) {
			best, least = p, n
		}
	}
	if best != nil && (least < most || len(s.pipes) >= conns) {
		best.reserve()
		return best, nil
	}
	if s.dial == nil {
		s.dial = s.open()
	}
	return nil, s.dial
}

// open starts a connection; it does not end with the question that was first.
func (s *streams) open() *dialing {
	d := &dialing{done: make(chan struct{})}
	if !s.all.enter() {
		d.err = errClosed
		close(d.done)
		return d
	}
	go func() {
		defer s.all.leave()
		ctx, cancel := context.WithTimeout(s.ctx, dialTime)
		defer cancel()
		c, err := s.connect(ctx)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.dial = nil
		if d.err = err; err == nil {
			d.err = s.add(c)
		}
		close(d.done)
	}()
	return d
}

// add makes a pipe of a connection. s.mu is held.
func (s *streams) add(c net.Conn) error {
	if !s.all.enter() {
		_ = c.Close()
		return errClosed
	}
	p := newPipe(c)
	s.pipes = append(s.pipes, p)
	go func() {
		defer s.all.leave()
		stop := context.AfterFunc(s.ctx, func() { p.end(errClosed) })
		defer stop()
		p.run()
		s.forget(p)
	}()
	return nil
}

// forget drops a pipe that has ended.
func (s *streams) forget(p *pipe) {
	p.mu.Lock()
	once := p.answered == 1 && p.starved
	p.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.pipes, p); i >= 0 {
		s.pipes = slices.Delete(s.pipes, i, i+1)
		s.serial = s.serial || once
	}
}

// close ends all connections and waits for what reads them.
func (s *streams) close() {
	s.all.shut()
	s.cancel()
	s.all.wg.Wait()
}
