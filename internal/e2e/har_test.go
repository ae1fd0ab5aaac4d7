package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/browse"
	"github.com/quench-proxy/quench/internal/browse/browsertest"
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/proxy"
)

// harPage is a page of the session: its script, what it waits for, and how many
// requests it makes, its own included.
type harPage struct {
	address, script string
	ran             []string
	count           int
}

var harPages = []harPage{
	{"https://news.example/", `
image("https://www.facebook.com/tr/?id=123456789012345&ev=PageView&dl=https%3A%2F%2Fnews.example%2F&v=2.9.180", "known image");
beacon("https://www.google-analytics.com/g/collect?v=2&tid=G-ABCDE12345&cid=111.222&en=page_view&dl=https%3A%2F%2Fnews.example%2F", "", "known beacon");
image("/logo.png", "own image");
load("https://cdn.example/lib.js", () => ran("library"));`, []string{"known beacon", "known image", "library", "own image"}, 5},
	{"https://shop.example/", `
image("https://gif.stats.example/o/p?uid=8f3a9c77b1d24e55&cb=1", "unknown pixel");
image("https://cdn.example/spacer.gif", "spacer");
beacon("https://www.google-analytics.com/collect", "v=1&t=event&tid=UA-12345678-1&cid=111.222&ec=shop&ea=buy&dl=https%3A%2F%2Fshop.example%2F", "posted");
fetch("/cart", {method: "POST", body: "item=1"}).then(() => ran("own post"));`, []string{"own post", "posted", "spacer", "unknown pixel"}, 5},
	{"https://blog.example/", `
image("https://px.ads.linkedin.com/collect?v=2&fmt=gif&pid=12345&time=1741773600000&url=https%3A%2F%2Fblog.example%2F", "linkedin");
image("https://bat.bing.com/action/0?ti=12345678&Ver=2&mid=0123&evt=pageLoad&p=https%3A%2F%2Fblog.example%2F", "bing");
image("https://gif.stats.example/o/p?uid=8f3a9c77b1d24e55&cb=2", "known by now");
window.twq = function() { twq.queue.push(arguments) }; twq.queue = []; twq("config", "o1abc");
load("https://static.ads-twitter.com/uwt.js", () => ran("stand-in"));`, []string{"bing", "known by now", "linkedin", "stand-in"}, 6},
}

// harNet serves the pages and what is not a tracker's.
func harNet(t *testing.T, n *fakenet) {
	t.Helper()
	head, err := os.ReadFile("testdata/page.html")
	if err != nil {
		t.Fatal(err)
	}
	tiny, icon := pictures(t)
	for _, p := range harPages {
		u, err := url.Parse(p.address)
		if err != nil {
			t.Fatal(err)
		}
		text := string(head) + "<script>addEventListener('load', () => setTimeout(() => {" + p.script + "}))</script>"
		pages := html(map[string]string{"/": text, "/cart": "kept"})
		n.Handle(u.Hostname(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/logo.png" {
				icon.ServeHTTP(w, r)
				return
			}
			pages.ServeHTTP(w, r)
		}))
	}
	n.Handle("gif.stats.example", tiny["gif"])
	n.Handle("cdn.example", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/spacer.gif" {
			spacer(tiny["gif"]).ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = io.WriteString(w, "var library = 1;")
	}))
}

// TestRecordedSession browses behind the proxy, records it as browsers' own
// tools do, and has the command scan the archive: about every request it must
// say what the proxy decided when it happened.
func TestRecordedSession(t *testing.T) {
	t.Parallel()
	n := newFakenet(t)
	harNet(t, n)
	w := newWorld(t, n, proxy.Always)
	dir := browsertest.TempDir(t)
	browser := browsertest.Need(t, "chromium")
	browsertest.NeedCertutil(t)
	b := &tab{t: t, name: "chromium", d: browsertest.Open(t, browse.Session{Browser: browser, Proxy: w.Addr, CA: w.CA, TempDir: dir})}
	a := recordTab(t, dir)
	total := 0
	for _, p := range harPages {
		b.navigate(p.address)
		checkRan(t, b, p.ran)
		total += p.count
		a.finish(t, total)
	}
	w.settle(t)
	b.quiet()
	file, entries := a.write(t)
	bin := filepath.Join(t.TempDir(), "quench")
	if out, err := exec.Command("go", "build", "-o", bin, "../../cmd/quench").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	findings := scanHAR(t, bin, file)
	live := ruled(w.events.list())
	compare(t, "the proxy (-) and the scan (+)", live, ruled(findings))
	if len(findings) != entries || entries < total || len(live) < 8 {
		t.Errorf("%d entries, %d findings, %d decisions; want at least %d, as many, 8", entries, len(findings), len(live), total)
	}
	t.Logf("%d requests; decided:\n%s", entries, strings.Join(live, "\n"))
	checkReport(t, b, a, scanOutput(t, bin, "--html", file))
}

// ruled says of each event what was decided about which address, who is behind
// it, and why. What nobody decided on is left out. What a beacon carried is not
// compared: DevTools now and then leave its body out.
func ruled(list []ledger.Event) []string {
	var out []string
	for _, e := range list {
		if e.Request.Host == "mark.invalid" || e.Action == detect.Allow && e.Tracker == nil && len(e.Evidence) == 0 {
			continue
		}
		address, tracker, why := e.Request.URL, "", ""
		if u, err := url.Parse(address); err == nil {
			address = u.Host + u.Path
		}
		if e.Tracker != nil {
			tracker = e.Tracker.ID
		}
		for _, v := range e.Evidence {
			why += fmt.Sprintf("; %s %s", v.Kind, v.Detail)
		}
		out = append(out, fmt.Sprintf("%s %s from %s: %s %s told=%v%s", e.Request.Method, address, e.Request.Page, e.Action, tracker, e.Told, why))
	}
	slices.Sort(out)
	return out
}

func scanOutput(t *testing.T, bin, format, file string) []byte {
	t.Helper()
	home := t.TempDir()
	cmd := exec.Command(bin, "scan", format, "--fail-on", "never", "--data-dir", home, file)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("quench scan: %v\n%s", err, errs.String())
	}
	return out
}

// scanHAR gives the findings, which are shaped as the ledger's events.
func scanHAR(t *testing.T, bin, file string) []ledger.Event {
	t.Helper()
	var list []ledger.Event
	for line := range bytes.Lines(scanOutput(t, bin, "--json", file)) {
		var e struct {
			Vector string
			ledger.Event
		}
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if e.Vector != "" {
			list = append(list, e.Event)
		}
	}
	return list
}

// checkReport opens the page that scan makes: it must ask for nothing.
func checkReport(t *testing.T, b *tab, a *archive, page []byte) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, page, 0o600); err != nil {
		t.Fatal(err)
	}
	a.mu.Lock()
	before := len(a.order)
	a.mu.Unlock()
	b.navigate("file://" + file)
	text := b.eval("document.body.innerText")
	for _, want := range []string{"Meta Pixel", "Google Analytics", "LinkedIn", "gif.stats.example"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not name %s:\n%s", want, text)
		}
	}
	b.want("document.scripts.length", "0")
	b.quiet()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.order[before:] {
		if e.asked && !strings.HasPrefix(e.url, "data:") && e.url != "file://"+file {
			t.Errorf("the page asked for %s", e.url)
		}
	}
}
