package proxy

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// mute is a DNS server over streams that says nothing until it may, and whose
// sockets know no deadline: only who closes them gets out of waiting.
type mute struct {
	speak chan struct{} // closed when it may answer
	asked chan struct{} // one for each question read, as far as there is room
	open  atomic.Int64
}

func newMute() *mute { return &mute{speak: make(chan struct{}), asked: make(chan struct{}, 64)} }

func (m *mute) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		m.open.Add(1)
		go m.serve(far)
		return &patient{Conn: near, gone: sync.OnceFunc(func() { m.open.Add(-1) })}, nil
	}}
}

type patient struct {
	net.Conn
	gone func()
}

func (e *patient) SetDeadline(time.Time) error { return nil }
func (e *patient) Close() error                { e.gone(); return e.Conn.Close() }

func (m *mute) serve(c net.Conn) {
	defer c.Close()
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return
	}
	question := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(c, question); err != nil {
		return
	}
	select {
	case m.asked <- struct{}{}:
	default:
	}
	left := make(chan struct{})
	go func() {
		defer close(left)
		_, _ = io.Copy(io.Discard, c)
	}()
	select {
	case <-m.speak:
		if reply, err := answerTo(question); err == nil {
			_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
		}
		<-left
	case <-left:
	}
}

// answerTo says that every name is at 192.0.2.7.
func answerTo(question []byte) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil {
		return nil, err
	}
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60},
			Body:   &dnsmessage.AResource{A: [4]byte{192, 0, 2, 7}},
		}}
	}
	return m.Pack()
}

// labelled runs f, which is told how to count the goroutines that are there of
// all that it started, and returns that.
func labelled(t *testing.T, f func(ctx context.Context, count func() int)) (count func() int) {
	t.Helper()
	count = func() (n int) {
		var b bytes.Buffer
		if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
			t.Error(err)
		}
		return bytes.Count(b.Bytes(), []byte(`"of":"`+t.Name()+`"`))
	}
	pprof.Do(t.Context(), pprof.Labels("of", t.Name()), func(ctx context.Context) { f(ctx, count) })
	return count
}

func TestLookupOutlivesOneAsker(t *testing.T) {
	t.Parallel()
	m := newMute()
	s := &SystemResolver{Net: m.resolver()}
	ctx, leave := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := s.Resolve(ctx, Question{Host: "shared.example"})
		first <- err
	}()
	<-m.asked
	type result struct {
		a   Answer
		err error
	}
	second := make(chan result, 1)
	go func() {
		a, err := s.Resolve(t.Context(), Question{Host: "shared.example"})
		second <- result{a, err}
	}()
	eventually(t, "two askers", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		f := s.under["shared.example"]
		return f != nil && f.askers == 2
	})
	leave()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("who left: %v, want %v", err, context.Canceled)
	}
	close(m.speak)
	want := netip.MustParseAddr("192.0.2.7")
	if r := <-second; r.err != nil || len(r.a.Addrs) != 1 || r.a.Addrs[0] != want {
		t.Errorf("who stayed: %v, %v, want %v", r.a.Addrs, r.err, want)
	}
	if n := m.open.Load(); n != 0 {
		t.Errorf("%d sockets are open", n)
	}
	if _, ok := s.lookup("shared.example"); !ok {
		t.Error("the answer was not kept")
	}
}

func TestLookupEndsWithItsLastAsker(t *testing.T) {
	t.Parallel()
	m := newMute()
	s := &SystemResolver{Net: m.resolver()}
	count := labelled(t, func(ctx context.Context, count func() int) {
		ctx, leave := context.WithCancel(ctx)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if _, err := s.Resolve(ctx, Question{Host: "slow.example"}); !errors.Is(err, context.Canceled) {
					t.Errorf("%v, want %v", err, context.Canceled)
				}
			})
		}
		<-m.asked
		if n := count(); n == 0 {
			t.Error("no goroutine is seen while a lookup is under way")
		}
		leave()
		wg.Wait()
		if n := m.open.Load(); n != 0 {
			t.Errorf("%d sockets are open after the last asker left", n)
		}
	})
	eventually(t, "no goroutine of it", func() bool { return count() == 0 })
	if n := len(s.under); n != 0 {
		t.Errorf("%d lookups are still under way", n)
	}
	if _, ok := s.lookup("slow.example"); ok {
		t.Error("that nobody waited was kept as an answer")
	}
}

// TestServeLeavesNoLookup wants nothing left of lookups that get no answer,
// asked for by a plain request and by a tunnel, when Serve returns.
func TestServeLeavesNoLookup(t *testing.T) {
	t.Parallel()
	m := newMute()
	p := &Proxy{Resolver: &SystemResolver{Net: m.resolver()}, Drain: 50 * time.Millisecond}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var clients sync.WaitGroup
	for _, u := range []string{"http://plain.example/", "https://tunnel.example/"} {
		clients.Go(func() {
			tr := &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: ln.Addr().String()})}
			defer tr.CloseIdleConnections()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u, nil)
			if err != nil {
				t.Error(err)
				return
			}
			if resp, err := tr.RoundTrip(req); err == nil {
				resp.Body.Close()
			}
		})
	}
	count := labelled(t, func(ctx context.Context, _ func() int) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() {
			for range 2 { // each of the two asks at least once
				<-m.asked
			}
			cancel()
		}()
		if err := p.Serve(ctx, ln); err != nil {
			t.Error(err)
		}
		if n := m.open.Load(); n != 0 {
			t.Errorf("%d sockets of lookups are open after Serve", n)
		}
	})
	eventually(t, "no goroutine of Serve", func() bool { return count() == 0 })
	clients.Wait()
}

// TestLateDial wants no socket from a goroutine of package net that comes to
// dial after the lookup has ended.
func TestLateDial(t *testing.T) {
	t.Parallel()
	m := newMute()
	s := &SystemResolver{Net: m.resolver()}
	ctx, cancel := context.WithCancel(t.Context())
	var open crowd
	r := s.asker(ctx, &open)
	cancel()
	open.disperse()
	if c, err := r.Dial(t.Context(), "tcp", "192.0.2.53:53"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v, %v, want %v", c, err, net.ErrClosed)
	}
	if n := m.open.Load(); n != 0 {
		t.Errorf("%d sockets are open", n)
	}
}
