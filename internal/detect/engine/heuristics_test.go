package engine

import (
	"net/textproto"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/quench-proxy/quench/internal/detect"
)

const (
	unknownID = "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9"
	// strong, middle and weak are requests of at least 10, of 7 to 9 and of 6
	// points as images.
	strong = "https://pixel.t.example/collect?uid=" + unknownID + "&ev=PageView&u=https%3A%2F%2Fshop.example%2Fa"
	middle = "https://t.example/x?uid=" + unknownID
	weak   = "https://t.example/x?id=12345"
	// benignYAML and the rest make a Set with hosts that are left alone.
	benignYAML = "benign:\n  - {hosts: [.pictures.example], why: pictures for sites}\n  - {hosts: [maps.example], paths: [/tiles/*], why: maps}\n"
)

func withBenign(t *testing.T) *Set {
	t.Helper()
	s := newSet(t)
	b, err := parseBenign("benign.yaml", []byte(benignYAML))
	if err != nil {
		t.Fatal(err)
	}
	s.benign = b
	return s
}

func unknownReq(ty detect.Type, url string) *detect.Request {
	r := req("GET", url, "https://shop.example/a", ty, "")
	return r
}

func TestScoreDecides(t *testing.T) {
	t.Parallel()
	s := withBenign(t)
	block, strip, observe := detect.Block, detect.Strip, detect.Observe
	mode := func(m detect.UnknownMode) *detect.Policy { return &detect.Policy{Unknown: m} }
	for _, tt := range []struct {
		name   string
		ty     detect.Type
		url    string
		p      *detect.Policy
		action detect.Action
		step   detect.Step
	}{
		{"strong", detect.TypeImage, strong, nil, block, detect.StepScore},
		{"middle", detect.TypeImage, middle, nil, strip, detect.StepScore},
		{"weak", detect.TypeImage, "https://t.example/track?v=1", nil, observe, detect.StepScore},
		{"next to nothing", detect.TypeImage, weak, nil, detect.Allow, detect.StepNone},
		{"a ping whose answer nobody reads", detect.TypePing, middle, nil, block, detect.StepScore},
		{"a call that the page reads", detect.TypeXHR, middle, nil, detect.Allow, detect.StepNone},
		{"a strong call", detect.TypeXHR, strong, nil, block, detect.StepScore},
		{"unknown type", detect.TypeOther, strong, nil, block, detect.StepScore},
		{"document", detect.TypeDocument, strong, nil, detect.Allow, detect.StepNone},
		{"frame", detect.TypeSubdocument, strong, nil, detect.Allow, detect.StepNone},
		{"script", detect.TypeScript, strong, nil, detect.Allow, detect.StepNone},
		{"style", detect.TypeStylesheet, strong, nil, detect.Allow, detect.StepNone},
		{"font", detect.TypeFont, strong, nil, detect.Allow, detect.StepNone},
		{"film", detect.TypeMedia, strong, nil, detect.Allow, detect.StepNone},
		{"object", detect.TypeObject, strong, nil, detect.Allow, detect.StepNone},
		{"first party", detect.TypeImage, strings.Replace(strong, "pixel.t.example", "pixel.shop.example", 1), nil, detect.Allow, detect.StepNone},
		{"benign host", detect.TypeImage, strings.Replace(strong, "pixel.t.example", "a.pictures.example", 1), nil, detect.Allow, detect.StepNone},
		{"benign path", detect.TypeImage, strings.Replace(strong, "pixel.t.example/", "maps.example/tiles/", 1), nil, detect.Allow, detect.StepNone},
		{"another path there", detect.TypeImage, strings.Replace(strong, "pixel.t.example/", "maps.example/", 1), nil, block, detect.StepScore},
		{"veto", detect.TypeImage, strings.Replace(strong, "pixel.t.example", "a.pay.example", 1), nil, detect.Allow, detect.StepNone},
		{"weak at a veto's host", detect.TypeImage, "https://a.pay.example/track?v=1", nil, detect.Allow, detect.StepNone},
		{"user's allow", detect.TypeImage, strong, &detect.Policy{Allows: detect.NewOverrides([]detect.Override{{To: "t.example"}})}, detect.Allow, detect.StepUserAllow},
		{"user's allow of a page", detect.TypeImage, strong, &detect.Policy{Allows: detect.NewOverrides([]detect.Override{{On: "shop.example"}})}, detect.Allow, detect.StepUserAllow},
		{"observe mode", detect.TypeImage, strong, &detect.Policy{Observe: true}, observe, detect.StepScore},
		{"unknown: strip", detect.TypeImage, strong, mode(detect.UnknownStrip), strip, detect.StepScore},
		{"unknown: observe", detect.TypeImage, strong, mode(detect.UnknownObserve), observe, detect.StepScore},
		{"unknown: off", detect.TypeImage, strong, mode(detect.UnknownOff), detect.Allow, detect.StepNone},
		{"off, but learned", detect.TypeImage, strong, &detect.Policy{Unknown: detect.UnknownOff,
			Learned: detect.NewEndpoints([]uint64{detect.EndpointKey("pixel.t.example", strong)})}, block, detect.StepLearned},
		{"learned at a benign host", detect.TypeImage, "https://a.pictures.example/x?v=1", &detect.Policy{
			Learned: detect.NewEndpoints([]uint64{detect.EndpointKey("a.pictures.example", "https://a.pictures.example/x?v=1")})}, detect.Allow, detect.StepNone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := s.Request(unknownReq(tt.ty, tt.url), tt.p)
			if d.Action != tt.action || d.Step != tt.step {
				t.Errorf("%s by step %d, want %s by %d", d.Action, d.Step, tt.action, tt.step)
			}
			if d.Action == detect.Observe && !d.Told {
				t.Error("what is observed is told")
			}
		})
	}
}

// TestScoreOfTheSameCompany: a company's site may ask its other hosts.
func TestScoreOfTheSameCompany(t *testing.T) {
	t.Parallel()
	s := newSet(t)
	url := strings.Replace(strong, "pixel.t.example", "api.acme.example", 1)
	if d := s.Request(unknownReq(detect.TypeImage, url), nil); d.Action != detect.Block {
		t.Errorf("from another site: %s, want block", d.Action)
	}
	r := req("GET", url, "https://acme.example/", detect.TypeImage, "")
	r.Site = detect.ThirdParty // as a browser would say of a second domain
	if d := s.Request(r, nil); d.Step != detect.StepNone {
		t.Errorf("from the company's own site: %s by step %d, want nothing", d.Action, d.Step)
	}
}

// TestNoScoreWithoutShippedRules: nobody would know whom to spare.
func TestNoScoreWithoutShippedRules(t *testing.T) {
	t.Parallel()
	s, err := Load(Sources{})
	if err != nil {
		t.Fatal(err)
	}
	if d := s.Request(unknownReq(detect.TypeImage, strong), nil); d.Step != detect.StepNone {
		t.Errorf("%s by step %d, want nothing", d.Action, d.Step)
	}
}

func TestScoreReadsTheBody(t *testing.T) {
	t.Parallel()
	s := newSet(t)
	const url = "https://collect.t.example/v1"
	for _, tt := range []struct {
		name, body string
		cut        bool
		want       detect.Action
	}{
		{"a tracker's", `{"visitor_id":"` + unknownID + `","event":"page_view","url":"https://shop.example/a","screen":"1920x1080","lang":"de"}`, false, detect.Block},
		{"ordinary", `{"query":"query Q($id: ID!) { a }","variables":{"id":"` + unknownID + `"}}`, false, detect.Allow},
		{"not held", "", true, detect.Allow},
	} {
		r := req("POST", url, "https://shop.example/a", detect.TypeXHR, "")
		d := s.Request(r, nil)
		if d.Need&detect.NeedBody == 0 || d.Action != detect.Allow {
			t.Fatalf("%s: before the body %+v, want to see it", tt.name, d)
		}
		r.Body, r.BodyCut = []byte(tt.body), tt.cut
		if d = s.Body(r, d, nil); d.Action != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, d.Action, tt.want)
		}
		if tt.cut && d.Need&detect.NeedBody != 0 {
			t.Errorf("%s: the body is wanted again", tt.name)
		}
	}
}

func TestScoreSentence(t *testing.T) {
	t.Parallel()
	s := newSet(t)
	key := &detect.PastKey{1}
	for _, tt := range []struct {
		name, url, want string
		past            *detect.Past
	}{
		{"block", strong, "shop.example tried to send pixel.t.example, which looks like a tracker, a report about your visit on /a; it carried the number that recognises this browser. Your IP address and browser go with every request. Blocked. Because: says which page you are on; names something you did; carries a number for this browser or visit; third party; its address has a word that trackers use; an image that carries data; asks for an image of no name and no size; its address has a second such word.", nil},
		{"strip", middle, "shop.example tried to send t.example, which looks like a tracker, a report about your visit on /a; it carried the number that recognises this browser. Your IP address and browser go with every request. Passed on without its cookies and identifiers. Because: carries a number for this browser or visit; third party; an image that carries data; asks for an image of no name and no size.", nil},
		{"another's number", middle, "shop.example tried to send t.example, which looks like a tracker, a report about your visit on /a; it carried the number that recognises this browser. Your IP address and browser go with every request. ads.example tried to tell t.example which number it uses for you. Blocked. Because: carries the number that another company uses for you; carries a number for this browser or visit; third party; an image that carries data; asks for an image of no name and no size.",
			&detect.Past{Key: key, Others: []detect.ForeignID{{Sum: key.Sum(detect.PastID, []byte(unknownID), nil, nil), Owner: "ads.example"}}}},
	} {
		r := unknownReq(detect.TypeImage, tt.url)
		r.Past = tt.past
		d := s.Request(r, nil)
		v := s.Explain(detect.Seen{Request: r}, d)
		if len(v) != 1 {
			t.Fatalf("%s: %d verdicts, want 1", tt.name, len(v))
		}
		if diff := cmp.Diff(tt.want, v[0].Sentence); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.name, diff)
		}
		for _, e := range v[0].Evidence {
			if strings.Contains(e.Detail, unknownID) {
				t.Errorf("%s: evidence holds the number: %s", tt.name, e.Detail)
			}
		}
	}
}

// TestSyncOfAKnownVendor: whoever decides, what one told the other is evidence.
func TestSyncOfAKnownVendor(t *testing.T) {
	t.Parallel()
	s := newSet(t)
	key := &detect.PastKey{1}
	r := unknownReq(detect.TypeImage, "https://px.acme.example/tr?id=1&partner_uid="+unknownID)
	r.Past = &detect.Past{Key: key, Others: []detect.ForeignID{{Sum: key.Sum(detect.PastID, []byte(unknownID), nil, nil), Owner: "ads.example"}}}
	d := s.Request(r, nil)
	v := s.Explain(detect.Seen{Request: r}, d)
	if len(v) != 1 || d.Step != detect.StepHit {
		t.Fatalf("%d verdicts by step %d, want 1 by %d", len(v), d.Step, detect.StepHit)
	}
	if want := "ads.example tried to tell px.acme.example which number it uses for you."; !strings.Contains(v[0].Sentence, want) {
		t.Errorf("sentence %q, want it to say %q", v[0].Sentence, want)
	}
	last := v[0].Evidence[len(v[0].Evidence)-1]
	if diff := cmp.Diff(detect.Evidence{Kind: "sync", Detail: "carries the number that ads.example uses for you"}, last); diff != "" {
		t.Errorf("evidence: -want +got\n%s", diff)
	}
	r.Past.Others[0].Owner = "cdn.acme.example" // another host of the same company
	if v = s.Explain(detect.Seen{Request: r}, d); strings.Contains(v[0].Sentence, "which number it uses for you") {
		t.Errorf("sentence %q tells of a company telling itself", v[0].Sentence)
	}
}

// TestScoreThenPixel: what was only stripped or observed is still looked at.
func TestScoreThenPixel(t *testing.T) {
	t.Parallel()
	s := newSet(t)
	r := unknownReq(detect.TypeImage, middle)
	d := s.Request(r, nil)
	if d.Need&detect.NeedHead == 0 {
		t.Fatalf("%+v, want to see the answer", d)
	}
	gif := []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")
	head := &detect.ResponseHead{Status: 200, Header: textproto.MIMEHeader{"Content-Type": {"image/gif"}}, Head: gif, Complete: true, Length: int64(len(gif))}
	if got := s.Response(r, head, d, nil); got.Step != detect.StepPixel || got.Action != detect.Strip || !got.Told {
		t.Errorf("a pixel: %+v, want a strip that was told", got)
	}
	head.Head = []byte("not an image")
	if got := s.Response(r, head, d, nil); got != d {
		t.Errorf("no pixel: %+v, want %+v", got, d)
	}
}

func TestBenignFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ yaml, want string }{
		{"benign:\n  - {hosts: [a.example]}\n", "benign.yaml:2: an entry of benign needs hosts and why"},
		{"benign:\n  - {hosts: ['https://a.example'], why: x}\n", `host "https://a.example": want "name" or ".domain", lower case`},
		{"vetoes: []\n", "vetoes"},
	} {
		_, err := Load(Sources{Builtin: fstest.MapFS{
			"builtin.json": {Data: []byte("[]")}, "vetoes.yaml": {Data: []byte(vetoYAML)}, "benign.yaml": {Data: []byte(tt.yaml)},
		}})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: error %v, want %q", tt.yaml, err, tt.want)
		}
	}
}

func TestScoreDoesNotAllocate(t *testing.T) {
	s := newSet(t)
	for _, url := range []string{strong, middle, "https://images.example/a/b-320x200.jpg?w=320&h=200&q=80"} {
		r := unknownReq(detect.TypeImage, url)
		if n := testing.AllocsPerRun(100, func() { s.Request(r, nil) }); n != 0 {
			t.Errorf("%s: %v allocations, want 0", url, n)
		}
	}
}
