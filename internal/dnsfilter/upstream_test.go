package dnsfilter

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/quench-proxy/quench/internal/dnsfilter/cache"
	"github.com/quench-proxy/quench/internal/dnsfilter/upstream"
)

func group(t *testing.T, o upstream.Options, texts ...string) *upstream.Group {
	t.Helper()
	var err error
	if o.Servers, err = upstream.Parse(texts); err != nil {
		t.Fatal(err)
	}
	g, err := upstream.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

// faulty is an upstream on UDP and TCP that misbehaves as a function says: it
// gets a question, and writes what it likes; over TCP false ends the connection.
// nil from it is good behaviour.
func faulty(t *testing.T, do func(q *dns.Msg, tcp bool, write func([]byte)) bool) string {
	t.Helper()
	u, l, err := pair("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := u.ReadFromUDP(buf)
			if err != nil {
				return
			}
			if q := new(dns.Msg); q.Unpack(buf[:n]) == nil {
				do(q, false, func(b []byte) { _, _ = u.WriteToUDP(b, from) })
			}
		}
	}()
	go serveFrames(l, do)
	t.Cleanup(func() { _ = u.Close(); _ = l.Close() })
	return u.LocalAddr().String()
}

func serveFrames(l net.Listener, do func(*dns.Msg, bool, func([]byte)) bool) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(patience))
			for {
				var n [2]byte
				if _, err := io.ReadFull(c, n[:]); err != nil {
					return
				}
				b := make([]byte, int(n[0])<<8+int(n[1]))
				if _, err := io.ReadFull(c, b); err != nil {
					return
				}
				q := new(dns.Msg)
				if q.Unpack(b) != nil || !do(q, true, func(b []byte) { _, _ = c.Write(frame(b)) }) {
					return
				}
			}
		}()
	}
}

func changed(q *dns.Msg, change func(*dns.Msg)) []byte {
	m := addressFor(q, 60)
	change(m)
	b, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return b
}

// TestFaultsThroughTheDoor has each fault of an upstream in three settings:
// alone, where the client hears why within its patience; beside a healthy
// upstream; and after an answer that has ended, which then serves.
func TestFaultsThroughTheDoor(t *testing.T) {
	t.Parallel()
	send := func(changes ...func(*dns.Msg)) func(*dns.Msg, bool, func([]byte)) bool {
		return func(q *dns.Msg, _ bool, write func([]byte)) bool {
			for _, c := range changes {
				write(changed(q, c))
			}
			return true
		}
	}
	rcode := func(code int) func(*dns.Msg) { return func(m *dns.Msg) { m.Rcode, m.Answer = code, nil } }
	flood := make([]func(*dns.Msg), 100)
	for i := range flood {
		flood[i] = func(m *dns.Msg) { m.Id += uint16(i + 1) }
	}
	for _, c := range []struct {
		what, ede string // ede: UP stands for the upstream
		do        func(q *dns.Msg, tcp bool, write func([]byte)) bool
	}{
		{"silent", "22 UP did not answer in time", func(*dns.Msg, bool, func([]byte)) bool { return true }},
		{"wrong id", "22 UP did not answer in time", send(func(m *dns.Msg) { m.Id++ })},
		{"wrong question", "22 UP did not answer in time", send(func(m *dns.Msg) { m.Question[0].Name = "evil.example." })},
		{"spoofed flood, TCP dies", "23 UP sent too many answers that nobody asked for", func(q *dns.Msg, tcp bool, write func([]byte)) bool {
			return !tcp && send(flood...)(q, tcp, write)
		}},
		{"truncated, TCP dies", "23 UP sent half an answer and does not give it over TCP", func(q *dns.Msg, tcp bool, write func([]byte)) bool {
			return !tcp && send(func(m *dns.Msg) { m.Truncated = true })(q, tcp, write)
		}},
		{"REFUSED", "22 the upstream answered REFUSED", send(rcode(dns.RcodeRefused))},
		{"SERVFAIL", "22 the upstream answered SERVFAIL", send(rcode(dns.RcodeServerFailure))},
		{"NOTIMP", "22 the upstream answered NOTIMP", send(rcode(dns.RcodeNotImplemented))},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			bad := faulty(t, c.do)
			alone := newRig(t, Options{Upstream: group(t, upstream.Options{}, bad)}, nil)
			alone.fails(t, strings.ReplaceAll(c.ede, "UP", bad))
			good := newUpstream(t, "a.example. 300 IN A 93.184.216.34")
			beside := newRig(t, Options{Upstream: group(t, upstream.Options{Strategy: upstream.Strict}, bad, good.addr)}, nil)
			if m := beside.ask(query("a.example", dns.TypeA, edns(1232, false))); len(m.Answer) != 1 || ede(m) != "" {
				t.Errorf("beside a healthy one: got %v", m)
			}
			servesStale(t, c.do)
		})
	}
}

// fails asks and wants SERVFAIL with a reason, in time.
func (g *rig) fails(t *testing.T, want string) {
	t.Helper()
	start := time.Now()
	m := g.ask(query("a.example", dns.TypeA, edns(1232, false)))
	took := time.Since(start)
	if took >= answerTime && ede(m) == "22 no upstream answered in time" {
		return // this machine was so busy that the door's patience ended as soon as the upstream's
	}
	if m.Rcode != dns.RcodeServerFailure || ede(m) != want || took > answerTime+slack {
		t.Errorf("got %s %q after %v, want SERVFAIL %q within %v", dns.RcodeToString[m.Rcode], ede(m), took, want, answerTime)
	}
}

func servesStale(t *testing.T, do func(*dns.Msg, bool, func([]byte)) bool) {
	var mu sync.Mutex
	now, broken := time.Now(), false
	at := faulty(t, func(q *dns.Msg, tcp bool, write func([]byte)) bool {
		mu.Lock()
		b := broken
		mu.Unlock()
		if b {
			return do(q, tcp, write)
		}
		write(changed(q, func(*dns.Msg) {}))
		return true
	})
	g := newRig(t, Options{Upstream: group(t, upstream.Options{}, at), Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now }}, nil)
	g.ask(query("a.example", dns.TypeA, nil))
	mu.Lock()
	now, broken = now.Add(5*time.Minute), true
	mu.Unlock()
	start := time.Now()
	m := g.ask(query("a.example", dns.TypeA, edns(1232, false)))
	if took := time.Since(start); len(m.Answer) != 1 || m.Answer[0].Header().Ttl != cache.StaleTTL || strings.TrimSpace(ede(m)) != "3" || took > staleAfter+slack {
		t.Errorf("after an answer that has ended: got %v after %v, want it with 3 within %v", m, took, staleAfter)
	}
}

// TestExpiredCertificateThroughTheDoor names the upstream and the day.
func TestExpiredCertificateThroughTheDoor(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ended := time.Now().Add(-24 * time.Hour)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{{127, 0, 0, 1}}, NotBefore: ended.Add(-time.Hour), NotAfter: ended, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, _ := x509.ParseCertificate(der)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go serveFrames(l, func(q *dns.Msg, _ bool, write func([]byte)) bool { write(changed(q, func(*dns.Msg) {})); return true })
	g := newRig(t, Options{Upstream: group(t, upstream.Options{RootCAs: pool}, "tls://"+l.Addr().String())}, nil)
	g.fails(t, fmt.Sprintf("23 tls://%s its certificate expired on %s", l.Addr(), ended.UTC().Format(time.DateOnly)))
}

// TestDoorsInARow has one door ask another by every transport.
func TestDoorsInARow(t *testing.T) {
	t.Parallel()
	var txt strings.Builder
	for i := range 30 {
		fmt.Fprintf(&txt, ` "%02d%s"`, i, strings.Repeat("x", 100))
	}
	far, conf := secureRig(t, "big.example. 300 IN TXT"+txt.String())
	for _, up := range []string{
		far.at, "udp://" + far.at, "tcp://" + far.at, "tls://" + far.addr(DoT) + "#dns.home.example", "quic://" + far.addr(DoQ) + "#dns.home.example",
		"https://" + far.addr(DoH) + dohPath + "#dns.home.example", "https://" + far.addr(DoH) + dohPath, "h3://" + far.addr(DoH) + dohPath + "{?dns}",
	} {
		t.Run(up, func(t *testing.T) {
			t.Parallel()
			o := upstream.Options{RootCAs: conf.RootCAs}
			near := newRig(t, Options{Upstream: group(t, o, up)}, nil)
			for name, want := range map[string]string{"a.example": "a.example. A 93.184.216.34", "none.example": ""} {
				m := near.ask(query(name, dns.TypeA, edns(1232, false)))
				if got := text(m.Answer); got != want || (m.Rcode == dns.RcodeNameError) != (want == "") {
					t.Errorf("%s: got %v, want %q", name, m, want)
				}
			}
			c := dial(t, "tcp", near.at)
			_, _ = c.Write(frame(pack(t, query("big.example", dns.TypeTXT, edns(1232, false)))))
			if m := near.unpack(readTCP(t, c)); len(m.Answer) != 1 || len(m.Answer[0].(*dns.TXT).Txt) != 30 {
				t.Errorf("a big answer: got %v", m)
			}
		})
	}
}

// TestManyEqualQuestions sends one question upstream for forty, and different
// ones from different ports with different ids.
func TestManyEqualQuestions(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	release := make(chan struct{})
	ids := map[uint16]bool{}
	asked := 0
	at := faulty(t, func(q *dns.Msg, _ bool, write func([]byte)) bool {
		mu.Lock()
		asked++
		ids[q.Id] = true
		mu.Unlock()
		go func() { // or nobody would read the others
			if strings.HasPrefix(strings.ToLower(q.Question[0].Name), "same") {
				<-release
			}
			write(changed(q, func(*dns.Msg) {}))
		}()
		return true
	})
	g := newRig(t, Options{Upstream: group(t, upstream.Options{}, at)}, nil)
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() { g.ask(query("same.example", dns.TypeA, nil)) })
	}
	eventually(t, "all have come", func() bool { return g.Stats().Queries["udp"] == 40 })
	close(release)
	all.Wait()
	mu.Lock()
	if asked > 3 { // on a slow machine it is sent again, for nobody answers
		t.Errorf("asked upstream %d times, want 1", asked)
	}
	clear(ids)
	mu.Unlock()
	for i := range 60 {
		g.ask(query(fmt.Sprintf("n%d.example", i), dns.TypeA, nil))
	}
	mu.Lock()
	defer mu.Unlock()
	if len(ids) < 58 {
		t.Errorf("60 questions had %d ids, want nearly all distinct", len(ids))
	}
}

// TestLoopThroughUpstreams notices a door whose upstream is itself, if it has
// not been told what its own addresses are, and otherwise never asks itself.
func TestLoopThroughUpstreams(t *testing.T) {
	t.Parallel()
	for _, told := range []bool{false, true} {
		var up later
		g := newRig(t, Options{Upstream: &up}, nil)
		o := upstream.Options{}
		if told {
			o.Own = g.Own
		}
		up.set(group(t, o, g.at))
		if got := g.Looped(context.Background()); got == told {
			t.Errorf("told %v: looped %v", told, got)
		}
		before := g.Stats().Queries["udp"]
		m := g.ask(query("a.example", dns.TypeA, edns(1232, false)))
		if m.Rcode != dns.RcodeServerFailure {
			t.Errorf("told %v: got %v, want SERVFAIL", told, m)
		}
		if n := g.Stats().Queries["udp"] - before; told && (n != 1 || ede(m) != "22 "+g.at+" is this resolver itself") || n > 10 {
			t.Errorf("told %v: %d questions for one, %q", told, n, ede(m))
		}
	}
}

// later is an Exchanger that is known only once the door listens.
type later struct {
	mu sync.Mutex
	g  *upstream.Group
}

func (l *later) set(g *upstream.Group) { l.mu.Lock(); defer l.mu.Unlock(); l.g = g }
func (l *later) Covers(string) bool    { return false }
func (l *later) Exchange(ctx context.Context, q *dns.Msg) (*dns.Msg, upstream.From, error) {
	l.mu.Lock()
	g := l.g
	l.mu.Unlock()
	return g.Exchange(ctx, q)
}

// TestPrivateNamesGoWhereTheyBelong has the reverse zones of the home and its
// own names answered by the router, and by nobody else.
func TestPrivateNamesGoWhereTheyBelong(t *testing.T) {
	t.Parallel()
	// They are counted, so that it is TCP: over UDP a busy machine asks twice.
	router := newUpstream(t, "nas.lan. 60 IN A 192.168.1.9", "9.1.168.192.in-addr.arpa. 60 IN PTR nas.lan.")
	public := newUpstream(t, "rebind.example.com. 60 IN A 192.168.1.9")
	g := newRig(t, Options{Upstream: group(t, upstream.Options{}, "tcp://"+public.addr, "[/lan/private-ptr/]tcp://"+router.addr)}, nil)
	for _, c := range []struct {
		name  string
		qtype uint16
		want  string
	}{{"nas.lan", dns.TypeA, "nas.lan. A 192.168.1.9"}, {"9.1.168.192.in-addr.arpa", dns.TypePTR, "9.1.168.192.in-addr.arpa. PTR nas.lan."}, {"rebind.example.com", dns.TypeA, ""}} {
		if got := text(g.ask(query(c.name, c.qtype, nil)).Answer); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	if r, p := router.total(), public.total(); r != 2 || p != 1 {
		t.Errorf("the router was asked %d times and the others %d, want 2 and 1", r, p)
	}
	if ap := netip.MustParseAddrPort(g.at); !g.Own(ap) {
		t.Errorf("%v is not its own", ap)
	}
}
