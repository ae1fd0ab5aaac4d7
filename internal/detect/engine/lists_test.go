package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/filterlist"
	"github.com/quench-proxy/quench/internal/need"
	"github.com/quench-proxy/quench/rules"
)

// withLists is a Set with acme's rules and these lists, called a, b, c …
func withLists(t testing.TB, texts ...string) *Set {
	t.Helper()
	s := newSet(t)
	var sources []filterlist.Source
	var names []List
	for i, text := range texts {
		name := string(rune('a' + i))
		sources = append(sources, filterlist.Source{Name: name, Text: []byte(text), Format: filterlist.FormatAdblock})
		names = append(names, List{Name: name, Title: "List " + strings.ToUpper(name)})
	}
	compiled, reports := filterlist.Compile(sources, filterlist.Options{})
	for _, r := range reports {
		if r.Err != nil {
			t.Fatalf("%+v", r)
		}
	}
	var err error
	if s.resources, err = loadResources(rules.FS); err != nil {
		t.Fatal(err)
	}
	return s.WithLists(compiled, names, 7)
}

const page = "https://shop.example/a"

func TestListPrecedence(t *testing.T) {
	const hit, loader = "https://px.acme.example/tr?id=1", "https://cdn.acme.example/px.js"
	on := func(lists ...uint64) *detect.Policy { return &detect.Policy{Lists: lists, ListsOf: 7} }
	for _, tt := range []struct {
		name   string
		lists  []string
		url    string
		p      *detect.Policy
		action detect.Action
		step   detect.Step
	}{
		{"list block", []string{"||t.example^"}, "https://t.example/x.png", nil, detect.Block, detect.StepList},
		{"list off for this client", []string{"||t.example^"}, "https://t.example/x.png", on(0), detect.Allow, detect.StepNone},
		{"numbers of other lists do not count", []string{"||t.example^"}, "https://t.example/x.png", &detect.Policy{Lists: []uint64{0}, ListsOf: 6}, detect.Block, detect.StepList},
		{"list exception", []string{"||t.example^", "@@||t.example^"}, "https://t.example/x.png", nil, detect.Allow, detect.StepListException},
		{"its list off", []string{"||t.example^", "@@||t.example^"}, "https://t.example/x.png", on(1), detect.Block, detect.StepList},
		{"vendor hit above list exception", []string{"@@||px.acme.example^"}, hit, nil, detect.Block, detect.StepHit},
		{"list exception above loader", []string{"@@||cdn.acme.example^"}, loader, nil, detect.Allow, detect.StepListException},
		{"loader above list block", []string{"||cdn.acme.example^"}, loader, nil, detect.Block, detect.StepLoader},
		{"a loader the user passes above list block", []string{"||cdn.acme.example^"}, loader, &detect.Policy{Loaders: map[string]detect.LoaderMode{"acme": detect.LoaderPass}}, detect.Observe, detect.StepLoader},
		{"important above hit", []string{"||px.acme.example^$important"}, hit, nil, detect.Block, detect.StepImportant},
		{"important above list exception", []string{"||t.example^$important", "@@||t.example^"}, "https://t.example/x.png", nil, detect.Block, detect.StepImportant},
		{"veto above important", []string{"||accounts.example^$important"}, "https://accounts.example/x.png", nil, detect.Allow, detect.StepVeto},
		{"user's allow above important", []string{"||t.example^$important"}, "https://t.example/x.png", &detect.Policy{Allows: detect.NewOverrides([]detect.Override{{To: "t.example"}})}, detect.Allow, detect.StepUserAllow},
		{"user's block above list exception", []string{"@@||t.example^"}, "https://t.example/x.png", &detect.Policy{Blocks: detect.NewOverrides([]detect.Override{{To: "t.example"}})}, detect.Block, detect.StepUserBlock},
		{"list block above what was learned", []string{"||t.example^"}, "https://t.example/p.gif?u=1", &detect.Policy{Learned: detect.NewEndpoints([]uint64{detect.EndpointKey("t.example", "https://t.example/p.gif?u=1")})}, detect.Block, detect.StepList},
		{"list exception above what was learned", []string{"@@||t.example^"}, "https://t.example/p.gif?u=1", &detect.Policy{Learned: detect.NewEndpoints([]uint64{detect.EndpointKey("t.example", "https://t.example/p.gif?u=1")})}, detect.Allow, detect.StepListException},
		{"observe mode", []string{"||t.example^"}, "https://t.example/x.png", &detect.Policy{Observe: true}, detect.Observe, detect.StepList},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := withLists(t, tt.lists...)
			r := req("GET", tt.url, page, detect.TypeImage, "")
			d := s.Request(r, tt.p)
			if d.Action != tt.action || d.Step != tt.step {
				t.Fatalf("%+v (%s), want %v at step %v", d, s.RuleName(d.Rule), tt.action, tt.step)
			}
			if d.Step == detect.StepNone {
				return
			}
			v := s.Explain(detect.Seen{Request: r, Policy: tt.p}, d)
			if len(v) == 0 || v[0].Sentence == "" || len(v[0].Evidence) == 0 || (v[0].Exception == nil) != (d.Action == detect.Block || d.Action == detect.Observe) {
				t.Errorf("explained as %+v", v)
			}
		})
	}
}

func TestBodyFallsToLists(t *testing.T) {
	s := withLists(t, "||shop.example/api/")
	r := req("POST", "https://shop.example/api/e", page, detect.TypeXHR, "")
	d := s.Request(r, nil)
	if d.Need&detect.NeedBody == 0 {
		t.Fatalf("Request = %+v", d)
	}
	r.Body = []byte(`{"key":"x"}`)
	if d = s.Body(r, d, nil); d.Step != detect.StepList || d.Action != detect.Block {
		t.Errorf("Body = %+v", d)
	}
}

func TestListSentences(t *testing.T) {
	s := withLists(t, "! two\n||t.example^$third-party", "@@||t.example/ok^\n||x.example^$removeparam=utm_source\n||doc.example^$csp=script-src 'none'")
	for _, tt := range []struct {
		url  string
		ty   detect.Type
		want detect.Verdict
	}{
		{"https://t.example/x.png", detect.TypeImage, detect.Verdict{Action: detect.Block,
			Evidence: []detect.Evidence{{Kind: "list", Detail: "||t.example^$third-party", Source: "a:2"}},
			Sentence: "shop.example asked for t.example, which is on the list List A. Blocked."}},
		{"https://t.example/ok", detect.TypeImage, detect.Verdict{Action: detect.Allow, Told: true,
			Evidence:  []detect.Evidence{{Kind: "list", Detail: "||t.example^$third-party", Source: "a:2"}},
			Exception: &detect.Evidence{Kind: "list", Detail: "@@||t.example/ok^", Source: "b:1"},
			Sentence:  "shop.example asked for t.example, which is on the list List A. Let through: the list List B makes an exception for it."}},
		{"https://x.example/?a=1&utm_source=mail", detect.TypeXHR, detect.Verdict{Action: detect.Strip,
			Evidence:  []detect.Evidence{{Kind: "list", Detail: "||x.example^$removeparam=utm_source", Source: "b:2"}},
			Rewritten: "https://x.example/?a=1",
			Sentence:  "shop.example asked for x.example. Passed on without the tracking parameters in its address."}},
		{"https://doc.example/", detect.TypeSubdocument, detect.Verdict{Action: detect.Strip,
			Evidence: []detect.Evidence{{Kind: "list", Detail: "||doc.example^$csp=script-src 'none'", Source: "b:3"}},
			Sentence: "shop.example asked for doc.example. Passed on, with a rule for the page that keeps it from loading what a list forbids."}},
	} {
		r := req("GET", tt.url, page, tt.ty, "")
		d, _ := s.Modify(r, s.Request(r, nil), nil)
		got := s.Explain(detect.Seen{Request: r}, d)
		if len(got) != 1 {
			t.Errorf("%s: %+v decided, %d verdicts", tt.url, d, len(got))
			continue
		}
		got[0].Say = nil
		if diff := cmp.Diff(tt.want, got[0]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.url, diff)
		}
	}
}

func TestModify(t *testing.T) {
	s := withLists(t, "$removeparam=utm_source\n||x.example^$removeparam=id\n@@||keep.example^$removeparam\n||doc.example^$csp=script-src 'none'\n||doc.example^$csp=img-src *")
	for _, tt := range []struct {
		url  string
		p    *detect.Policy
		want Changes
	}{
		{"https://x.example/?utm_source=1&id=2&b=3", nil, Changes{URL: "https://x.example/?b=3"}},
		{"https://x.example/?utm_source=1", nil, Changes{URL: "https://x.example/"}},
		{"https://x.example/?b=3", nil, Changes{}},
		{"https://keep.example/?utm_source=1", nil, Changes{}},
		{"https://x.example/?id=2", &detect.Policy{Observe: true}, Changes{}},
		{"https://x.example/?id=2", &detect.Policy{Allows: detect.NewOverrides([]detect.Override{{To: "x.example"}})}, Changes{URL: "https://x.example/"}},
		{"https://doc.example/?utm_source=1", nil, Changes{URL: "https://doc.example/", CSP: []string{"script-src 'none'", "img-src *"}}},
	} {
		r := req("GET", tt.url, "", detect.TypeDocument, "")
		_, got := s.Modify(r, s.Request(r, tt.p), tt.p)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.url, diff)
		}
	}
	allowed := detect.Decision{Step: detect.StepUserAllow}
	if _, c := s.Modify(req("GET", "https://x.example/?id=2", "", detect.TypeDocument, ""), allowed, nil); c.URL != "" {
		t.Errorf("what the user allowed was changed: %+v", c)
	}
}

func TestRedirect(t *testing.T) {
	s := withLists(t, "||t.example^$image,redirect=1x1.gif\n||u.example^\n||u.example/js^$redirect-rule=noopjs:10\n||v.example^$redirect=strange.js")
	for url, want := range map[string]string{
		"https://t.example/a": "1x1.gif", "https://u.example/js/a": "noop.js", "https://u.example/b": "", "https://v.example/b": "",
	} {
		d := s.Request(req("GET", url, page, detect.TypeImage, ""), nil)
		got := ""
		if res := s.Resource(d); res != nil {
			got = res.Name
		}
		if d.Action != detect.Block || got != want {
			t.Errorf("%s: %+v answered by %q, want %q", url, d, got, want)
		}
	}
}

func TestListedHosts(t *testing.T) {
	s := withLists(t, "||t.example^\n||imp.example^$important\n||path.example/x\n@@||px.acme.example^\n||cdn.t2.example^", "@@||t.example^\n@@||imp.example^")
	only := &detect.Policy{Lists: []uint64{1}, ListsOf: 7}
	for _, tt := range []struct {
		host   string
		p      *detect.Policy
		action detect.Action
		step   detect.Step
	}{
		{"a.t.example", nil, detect.Allow, detect.StepListException},
		{"a.t.example", only, detect.Block, detect.StepList},
		{"imp.example", nil, detect.Block, detect.StepImportant},
		{"path.example", nil, detect.Allow, detect.StepNone},
		{"px.acme.example", nil, detect.Allow, detect.StepListException},
		{"notcdn.t2.example", nil, detect.Allow, detect.StepNone},
	} {
		d := s.Host(&detect.HostQuestion{Host: tt.host}, tt.p)
		if d.Action != tt.action || d.Step != tt.step {
			t.Errorf("Host(%s) = %+v, want %v at %v", tt.host, d, tt.action, tt.step)
		}
	}
	d := s.Chain(req("GET", "https://m.shop.example/x", page, detect.TypeImage, ""), []string{"edge.example", "cdn.t2.example"}, nil)
	if d.Action != detect.Block || s.RuleName(d.Rule) != "a:5" {
		t.Errorf("Chain = %+v by %s", d, s.RuleName(d.Rule))
	}
	for host, want := range map[string]bool{"a.t.example": true, "path.example": true, "px.acme.example": true, "other.example": false} {
		if got := s.Names(host, nil); got != want {
			t.Errorf("Names(%s) = %v, want %v", host, got, want)
		}
	}
}

func TestListDecisionsDoNotAllocate(t *testing.T) {
	if need.Race {
		t.Skip("the race detector makes pools forget")
	}
	s := withLists(t, "||t.example^$third-party\n/banner/*\n@@||t.example/ok\n$removeparam=utm_source\n||imp.example^$important")
	for _, url := range []string{"https://t.example/x", "https://t.example/ok", "https://cdn.example/banner/1.png", "https://cdn.example/x.png?utm=1", "https://px.acme.example/tr?id=1", "https://cdn.acme.example/px.js"} {
		r := req("GET", url, page, detect.TypeImage, "")
		s.Request(r, nil)
		if n := testing.AllocsPerRun(200, func() { d := s.Request(r, nil); s.Modify(r, d, nil) }); n > 0 {
			t.Errorf("%s allocates %v times, want 0", url, n)
		}
	}
}

// TestSwapUnderLoad exchanges lists whose numbers change while decisions are
// made with policies of the old and the new: none may read the wrong list.
func TestSwapUnderLoad(t *testing.T) {
	base := withLists(t, "||t.example^", "||u.example^")
	other, _ := filterlist.Compile([]filterlist.Source{{Name: "b", Text: []byte("||u.example^")}, {Name: "a", Text: []byte("||t.example^")}}, filterlist.Options{})
	sets := []*Set{base, base.WithLists(other, []List{{Name: "b"}, {Name: "a"}}, 8)}
	policies := []*detect.Policy{{Lists: []uint64{1}, ListsOf: 7}, {Lists: []uint64{2}, ListsOf: 8}} // list a only
	r := req("GET", "https://t.example/x", page, detect.TypeImage, "")
	for i := range 4 {
		s, p := sets[i%2], policies[i/2]
		if d := s.Request(r, p); d.Action != detect.Block {
			t.Errorf("%s: a is on in both, got %+v", fmt.Sprint(i%2, i/2), d)
		}
	}
}
