package memory

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func open(t *testing.T, dir string, c *clock) *Memory {
	t.Helper()
	m, err := Open(dir, Options{Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func TestLearnedSurvivesAndExpires(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), newClock()
	m := open(t, dir, c)
	const url = "https://t.example/o/8f3a77cc10ab9d/x.gif?u=4711"
	other := "https://t.example/o/1b2c3d4e5f60718/x.gif"
	m.Learn("t.example", url, c.now())
	if !m.Policy("").Learned.Has(detect.EndpointKey("t.example", other)) {
		t.Error("an endpoint that differs only by its token is not known")
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	m = open(t, dir, c)
	if !m.Endpoints().Has(detect.EndpointKey("t.example", url)) {
		t.Error("the endpoint did not survive a restart")
	}
	old := m.Policy("")
	c.add(endpointLife - time.Minute)
	if m.Policy("") != old {
		t.Error("the policy changed although nothing did")
	}
	c.add(time.Minute)
	if m.Endpoints().Has(detect.EndpointKey("t.example", url)) {
		t.Error("the endpoint did not expire after 90 days")
	}
	if !old.Learned.Has(detect.EndpointKey("t.example", url)) {
		t.Error("a policy given out before changed")
	}
}

func TestStateShowsNoPerson(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ url, want string }{
		{"https://t.example/o/8f3a77cc10ab9d/x.gif?u=secret", "/o/*/x.gif"},
		{"https://t.example/u/anna@mail.example/p.png", "/u/*/p.png"},
		{"https://t.example/u/anna%40mail.example/p.png", "/u/*/p.png"},
		{"https://t.example/4111111111111111", "/*"},
		{"https://t.example/tel/491701234", "/tel/*"},
		{"https://t.example", "/"},
		{"https://t.example/" + strings.Repeat("word/", 100), strings.Repeat("/word", 41) + "/*"},
	} {
		if got := shownPath(tt.url); got != tt.want {
			t.Errorf("shownPath(%q) = %q, want %q", tt.url, got, tt.want)
		}
	}
}

func TestLearnBound(t *testing.T) {
	t.Parallel()
	c := newClock()
	m := open(t, t.TempDir(), c)
	for i := range maxEndpoints {
		// Filled behind Learn's back: what is under test is the one that is too many.
		m.endpoints[uint64(i)] = endpoint{host: "h", seen: c.now().Add(time.Duration(i) * time.Second)}
	}
	m.Learn("new.example", "https://new.example/p.gif", c.now().Add(time.Hour*24))
	if n := len(m.endpoints); n > maxEndpoints || n < maxEndpoints*9/10 {
		t.Errorf("%d endpoints kept, want a little less than %d", n, maxEndpoints)
	}
	if m.Endpoints().Has(0) {
		t.Error("the oldest endpoint was kept")
	}
	if !m.Endpoints().Has(maxEndpoints-1) || !m.Endpoints().Has(detect.EndpointKey("new.example", "https://new.example/p.gif")) {
		t.Error("a new endpoint was dropped")
	}
}

func TestAllows(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), newClock()
	m := open(t, dir, c)
	m.SetConfig(Config{Allows: []detect.Override{{On: "always.example"}}, Strict: true})
	id, err := m.AddAllow(detect.Override{To: "https://CDN.Example:8443/x"}, c.now().Add(15*time.Minute), "", "command")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.AddAllow(detect.Override{On: "bücher.example"}, time.Time{}, "kids", "page"); err != nil {
		t.Fatal(err)
	}
	type want struct {
		client, host, page string
		allowed            bool
	}
	check := func(when string, wants ...want) {
		t.Helper()
		for _, w := range wants {
			if got := m.Policy(w.client).Allows.Match(w.host, w.page); got != w.allowed {
				t.Errorf("%s: %+v: got %v", when, w, got)
			}
		}
	}
	check("at once",
		want{"", "x.cdn.example", "shop.example", true},
		want{"kids", "cdn.example", "", true},
		want{"kids", "t.example", "www.xn--bcher-kva.example", true},
		want{"", "t.example", "xn--bcher-kva.example", false},
		want{"", "t.example", "always.example", true},
		want{"kids", "t.example", "always.example", true})
	if !m.Policy("").Strict {
		t.Error("strict is lost")
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	m = open(t, dir, c)
	check("after a restart", want{"", "cdn.example", "", true}, want{"kids", "t.example", "xn--bcher-kva.example", true})
	c.add(15 * time.Minute)
	check("after its end", want{"", "cdn.example", "", false}, want{"kids", "t.example", "xn--bcher-kva.example", true})
	if err := m.RemoveAllow(id); err == nil {
		t.Error("an ended allow could be removed")
	}
	if list := m.ListAllows(); len(list) != 1 || list[0].Client != "kids" {
		t.Errorf("ListAllows = %+v, want the one of kids", list)
	}
	if n, err := m.RemoveOverride(detect.Override{On: "BÜCHER.example"}); n != 1 || err != nil {
		t.Errorf("RemoveOverride = %d, %v", n, err)
	}
	check("after removal", want{"kids", "t.example", "xn--bcher-kva.example", false})
}

func TestAllowAgainKeepsID(t *testing.T) {
	t.Parallel()
	c := newClock()
	m := open(t, t.TempDir(), c)
	a, _ := m.AddAllow(detect.Override{To: "a.example"}, c.now().Add(time.Minute), "", "")
	b, _ := m.AddAllow(detect.Override{To: "a.example"}, time.Time{}, "", "")
	if list := m.ListAllows(); a != b || len(list) != 1 || !list[0].Until.IsZero() {
		t.Errorf("ids %d and %d, list %+v; want one allow for ever", a, b, list)
	}
	if _, err := m.AddAllow(detect.Override{To: "b.example"}, c.now(), "", ""); err == nil {
		t.Error("an allow that has ended was taken")
	}
}

func TestAllowBound(t *testing.T) {
	t.Parallel()
	c := newClock()
	m := open(t, t.TempDir(), c)
	for i := range maxAllows {
		m.allows = append(m.allows, Allow{ID: ID(i + 1), Override: detect.Override{To: fmt.Sprintf("h%d.example", i)}})
	}
	if _, err := m.AddAllow(detect.Override{To: "one.example"}, time.Time{}, "", ""); err == nil {
		t.Errorf("more than %d allows were taken", maxAllows)
	}
	if _, err := m.AddAllow(detect.Override{To: "h3.example"}, time.Time{}, strings.Repeat("c", maxWord+1), ""); err == nil {
		t.Error("a client name past the bound was taken")
	}
}

func TestCleanHost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"Shop.Example", "shop.example"},
		{"shop.example.", "shop.example"},
		{"*.shop.example", "shop.example"},
		{"https://user:pw@shop.example:8443/a?b#c", "shop.example"},
		{"shop.example/path", "shop.example"},
		{"shop.example:443", "shop.example"},
		{"bücher.example", "xn--bcher-kva.example"},
		{"BÜCHER.example", "xn--bcher-kva.example"},
		{"192.0.2.1:80", "192.0.2.1"},
		{"[2001:db8::1]:443", "2001:db8::1"},
		{"http://[2001:DB8::1]/", "2001:db8::1"},
		{"nas", "nas"},
		{"a_b.example", "a_b.example"},
		{"googleapis.com", "googleapis.com"},
		{"com", ""},
		{"co.uk", ""},
		{"https://", ""},
		{"", ""},
		{"  ", ""},
		{"a b.example", ""},
		{"-a.example", ""},
		{"a..b", ""},
		{"<script>", ""},
		{strings.Repeat("a", 64) + ".example", ""},
		{strings.Repeat("a.", 200) + "example", ""},
		{strings.Repeat("a", maxTyped+1), ""},
	} {
		got, err := CleanHost(tt.in)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("CleanHost(%.40q) = %q, %v; want %q", tt.in, got, err, tt.want)
		}
	}
}

func FuzzCleanHost(f *testing.F) {
	for _, s := range []string{"shop.example", "https://a@b:1/", "[::1]:80", "bücher.example", "xn--", "*."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := CleanHost(s)
		if err != nil {
			return
		}
		if again, err := CleanHost(h); err != nil || again != h {
			t.Errorf("CleanHost(%q) = %q, but again %q, %v", s, h, again, err)
		}
	})
}

func TestDamagedStateIsMovedAside(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"not json":   "{\"schema\":1,",
		"old schema": `{"schema":0}`,
		"empty":      "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, StateName), []byte(data), 0o600); err != nil {
				t.Fatal(err)
			}
			var said strings.Builder
			m, err := Open(dir, Options{Log: slog.New(slog.NewTextHandler(&said, nil))})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			aside, _ := filepath.Glob(filepath.Join(dir, StateName+".corrupt-*"))
			if len(aside) != 1 {
				t.Fatalf("moved aside: %v, want one file", aside)
			}
			if got, _ := os.ReadFile(aside[0]); string(got) != data {
				t.Errorf("the file moved aside has %q, want %q", got, data)
			}
			if !strings.Contains(said.String(), "moved aside") {
				t.Errorf("the log says %q", said.String())
			}
		})
	}
}

func TestNewerStateIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, StateName)
	if err := os.WriteFile(file, []byte(`{"schema":2}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("Open = %v, want it to refuse", err)
	}
	if got, _ := os.ReadFile(file); string(got) != `{"schema":2}` {
		t.Errorf("the file became %q", got)
	}
}

func TestStateFileKeepsClients(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), newClock()
	m := open(t, dir, c)
	m.Clients().Proved("a browser")
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, StateName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("state file: %v, %v; want mode 0600", info, err)
	}
	if got := open(t, dir, c).Clients().Trust("a browser"); got != Proven {
		t.Errorf("after a restart the client is %v, want proven", got)
	}
}

func TestReadOnlyWritesNothing(t *testing.T) {
	t.Parallel()
	dir, c := t.TempDir(), newClock()
	m, err := Open(dir, Options{Now: c.now, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	m.Learn("a.example", "https://a.example/", c.now())
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%v was written", left)
	}
	if err := os.WriteFile(filepath.Join(dir, StateName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{ReadOnly: true}); err == nil {
		t.Error("a damaged state was read")
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	c := newClock()
	m := open(t, t.TempDir(), c)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 50 {
				host := fmt.Sprintf("h%d-%d.example", i, j)
				m.Learn(host, "https://"+host+"/p.gif", c.now())
				id, err := m.AddAllow(detect.Override{To: host}, c.now().Add(time.Minute), "", "")
				if err != nil {
					t.Error(err)
				}
				if !m.Policy("x").Allows.Match(host, "") {
					t.Errorf("%s is not allowed", host)
				}
				c.add(time.Millisecond)
				if err := m.RemoveAllow(id); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(m.Learned()); n != 200 {
		t.Errorf("%d endpoints learned, want 200", n)
	}
}

func TestPolicyDoesNotAllocate(t *testing.T) {
	c := newClock()
	m := open(t, t.TempDir(), c)
	if _, err := m.AddAllow(detect.Override{To: "a.example"}, c.now().Add(time.Hour), "kids", ""); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { m.Policy("kids"); m.Policy("") }); n != 0 {
		t.Errorf("Policy allocates %v times", n)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"schema":1,"last_id":3,"allows":[{"id":1,"to":"a.example","since":"2026-01-01T00:00:00Z"}],"endpoints":[{"key":"ff","host":"h","path":"/","seen":"2026-01-01T00:00:00Z"}]}`))
	f.Add([]byte(`{"schema":1,"allows":[{"to":"com"}]}`))
	f.Add([]byte(`{"schema":1,"history":{"key":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f","crossed":{"7":1763805600},"hosts":[{"sum":9,"sites":[1,2,3,4],"answers":1,"content":9,"seen":99999999999}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := &Memory{now: newClock().now, endpoints: map[uint64]endpoint{}, clients: NewClients(newClock().now, nil), history: NewHistory(newClock().now, nil)}
		if m.decode(data) != nil {
			return
		}
		m.rebuild()
		if _, err := m.encode(); err != nil && json.Valid(data) {
			t.Errorf("what was read cannot be written: %v", err)
		}
	})
}
