package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/quench-proxy/quench/internal/control"
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/ledger"
)

// upstreamFor answers every A question: names below "alias.example" lead to
// x.listed.example, "gone.example" does not exist, all else is on loopback.
func upstreamFor(t *testing.T) (addr string, asked *atomic.Int64) {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked = new(atomic.Int64)
	srv := &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		asked.Add(1)
		m := new(dns.Msg).SetReply(q)
		name := strings.ToLower(q.Question[0].Name)
		owner := q.Question[0].Name
		if strings.HasSuffix(name, ".alias.example.") {
			rr, _ := dns.NewRR(owner + " 60 IN CNAME x.listed.example.")
			m.Answer, owner = append(m.Answer, rr), "x.listed.example."
		}
		switch {
		case name == "gone.example.":
			m.Rcode = dns.RcodeNameError
		case q.Question[0].Qtype == dns.TypeA:
			rr, _ := dns.NewRR(owner + " 60 IN A 127.0.0.1")
			m.Answer = append(m.Answer, rr)
		}
		_ = w.WriteMsg(m)
	})}
	go func() { _ = srv.ActivateAndServe() }()
	t.Cleanup(func() { _ = srv.Shutdown() })
	return pc.LocalAddr().String(), asked
}

// both is a service with both doors open, in this process.
type both struct {
	*service
	t           *testing.T
	proxy, addr string // of the doors
}

func openBoth(t *testing.T, config string, files map[string]string) *both {
	t.Helper()
	a := testApp(t)
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a.configFile = filepath.Join(dir, configName)
	if err := os.WriteFile(a.configFile, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := a.openService(t.Context(), serviceOptions{kind: "serve", over: overrides{proxy: "127.0.0.1:0", dns: "127.0.0.1:0"}})
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.openDoors(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.run(ctx, list...) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		if err := s.close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	b := &both{service: s, t: t, proxy: list[0].Addr().String()}
	for _, l := range s.status().Listeners {
		if l.Name == "dns" {
			b.addr = l.Address
		}
	}
	return b
}

// ask asks for an A record from an address of this machine.
func (b *both) ask(from, name string) string {
	b.t.Helper()
	c := &dns.Client{Timeout: patience, Dialer: &net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(from)}, Timeout: patience}}
	in, _, err := c.Exchange(new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA), b.addr)
	if err != nil {
		b.t.Fatalf("%s from %s: %v", name, from, err)
	}
	return answerText(in)
}

// get fetches through the proxy, as an image.
func (b *both) get(from, link string) (status int, kind string) {
	b.t.Helper()
	d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true, DialContext: d.DialContext,
		Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: b.proxy})}}
	req, err := http.NewRequest("GET", link, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Accept", "image/*")
	req.Header.Set("Referer", "http://page.example/")
	resp, err := c.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Header.Get("Content-Type")
}

func (b *both) events() (doors map[string]int) {
	b.t.Helper()
	doors = map[string]int{}
	err := b.book().events(b.t.Context(), control.Query{}, func(e ledger.Event) error {
		doors[e.Door+" "+e.Client+" "+e.Request.Host+" "+e.Action.String()] += e.Count
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return doors
}

const bothConfig = `
proxy: {private_names: [site.example, alias.example]}
dns: {upstreams: ["udp://%s"], private_names: [site.example, alias.example, listed.example, later.example], query_log: true}
lists: [./all.txt]
clients:
- {name: kids, match: [127.0.0.9], lists: [./kids.txt], allow: [{to: fine.listed.example}]}
- {name: guest, match: [127.0.1.0/24], pause: true}
- {name: night, match: [127.0.2.0/24], schedule: [{at: "00:00-24:00", lists: []}]}
`

var bothFiles = map[string]string{"all.txt": "||listed.example^\n", "kids.txt": "||game.site.example^\n||fine.listed.example^\n"}

// TestBothDoors asks by DNS and by HTTP, and finds both in one log.
func TestBothDoors(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("asks from other addresses of loopback")
	}
	up, asked := upstreamFor(t)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "site") }))
	t.Cleanup(site.Close)
	b := openBoth(t, fmt.Sprintf(bothConfig, up), bothFiles)
	port := netip.MustParseAddrPort(strings.TrimPrefix(site.URL, "http://")).Port()

	const null, true127 = "NOERROR 0.0.0.0", "NOERROR 127.0.0.1"
	for _, tt := range []struct{ from, name, want string }{
		{"127.0.0.1", "www.listed.example", null},
		{"127.0.0.1", "game.site.example", true127}, // the list is the kids' alone
		{"127.0.0.9", "game.site.example", null},
		{"127.0.0.9", "www.listed.example", true127}, // and theirs replaces the others
		{"127.0.0.9", "fine.listed.example", true127},
		{"127.0.1.7", "www.listed.example", true127},
		{"127.0.2.7", "www.listed.example", true127},
		{"127.0.0.1", "a.alias.example", null},
		{"127.0.0.1", "gone.example", "NXDOMAIN"},
	} {
		if got := b.ask(tt.from, tt.name); got != tt.want {
			t.Errorf("%s asks for %s: %s, want %s", tt.from, tt.name, got, tt.want)
		}
	}

	// The proxy finds the site by our door, and sees where an alias leads.
	before := asked.Load()
	if code, _ := b.get("127.0.0.1", fmt.Sprintf("http://www.site.example:%d/", port)); code != http.StatusOK || asked.Load() == before {
		t.Errorf("a site through the proxy: %d, the upstream was asked %v", code, asked.Load() > before)
	}
	if code, kind := b.get("127.0.0.1", fmt.Sprintf("http://b.alias.example:%d/p.gif?id=1", port)); code != http.StatusOK || kind != "image/gif" {
		t.Errorf("a disguised tracker through the proxy: %d %s, want an image of ours", code, kind)
	}
	// The groups hold for the proxy too.
	if code, kind := b.get("127.0.0.9", fmt.Sprintf("http://game.site.example:%d/p.gif", port)); kind != "image/gif" {
		t.Errorf("the kids' list through the proxy: %d %s", code, kind)
	}
	if code, kind := b.get("127.0.0.1", fmt.Sprintf("http://game.site.example:%d/p.gif", port)); code != http.StatusOK || kind == "image/gif" {
		t.Errorf("the kids' list for others: %d %s", code, kind)
	}

	got := b.events()
	for _, want := range []string{
		"dns  www.listed.example block", "dns kids game.site.example block", "dns guest www.listed.example observe",
		"dns  a.alias.example block", "proxy  b.alias.example block",
	} {
		if got[want] != 1 {
			t.Errorf("%q is in the log %d times, want once: %v", want, got[want], got)
		}
	}
	for e := range got {
		if strings.HasPrefix(e, "dns") && strings.Contains(e, "b.alias.example") {
			t.Errorf("told twice: %q", e)
		}
	}
	b.figures()
	b.loggedQueries()
}

// figures looks at what Prometheus would read.
func (b *both) figures() {
	w := httptest.NewRecorder()
	b.api().Metrics.ServeHTTP(w, httptest.NewRequest("GET", "/v1/metrics", nil))
	for _, want := range []string{`quench_dns_queries_total{via="udp"} 9`, "quench_dns_blocked_total 3\n", `quench_dns_answers_total{rcode="3"} 1`, "quench_dns_upstream_up{"} {
		if !strings.Contains(w.Body.String(), want) {
			b.t.Errorf("metrics lack %q:\n%s", want, w.Body)
		}
	}
	for _, secret := range []string{"listed.example", "kids"} {
		if strings.Contains(w.Body.String(), secret) {
			b.t.Errorf("metrics name %q", secret)
		}
	}
}

// loggedQueries looks at the query log.
func (b *both) loggedQueries() {
	var text string
	for end := time.Now().Add(patience); strings.Count(text, "\n") < 9 && time.Now().Before(end); {
		data, err := os.ReadFile(filepath.Join(b.dir, queryLogName))
		if err != nil {
			b.t.Fatal(err)
		}
		text = string(data)
		<-time.After(20 * time.Millisecond) // a poll
	}
	for line := range strings.Lines(text) {
		var q queryLine
		if err := json.Unmarshal([]byte(line), &q); err != nil || len(q.Client) != 8 || !strings.HasSuffix(q.Time, ":00Z") {
			b.t.Errorf("query log: %v: %s", err, line)
		}
	}
	if strings.Contains(text, "kids") || strings.Contains(text, "127.0.0.9") || !strings.Contains(text, `"host":"gone.example"`) {
		b.t.Errorf("query log names clients, or lacks a question:\n%s", text)
	}
}

// TestAllowForGroup lets something pass for one group at once, and for as long
// as it says.
func TestAllowForGroup(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("asks from other addresses of loopback")
	}
	up, _ := upstreamFor(t)
	b := openBoth(t, fmt.Sprintf(bothConfig, up), bothFiles)
	const null, true127 = "NOERROR 0.0.0.0", "NOERROR 127.0.0.1"
	expect := func(when, kids, others string) {
		t.Helper()
		if got := b.ask("127.0.0.9", "game.site.example"); got != kids {
			t.Errorf("%s: the kids get %s, want %s", when, got, kids)
		}
		if got := b.ask("127.0.0.1", "x.listed.example"); got != others {
			t.Errorf("%s: others get %s, want %s", when, got, others)
		}
	}
	expect("first", null, null)
	al := memoryAllows{b.mem}
	game := detect.Override{To: "game.site.example"}
	if _, err := al.add(control.AllowRequest{Override: game, Client: "kids", Seconds: 60}); err != nil {
		t.Fatal(err)
	}
	if _, err := al.add(control.AllowRequest{Override: detect.Override{To: "listed.example"}, Client: "kids"}); err != nil {
		t.Fatal(err)
	}
	expect("allowed for the kids", true127, null)
	if got := b.ask("127.0.0.9", "fine.listed.example"); got != true127 {
		t.Errorf("their own allow: %s", got)
	}
	if _, err := al.remove(control.RemoveRequest{Override: game}); err != nil {
		t.Fatal(err)
	}
	expect("taken back", null, null)

	// A reload that moves lists between groups holds at once; a fault changes nothing.
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(b.app.configFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(fmt.Sprintf(strings.Replace(bothConfig, "kids.txt", "all.txt", 1), up))
	if err := b.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect("another list", true127, null)
	write(strings.Replace(bothConfig, "127.0.1.0/24", "127.0.0.9", 1))
	if err := b.reload(t.Context()); err == nil {
		t.Error("a match in two groups was taken")
	}
	expect("after a fault", true127, null)
	two, _ := upstreamFor(t)
	write(fmt.Sprintf(bothConfig, two))
	if err := b.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := b.dns.Load().asked(); len(got) != 1 || got[0] != "udp://"+two {
		t.Errorf("after a reload it asks %v, want udp://%s", got, two)
	}
	expect("after another upstream", null, null)
}

// TestSystemUpstreams takes those of the system but for ourselves.
func TestSystemUpstreams(t *testing.T) {
	t.Parallel()
	conf := filepath.Join(t.TempDir(), "resolv.conf")
	for _, tt := range []struct {
		text string
		own  []string
		want string
	}{
		{"nameserver 192.0.2.1\nnameserver 127.0.0.1\n", []string{"127.0.0.1:53"}, "[udp://192.0.2.1:53]"},
		{"nameserver 127.0.0.1\n", []string{"127.0.0.1:5335"}, "[udp://127.0.0.1:53]"},
		{"nameserver 127.0.0.1\nnameserver ::1\n", []string{"0.0.0.0:53"}, "this system names no resolver"},
		{"# none\n", nil, "this system names no resolver"},
		{"", nil, "this system names no resolver"},
	} {
		if err := os.WriteFile(conf, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, got, err := systemServers(conf, ownOf(tt.own))
		if text := fmt.Sprint(got, err); !strings.Contains(text, tt.want) {
			t.Errorf("%q, listening on %v: %s, want %s", tt.text, tt.own, text, tt.want)
		}
	}
	if _, _, err := systemServers(filepath.Join(t.TempDir(), "none"), nil); err != errNobody {
		t.Errorf("without a file: %v", err)
	}
}

func TestLeases(t *testing.T) {
	t.Parallel()
	mac, _ := net.ParseMAC("00:00:5e:00:53:01")
	six := netip.MustParseAddr("fe80::1")
	m := map[netip.Addr]neighbourInfo{six: {mac: mac}}
	parseLeases("1 00:00:5e:00:53:01 192.0.2.7 tablet *\n\nduid x\n1 zz 192.0.2.8 * *\n1 00:00:5e:00:53:02 nowhere name *\n", m)
	for a, want := range map[string]string{"192.0.2.7": "tablet", "192.0.2.8": "", "fe80::1": "tablet"} {
		if got := m[netip.MustParseAddr(a)].name; got != want {
			t.Errorf("%s is %q, want %q", a, got, want)
		}
	}
	if len(m) != 3 || m[netip.MustParseAddr("192.0.2.7")].mac.String() != mac.String() {
		t.Errorf("read %v", m)
	}
}
