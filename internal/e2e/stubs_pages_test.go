package e2e

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/memory"
	"github.com/quench-proxy/quench/internal/proxy"
	"github.com/quench-proxy/quench/rules"
)

// maxCallback is how long the median page may wait for its callback, in
// milliseconds; a stand-in itself waits five.
const maxCallback = 100

// stubPage is a page with a vendor's public snippet. What act does is begun by
// a click on a link or, if form is set, by sending a form; next() goes on.
type stubPage struct {
	name    string
	stub    string // the stand-in's name
	snippet string
	act     string
	shown   string // an expression that must hold before the click
	form    bool
	strict  bool // passes by default
	mute    bool // nothing is known of what it would tell
	firefox bool // shown there too
}

func (p *stubPage) host() string { return p.name + ".stub.example" }

// page is the document: what act gave to next is the time it took.
func (p *stubPage) page(head string) string {
	b := head + `<script>
let t0;
function next() {
  const ms = performance.now() - t0;
  if (!document.querySelector("#f")) { location.href = "/next?ms=" + ms; return; }
  document.querySelector("#ms").value = ms;
  document.querySelector("#f").submit();
}
function act(e) { e.preventDefault(); t0 = performance.now(); ` + p.act + ` }
</script>`
	if p.form {
		b += `<form id=f action=/next onsubmit="act(event)"><input id=ms name=ms type=hidden><button id=go>Send</button></form>`
	} else {
		b += `<a id=go href=/wrong onclick="act(event)">on</a>`
	}
	return b + "<div id=hero>Here</div><script>\n" + p.snippet + "\n</script>"
}

// TestEveryStubHasAPage holds the pages below to the stand-ins there are.
func TestEveryStubHasAPage(t *testing.T) {
	files, err := fs.Glob(rules.FS, "stubs/*.js")
	if err != nil || len(files) == 0 {
		t.Fatalf("list the stand-ins: %v, %d found", err, len(files))
	}
	has := map[string]bool{}
	for _, p := range stubPages() {
		has["stubs/"+p.stub+".js"] = true
	}
	for _, f := range files {
		if !has[f] {
			t.Errorf("%s is on no page", f)
		}
	}
}

// TestStubPages opens, for each stand-in, a page with the vendor's public
// snippet, and goes on from there by what waits for the vendor's callback.
func TestStubPages(t *testing.T) {
	for _, name := range browsers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pages := slices.DeleteFunc(stubPages(), func(p *stubPage) bool { return name == "firefox" && !p.firefox })
			n := newFakenet(t)
			w := newWorld(t, n, proxy.Always)
			serveStubPages(t, n, pages)
			b := w.open(name, w.CA)
			took := openStubPages(t, w, b, pages)
			w.settle(t)
			for _, p := range pages {
				checkStubbed(t, w, p)
			}
			checkNothingLeft(t, n)
			logTimes(t, took, len(pages), name == "chromium")
		})
	}
}

// checkNothingLeft looks for requests that any of the pages made elsewhere; the
// browser makes some of its own.
func checkNothingLeft(t *testing.T, n *fakenet) {
	t.Helper()
	for _, v := range n.Visits() {
		from := v.Header.Get("Referer") + " " + v.Header.Get("Origin")
		if strings.Contains(from, ".stub.example") && !strings.HasSuffix(v.Host, ".stub.example") {
			t.Errorf("left for a vendor: %s", v)
		}
	}
}

// openStubPages opens those first that need no strict mode.
func openStubPages(t *testing.T, w *world, b *tab, pages []*stubPage) map[string]float64 {
	took := map[string]float64{}
	for _, strict := range []bool{false, true} {
		w.Memory.SetConfig(memory.Config{Strict: strict})
		for _, p := range pages {
			if p.strict == strict {
				t.Run(p.name, func(t *testing.T) { took[p.name] = openStubPage(b.on(t), p) })
			}
		}
	}
	return took
}

func serveStubPages(t *testing.T, n *fakenet, pages []*stubPage) {
	t.Helper()
	head, err := os.ReadFile("testdata/page.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		n.Handle(p.host(), html(map[string]string{"/": p.page(string(head)), "/next": string(head) + "<p>here we are"}))
	}
}

// loaded is the address of a page that is there with all its scripts.
const loaded = `performance.getEntriesByType("navigation")[0].loadEventEnd > 0 && location.host + location.pathname`

// openStubPage returns for how many milliseconds the page waited.
func openStubPage(b *tab, p *stubPage) float64 {
	b.t.Helper()
	b.navigate("https://" + p.host() + "/")
	b.await(loaded, `"`+p.host()+`/"`)
	b.want(`done`, `[]`)
	if p.shown != "" {
		b.await(p.shown, "true")
	}
	b.eval(`document.querySelector("#go").click()`)
	b.await(loaded, `"`+p.host()+`/next"`)
	var ms float64
	got := b.eval(`+new URLSearchParams(location.search).get("ms")`)
	if err := json.Unmarshal([]byte(got), &ms); err != nil || ms <= 0 && got != "0" {
		b.t.Errorf("%s waited for %s ms: %v", p.name, got, err)
	}
	b.quiet()
	return ms
}

// checkStubbed finds the answers to the vendor's scripts in the ledger, and
// what the page asked the vendor to be told.
func checkStubbed(t *testing.T, w *world, p *stubPage) {
	t.Helper()
	stubs, told := 0, 0
	for _, e := range w.events.list() {
		switch {
		case pageHost(e) != p.host():
		case e.Told || e.Action != detect.Block:
			t.Errorf("%s: %s of %s: %s", p.name, e.Action, e.Request.Host, e.Sentence)
		case e.Reply == detect.ReplyStub && strings.Contains(e.Sentence, " asked for the script of "):
			stubs++
		case strings.HasPrefix(e.Sentence, p.host()+" tried to tell "):
			told++
		}
	}
	if stubs != 1 {
		t.Errorf("%s: %d scripts were answered with a stand-in, want 1:\n%s", p.name, stubs, strings.Join(sentences(w.events.list(), p.host()), "\n"))
	}
	if (told == 0) != p.mute {
		t.Errorf("%s: %d reports, mute %v:\n%s", p.name, told, p.mute, strings.Join(sentences(w.events.list(), p.host()), "\n"))
	}
}

// logTimes holds the median to maxCallback where there are pages enough for a
// busy machine to leave it alone.
func logTimes(t *testing.T, took map[string]float64, pages int, hold bool) {
	t.Helper()
	if len(took) < pages {
		return // -run left some out
	}
	var all []float64
	var b strings.Builder
	for name, ms := range took {
		all = append(all, ms)
		fmt.Fprintf(&b, " %s %.1f", name, ms)
	}
	slices.Sort(all)
	median := all[len(all)/2]
	t.Logf("%d pages waited for a median of %.1f ms, at most %.1f:%s", len(all), median, all[len(all)-1], b.String())
	if hold && median > maxCallback {
		t.Errorf("the median page waited for %.1f ms, want at most %d", median, maxCallback)
	}
}
