package dnsfilter

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/quench-proxy/quench/internal/dnsfilter/cache"
	"github.com/quench-proxy/quench/internal/dnsfilter/upstream"
)

// breakable is an upstream over a stream that answers each question on a
// connection of its own and can be broken in a way of the test's.
type breakable struct {
	addr   string
	broken atomic.Bool
	roots  *x509.CertPool // nil without TLS
}

// newBreakable serves TCP, or TLS if secure. While it is broken, fail gets the
// connection and the question, and the certificate is the one that has ended if
// expired.
func newBreakable(t *testing.T, secure, expired bool, fail func(c net.Conn, q *dns.Msg)) *breakable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	b := &breakable{addr: "tcp://" + l.Addr().String()}
	if secure {
		b.addr = "tls://" + l.Addr().String()
		b.roots = x509.NewCertPool()
		good, bad := loopbackCert(t, b.roots, time.Now().Add(time.Hour)), loopbackCert(t, b.roots, time.Now().Add(-24*time.Hour))
		l = tls.NewListener(l, &tls.Config{SessionTicketsDisabled: true, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if expired && b.broken.Load() {
				return bad, nil
			}
			return good, nil
		}})
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go b.serve(c, fail)
		}
	}()
	return b
}

func (b *breakable) serve(c net.Conn, fail func(net.Conn, *dns.Msg)) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	var n [2]byte
	if _, err := io.ReadFull(c, n[:]); err != nil {
		return
	}
	pkt := make([]byte, binary.BigEndian.Uint16(n[:]))
	if _, err := io.ReadFull(c, pkt); err != nil {
		return
	}
	q := new(dns.Msg)
	if q.Unpack(pkt) != nil {
		return
	}
	if b.broken.Load() {
		fail(c, q)
		return
	}
	_, _ = c.Write(frame(changed(q, func(*dns.Msg) {})))
}

func loopbackCert(t *testing.T, into *x509.CertPool, until time.Time) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(until.Unix()), IPAddresses: []net.IP{{127, 0, 0, 1}}, NotBefore: until.Add(-48 * time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	into.AddCert(leaf)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// clientTime is how long the stubs of most systems wait before they ask again.
const clientTime = 5 * time.Second

// TestStreamFaultsThroughTheDoor is TestFaultsThroughTheDoor for faults that
// streams have, over real sockets on both sides of the door: alone the client
// hears why before it would ask again, beside a healthy upstream it notices
// nothing, and an answer that has ended serves.
func TestStreamFaultsThroughTheDoor(t *testing.T) {
	t.Parallel()
	half := func(c net.Conn, q *dns.Msg) {
		b := frame(changed(q, func(*dns.Msg) {}))
		_, _ = c.Write(b[:len(b)/2])
	}
	hang := func(c net.Conn, q *dns.Msg) {
		half(c, q)
		_, _ = io.Copy(io.Discard, c) // until the asker gives up
	}
	silent := func(c net.Conn, _ *dns.Msg) { _, _ = io.Copy(io.Discard, c) }
	for _, c := range []struct {
		what            string
		secure, expired bool
		fail            func(net.Conn, *dns.Msg)
		ede             string // how the reason begins, UP stands for the upstream
	}{
		{"TCP dies within its answer", false, false, half, "23 UP "},
		{"TLS dies within its answer", true, false, half, "23 UP "},
		{"TCP stops within its answer", false, false, hang, "22 "},
		{"TLS stops within its answer", true, false, hang, "22 "},
		{"TCP is silent", false, false, silent, "22 "},
		{"TLS is silent", true, false, silent, "22 "},
		{"TLS with an expired certificate", true, true, half, "23 UP its certificate expired on "},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			b := newBreakable(t, c.secure, c.expired, c.fail)
			b.broken.Store(true)
			o := upstream.Options{RootCAs: b.roots}
			alone := newRig(t, Options{Upstream: group(t, o, b.addr)}, nil)
			m := alone.inTime(t)
			if got := ede(m); m.Rcode != dns.RcodeServerFailure || !strings.HasPrefix(got, strings.ReplaceAll(c.ede, "UP", b.addr)) {
				t.Errorf("alone: got %s %q, want SERVFAIL %q", dns.RcodeToString[m.Rcode], got, c.ede)
			}
			good := newUpstream(t, "a.example. 300 IN A 93.184.216.34")
			o.Strategy = upstream.Strict
			beside := newRig(t, Options{Upstream: group(t, o, b.addr, good.addr)}, nil)
			if m := beside.inTime(t); len(m.Answer) != 1 || ede(m) != "" {
				t.Errorf("beside a healthy one: got %v", m)
			}
			staleAfterFault(t, newBreakable(t, c.secure, c.expired, c.fail))
		})
	}
}

// inTime asks and wants an answer of any kind before the client's timer.
func (g *rig) inTime(t *testing.T) *dns.Msg {
	t.Helper()
	start := time.Now()
	m := g.ask(query("a.example", dns.TypeA, edns(1232, false)))
	if took := time.Since(start); took > clientTime+slack {
		t.Errorf("answered after %v, want it within the client's %v", took, clientTime)
	}
	return m
}

// staleAfterFault has an answer end, breaks the upstream, and wants the answer
// that has ended, marked as such.
func staleAfterFault(t *testing.T, b *breakable) {
	t.Helper()
	var later atomic.Int64
	g := newRig(t, Options{Upstream: group(t, upstream.Options{RootCAs: b.roots}, b.addr), Now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) }}, nil)
	if m := g.inTime(t); len(m.Answer) != 1 {
		t.Fatalf("before the fault: got %v", m)
	}
	later.Store(int64(5 * time.Minute))
	b.broken.Store(true)
	m := g.inTime(t)
	if len(m.Answer) != 1 || m.Answer[0].Header().Ttl != cache.StaleTTL || strings.TrimSpace(ede(m)) != "3" {
		t.Errorf("after an answer that has ended: got %v, want it with TTL %d and 3", m, cache.StaleTTL)
	}
}

// TestSlowUpstreamThroughTheDoor has answers come late, but in time; too late
// for a client that could have a stale one; and too late for everybody.
func TestSlowUpstreamThroughTheDoor(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	slow := func(by time.Duration) func(*dns.Msg, bool, func([]byte)) bool {
		return func(q *dns.Msg, _ bool, write func([]byte)) bool {
			go func() {
				select {
				case <-time.After(by):
					write(changed(q, func(*dns.Msg) {}))
				case <-ctx.Done():
				}
			}()
			return true
		}
	}
	t.Cleanup(cancel)
	t.Run("in time", func(t *testing.T) {
		t.Parallel()
		g := newRig(t, Options{Upstream: group(t, upstream.Options{}, faulty(t, slow(time.Second)))}, nil)
		if m := g.inTime(t); len(m.Answer) != 1 || ede(m) != "" {
			t.Errorf("got %v, want the answer", m)
		}
		held := make(chan struct{})
		servesStale(t, func(q *dns.Msg, _ bool, write func([]byte)) bool {
			go func() {
				select {
				case <-held:
					write(changed(q, func(*dns.Msg) {}))
				case <-ctx.Done():
				}
			}()
			return true
		})
		close(held)
	})
	t.Run("too late", func(t *testing.T) {
		t.Parallel()
		bad := faulty(t, slow(time.Minute))
		g := newRig(t, Options{Upstream: group(t, upstream.Options{}, bad)}, nil)
		if m := g.inTime(t); m.Rcode != dns.RcodeServerFailure || !strings.HasPrefix(ede(m), "22 ") {
			t.Errorf("got %v, want SERVFAIL with 22", m)
		}
		good := newUpstream(t, "a.example. 300 IN A 93.184.216.34")
		beside := newRig(t, Options{Upstream: group(t, upstream.Options{Strategy: upstream.Strict}, bad, good.addr)}, nil)
		if m := beside.inTime(t); len(m.Answer) != 1 || ede(m) != "" {
			t.Errorf("beside a healthy one: got %v", m)
		}
	})
}
