package engine

import (
	"net/textproto"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/pixel"
	"github.com/quench-proxy/quench/internal/detect/vendor"
)

const acme = `
company: Acme Ads
sites: [acme.example]
trackers:
  - id: acme
    name: Acme Pixel
    by_name: {refuse: [px.acme.example]}
    hits:
      - {id: tr, hosts: [px.acme.example, www.acme.example], paths: [/tr], query: {id: ""}}
      - {id: widget, hosts: [www.acme.example], paths: [/like], action: strip, strip: {cookies: ["*"], params: [uid]}}
      - {id: sig, hosts: ["*"], methods: [POST], paths: [/api/e], payload: {writeKey: ""}}
    loaders:
      - {id: js, hosts: [cdn.acme.example], paths: [/px.js], stub: px, report: tr}
      - {id: ctor, hosts: [cdn.acme.example], paths: [/ctor.js], mode: block, must_fail: true}
      - {id: tm, hosts: [tags.acme.example], stub: px, tag_manager: true}
    fields: {account: id, event: ev, page_url: dl}
    events: {Buy: you bought something, "*": you did something}
`

const vetoYAML = `vetoes:
  - {hosts: [accounts.example, .pay.example], why: sign-in}
  - {hosts: [www.acme.example], paths: [/login*], why: sign-in}
`

func newSet(t testing.TB) *Set {
	t.Helper()
	spec, err := vendor.Parse("rules/vendors/acme.yaml", []byte(acme))
	if err != nil {
		t.Fatal(err)
	}
	data, err := vendor.Marshal([]*vendor.Spec{spec})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Load(Sources{Builtin: fstest.MapFS{
		"builtin.json": {Data: data},
		"vetoes.yaml":  {Data: []byte(vetoYAML)},
		"stubs/px.js":  {Data: []byte(`var u='@QUENCH@'`)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func req(method, url, page string, ty detect.Type, cookie string) *detect.Request {
	r := &detect.Request{URL: url, Host: detect.HostOf(url), Method: method, Type: ty, Page: page}
	if page != "" {
		r.PageFrom = detect.PageReferer
	}
	r.Header = textproto.MIMEHeader{}
	if cookie != "" {
		r.Header = textproto.MIMEHeader{"Cookie": {cookie}}
	}
	return r
}

func TestPrecedence(t *testing.T) {
	s := newSet(t)
	const hit, page = "https://px.acme.example/tr?id=1", "https://shop.example/a"
	allow := func(o ...detect.Override) *detect.Policy { return &detect.Policy{Allows: detect.NewOverrides(o)} }
	block := func(o ...detect.Override) *detect.Policy { return &detect.Policy{Blocks: detect.NewOverrides(o)} }
	for _, tt := range []struct {
		name, url string
		p         *detect.Policy
		action    detect.Action
		step      detect.Step
		reply     detect.Reply
	}{
		{"hit", hit, nil, detect.Block, detect.StepHit, detect.ReplyAuto},
		{"another path of a host that only tracks", "https://px.acme.example//tr", nil, detect.Block, detect.StepName, detect.ReplyAuto},
		{"the same, its loader let pass", "https://px.acme.example//tr", &detect.Policy{Loaders: map[string]detect.LoaderMode{"acme": detect.LoaderPass}}, detect.Allow, detect.StepNone, detect.ReplyAuto},
		{"nothing", "https://cdn.example/x.js", nil, detect.Allow, detect.StepNone, detect.ReplyAuto},
		{"allow by host", hit, allow(detect.Override{To: "acme.example"}), detect.Allow, detect.StepUserAllow, detect.ReplyAuto},
		{"allow by page", hit, allow(detect.Override{On: "shop.example"}), detect.Allow, detect.StepUserAllow, detect.ReplyAuto},
		{"allow by both", hit, allow(detect.Override{To: "px.acme.example", On: "shop.example"}), detect.Allow, detect.StepUserAllow, detect.ReplyAuto},
		{"allow elsewhere", hit, allow(detect.Override{To: "px.acme.example", On: "news.example"}), detect.Block, detect.StepHit, detect.ReplyAuto},
		{"allow of what is not stopped", "https://cdn.example/x.js", allow(detect.Override{To: "cdn.example"}), detect.Allow, detect.StepNone, detect.ReplyAuto},
		{"user's block", "https://cdn.example/x.js", block(detect.Override{To: "cdn.example"}), detect.Block, detect.StepUserBlock, detect.ReplyAuto},
		{"allow and block", hit, &detect.Policy{Allows: detect.NewOverrides([]detect.Override{{To: "acme.example"}}), Blocks: detect.NewOverrides([]detect.Override{{To: "acme.example"}})}, detect.Allow, detect.StepUserAllow, detect.ReplyAuto},
		{"veto", "https://a.pay.example/api/e", nil, detect.Allow, detect.StepNone, detect.ReplyAuto},
		{"veto by path", "https://www.acme.example/login/tr", nil, detect.Allow, detect.StepNone, detect.ReplyAuto},
		{"user's block of a veto", "https://accounts.example/x", block(detect.Override{To: "accounts.example"}), detect.Block, detect.StepUserBlock, detect.ReplyAuto},
		{"loader", "https://cdn.acme.example/px.js", nil, detect.Block, detect.StepLoader, detect.ReplyStub},
		{"loader passed", "https://cdn.acme.example/px.js", &detect.Policy{Loaders: map[string]detect.LoaderMode{"acme": detect.LoaderPass}}, detect.Observe, detect.StepLoader, detect.ReplyAuto},
		{"loader blocked", "https://cdn.acme.example/px.js", &detect.Policy{Loaders: map[string]detect.LoaderMode{"acme": detect.LoaderBlock}}, detect.Block, detect.StepLoader, detect.ReplyAuto},
		{"loader that must fail", "https://cdn.acme.example/ctor.js", nil, detect.Block, detect.StepLoader, detect.ReplyRefused},
		{"tag manager", "https://tags.acme.example/x", nil, detect.Observe, detect.StepTagManager, detect.ReplyAuto},
		{"tag manager, strict", "https://tags.acme.example/x", &detect.Policy{Strict: true}, detect.Block, detect.StepTagManager, detect.ReplyStub},
		{"strip", "https://www.acme.example/like", nil, detect.Strip, detect.StepStrip, detect.ReplyAuto},
		{"observe mode", hit, &detect.Policy{Observe: true}, detect.Observe, detect.StepHit, detect.ReplyAuto},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := s.Request(req("GET", tt.url, page, detect.TypeScript, ""), tt.p)
			if d.Action != tt.action || d.Step != tt.step || d.Reply != tt.reply {
				t.Errorf("Request = %+v, want %v at step %v with reply %v", d, tt.action, tt.step, tt.reply)
			}
			if d.Step != detect.StepNone && d.Told != (d.Action <= detect.Observe) {
				t.Errorf("told = %v for %v", d.Told, d.Action)
			}
		})
	}
}

func TestHost(t *testing.T) {
	s := newSet(t)
	for host, want := range map[string]detect.Action{"px.acme.example": detect.Block, "www.acme.example": detect.Allow, "shop.example": detect.Allow} {
		if d := s.Host(&detect.HostQuestion{Host: host}, nil); d.Action != want {
			t.Errorf("Host(%s) = %v, want %v", host, d.Action, want)
		}
	}
	p := &detect.Policy{Allows: detect.NewOverrides([]detect.Override{{To: "px.acme.example"}})}
	if d := s.Host(&detect.HostQuestion{Host: "px.acme.example"}, p); d.Action != detect.Allow || d.Step != detect.StepUserAllow {
		t.Errorf("allowed Host = %+v", d)
	}
}

func TestChain(t *testing.T) {
	s := newSet(t)
	r := req("GET", "https://metrics.shop.example/tr?id=1", "https://shop.example/a", detect.TypeImage, "")
	d := s.Chain(r, []string{"cdn.example", "px.acme.example"}, nil)
	if d.Action != detect.Block || s.RuleName(d.Rule) != "acme/tr" {
		t.Fatalf("Chain = %+v %s", d, s.RuleName(d.Rule))
	}
	v := s.Explain(detect.Seen{Request: r, Chain: []string{"cdn.example", "px.acme.example"}}, d)
	if len(v) != 1 || v[0].Evidence[len(v[0].Evidence)-1].Kind != "cname" {
		t.Errorf("Explain = %+v", v)
	}
	if d := s.Chain(req("GET", "https://x.shop.example/other", "", 0, ""), []string{"px.acme.example"}, nil); d.Action != detect.Block {
		t.Errorf("a chain to a host refused by name = %+v", d)
	}
	p := &detect.Policy{Allows: detect.NewOverrides([]detect.Override{{To: "metrics.shop.example"}})}
	if d := s.Chain(r, []string{"px.acme.example"}, p); d != (detect.Decision{}) {
		t.Errorf("chain of an allowed host = %+v", d)
	}
}

func TestBody(t *testing.T) {
	s := newSet(t)
	for body, want := range map[string]detect.Action{`{"writeKey":"x"}`: detect.Block, `{"key":"x"}`: detect.Allow, "": detect.Allow} {
		r := req("POST", "https://shop.example/api/e", "https://shop.example/", detect.TypeXHR, "")
		d := s.Request(r, nil)
		if d.Need&detect.NeedBody == 0 || d.Action != detect.Allow {
			t.Fatalf("Request = %+v", d)
		}
		r.Body = []byte(body)
		if d = s.Body(r, d, nil); d.Action != want {
			t.Errorf("Body(%s) = %+v, want %v", body, d, want)
		}
	}
}

func TestPixels(t *testing.T) {
	s := newSet(t)
	gif := pixel.Blank(pixel.GIF)
	big := append([]byte("GIF89a\x28\x00\x28\x00"), make([]byte, 100)...)
	head := func(b []byte, ct string) *detect.ResponseHead {
		return &detect.ResponseHead{Status: 200, Header: textproto.MIMEHeader{"Content-Type": {ct}}, Head: b, Complete: true}
	}
	for _, tt := range []struct {
		name, url, page, cookie string
		head                    *detect.ResponseHead
		want                    detect.Action
	}{
		{"query", "https://t.example/p.gif?u=1", "https://shop.example/", "", head(gif, "image/gif"), detect.Strip},
		{"cookie", "https://t.example/p.gif", "https://shop.example/", "u=1", head(gif, "image/gif"), detect.Strip},
		{"token in the path", "https://t.example/o/8f3a9c77b1d24e55.gif", "https://shop.example/", "", head(gif, "image/gif"), detect.Strip},
		{"spacer", "https://t.example/spacer.gif", "https://shop.example/", "", head(gif, "image/gif"), detect.Observe},
		{"first party", "https://img.shop.example/p.gif?u=1", "https://shop.example/", "", head(gif, "image/gif"), detect.Allow},
		{"page unknown", "https://t.example/p.gif?u=1", "", "", head(gif, "image/gif"), detect.Allow},
		{"icon", "https://t.example/p.gif?u=1", "https://shop.example/", "", head(big, "image/gif"), detect.Allow},
		{"a lie about the type", "https://t.example/p.gif?u=1", "https://shop.example/", "", head([]byte("<html>"), "image/gif"), detect.Allow},
		{"not an image", "https://t.example/p?u=1", "https://shop.example/", "", head(gif, "text/html"), detect.Allow},
		{"sign-in", "https://accounts.example/p.gif?u=1", "https://shop.example/", "", head(gif, "image/gif"), detect.Allow},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := req("GET", tt.url, tt.page, detect.TypeImage, tt.cookie)
			d := s.Response(r, tt.head, s.Request(r, nil), nil)
			if d.Action != tt.want || d.Action >= detect.Observe && !d.Told {
				t.Errorf("%+v, want %v", d, tt.want)
			}
			if d.Action == detect.Strip {
				v := s.Explain(detect.Seen{Request: r}, d)
				if !strings.Contains(v[0].Sentence, "has told t.example") || strings.Contains(v[0].Sentence, "tried") {
					t.Errorf("sentence %q", v[0].Sentence)
				}
			}
		})
	}
}

func TestLearned(t *testing.T) {
	s := newSet(t)
	p := &detect.Policy{Learned: detect.NewEndpoints([]uint64{detect.EndpointKey("t.example", "https://t.example/p.gif?u=1")})}
	for _, tt := range []struct {
		url, page string
		ty        detect.Type
		want      detect.Action
	}{
		{"https://t.example/p.gif?u=2", "https://shop.example/", detect.TypeImage, detect.Block},
		{"https://t.example/p.gif", "https://shop.example/", detect.TypeImage, detect.Allow},
		{"https://t.example/p.gif?u=2", "https://t.example/", detect.TypeImage, detect.Allow},
		{"https://t.example/p.gif?u=2", "https://shop.example/", detect.TypeDocument, detect.Allow},
		{"https://t.example/q.gif?u=2", "https://shop.example/", detect.TypeImage, detect.Allow},
	} {
		if d := s.Request(req("GET", tt.url, tt.page, tt.ty, ""), p); d.Action != tt.want {
			t.Errorf("%s on %s = %+v, want %v", tt.url, tt.page, d, tt.want)
		}
	}
}

func TestStubReport(t *testing.T) {
	s := newSet(t)
	r := req("GET", "https://cdn.acme.example/px.js", "https://shop.example/thanks", detect.TypeScript, "")
	d := s.Request(r, nil)
	if js, ok := s.Stub(d); !ok || !strings.Contains(js, StubMark) {
		t.Fatalf("Stub = %q %v", js, ok)
	}
	got := s.Explain(detect.Seen{Request: r, Report: []byte("id=1&ev=Buy&dl=https%3A%2F%2Fshop.example%2Fthanks")}, d)
	want := "shop.example tried to tell Acme Pixel (Acme Ads) that you bought something on /thanks. Your IP address and browser go with every request. Blocked."
	if len(got) != 1 || got[0].Sentence != want {
		t.Errorf("report: got  %q\nwant %q", got[0].Sentence, want)
	}
	asked := s.Explain(detect.Seen{Request: r}, d)
	if want := "shop.example asked for the script of Acme Pixel (Acme Ads). Answered with a stand-in that tells only you what the page wants to send."; asked[0].Sentence != want {
		t.Errorf("loader: got  %q\nwant %q", asked[0].Sentence, want)
	}
}

func TestStripAndNames(t *testing.T) {
	s := newSet(t)
	d := s.Request(req("GET", "https://www.acme.example/like?uid=1", "https://shop.example/", detect.TypeSubdocument, "a=b"), nil)
	if st := s.Strip(d); !st.AllCookies || st.AllParams || len(st.Params) != 1 || st.Params[0] != "uid" {
		t.Errorf("Strip = %+v", st)
	}
	for host, want := range map[string]bool{"www.acme.example": true, "px.acme.example": true, "shop.example": false} {
		if got := s.Names(host, nil); got != want {
			t.Errorf("Names(%s) = %v, want %v", host, got, want)
		}
	}
}

func TestDecisionDoesNotAllocate(t *testing.T) {
	s := newSet(t)
	p := &detect.Policy{Allows: detect.NewOverrides([]detect.Override{{To: "a.example"}, {On: "b.example"}}), Learned: detect.NewEndpoints([]uint64{1})}
	for _, r := range []*detect.Request{
		req("GET", "https://px.acme.example/tr?id=1", "https://shop.example/a", detect.TypeImage, "a=b"),
		req("GET", "https://cdn.example/x/y.png?v=1", "https://shop.example/a", detect.TypeImage, ""),
		req("POST", "https://shop.example/api/x", "https://shop.example/a", detect.TypeXHR, ""),
	} {
		s.Request(r, p)
		if n := testing.AllocsPerRun(200, func() { s.Request(r, p) }); n > 0 {
			t.Errorf("Request(%s) allocates %v times, want 0", r.URL, n)
		}
		q := &detect.HostQuestion{Host: r.Host}
		if n := testing.AllocsPerRun(200, func() { s.Host(q, p) }); n > 0 {
			t.Errorf("Host(%s) allocates %v times, want 0", r.Host, n)
		}
	}
}

func TestLoadFaults(t *testing.T) {
	_, err := Load(Sources{User: fstest.MapFS{
		"a.yaml":       {Data: []byte("compny: x\n")},
		"b.yaml":       {Data: []byte("company: B\ntrackers: [{id: b, name: B, loaders: [{id: l, hosts: [b.example], stub: nope}]}]\n")},
		"stubs/big.js": {Data: []byte(strings.Repeat("x", MaxStub+1))},
		"stubs/no.js":  {Data: []byte("x")},
	}})
	for _, want := range []string{`a.yaml:1: unknown key "compny"; did you mean "company"?`, `no stub "nope"`, "2049 bytes, want at most 2048", "want @QUENCH@ exactly once"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("fault %q is missing in\n%v", want, err)
		}
	}
}

func TestUserRulesComeFirst(t *testing.T) {
	mine := strings.Replace(acme, "id: acme", "id: mine", 1)
	s, err := Load(Sources{User: fstest.MapFS{"mine.yaml": {Data: []byte(mine)}, "stubs/px.js": {Data: []byte("'@QUENCH@'")}}})
	if err != nil {
		t.Fatal(err)
	}
	if d := s.Request(req("GET", "https://px.acme.example/tr?id=1", "", 0, ""), nil); s.RuleName(d.Rule) != "mine/tr" {
		t.Errorf("rule %s decided", s.RuleName(d.Rule))
	}
}

func BenchmarkRequestHit(b *testing.B) {
	benchRequest(b, "https://px.acme.example/tr?id=1")
}
func BenchmarkRequestMiss(b *testing.B) {
	benchRequest(b, "https://cdn.example/assets/app/logo-40x40.png?v=3")
}

func benchRequest(b *testing.B, url string) {
	s, p := newSet(b), &detect.Policy{}
	r := req("GET", url, "https://shop.example/a", detect.TypeImage, "a=b")
	b.ReportAllocs()
	for b.Loop() {
		s.Request(r, p)
	}
}
