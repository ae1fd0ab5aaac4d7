package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"image/gif"
	"image/png"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	markup "golang.org/x/net/html"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/need"
	"github.com/quench-proxy/quench/internal/proxy"
	"github.com/quench-proxy/quench/internal/report"
)

// person is somebody who goes through the script behind the proxy.
type person struct {
	t    testing.TB
	w    *world
	http *http.Client
	now  atomic.Pointer[time.Time]
}

// newPerson sets the clock of what is recorded to the person's own.
func newPerson(t testing.TB, n *fakenet, begun time.Time) *person {
	p := &person{t: t, w: newWorld(t, n, proxy.Always)}
	p.now.Store(&begun)
	p.w.Proxy.Now = func() time.Time { return *p.now.Load() }
	f := p.w.Proxy.Filter
	f.Now, f.Unlearn, f.History = p.w.Proxy.Now, p.w.Memory.Unlearn, p.w.Memory.History() // as the program wires it
	roots := x509.NewCertPool()
	roots.AddCert(p.w.CA.Certificate())
	roots.AddCert(n.CA.Certificate()) // of sites that are left alone
	tr := &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: p.w.Addr}), TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	t.Cleanup(tr.CloseIdleConnections)
	p.http = &http.Client{Transport: tr, Timeout: waitTime}
	return p
}

// ask sends a request as a browser does and returns the length of the answer.
func (p *person) ask(a ask, dest, from string) int {
	p.t.Helper()
	req, err := http.NewRequest(a.method, a.url, strings.NewReader(a.body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	req.Header.Set("Sec-Fetch-Dest", dest)
	if from == "" {
		req.Header.Set("Sec-Fetch-Mode", "navigate")
		req.Header.Set("Sec-Fetch-Site", "none")
		req.Header.Set("Accept", "text/html,*/*;q=0.8")
	} else {
		req.Header.Set("Sec-Fetch-Mode", "no-cors")
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		req.Header.Set("Referer", "https://"+from+"/") // browsers give others no more
		req.Header.Set("Accept", "*/*")
	}
	if a.cookie != "" {
		req.Header.Set("Cookie", a.cookie)
	}
	if a.body != "" {
		req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	}
	resp, err := p.http.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if err != nil || resp.StatusCode/100 != 2 {
		p.t.Errorf("%s %s: %s, %v", a.method, a.url, resp.Status, err)
	}
	return int(n)
}

// live goes through the script, a minute a hit.
func (p *person) live(script []doing, begun time.Time) {
	for _, d := range script {
		p.ask(ask{method: "GET", url: "https://" + d.site + d.path}, "document", "")
		for _, h := range d.hits {
			now := begun.Add(time.Duration(h.hit.n) * time.Minute)
			p.now.Store(&now)
			dest, a := "image", ask{method: "GET", url: fmt.Sprintf("https://%s/p.gif?n=%d", strangerHost, h.hit.n), cookie: "s=0a1b2c3d4e5f60718293"}
			if h.teller != "stranger" {
				a = tellers[h.teller].ask(&h.hit)
			}
			if a.method == "POST" {
				dest = "empty"
			}
			p.ask(a, dest, d.site)
		}
	}
}

// dayNet is the internet of the script: its sites, and those companies that
// are ever to be reached.
func dayNet(t testing.TB, script []doing) *fakenet {
	n := newFakenet(t)
	for _, d := range script {
		n.Handle(d.site, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = fmt.Fprintf(w, "<!doctype html><title>%s</title><p>%s", r.Host, r.URL.Path)
		}))
	}
	var dot bytes.Buffer
	if err := gif.Encode(&dot, square(1), nil); err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{strangerHost, "alb.reddit.com"} {
		n.Handle(host, picture{"image/gif", dot.String()})
	}
	return n
}

// liveTheDay goes through the script and returns what a reader finds.
func liveTheDay(t testing.TB) (script []doing, begun time.Time, n *fakenet, p *ledger.Profile) {
	script = read(day)
	begun = time.Now().UTC().Truncate(24 * time.Hour).Add(-17 * time.Hour) // yesterday at seven
	n = dayNet(t, script)
	someone := newPerson(t, n, begun)
	if _, err := someone.w.Memory.AddAllow(detect.Override{To: "alb.reddit.com"}, time.Time{}, "", "test"); err != nil {
		t.Fatal(err)
	}
	someone.live(script, begun)
	if err := someone.w.Ledger.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, err := someone.w.Ledger.Profile(t.Context(), ledger.ProfileQuery{Since: begun})
	if err != nil {
		t.Fatal(err)
	}
	return script, begun, n, p
}

// TestScriptedDay has a person visit twenty sites with twelve companies behind
// the proxy: a purchase, a newsletter, a refused consent. Every number of the
// report must be what the script did, and nobody may have been reached but
// whom the person let through and whom nobody knew.
func TestScriptedDay(t *testing.T) {
	t.Parallel()
	script, begun, n, p := liveTheDay(t)
	reached := map[string]int{}
	for _, v := range n.Visits() {
		reached[v.Host]++
	}
	want := truth(script, begun, reached[strangerHost])
	if want.Sites != 20 || len(want.Companies) != 12 || int64(reached["alb.reddit.com"]) != want.Told {
		t.Fatalf("the script has %d sites and %d companies; reached %v", want.Sites, len(want.Companies), reached)
	}
	for _, d := range script {
		delete(reached, d.site)
	}
	strangers := reached[strangerHost]
	delete(reached, strangerHost)
	if len(reached) != 1 {
		t.Errorf("reached %v, want one company", reached)
	}
	r := report.New(p, report.Options{Since: begun, Now: begun.Add(24 * time.Hour)})
	var b bytes.Buffer
	if err := r.JSON(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		ledger.Profile
		Says []string
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, figuresOf(&got.Profile)); diff != "" {
		t.Errorf("the report (-truth +report):\n%s", diff)
	}
	best := want.Companies["Meta Platforms"].Linked
	for name, c := range want.Companies {
		if name != "Meta Platforms" && c.Linked >= best {
			t.Fatalf("%s joins %d sites, Meta %d", name, c.Linked, best)
		}
	}
	wantLead(t, got.Says, want, best, strangers)
	wantTable(t, r, want)
}

func wantLead(t *testing.T, says []string, want figures, best, strangers int) {
	t.Helper()
	told := want.Companies["Reddit"]
	for i, s := range []string{
		fmt.Sprintf("Without Quench, 12 companies would have followed you across 20 sites in the last 24 hours; Meta Platforms would have linked %d of them by one number.", best),
		fmt.Sprintf("Of %d requests, %d were stopped before anything left, and %d had told something: let through, or known too late.", want.Requests, want.Stopped, want.Told),
		fmt.Sprintf("Told all the same: Reddit (%d). Reddit has linked %d sites.", told.Told, told.LinkedTold),
		"1 company is known by looks alone: what was seen looks like Chartbeat.",
		"4 requests were made although they said themselves that you had refused.",
		"1 place that no rule knows looked like a tracker; nobody here knows whose it is." + times(strangers),
	} {
		if i >= len(says) || says[i] != s {
			t.Errorf("sentence %d of %q\nwant %q", i+1, says, s)
		}
	}
}

// times says how often a stranger was reached.
func times(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return " It was told something 1 time."
	}
	return fmt.Sprintf(" It was told something %d times.", n)
}

// wantTable holds the page's table of companies to the truth.
func wantTable(t *testing.T, r *report.Report, want figures) {
	t.Helper()
	var b bytes.Buffer
	if err := r.HTML(&b); err != nil {
		t.Fatal(err)
	}
	root, err := markup.Parse(&b)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for n := range root.Descendants() {
		if n.Data != "tr" || n.Parent.Data != "tbody" {
			continue
		}
		var cells []string
		for c := range n.ChildNodes() {
			cells = append(cells, textOf(c))
		}
		if len(cells) == 8 {
			got[cells[0]] = strings.Join(cells[1:], " ")
		}
	}
	if diff := cmp.Diff(cellsOf(want), got); diff != "" {
		t.Errorf("the page (-truth +page):\n%s", diff)
	}
}

func textOf(n *markup.Node) string {
	if n.Type == markup.TextNode {
		return n.Data
	}
	var b strings.Builder
	for c := range n.ChildNodes() {
		b.WriteString(textOf(c))
	}
	return b.String()
}

// TestDayPage has Chromium draw the day's report, light and dark. With
// QUENCH_DRAW=1 the pictures of docs are made anew.
func TestDayPage(t *testing.T) {
	t.Parallel()
	chromium := need.Program(t, "chromium")
	_, begun, _, p := liveTheDay(t)
	dir := t.TempDir()
	page := filepath.Join(dir, "report.html")
	f, err := os.Create(page)
	if err != nil {
		t.Fatal(err)
	}
	if err := report.New(p, report.Options{Since: begun, Now: begun.Add(24 * time.Hour)}).HTML(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for scheme, paper := range map[string][3]uint32{"light": {0xff, 0xff, 0xff}, "dark": {0x14, 0x17, 0x1a}} {
		shot := filepath.Join(dir, scheme+".png")
		if os.Getenv("QUENCH_DRAW") != "" {
			shot, err = filepath.Abs("../../docs/report-" + scheme + ".png")
			if err != nil {
				t.Fatal(err)
			}
		}
		shoot(t, chromium, page, shot, scheme)
		wantPaper(t, shot, paper)
	}
}

// shoot has Chromium make a picture of a page.
func shoot(t *testing.T, chromium, page, shot, scheme string) {
	t.Helper()
	prefers := map[string]string{"dark": "0", "light": "1"}[scheme]
	ctx, cancel := context.WithTimeout(t.Context(), waitTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
		"--disable-background-networking", "--user-data-dir="+t.TempDir(), "--blink-settings=preferredColorScheme="+prefers,
		"--window-size=1000,1330", "--screenshot="+shot, "file://"+page)
	cmd.WaitDelay = 10 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("chromium: %v\n%s", err, out)
	}
}

func wantPaper(t *testing.T, shot string, want [3]uint32) {
	t.Helper()
	f, err := os.Open(shot)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	r, g, b, _ := img.At(1, 1).RGBA()
	if got := [3]uint32{r >> 8, g >> 8, b >> 8}; got != want {
		t.Errorf("%s: the paper is %x, want %x", filepath.Base(shot), got, want)
	}
	if n := img.Bounds().Dy(); n < 1000 {
		t.Errorf("the picture is %d high", n)
	}
}
