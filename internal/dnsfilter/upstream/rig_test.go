package upstream

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// patience is how long a test waits for what must come.
const patience = 15 * time.Second

// call is one question that came to a fake upstream.
type call struct {
	via  string // "udp", "tcp", "tls"
	from net.Addr
	raw  []byte
	q    *dns.Msg
	send func([]byte)  // an answer, framed as via needs
	conn io.ReadWriter // of tcp and tls: for half answers
	drop func()        // ends the connection
	nth  int           // of all questions, from 1
	http *httpCall     // of DoH
}

// reply answers with the address that every fake gives.
func (c *call) reply(change ...func(*dns.Msg)) {
	m := answerTo(c.q)
	for _, f := range change {
		f(m)
	}
	b, err := m.Pack()
	if err != nil {
		panic(err)
	}
	c.send(b)
}

func answerTo(q *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	m.RecursionAvailable = true
	switch q.Question[0].Qtype {
	case dns.TypeA:
		m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: 1, Ttl: 300}, A: net.IP{93, 184, 216, 34}}}
	case dns.TypeNS:
		m.Answer = []dns.RR{&dns.NS{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeNS, Class: 1, Ttl: 300}, Ns: "a.root."}}
	}
	if q.IsEdns0() != nil {
		m.SetEdns0(1232, q.IsEdns0().Do())
	}
	return m
}

// tls is the state of the connection that a call came over.
func (c *call) tls() tls.ConnectionState { return c.conn.(*tls.Conn).ConnectionState() }

func rcode(code int) func(*dns.Msg) { return func(m *dns.Msg) { m.Rcode, m.Answer = code, nil } }

// fake is an upstream on loopback that does what a function says.
type fake struct {
	addr netip.AddrPort
	do   func(*call)

	mu    sync.Mutex
	calls []*call
	conns int
}

// newFake serves UDP and TCP on one port, or TLS alone.
func newFake(t testing.TB, conf *tls.Config, do func(*call)) *fake {
	t.Helper()
	if do == nil {
		do = func(c *call) { c.reply() }
	}
	f := &fake{do: do}
	for range 50 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		f.addr = netip.MustParseAddrPort(l.Addr().String())
		if conf != nil {
			f.listen(t, tls.NewListener(l, conf), "tls")
			return f
		}
		u, err := net.ListenPacket("udp", l.Addr().String())
		if err != nil {
			_ = l.Close()
			continue
		}
		f.listen(t, l, "tcp")
		f.packets(t, u)
		return f
	}
	t.Fatal("no port is free for both UDP and TCP")
	return nil
}

// nobody is an address at which nobody listens, by TCP or UDP, until the test
// ends: the near end of a connection has it, so that nobody else gets it.
func nobody(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range 50 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		// Of UDP it is a socket that hears one other port alone, which never speaks.
		near := c.LocalAddr().(*net.TCPAddr)
		u, err := net.DialUDP("udp", &net.UDPAddr{IP: near.IP, Port: near.Port}, &net.UDPAddr{IP: near.IP, Port: near.Port})
		if err == nil {
			t.Cleanup(func() { _ = u.Close() })
			return near.String()
		}
	}
	t.Fatal("no port is free for both UDP and TCP")
	return ""
}

func (f *fake) packets(t testing.TB, u net.PacketConn) {
	var all sync.WaitGroup
	all.Go(func() {
		buf := make([]byte, 65535)
		for {
			n, from, err := u.ReadFrom(buf)
			if err != nil {
				return
			}
			c := &call{via: "udp", from: from, raw: append([]byte(nil), buf[:n]...), drop: func() {}}
			c.send = func(b []byte) { _, _ = u.WriteTo(b, from) }
			all.Go(func() { f.handle(c) })
		}
	})
	t.Cleanup(func() { _ = u.Close(); all.Wait() })
}

func (f *fake) listen(t testing.TB, l net.Listener, via string) {
	var all sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			f.mu.Lock()
			f.conns++
			f.mu.Unlock()
			all.Go(func() { f.frames(c, via, &all) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
}

func (f *fake) frames(conn net.Conn, via string, all *sync.WaitGroup) {
	defer conn.Close()
	var wmu sync.Mutex
	r := bufio.NewReader(conn)
	for {
		var n [2]byte
		if _, err := io.ReadFull(r, n[:]); err != nil {
			return
		}
		c := &call{via: via, from: conn.RemoteAddr(), raw: make([]byte, binary.BigEndian.Uint16(n[:])), conn: conn}
		if _, err := io.ReadFull(r, c.raw); err != nil {
			return
		}
		c.send = func(b []byte) {
			wmu.Lock()
			defer wmu.Unlock()
			_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
		}
		c.drop = func() { _ = conn.Close() }
		all.Go(func() { f.handle(c) })
	}
}

func (f *fake) handle(c *call) {
	c.q = new(dns.Msg)
	if c.q.Unpack(c.raw) != nil {
		return
	}
	f.mu.Lock()
	f.calls = append(f.calls, c)
	c.nth = len(f.calls)
	do := f.do
	f.mu.Unlock()
	do(c)
}

// count is how many questions came over via, "" is any.
func (f *fake) count(via string) int {
	n := 0
	for _, c := range f.seen() {
		if via == "" || c.via == via {
			n++
		}
	}
	return n
}

func (f *fake) seen() []*call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*call(nil), f.calls...)
}

func (f *fake) connections() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.conns
}

// specs parses upstreams; the fakes stand for their addresses.
func specs(t testing.TB, texts ...string) []Spec {
	t.Helper()
	out, err := Parse(texts)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func newGroup(t testing.TB, o Options, texts ...string) *Group {
	t.Helper()
	o.Servers = append(o.Servers, specs(t, texts...)...)
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closes(t, g) })
	return g
}

// closes proves that Close ends.
func closes(t testing.TB, g *Group) {
	t.Helper()
	done := make(chan struct{})
	go func() { _ = g.Close(); close(done) }()
	select {
	case <-done:
	case <-time.After(patience):
		buf := make([]byte, 1<<20)
		t.Errorf("Close does not end; goroutines:\n%s", buf[:runtime.Stack(buf, true)])
	}
}

func query(name string, qtype uint16) *dns.Msg {
	m := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
	m.SetEdns0(1232, false)
	return m
}

// outcome is an answer, or why there is none, in few words.
func outcome(m *dns.Msg, err error) string {
	var e *Error
	switch {
	case errors.As(err, &e):
		return fmt.Sprintf("%d %s", e.Code, e.Text)
	case err != nil:
		return "not an *Error: " + err.Error()
	case m.Rcode != dns.RcodeSuccess:
		return dns.RcodeToString[m.Rcode]
	}
	var out []string
	for _, rr := range m.Answer {
		out = append(out, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	return strings.Join(out, " ")
}

const theAddress = "93.184.216.34"

// ask asks within the time that a door gives.
func ask(g *Group, name string) (string, From, time.Duration) { return askWithin(g, name, maxTime) }

func askWithin(g *Group, name string, most time.Duration) (string, From, time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	start := time.Now()
	m, from, err := g.Exchange(ctx, query(name, dns.TypeA))
	return outcome(m, err), from, time.Since(start)
}

// silenceTime is how long tests wait where nothing comes.
const silenceTime = 2500 * time.Millisecond

// slack is what a busy machine may add to any time; with it silence still ends
// before a client asks again, after five seconds.
const slack = 2 * time.Second

// want asks and compares, and holds the answer to its time.
func want(t *testing.T, g *Group, name, wanted string) {
	t.Helper()
	most := maxTime
	if strings.HasSuffix(wanted, "did not answer in time") {
		most = silenceTime
	}
	got, _, took := askWithin(g, name, most)
	if got != wanted {
		t.Errorf("%s: got %q, want %q", name, got, wanted)
	}
	if took > most+slack {
		t.Errorf("%s: took %v, want less than %v", name, took, most)
	}
}

// soon is well before maxTime, on a slow machine.
const soon = 3 * time.Second

func quietLog() *log.Logger { return log.New(io.Discard, "", 0) }

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Errorf("never: %s", what)
}
