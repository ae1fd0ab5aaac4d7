package upstream

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"time"

	"github.com/miekg/dns"
)

const (
	// pipeIdle is how long a connection without questions is kept.
	pipeIdle = 20 * time.Second
	// pipeSilence is how long one with questions may bring nothing.
	pipeSilence = 8 * time.Second
	// pipeStall is after how long a question without answer makes a connection
	// suspect: it gets no new ones.
	pipeStall = 1500 * time.Millisecond
	// writeTime bounds the writing of one question.
	writeTime = 2 * time.Second
)

// pipe is one connection on which many questions are asked at once
// (RFC 7766 §6.2.1).
type pipe struct {
	c net.Conn

	wmu sync.Mutex // one frame at a time

	mu        sync.Mutex
	waiting   map[uint16]*waiter
	reserved  int // places that are taken but not written yet
	abandoned int // questions whose asker has left; their answers may still come
	answered  int
	lastRead  time.Time
	busy      time.Time // since when questions wait
	retired   bool      // takes no new questions
	starved   bool      // ended while questions waited
	err       error     // why it ended
}

// waiter is one question on a pipe.
type waiter struct {
	sent []byte
	done chan struct{} // closed when m or err is there
	m    *dns.Msg
	kept bool // the case came back as it was sent
	err  error
}

func newPipe(c net.Conn) *pipe {
	_ = c.SetReadDeadline(time.Now().Add(pipeIdle))
	return &pipe{c: c, waiting: map[uint16]*waiter{}, lastRead: time.Now()}
}

// load is how many questions wait; ok is false if it takes no more.
func (p *pipe) load() (n int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) > 0 {
		p.suspect(p.busy)
	}
	return len(p.waiting) + p.reserved, p.err == nil && !p.retired
}

// reserve takes a place for a question that exchange will bring.
func (p *pipe) reserve() {
	p.mu.Lock()
	p.reserved++
	p.mu.Unlock()
}

// exchange asks one question; a place is reserved. The error is a *lost if the
// connection ended, not the question.
func (p *pipe) exchange(ctx context.Context, q *question, f form) (*dns.Msg, bool, error) {
	w, err := p.enter(q, &f)
	if err != nil {
		return nil, false, err
	}
	start := time.Now()
	if err := p.write(w.sent); err != nil {
		p.end(err)
	}
	select {
	case <-w.done:
		return w.m, w.kept, w.err
	case <-ctx.Done():
		p.leave(f.id, start)
		return nil, false, ctx.Err()
	}
}

// enter gives a question an id that none of the others has.
func (p *pipe) enter(q *question, f *form) (*waiter, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reserved--
	if p.err != nil {
		return nil, &lost{p.err, p.answered > 0}
	}
	for f.id = randomID(); p.waiting[f.id] != nil; f.id = randomID() {
	}
	sent, err := q.pack(*f)
	if err != nil {
		return nil, err
	}
	if len(p.waiting) == 0 {
		p.busy = time.Now()
	}
	w := &waiter{sent: sent, done: make(chan struct{})}
	p.waiting[f.id] = w
	_ = p.c.SetReadDeadline(time.Now().Add(pipeSilence))
	return w, nil
}

// leave gives up a question.
func (p *pipe) leave(id uint16, asked time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting[id] == nil {
		return
	}
	delete(p.waiting, id)
	p.abandoned++
	p.suspect(asked)
	p.quiet()
}

// suspect takes a pipe out of use that has brought nothing for a question asked
// long ago. p.mu is held.
func (p *pipe) suspect(asked time.Time) {
	if now := time.Now(); now.Sub(asked) > pipeStall && now.Sub(p.lastRead) > pipeStall {
		p.retired = true
	}
}

// quiet sets how long a pipe without questions stays. p.mu is held.
func (p *pipe) quiet() {
	switch {
	case len(p.waiting) > 0:
	case p.retired && p.reserved == 0:
		_ = p.c.SetReadDeadline(time.Unix(1, 0))
	default:
		_ = p.c.SetReadDeadline(time.Now().Add(pipeIdle))
	}
}

func (p *pipe) write(pkt []byte) error {
	frame := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(pkt)), uint16(len(pkt)))
	p.wmu.Lock()
	defer p.wmu.Unlock()
	_ = p.c.SetWriteDeadline(time.Now().Add(writeTime))
	_, err := p.c.Write(append(frame, pkt...))
	return err
}

// run reads answers until the connection ends.
func (p *pipe) run() {
	r := bufio.NewReader(p.c)
	var err error
	for err == nil {
		var head [2]byte
		if _, err = io.ReadFull(r, head[:]); err != nil {
			break
		}
		got := make([]byte, binary.BigEndian.Uint16(head[:]))
		if _, err = io.ReadFull(r, got); err == nil {
			err = p.deliver(got)
		}
	}
	p.end(err)
}

// deliver gives an answer to who asked. An error ends the pipe.
func (p *pipe) deliver(got []byte) error {
	if len(got) < headerLen {
		return &fault{kind: kindMalformed}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastRead = time.Now()
	id := binary.BigEndian.Uint16(got)
	w := p.waiting[id]
	if w == nil {
		if p.abandoned == 0 { // nobody else can write here: the server is confused
			return &fault{kind: kindOther}
		}
		p.abandoned--
		return nil
	}
	delete(p.waiting, id)
	p.answered++
	switch fit := matches(w.sent, got); {
	case fit == stranger:
		w.err = &fault{kind: kindOther}
	case cutOff(got):
		w.err = &fault{kind: kindCut}
	default:
		w.m, w.err = read(got)
		w.kept = fit == exact
	}
	close(w.done)
	p.quiet()
	return nil
}

// end closes the connection, with err for all who wait.
func (p *pipe) end(err error) {
	_ = p.c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return
	}
	p.err, p.starved = err, len(p.waiting) > 0
	for id, w := range p.waiting {
		delete(p.waiting, id)
		w.err = &lost{err, p.answered > 0}
		close(w.done)
	}
}

// lost says that a connection ended before the answer came.
type lost struct {
	err  error
	used bool // it had brought other answers
}

func (l *lost) Error() string { return "connection lost: " + l.err.Error() }
func (l *lost) Unwrap() error { return l.err }
