package proxy

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/memory"
	"github.com/quench-proxy/quench/internal/proxy/filter"
)

// agent is a client with an own User-Agent on CONNECT, so that it counts as a
// program of its own within one test process.
func (w *world) agent(proxy, name string, roots *x509.CertPool) *http.Client {
	c := w.client(proxy, roots, false)
	tr := c.Transport.(*http.Transport)
	tr.ProxyConnectHeader = http.Header{"User-Agent": {name}}
	tr.DisableKeepAlives = true
	return c
}

const ours = "Quench local CA"

func whose(t testing.TB, c *http.Client, url string) string {
	t.Helper()
	who, err := issuer(c, url)
	switch {
	case err == nil && strings.HasPrefix(who, ours):
		return "intercepted"
	case err == nil && who == "Test Root":
		return "spliced"
	case err != nil && alertIn(err, 112):
		return "refused"
	case err != nil:
		return "failed"
	}
	return who
}

func alertIn(err error, code uint8) bool {
	got, ok := remoteAlert(err)
	return ok && got == code
}

func newChoice(t *testing.T, change func(*Proxy)) *world {
	w := newWorld(t, change)
	w.site(http.HandlerFunc(greet), "site.example", "other.example", "third.example", "px.acme.example", "bank.example")
	return w
}

func bothRoots(w *world) *x509.CertPool {
	both := w.roots.pool.Clone()
	both.AddCert(w.p.CA.Certificate())
	return both
}

func TestProofOfTrust(t *testing.T) {
	t.Parallel()
	w := newChoice(t, nil)
	addr := w.serve(Auto)
	trusting := w.agent(addr, "trusting", bothRoots(w))
	other := w.agent(addr, "other", bothRoots(w))
	if got := whose(t, trusting, "https://site.example/"); got != "spliced" {
		t.Errorf("unproven client: %s", got)
	}
	resp, body := get(t, trusting, "https://px.acme.example/tr?id=1", "Sec-Fetch-Dest", "image")
	if resp.StatusCode != 200 || !strings.HasPrefix(body, "GIF8") {
		t.Errorf("probe: %d %q", resp.StatusCode, body)
	}
	if got := whose(t, trusting, "https://site.example/"); got != "intercepted" {
		t.Errorf("after the proof: %s", got)
	}
	if got := whose(t, other, "https://site.example/"); got != "spliced" {
		t.Errorf("another program: %s", got)
	}
	s := w.p.Stats()
	if s.Intercepted != 2 || s.Spliced[reasonUnproven] != 2 || s.Refused != 0 {
		t.Errorf("stats %+v", s)
	}
	if _, notes := w.book.all(); len(notes) != 0 {
		t.Errorf("hosts were noted: %+v", notes)
	}
}

func TestRefusalOfAProbe(t *testing.T) {
	t.Parallel()
	w := newChoice(t, nil)
	addr := w.serve(Auto)
	c := w.agent(addr, "distrusting", w.roots.pool)
	if got := whose(t, c, "https://px.acme.example/tr?id=1"); got != "failed" {
		t.Errorf("probe: %s", got)
	}
	w.refusals(1)
	for range 2 {
		if got := whose(t, c, "https://px.acme.example/tr?id=1"); got != "refused" {
			t.Errorf("the tracker: %s, want refused by name", got)
		}
	}
	if got := whose(t, c, "https://site.example/"); got != "spliced" {
		t.Errorf("a page: %s", got)
	}
	seen, notes := w.book.all()
	if len(seen) != 2 || seen[0].Decision.Action != detect.Block || seen[0].Seen.Request.Host != "px.acme.example" || seen[0].Seen.Reply != detect.ReplyRefused {
		t.Errorf("sightings %+v", seen)
	}
	if len(notes) != 1 || !strings.Contains(notes[0].Sentence, "does not accept Quench's certificate") {
		t.Errorf("notes %+v", notes)
	}
	if n := w.dialled(netip.AddrPortFrom(w.names["px.acme.example"].Addrs[0], 443).String()); n != 0 {
		t.Errorf("the tracker was dialled %d times", n)
	}
	w.p.Clients.Reset() // ca install
	if got := whose(t, w.agent(addr, "distrusting", bothRoots(w)), "https://px.acme.example/tr?id=1"); got != "intercepted" {
		t.Errorf("after ca install: %s", got)
	}
}

// pinned accepts our certificate but for some hosts.
func pinned(c *http.Client, hosts ...string) *http.Client {
	tr := c.Transport.(*http.Transport)
	old := tr.TLSClientConfig
	tr.TLSClientConfig = old.Clone()
	tr.TLSClientConfig.VerifyPeerCertificate = func(_ [][]byte, chains [][]*x509.Certificate) error {
		for _, h := range hosts {
			leaf := chains[0][0]
			if leaf.VerifyHostname(h) == nil && strings.HasPrefix(leaf.Issuer.CommonName, ours) {
				return errors.New("pinned")
			}
		}
		return nil
	}
	return c
}

func TestPinnedHost(t *testing.T) {
	t.Parallel()
	w := newChoice(t, nil)
	addr := w.serve(Always)
	c := pinned(w.agent(addr, "app", bothRoots(w)), "site.example")
	for i, want := range []string{"failed", "failed", "spliced", "spliced"} {
		if got := whose(t, c, "https://site.example/"); got != want {
			t.Errorf("connection %d: %s, want %s", i+1, got, want)
		}
		w.refusals(min(i+1, 2))
	}
	if got := whose(t, c, "https://other.example/"); got != "intercepted" {
		t.Errorf("another host: %s", got)
	}
	_, notes := w.book.all()
	want := "site.example is left alone for a day: the program that asked does not accept Quench's certificate."
	if len(notes) != 1 || notes[0].Sentence != want || notes[0].Request.Host != "site.example" {
		t.Errorf("notes %+v", notes)
	}
}

func TestTwoHostsEndTheProof(t *testing.T) {
	t.Parallel()
	w := newChoice(t, nil)
	addr := w.serve(Auto)
	c := pinned(w.agent(addr, "app", bothRoots(w)), "site.example", "other.example")
	_ = whose(t, c, "https://px.acme.example/tr?id=1")
	failed := 0
	for _, step := range [][2]string{{"third.example", "intercepted"}, {"site.example", "failed"}, {"other.example", "failed"},
		{"third.example", "spliced"}, {"site.example", "spliced"}, {"px.acme.example", "refused"}} {
		if got := whose(t, c, "https://"+step[0]+"/"); got != step[1] {
			t.Errorf("%s: %s, want %s", step[0], got, step[1])
		}
		if step[1] == "failed" {
			failed++
		}
		w.refusals(failed)
	}
}

// refusals waits until the proxy knows of n refusals: the client knows first.
func (w *world) refusals(n int) {
	w.t.Helper()
	eventually(w.t, "the proxy learns of the refusal", func() bool { return w.p.Stats().Refusals >= int64(n) })
}

func TestNeverList(t *testing.T) {
	t.Parallel()
	w := newChoice(t, func(p *Proxy) {
		p.Never = func(h string) (string, bool) { return "bank", h == "bank.example" || h == "px.acme.example" }
	})
	addr := w.serve(Always)
	c := w.agent(addr, "x", bothRoots(w))
	if got := whose(t, c, "https://bank.example/"); got != "spliced" {
		t.Errorf("bank: %s", got)
	}
	if got := whose(t, c, "https://px.acme.example/"); got != "refused" {
		t.Errorf("a tracker on the never-list: %s", got)
	}
	if _, notes := w.book.all(); len(notes) != 0 || w.p.Stats().Spliced["bank"] != 1 {
		t.Errorf("notes %v, stats %+v", notes, w.p.Stats())
	}
}

func TestNeverIntercept(t *testing.T) {
	t.Parallel()
	w := newChoice(t, nil)
	addr := w.serve(Never)
	c := w.agent(addr, "x", bothRoots(w))
	for host, want := range map[string]string{"site.example": "spliced", "px.acme.example": "refused"} {
		if got := whose(t, c, "https://"+host+"/"); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
}

func TestAliasOfATracker(t *testing.T) {
	t.Parallel()
	w := newChoice(t, nil)
	w.mu.Lock()
	a := w.names["site.example"]
	a.Chain = []string{"site.cdn.example", "px.acme.example"}
	w.names["metrics.example"] = a
	w.mu.Unlock()
	addr := w.serve(Auto)
	c := w.agent(addr, "x", w.roots.pool)
	if got := whose(t, c, "https://metrics.example/"); got != "refused" {
		t.Errorf("spliced alias: %s", got)
	}
	seen, _ := w.book.all()
	if len(seen) != 1 || len(seen[0].Seen.Chain) != 2 || seen[0].Seen.Request.Host != "metrics.example" {
		t.Errorf("sightings %+v", seen)
	}
	if _, body := get(t, w.client(addr, nil, false), "http://metrics.example/tr?id=1", "Sec-Fetch-Dest", "image"); !strings.HasPrefix(body, "GIF8") {
		t.Errorf("plain alias: %q", body)
	}
}

func TestSitesThatMind(t *testing.T) {
	t.Parallel()
	wall := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Host {
		case "wall.example":
			w.Header().Set("Cf-Mitigated", "challenge")
			w.WriteHeader(403)
		case "ntlm.example":
			w.Header().Add("Www-Authenticate", "Negotiate")
			w.WriteHeader(401)
		}
	})
	for _, h2 := range []bool{false, true} {
		w := newWorld(t, nil)
		w.site(wall, "wall.example", "ntlm.example", "www.acme.example")
		addr := w.serve(Always)
		for _, host := range []string{"wall.example", "ntlm.example"} {
			c := w.client(addr, bothRoots(w), h2)
			// The same client all along, connections and all: the first answer
			// must end the intercepted connection.
			for i, want := range []string{"intercepted", "spliced"} {
				if got := whose(t, c, "https://"+host+"/"); got != want {
					t.Errorf("h2=%v %s, request %d: %s, want %s", h2, host, i+1, got, want)
				}
			}
		}
		if _, notes := w.book.all(); len(notes) != 2 || !strings.Contains(notes[0].Sentence, "bot wall") {
			t.Errorf("notes %+v", notes)
		}
	}
}

func TestTrackersEarnNoSplice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.site(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cf-Mitigated", "challenge")
		w.WriteHeader(403)
	}), "px.acme.example")
	addr := w.serve(Always)
	c := w.agent(addr, "x", bothRoots(w))
	get(t, c, "https://px.acme.example/unruly.js", "Sec-Fetch-Dest", "script")
	if _, left := w.p.Clients.Left("", "px.acme.example"); left {
		t.Error("left alone")
	}
	if got := whose(t, c, "https://px.acme.example/"); got != "intercepted" {
		t.Errorf("a tracker talked itself out of being seen: %s", got)
	}
}

func TestSiteWithClientCertificate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		max  uint16
		auth tls.ClientAuthType
	}{{"tls 1.3", tls.VersionTLS13, tls.RequireAnyClientCert}, {"tls 1.2", tls.VersionTLS12, tls.RequireAnyClientCert},
		{"asked politely", tls.VersionTLS13, tls.RequestClientCert}} {
		w := newWorld(t, nil)
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if len(r.TLS.PeerCertificates) == 0 {
				w.WriteHeader(400)
			}
		})
		w.siteTLS(h, &tls.Config{MaxVersion: tt.max, ClientAuth: tt.auth, Certificates: []tls.Certificate{*w.roots.leaf(t, "mtls.example")}}, "mtls.example")
		addr := w.serve(Always)
		c := w.client(addr, bothRoots(w), false)
		mine := w.roots.leaf(t, "me")
		c.Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{*mine}
		resp, _ := get(t, c, "https://mtls.example/", "Accept", "text/html")
		if resp.StatusCode != 502 && resp.StatusCode != 400 {
			t.Errorf("%s: the first gave %d", tt.name, resp.StatusCode)
		}
		resp, _ = get(t, c, "https://mtls.example/", "Accept", "text/html")
		if resp.StatusCode != 200 || resp.TLS.PeerCertificates[0].Issuer.CommonName != "Test Root" {
			t.Errorf("%s: the second gave %d from %s", tt.name, resp.StatusCode, resp.TLS.PeerCertificates[0].Issuer)
		}
		if _, notes := w.book.all(); len(notes) != 1 || !strings.Contains(notes[0].Sentence, "certificate that only your browser can show") {
			t.Errorf("%s: notes %+v", tt.name, notes)
		}
	}
}

func TestObserveRefusesNobody(t *testing.T) {
	t.Parallel()
	w := newChoice(t, func(p *Proxy) {
		observe := func(filter.Client) *detect.Policy { return &detect.Policy{Observe: true} }
		p.Policy, p.Filter.Policy = observe, observe
	})
	c := w.agent(w.serve(Auto), "x", w.roots.pool)
	if got := whose(t, c, "https://px.acme.example/"); got != "spliced" {
		t.Errorf("observe mode: %s", got)
	}
	if w.p.Clients.Trust("") != memory.Unproven {
		t.Error("trust out of nothing")
	}
}

// TestBrowseProvesNothing: a browser with our certificate on a listener of its
// own, and the same browser without it on the common one.
func TestBrowseProvesNothing(t *testing.T) {
	t.Parallel()
	// Where the system does not tell who owns a socket, the two look the same.
	if there, here := (&tunnel{s: &server{mode: Always}}).key("x"), (&tunnel{s: &server{}}).key("x"); there == here {
		t.Error("one key for both")
	}
	w := newChoice(t, nil)
	always, auto := w.serve(Always), w.serve(Auto)
	if got := whose(t, w.agent(always, "twin", bothRoots(w)), "https://site.example/"); got != "intercepted" {
		t.Fatalf("with the certificate: %s", got)
	}
	for _, url := range []string{"https://site.example/", "https://other.example/"} {
		if got := whose(t, w.agent(auto, "twin", w.roots.pool), url); got != "spliced" {
			t.Errorf("%s, without the certificate: %s, want spliced", url, got)
		}
	}
	if got := whose(t, w.agent(auto, "twin", w.roots.pool), "https://px.acme.example/"); got != "failed" {
		t.Errorf("the probe: %s, want a failure", got)
	}
	w.refusals(1)
	if got := whose(t, w.agent(always, "twin", bothRoots(w)), "https://px.acme.example/"); got != "intercepted" {
		t.Errorf("a tracker, after the other's refusal: %s, want intercepted", got)
	}
}
