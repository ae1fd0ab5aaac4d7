package upstream

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// half writes a frame that promises more than it brings.
func half(c *call) { _, _ = c.conn.Write([]byte{0, 60, c.raw[0], c.raw[1], 0x80}) }

// TestStreamFaults has one upstream that fails over TCP and over TLS in each
// way: alone there is the right error in time, with a second one an answer.
func TestStreamFaults(t *testing.T) {
	t.Parallel()
	conf, pool := certificate(t, "dns.example", time.Hour)
	died := "23 UP ended the connection before its answer"
	for _, c := range []struct {
		what, alone string
		do          func(*call)
	}{
		{"closes at once", died, func(c *call) { c.drop() }},
		{"dies within its answer", died, func(c *call) { half(c); c.drop() }},
		{"stops within its answer", "22 UP did not answer in time", half},
		{"silent", "22 UP did not answer in time", func(*call) {}},
		{"wrong id", "24 UP answered another question", func(c *call) { edit(c, wrongID) }},
		{"wrong question", "24 UP answered another question", func(c *call) { edit(c, wrongName) }},
		{"shorter than a header", "24 UP sent an answer that does not parse", func(c *call) { c.send([]byte{1, 2, 3}) }},
		{"garbage", "24 UP sent an answer that does not parse", func(c *call) { edit(c, func(b []byte) []byte { return b[:len(b)-20] }) }},
		{"first connection dies", theAddress, func(c *call) {
			if c.nth == 1 {
				half(c)
				c.drop()
				return
			}
			c.reply()
		}},
		{"slow", theAddress, func(c *call) { time.Sleep(time.Second); c.reply() }},
	} {
		for _, scheme := range []string{"tcp", "tls"} {
			t.Run(scheme+" "+c.what, func(t *testing.T) {
				t.Parallel()
				tc := conf
				if scheme == "tcp" {
					tc = nil
				}
				f := newFake(t, tc, c.do)
				up := scheme + "://" + f.addr.String()
				want(t, newGroup(t, Options{RootCAs: pool}, up), "www.example", strings.ReplaceAll(c.alone, "UP", up))
				good := newFake(t, nil, nil)
				g := newGroup(t, Options{RootCAs: pool, Strategy: Strict}, up, good.addr.String())
				for i := range 3 {
					got, _, took := ask(g, fmt.Sprintf("w%d.example", i))
					if got != theAddress || took > soon {
						t.Errorf("with a healthy second: got %q after %v, want %s soon", got, took, theAddress)
					}
				}
			})
		}
	}
}

// TestPipelining shows that questions share a connection and a slow one holds
// up none.
func TestPipelining(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	f := newFake(t, nil, func(c *call) {
		if strings.HasPrefix(c.q.Question[0].Name, "slow") {
			<-release
		}
		c.reply()
	})
	g := newGroup(t, Options{}, "tcp://"+f.addr.String())
	want(t, g, "first.example", theAddress)
	var all sync.WaitGroup
	slow := make(chan string, 5)
	for i := range 5 {
		all.Go(func() { got, _, _ := ask(g, fmt.Sprintf("slow%d.example", i)); slow <- got })
	}
	eventually(t, "the slow ones are asked", func() bool { return f.count("tcp") == 6 })
	for i := range 40 {
		want(t, g, fmt.Sprintf("fast%d.example", i), theAddress)
	}
	if len(slow) != 0 {
		t.Error("a slow question was answered before its time")
	}
	close(release)
	all.Wait()
	for range 5 {
		if got := <-slow; got != theAddress {
			t.Errorf("a slow question: got %q, want %s", got, theAddress)
		}
	}
	if n := f.connections(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// TestMoreConnections shows that many questions at once open more connections,
// within the bound.
func TestMoreConnections(t *testing.T) {
	t.Parallel()
	const many = maxPipes*maxPiped + 100
	release := make(chan struct{})
	f := newFake(t, nil, func(c *call) { <-release; c.reply() })
	g := newGroup(t, Options{}, "tcp://"+f.addr.String())
	var all sync.WaitGroup
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for i := range many {
		all.Go(func() {
			m, err := g.all[0].t.ask(ctx, &question{Question: query(fmt.Sprintf("n%d.example", i), dns.TypeA).Question[0], rd: true}, true)
			if got := outcome(m, err); got != theAddress {
				t.Errorf("question %d: got %q, want %s", i, got, theAddress)
			}
		})
	}
	eventually(t, "all are asked", func() bool { return f.count("") == many })
	close(release)
	all.Wait()
	if n := f.connections(); n < 2 || n > maxPipes {
		t.Errorf("%d connections for %d questions, want 2 to %d", n, many, maxPipes)
	}
}

// TestOneQuestionServers has a server that ends each connection after one
// answer, whatever else waits on it.
func TestOneQuestionServers(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil, func(c *call) { c.reply(); c.drop() })
	g := newGroup(t, Options{}, "tcp://"+f.addr.String())
	for i := range 5 {
		want(t, g, fmt.Sprintf("a%d.example", i), theAddress)
	}
	ok := 0
	var mu sync.Mutex
	for round := range 3 {
		var all sync.WaitGroup
		for i := range 10 {
			all.Go(func() {
				if got, _, _ := ask(g, fmt.Sprintf("r%d-%d.example", round, i)); got == theAddress {
					mu.Lock()
					ok++
					mu.Unlock()
				}
			})
		}
		all.Wait()
	}
	if ok < 20 {
		t.Errorf("%d of 30 questions at once were answered, want all but those that taught us", ok)
	}
}

// TestStalledConnection shows that a connection that a router has forgotten
// costs one question, not all that follow.
func TestStalledConnection(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil, nil)
	var mu sync.Mutex
	dead := map[string]bool{}
	f.do = func(c *call) {
		mu.Lock()
		is := dead[c.from.String()]
		mu.Unlock()
		if !is {
			c.reply()
		}
	}
	g := newGroup(t, Options{}, "tcp://"+f.addr.String())
	want(t, g, "a.example", theAddress)
	mu.Lock()
	dead[f.seen()[0].from.String()] = true
	mu.Unlock()
	want(t, g, "b.example", "22 tcp://"+f.addr.String()+" did not answer in time")
	want(t, g, "c.example", theAddress)
	if n := f.connections(); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

// TestResumption shows that a second connection resumes the first one's session.
func TestResumption(t *testing.T) {
	t.Parallel()
	conf, pool := certificate(t, "dns.example", time.Hour)
	f, spec := secureFake(t, "tls", conf, func(c *call) { c.reply(); c.drop() })
	g := newGroup(t, Options{RootCAs: pool}, spec)
	for i := range 3 {
		want(t, g, fmt.Sprintf("a%d.example", i), theAddress)
	}
	resumed := 0
	for _, c := range f.seen() {
		st := c.tls()
		if st.NegotiatedProtocol != "dot" {
			t.Errorf("ALPN %q, want dot", st.NegotiatedProtocol)
		}
		if st.DidResume {
			resumed++
		}
	}
	if n := len(f.seen()); resumed < n-1 || n < 3 {
		t.Errorf("%d of %d connections resumed, want all but the first", resumed, n)
	}
}

// TestHTTPFaults is TestStreamFaults for DNS over HTTPS and HTTP/3.
func TestHTTPFaults(t *testing.T) {
	t.Parallel()
	conf, pool := certificate(t, "dns.example", time.Hour)
	for _, c := range []struct {
		what, alone string
		do          func(*call)
	}{
		{"403", "23 UP answered HTTP 403", func(c *call) { c.http.w.WriteHeader(403) }},
		{"redirect", "23 UP answered HTTP 302", func(c *call) {
			c.http.w.Header().Set("Location", "/elsewhere")
			c.http.w.WriteHeader(302)
		}},
		{"a page", "23 UP did not answer with DNS", func(c *call) { _, _ = io.WriteString(c.http.w, "<html>log in</html>") }},
		{"dies", "23 UP ended the connection before its answer", func(c *call) { c.drop() }},
		{"dies within its answer", "23 UP ended the connection before its answer", func(c *call) {
			c.http.w.Header().Set("Content-Length", "100")
			c.http.w.Header().Set("Content-Type", dohType)
			_, _ = c.http.w.Write(c.raw[:12])
			_ = http.NewResponseController(c.http.w).Flush()
			c.drop()
		}},
		{"too long", "24 UP sent an answer that does not parse", func(c *call) { c.send(make([]byte, dns.MaxMsgSize+100)) }},
		{"wrong question", "24 UP answered another question", func(c *call) { edit(c, wrongName) }},
		{"garbage", "24 UP sent an answer that does not parse", func(c *call) { edit(c, func(b []byte) []byte { return b[:len(b)-20] }) }},
		{"silent", "22 UP did not answer in time", func(c *call) { <-c.http.r.Context().Done() }},
	} {
		for _, scheme := range []string{"https", "h3"} {
			t.Run(scheme+" "+c.what, func(t *testing.T) {
				t.Parallel()
				f, spec := secureFake(t, scheme, conf, c.do)
				up := scheme + "://" + f.addr.String()
				want(t, newGroup(t, Options{RootCAs: pool}, spec), "www.example", strings.ReplaceAll(c.alone, "UP", up))
				good := newFake(t, nil, nil)
				g := newGroup(t, Options{RootCAs: pool, Strategy: Strict}, spec, good.addr.String())
				if got, _, took := ask(g, "w.example"); got != theAddress || took > soon {
					t.Errorf("with a healthy second: got %q after %v, want %s soon", got, took, theAddress)
				}
			})
		}
	}
}

// TestQUICFaults is the same for DNS over QUIC.
func TestQUICFaults(t *testing.T) {
	t.Parallel()
	conf, pool := certificate(t, "dns.example", time.Hour)
	died := "23 UP ended the connection before its answer"
	end := func(c *call) { _ = c.conn.(io.Closer).Close() }
	for _, c := range []struct {
		what, alone string
		do          func(*call)
	}{
		{"dies", died, func(c *call) { c.drop() }},
		{"half an answer", died, func(c *call) { half(c); end(c) }},
		{"no answer", died, end},
		{"two answers", "24 UP sent an answer that does not parse", func(c *call) {
			b, _ := answerTo(c.q).Pack()
			_, _ = c.conn.Write(append([]byte{0, byte(len(b))}, b...))
			c.send(b)
		}},
		{"wrong question", "24 UP answered another question", func(c *call) { edit(c, wrongName) }},
		{"wrong id", "24 UP answered another question", func(c *call) { edit(c, wrongID) }},
		{"silent", "22 UP did not answer in time", func(*call) {}},
		{"first connection dies", theAddress, func(c *call) {
			if c.nth == 2 {
				c.drop()
				return
			}
			c.reply()
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			f, spec := secureFake(t, "quic", conf, c.do)
			g := newGroup(t, Options{RootCAs: pool}, spec)
			if c.alone == theAddress {
				want(t, g, "before.example", theAddress)
			}
			want(t, g, "www.example", strings.ReplaceAll(c.alone, "UP", "quic://"+f.addr.String()))
			good := newFake(t, nil, nil)
			g = newGroup(t, Options{RootCAs: pool, Strategy: Strict}, spec, good.addr.String())
			if got, _, took := ask(g, "w.example"); got != theAddress || took > soon {
				t.Errorf("with a healthy second: got %q after %v, want %s soon", got, took, theAddress)
			}
		})
	}
}
