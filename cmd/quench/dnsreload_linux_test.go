package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/quench-proxy/quench/internal/lists"
)

const (
	// questionPace is how many questions fall due a second while lists and the
	// configuration change, from questionSockets sockets.
	questionPace, questionSockets = 5000, 8
	// mostWaiting bounds the questions of one socket that wait for an answer: so
	// many fit into the buffers of the kernel, which would drop others while a busy
	// machine lets us wait. What falls due meanwhile is asked late, and counted as late.
	mostWaiting = 48
	// tailAim is what 999 of 1000 questions may take, from when they fell due. It is
	// judged where QUENCH_MEASURE is 1, on a machine that has nothing else to do or
	// lets this go first (chrt -r 1 go test -run TestDNSReload ./cmd/quench).
	tailAim = 20 * time.Millisecond
	// measureFor is how long is measured then.
	measureFor = 20 * time.Second
	// askAt tells the process that asks whom, askDomains how many names are listed.
	askAt, askDomains = "QUENCH_TEST_ASK_AT", "QUENCH_TEST_ASK_DOMAINS"
)

func measuring() bool { return os.Getenv("QUENCH_MEASURE") == "1" }

// TestDNSReload changes lists and configuration of a running service while 5000
// questions a second come by UDP: each is answered, and as the lists of some
// moment say.
func TestDNSReload(t *testing.T) {
	domains, least := 5000, 3*time.Second
	if measuring() {
		domains, least = 100_000, measureFor
	}
	var one, two strings.Builder
	for i := range domains {
		fmt.Fprintf(&one, "||tracker%d.example^\n", i)
		fmt.Fprintf(&two, "||other%d.example^\n", i)
	}
	srv := listsThatChange(t, one.String(), two.String())
	up := answering(t)
	a := testApp(t)
	a.rules, a.configFile = "off", filepath.Join(t.TempDir(), "quench.yaml")
	configure := func(n int) {
		text := fmt.Sprintf("lists: [%s/0.txt, %s/1.txt]\nallow: [{to: allowed%d.example}]\nclients: [{name: me, match: [127.0.0.1], allow: [{to: a%d.example}]}]\n"+
			"dns: {listen: \"127.0.0.1:0\", upstreams: [\"udp://%s\"], strategy: %s}\n", srv.URL, srv.URL, n, n, up, []string{"parallel", "strict"}[n%2])
		if err := os.WriteFile(a.configFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	configure(0)
	// The ledger is on where it counts; a busy machine may not write it all in the
	// time that the end of a service has.
	s, err := a.openService(t.Context(), serviceOptions{kind: "serve", noRecord: !measuring()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}()
	update := func() {
		if err := s.lists.Update(t.Context(), lists.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	update()
	at, stop := servedDNS(t, s)
	defer stop()
	end := startAsking(t, at, domains)
	changes := 0
	for start := time.Now(); time.Since(start) < least || changes < 3; changes++ {
		next(t, srv.URL)
		update()
		configure(changes + 1)
		if err := s.reload(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(200 * time.Millisecond) // what a change costs shows beside what it costs to do nothing else
	}
	t.Logf("%d changes of lists and configuration", changes)
	end()
}

// startAsking has a process of its own ask, as clients do: end stops it and fails
// the test if it was not content.
func startAsking(t *testing.T, at string, domains int) (end func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestDNSReloadAsker$", "-test.v")
	cmd.Env = append(os.Environ(), askAt+"="+at, fmt.Sprintf("%s=%d", askDomains, domains))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		_ = in.Close()
		err := cmd.Wait()
		if t.Logf("%s", &out); err != nil || !strings.Contains(out.String(), "--- PASS: TestDNSReloadAsker") {
			t.Errorf("the process that asks: %v", err)
		}
	}
}

// TestDNSReloadAsker is the process that asks, until its input ends.
func TestDNSReloadAsker(t *testing.T) {
	at := os.Getenv(askAt)
	if at == "" {
		t.Skip("TestDNSReload runs it")
	}
	domains, err := strconv.Atoi(os.Getenv(askDomains))
	if err != nil {
		t.Fatal(err)
	}
	run := newAsking(t, at, domains)
	_, _ = io.Copy(io.Discard, os.Stdin)
	run.end(t)
}

// servedDNS opens and serves the DNS door of a service.
func servedDNS(t *testing.T, s *service) (at string, stop func()) {
	t.Helper()
	d, err := s.openDNS(t.Context(), passed{})
	if err != nil {
		t.Fatal(err)
	}
	s.dns.Store(d)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.serve(ctx, s) }()
	return d.listeners()[0].Address, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// answering is an upstream that has one address for every name.
func answering(t *testing.T) string {
	t.Helper()
	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &dns.Server{PacketConn: u, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.RecursionAvailable = true
		if q.Question[0].Qtype == dns.TypeA {
			m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: 1, Ttl: 5}, A: net.IP{93, 184, 216, 34}}}
		}
		_ = w.WriteMsg(m)
	})}
	up := make(chan struct{})
	srv.NotifyStartedFunc = func() { close(up) }
	go func() { _ = srv.ActivateAndServe() }()
	<-up
	t.Cleanup(func() { _ = srv.Shutdown() })
	return u.LocalAddr().String()
}

// asking asks at a pace from several sockets.
type asking struct {
	done    chan struct{}
	senders sync.WaitGroup
	all     [questionSockets]*asker
	start   time.Time
}

// asker is one socket. Its sender and its reader share slots, by the id.
type asker struct {
	conn    net.Conn
	start   time.Time // what due counts from
	packets [][]byte
	blocked []bool
	due     [65536]atomic.Int64 // when the question with this id fell due, in ns from start; 0 is answered
	waiting chan struct{}       // a token for each question that waits
	sent    int
	wrong   atomic.Int64
	took    []time.Duration
	read    sync.WaitGroup
}

func newAsking(t *testing.T, at string, domains int) *asking {
	t.Helper()
	r := &asking{done: make(chan struct{}), start: time.Now()}
	for i := range r.all {
		c, err := net.Dial("udp", at)
		if err != nil {
			t.Fatal(err)
		}
		a := &asker{conn: c, start: r.start.Add(-time.Second), waiting: make(chan struct{}, mostWaiting)}
		for j := range 512 {
			name, block := fmt.Sprintf("tracker%d.example.", (i*512+j)%domains), true
			if j%2 == 0 {
				name, block = fmt.Sprintf("fine%d.example.", j), false
			}
			pkt, err := new(dns.Msg).SetQuestion(name, dns.TypeA).Pack()
			if err != nil {
				t.Fatal(err)
			}
			a.packets, a.blocked = append(a.packets, pkt), append(a.blocked, block)
		}
		r.all[i] = a
		a.read.Go(a.reads)
		r.senders.Go(func() { a.sends(r.start.Add(time.Duration(i)*time.Millisecond/questionSockets), r.done) })
	}
	return r
}

// sends asks what falls due, until done.
func (a *asker) sends(start time.Time, done <-chan struct{}) {
	const each = time.Second * questionSockets / questionPace
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		for at := start.Add(time.Duration(a.sent) * each); time.Since(at) >= 0; at = at.Add(each) {
			select {
			case a.waiting <- struct{}{}:
			case <-time.After(patience):
				return // whatever waits is lost
			}
			pkt := a.packets[a.sent%len(a.packets)]
			binary.BigEndian.PutUint16(pkt, uint16(a.sent))
			a.due[uint16(a.sent)].Store(int64(at.Sub(a.start)))
			a.sent++
			if _, err := a.conn.Write(pkt); err != nil {
				return
			}
		}
		select {
		case <-done:
			return
		case <-tick.C:
		}
	}
}

// reads takes answers until the socket is closed.
func (a *asker) reads() {
	buf := make([]byte, 2048)
	for {
		n, err := a.conn.Read(buf)
		if err != nil {
			return
		}
		if n < 16 {
			a.wrong.Add(1)
			continue
		}
		id := binary.BigEndian.Uint16(buf)
		due := a.due[id].Swap(0)
		if due == 0 {
			a.wrong.Add(1) // nobody asked, or twice
			continue
		}
		a.took = append(a.took, time.Since(a.start)-time.Duration(due))
		null := [4]byte(buf[n-4:n]) == [4]byte{}
		if buf[3]&15 != 0 || binary.BigEndian.Uint16(buf[6:]) != 1 || null != a.blocked[int(id)%len(a.blocked)] {
			a.wrong.Add(1)
		}
		<-a.waiting
	}
}

// end stops asking, waits for the last answers and judges.
func (r *asking) end(t *testing.T) {
	t.Helper()
	close(r.done)
	r.senders.Wait()
	asked := time.Since(r.start)
	sent, wrong, lost := 0, int64(0), 0
	var took []time.Duration
	for _, a := range r.all {
		for end := time.Now().Add(patience); len(a.waiting) > 0 && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
		_ = a.conn.Close()
		a.read.Wait()
		sent, wrong, lost, took = sent+a.sent, wrong+a.wrong.Load(), lost+a.sent-len(a.took), append(took, a.took...)
	}
	slices.Sort(took)
	if len(took) == 0 {
		t.Fatal("no answer at all")
	}
	at := func(of float64) time.Duration { return took[int(float64(len(took)-1)*of)] }
	t.Logf("%d questions in %v (%.0f/s): %d lost, %d wrong; half within %v, 99 %% %v, 99.9 %% %v, the longest %v",
		sent, asked.Round(time.Millisecond), float64(sent)/asked.Seconds(), lost, wrong, at(.5), at(.99), at(.999), at(1))
	if lost != 0 || wrong != 0 {
		t.Errorf("%d questions lost, %d answered wrongly", lost, wrong)
	}
	if measuring() && at(.999) > tailAim {
		t.Errorf("999 of 1000 within %v, want %v", at(.999), tailAim)
	}
}
