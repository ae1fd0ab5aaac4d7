package dnsfilter

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// idleTime is how long a connection may be silent between questions
	// (RFC 7766 §6.2.3), frameTime how long one question may take to arrive
	// once it began, writeTime how long an answer may take to leave.
	idleTime  = 10 * time.Second
	frameTime = 5 * time.Second
	writeTime = 5 * time.Second
	// shakeTime is how long a TLS handshake may take.
	shakeTime = 5 * time.Second
	// maxPipeline bounds the questions of one connection that wait; until there
	// is room nothing more is read.
	maxPipeline = 64
	// acceptPause is how long to wait when the system has no room for connections.
	acceptPause = 50 * time.Millisecond
)

// serveStreams answers questions on the connections of a listener.
func (d *Door) serveStreams(ctx context.Context, l net.Listener, via Via) error {
	open := gate{most: maxConns, each: maxClientConns}
	var all sync.WaitGroup
	defer all.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return ended(ctx, "accept DNS connections", err)
			}
			d.log.Warn("a DNS connection could not be accepted", "err", err)
			select { // too many open files: others will close
			case <-time.After(acceptPause):
			case <-ctx.Done():
			}
			continue
		}
		from := peer(c.RemoteAddr())
		if !d.home(from) || !open.enter(from) {
			d.count.refusedConns.Add(1)
			_ = c.Close()
			continue
		}
		d.count.connections.Add(1)
		all.Go(func() {
			defer open.leave(from)
			d.serveStream(ctx, c, from, via)
		})
	}
}

// stream is one connection.
type stream struct {
	d    *Door
	c    net.Conn
	from netip.Addr
	via  Via
	mu   sync.Mutex    // one answer at a time
	room chan struct{} // for questions that wait
	busy sync.WaitGroup
}

// serveStream answers the questions of one connection, each as soon as its
// answer is there (RFC 7766 §6.2.1.1).
func (d *Door) serveStream(ctx context.Context, c net.Conn, from netip.Addr, via Via) {
	s := &stream{d: d, c: c, from: from, via: via, room: make(chan struct{}, maxPipeline)}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	defer c.Close()
	defer s.busy.Wait()
	if t, ok := c.(*tls.Conn); ok {
		shake, cancel := context.WithTimeout(ctx, shakeTime)
		err := t.HandshakeContext(shake)
		cancel()
		if err != nil {
			return
		}
	}
	buf := make([]byte, 0, 512)
	for {
		pkt, err := readFrame(c, buf)
		if err != nil {
			if errors.Is(err, io.EOF) {
				s.busy.Wait() // a client may close its half and still listen
			}
			return
		}
		buf = pkt[:0]
		if !s.question(pkt) {
			return
		}
	}
}

// readFrame reads one question. Memory is taken for what has been announced
// only within MaxQuery.
func readFrame(c net.Conn, buf []byte) ([]byte, error) {
	var n [2]byte
	if err := c.SetReadDeadline(time.Now().Add(idleTime)); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(c, n[:1]); err != nil {
		return nil, err
	}
	if err := c.SetReadDeadline(time.Now().Add(frameTime)); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(c, n[1:]); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint16(n[:]))
	if size > MaxQuery {
		return nil, errors.New("question too long")
	}
	if cap(buf) < size {
		buf = make([]byte, size)
	}
	buf = buf[:size]
	_, err := io.ReadFull(c, buf)
	return buf, err
}

// question answers one, or lets it wait aside. It reports false when the
// connection is of no more use.
func (s *stream) question(pkt []byte) bool {
	out, r := s.d.quick(pkt, s.from, s.via)
	if r == nil {
		return out == nil || s.write(out)
	}
	if !s.d.missing.enter(s.from) {
		return s.write(s.d.busy(r))
	}
	s.room <- struct{}{} // frees by itself: each question ends within answerTime
	s.busy.Go(func() {
		defer func() { <-s.room }()
		defer s.d.missing.leave(s.from)
		if !s.write(s.d.slow(s.d.ctx, r)) {
			_ = s.c.Close()
		}
	})
	return true
}

// write sends an answer and its length in one piece (RFC 7766 §8).
func (s *stream) write(out []byte) bool {
	if len(out) > 0xffff {
		return false
	}
	frame := make([]byte, 0, 2+len(out))
	frame = binary.BigEndian.AppendUint16(frame, uint16(len(out)))
	frame = append(frame, out...)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.c.SetWriteDeadline(time.Now().Add(writeTime)) != nil {
		return false
	}
	_, err := s.c.Write(frame)
	return err == nil
}
