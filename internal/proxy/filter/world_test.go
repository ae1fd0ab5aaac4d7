package filter

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/detect/pixel"
	"github.com/quench-proxy/quench/internal/detect/vendor"
	"github.com/quench-proxy/quench/internal/ledger"
)

const acme = `
company: Acme Ads
sites: [acme.example]
trackers:
  - id: acme
    name: Acme Pixel
    cookies:
      - {name: uid, label: the number Acme keeps for this browser}
    by_name: {refuse: [px.acme.example]}
    hits:
      - {id: tr, hosts: [px.acme.example, www.acme.example], paths: [/tr], query: {id: ""}}
      - {id: post, hosts: [px.acme.example], paths: [/post], methods: [POST], body: auto}
      - {id: widget, hosts: [www.acme.example], paths: [/like], action: strip, strip: {cookies: [uid, sid], params: [uid]}}
      - {id: all, hosts: [www.acme.example], paths: [/all], action: strip, strip: {cookies: ["*"], params: ["*"]}}
      - {id: seen, hosts: [www.acme.example], paths: [/seen], action: observe}
      - {id: sig, hosts: ["*"], methods: [POST], paths: [/api/e], payload: {writeKey: ""}}
    loaders:
      - {id: js, hosts: [cdn.acme.example], paths: [/px.js], stub: px, report: tr}
      - {id: ctor, hosts: [cdn.acme.example], paths: [/ctor.js], mode: block, must_fail: true}
      - {id: empty, hosts: [cdn.acme.example], paths: [/empty.js], mode: block}
    fields: {account: id, event: ev, page_url: dl, order_id: order}
    events: {Buy: you bought something, "*": you did something}
`

func newSet(t testing.TB) *engine.Set {
	t.Helper()
	spec, err := vendor.Parse("rules/vendors/acme.yaml", []byte(acme))
	if err != nil {
		t.Fatal(err)
	}
	data, err := vendor.Marshal([]*vendor.Spec{spec})
	if err != nil {
		t.Fatal(err)
	}
	s, err := engine.Load(engine.Sources{Builtin: fstest.MapFS{
		"builtin.json": {Data: data},
		"vetoes.yaml":  {Data: []byte("vetoes:\n  - {hosts: [.login.example], why: sign-in}\n")},
		"links.yaml":   {Data: []byte("params:\n  - {owner: Acme, what: the number Acme gave to this click, names: [aclid, 'ac_*']}\nredirects:\n  - {by: Acme, hosts: [out.acme.example], path: /go, param: u}\n")},
		"widgets.yaml": {Data: []byte("widgets:\n  - {id: post, name: a post of Acme, company: Acme, sites: [acme.example], hosts: [www.acme.example], paths: [/embed/]}\n")},
		"stubs/px.js":  {Data: []byte(`var u='@QUENCH@';`)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// notebook is a Recorder that keeps everything.
type notebook struct {
	mu   sync.Mutex
	list []ledger.Sighting
}

func (n *notebook) Record(s ledger.Sighting) { n.mu.Lock(); n.list = append(n.list, s); n.mu.Unlock() }
func (n *notebook) Note(ledger.Event)        {}

func (n *notebook) all() []ledger.Sighting {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]ledger.Sighting(nil), n.list...)
}

// world is a Filter with a proxy's duties around it and an origin that counts.
type world struct {
	t      testing.TB
	f      *Filter
	notes  *notebook
	policy *detect.Policy
	origin func(r *http.Request) *http.Response
	chain  []string

	mu      sync.Mutex
	now     time.Time
	sent    []*http.Request
	bodies  []string
	learned []string
	allowed []AllowRequest
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, notes: &notebook{}, policy: &detect.Policy{}, now: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
	set := newSet(t)
	w.f = &Filter{
		Set:      func() *engine.Set { return set },
		Policy:   func(Client) *detect.Policy { return w.policy },
		Recorder: w.notes,
		Learn:    func(_, url string, _ time.Time) { w.learned = append(w.learned, url) },
		Allow:    func(a AllowRequest) error { w.allowed = append(w.allowed, a); return nil },
		Now:      func() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now },
	}
	w.origin = func(*http.Request) *http.Response { return reply(200, "text/plain", "from the origin") }
	return w
}

func (w *world) pass(d time.Duration) { w.mu.Lock(); w.now = w.now.Add(d); w.mu.Unlock() }

func reply(status int, mime, body string, head ...string) *http.Response {
	resp := &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {mime}},
		ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body))}
	if mime == "" {
		resp.Header = http.Header{}
	}
	setHeader(resp.Header, head)
	return resp
}

func setHeader(h http.Header, lines []string) {
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		h.Add(name, value)
	}
}

var (
	here  = Client{Addr: netip.MustParseAddr("127.0.0.1"), Loopback: true, Key: "here"}
	there = Client{Label: "tablet", Addr: netip.MustParseAddr("192.0.2.7"), Key: "there"}
)

// do is what a proxy does with one request.
func (w *world) do(r *http.Request, c Client) *http.Response {
	out, resp, ex := w.f.Request(r, c)
	if resp != nil {
		return resp
	}
	if resp = w.f.Chain(ex, w.chain); resp != nil {
		return resp
	}
	var body []byte
	if out.Body != nil {
		body, _ = io.ReadAll(out.Body)
	}
	w.mu.Lock()
	w.sent = append(w.sent, out)
	w.bodies = append(w.bodies, string(body))
	w.mu.Unlock()
	resp = w.origin(out)
	if resp == nil {
		w.f.Failed(ex, io.ErrUnexpectedEOF)
		return nil
	}
	return w.f.Response(resp, ex)
}

func (w *world) get(url string, head ...string) *http.Response {
	return w.do(request("GET", url, nil, head...), here)
}

func request(method, url string, body io.Reader, head ...string) *http.Request {
	r := httptest.NewRequest(method, url, body)
	setHeader(r.Header, head)
	return r
}

// wantSent checks how many requests left.
func (w *world) wantSent(n int) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.sent) != n {
		w.t.Errorf("%d requests reached the origin, want %d", len(w.sent), n)
	}
}

// wantNotes checks what was recorded, one "action reply told" for each.
func (w *world) wantNotes(want ...string) []ledger.Sighting {
	w.t.Helper()
	list := w.notes.all()
	var got []string
	for _, s := range list {
		words := []string{s.Decision.Action.String()}
		if s.Seen.Reply != detect.ReplyAuto {
			words = append(words, s.Seen.Reply.String())
		}
		if s.Decision.Told {
			words = append(words, "told")
		}
		got = append(got, strings.Join(words, " "))
	}
	if strings.Join(got, "; ") != strings.Join(want, "; ") {
		w.t.Errorf("recorded %q, want %q", got, want)
	}
	return list
}

// sentence explains a sighting as the ledger will.
func sentence(s ledger.Sighting) string {
	v := s.Set.Explain(s.Seen, s.Decision)
	if len(v) == 0 {
		return ""
	}
	return v[0].Sentence
}

func text(t testing.TB, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read the body: %v", err)
	}
	return string(b)
}

func img(f pixel.Format) string { return string(pixel.Blank(f)) }
