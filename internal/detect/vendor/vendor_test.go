package vendor

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"net/textproto"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quench-proxy/quench/internal/detect"
)

const testYAML = `
company: Acme Ads
sites: [acme.example]
trackers:
  - id: acme
    name: Acme Pixel
    by_name: {refuse: [px.acme.example, .beacons.example]}
    cookies:
      - {name: uid, label: the number Acme keeps for this browser, made: ga}
      - {name: sess, secret: true}
    hits:
      - id: tr
        hosts: [px.acme.example, www.acme.example]
        paths: [/tr, /tr/*]
        party: third
        query: {id: '^\d+$'}
        params: {ed: json}
        split: batch
      - id: country
        hosts: ["www.acme.*"]
        path_re: '^/collect/(?P<account>\d+)/'
        matrix: true
      - id: sgtm
        hosts: ["*"]
        paths: ["*/g/collect"]
        query: {v: '^2$', tid: '^G-'}
        body: ga4-lines
      - id: proxied
        hosts: ["*"]
        methods: [POST]
        paths: [/api/e]
        payload: {writeKey: "", anonymousId: ""}
    loaders:
      - {id: script, hosts: [cdn.acme.example], paths: ["*/px.js"], stub: px, report: tr}
    fields:
      account: [id, path.account, tid]
      event: [ev, en]
      page_url: dl
      visitor_id: {from: [fbp], made: fb}
      screen: {from: [sw, sh], join: x}
      value: [cd.value, ed.value]
      custom: "ed.*"
      products: "pr*.nm"
      email_hash: {from: [em], part: '^h:(\w+)$'}
    events:
      PageView: you opened a page
      Buy: {says: you bought something, automatic: true}
      init: {says: the script started, skip: true}
      "*": something the site calls “{event}” happened
    consent:
      - {from: gcs, as: gcs}
      - {from: ok, as: flag, granted: '^y', denied: '^n'}
    dedupe: [eid]
`

func compile(t testing.TB, texts ...string) *Rules {
	t.Helper()
	var specs []*Spec
	for i, text := range texts {
		s, err := Parse(fmt.Sprintf("t%d.yaml", i), []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		specs = append(specs, s)
	}
	r, err := Compile(specs)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func name(r *Rules, n int32) string {
	if n == 0 {
		return ""
	}
	return r.RuleName(n)
}

func TestMatch(t *testing.T) {
	r := compile(t, testYAML)
	for _, tt := range []struct {
		url, page, method  string
		hit, maybe, loader string
	}{
		{url: "https://px.acme.example/tr?id=12", hit: "acme/tr"},
		{url: "https://px.acme.example/tr?id=x"},
		{url: "https://px.acme.example/tr"},
		{url: "https://px.acme.example/tr/a/b?x=1&id=12", hit: "acme/tr"},
		{url: "https://px.acme.example/trx?id=12"},
		{url: "https://px.acme.example/tr?id=12", method: "OPTIONS"},
		{url: "https://px.acme.example/tr?id=12", method: "HEAD", hit: "acme/tr"},
		{url: "https://px.acme.example/tr?id=12", page: "https://shop.example/", hit: "acme/tr"},
		{url: "https://px.acme.example/tr?id=12", page: "https://www.acme.example/"},
		{url: "https://www.acme.co.uk/collect/77/", hit: "acme/country"},
		{url: "https://www.acme.co.uk.evil.example/collect/77/"},
		{url: "https://shop.example/x/g/collect?v=2&tid=G-1", hit: "acme/sgtm"},
		{url: "https://shop.example/x/g/collect?v=1&tid=G-1"},
		{url: "https://shop.example/api/e", method: "POST", maybe: "acme/proxied"},
		{url: "https://cdn.acme.example/v1/px.js", loader: "acme/script"},
		{url: "https://notpx.acme.example.evil.test/tr?id=12"},
		{url: ""},
	} {
		q := &detect.Request{URL: tt.url, Host: detect.HostOf(tt.url), Page: tt.page, PageFrom: detect.PageReferer, Method: tt.method}
		m := r.Match(q)
		got := [3]string{name(r, m.Hit), name(r, m.Maybe), name(r, m.Loader)}
		if want := [3]string{tt.hit, tt.maybe, tt.loader}; got != want {
			t.Errorf("Match(%s %s on %q) = %v, want %v", tt.method, tt.url, tt.page, got, want)
		}
	}
}

func TestMatchDoesNotAllocate(t *testing.T) {
	r := compile(t, testYAML)
	for _, u := range []string{"https://px.acme.example/tr?id=12", "https://cdn.other.example/a/b.png?x=1"} {
		q := &detect.Request{URL: u, Host: detect.HostOf(u), Page: "https://shop.example/", PageFrom: detect.PageReferer}
		r.Match(q)
		if n := testing.AllocsPerRun(100, func() { r.Match(q) }); n > 0 {
			t.Errorf("Match(%s) allocates %v times, want 0", u, n)
		}
	}
}

func TestRefuse(t *testing.T) {
	r := compile(t, testYAML)
	for host, want := range map[string]bool{
		"px.acme.example": true, "a.px.acme.example": false, "beacons.example": true,
		"a.b.beacons.example": true, "xbeacons.example": false, "": false,
	} {
		if _, got := r.Refuse(host); got != want {
			t.Errorf("Refuse(%q) = %v, want %v", host, got, want)
		}
	}
}

func gz64(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(s))
	z.Close()
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func TestDecodeBody(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100)
	for _, tt := range []struct {
		name, codec, body string
		want              []map[string]string
	}{
		{"form", "form", "a=1&b%5Bc%5D=2&d[e][f]=%20x", []map[string]string{{"a": "1", "b.c": "2", "d.e.f": " x"}}},
		{"bad escape", "form", "a=%zz&b=%", []map[string]string{{"a": "%zz", "b": "%"}}},
		{"json", "auto", `{"a":{"b":[1,"x",true,null]},"c":1.50}`, []map[string]string{{"a.b.0": "1", "a.b.1": "x", "a.b.2": "true", "a.b.3": "", "c": "1.50"}}},
		{"json as text in a form rule", "form", ` {"a":"b=c"}`, []map[string]string{{"a": "b=c"}}},
		{"form in a json rule", "json", `a=1`, []map[string]string{{"a": "1"}}},
		{"cut json", "json", `{"a":1,"b":{"c":"d","e":"un`, []map[string]string{{"a": "1", "b.c": "d"}}},
		{"ga4 lines", "ga4-lines", "en=a&ep.x=1\r\nen=b\r\n", []map[string]string{{"en": "a", "ep.x": "1"}, {"en": "b"}}},
		{"json lines", "json-lines", "{\"a\":1}\n{\"a\":2}\n", []map[string]string{{"a": "1"}, {"a": "2"}}},
		{"base64 gzip", "b64gzip", gz64(`{"hem":"abc"}`), []map[string]string{{"hem": "abc"}}},
		{"base64 gzip found by looking", "auto", gz64(`{"hem":"abc"}`), []map[string]string{{"hem": "abc"}}},
		{"cut base64 gzip", "b64gzip", gz64(`{"hem":"abc","x":"` + strings.Repeat("0123456789", 300) + `"}`)[:60], []map[string]string{{"hem": "abc"}}},
		{"base64", "b64", "eyJhIjoxfQ==", []map[string]string{{"a": "1"}}},
		{"deep", "json", deep, []map[string]string{{}}},
		{"none", "none", "a=1", nil},
		{"empty", "auto", "", nil},
		{"binary", "auto", "\x00\x01\x02", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []map[string]string
			for _, p := range decodeBody(tt.codec, []byte(tt.body)) {
				m := map[string]string{}
				for _, kv := range p.pairs {
					m[kv.key] = kv.value
				}
				got = append(got, m)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("decodeBody: -want +got\n%s", diff)
			}
		})
	}
}

func TestDecodeBounds(t *testing.T) {
	many := strings.Repeat("k=v&", 1) + func() string {
		var b strings.Builder
		for i := range 10000 {
			fmt.Fprintf(&b, "k%d=%d&", i, i)
		}
		return b.String()
	}()
	if p := decodeBody("form", []byte(many)); len(p[0].pairs) != maxParams {
		t.Errorf("%d parameters kept, want %d", len(p[0].pairs), maxParams)
	}
	if p := decodeBody("form", []byte("a="+strings.Repeat("x", 1<<20))); len(p[0].get("a")) != maxValue {
		t.Errorf("value of %d bytes kept, want %d", len(p[0].get("a")), maxValue)
	}
	if b, whole := inflate([]byte(mustUngz64(t, gz64(strings.Repeat("a", 20<<20))))); len(b) != maxInflate || whole {
		t.Errorf("inflated %d bytes, whole %v; want %d and not", len(b), whole, maxInflate)
	}
}

func mustUngz64(t *testing.T, s string) string {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func explain(t *testing.T, r *Rules, method, url, body string, header map[string]string) []detect.Verdict {
	t.Helper()
	h := textproto.MIMEHeader{}
	for k, v := range header {
		h.Set(k, v)
	}
	q := &detect.Request{URL: url, Host: detect.HostOf(url), Method: method, Header: h, Body: []byte(body), Page: "https://shop.example/", PageFrom: detect.PageReferer}
	m := r.Match(q)
	if m.Hit == 0 {
		t.Fatalf("%s matches no hit", url)
	}
	return r.Explain(m.Hit, &detect.Seen{Request: q})
}

func fieldsOf(v detect.Verdict) map[string]string {
	m := map[string]string{}
	for _, f := range v.Disclosed {
		m[f.Name] = f.Value
	}
	return m
}

func TestExplain(t *testing.T) {
	r := compile(t, testYAML)
	v := explain(t, r, "GET", "https://px.acme.example/tr?id=12&ev=buy&dl=https%3A%2F%2Fshop.example%2Fthanks%3Fx%3D1&fbp=fb.1.1741737600000.890&sw=100&sh=200&ed={\"value\":\"9\",\"size\":\"L\",\"tone\":\"red\"}&em=h:abc&gcs=G100&eid=7", "",
		map[string]string{"Cookie": "uid=1.1741737600; sess=secret; other=1"})[0]
	want := map[string]string{"account": "12", "event": "buy", "page_url": "https://shop.example/thanks?x=1", "visitor_id": "fb.1.1741737600000.890",
		"screen": "100x200", "value": "9", "custom": "size=L&tone=red", "email_hash": "abc", "tp_cookie": "1.1741737600"}
	if diff := cmp.Diff(want, fieldsOf(v)); diff != "" {
		t.Errorf("fields: -want +got\n%s", diff)
	}
	if v.Activity == nil || v.Activity.Says != "you bought something" || !v.Activity.Automatic {
		t.Errorf("activity = %+v", v.Activity)
	}
	if v.Consent.State != "denied" || v.Say.Site != "shop.example" || v.Say.Path != "/thanks" {
		t.Errorf("consent %+v, say %+v", v.Consent, v.Say)
	}
	for _, f := range v.Disclosed {
		if (f.Name == "visitor_id" || f.Name == "tp_cookie") && f.Made != "2025-03-12" {
			t.Errorf("%s made %q, want 2025-03-12", f.Name, f.Made)
		}
		if strings.Contains(f.Value, "secret") {
			t.Errorf("secret cookie disclosed: %+v", f)
		}
	}
}

func TestExplainBatch(t *testing.T) {
	r := compile(t, testYAML)
	vs := explain(t, r, "POST", "https://shop.example/g/collect?v=2&tid=G-1&dl=https://shop.example/a", "en=PageView\r\nen=Buy&pr1.nm=shoe&pr2.nm=hat\r\nen=init\r\nen=scroll", nil)
	var got []string
	for _, v := range vs {
		got = append(got, v.Activity.Says+"|"+fieldsOf(v)["products"]+"|"+fieldsOf(v)["account"])
	}
	want := []string{"you opened a page||G-1", "you bought something|shoe, hat|G-1", "something the site calls “scroll” happened||G-1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("batch: -want +got\n%s", diff)
	}
	split := explain(t, r, "POST", "https://px.acme.example/tr?id=1", `{"batch":[{"ev":"PageView","dl":"https://shop.example/1"},{"ev":"Buy"}],"fbp":"x"}`, nil)
	if len(split) != 2 || fieldsOf(split[1])["event"] != "Buy" || fieldsOf(split[1])["visitor_id"] != "x" {
		t.Errorf("split = %+v", split)
	}
	only := explain(t, r, "GET", "https://px.acme.example/tr?id=1&ev=init", "", nil)
	if len(only) != 1 || only[0].Activity.Says != "the script started" {
		t.Errorf("a lone signal = %+v", only)
	}
}

// Two hits are one only on one page, whether they name it or not.
func TestDedupeByPage(t *testing.T) {
	r := compile(t, testYAML)
	key := func(url, page string) string {
		q := &detect.Request{URL: url, Host: detect.HostOf(url), Page: page, PageFrom: detect.PageReferer}
		return r.Explain(r.Match(q).Hit, &detect.Seen{Request: q})[0].Dedupe
	}
	const bare, named = "https://px.acme.example/tr?id=12&ev=PageView", "https://px.acme.example/tr?id=12&ev=PageView&eid=7"
	for _, tt := range []struct {
		url, a, b string
		same      bool
	}{
		{bare, "https://shop.example/", "https://shop.example/", true},
		{bare, "https://shop.example/", "https://news.example/", false},
		{bare + "&dl=https://shop.example/p", "https://shop.example/", "https://www.shop.example/", true},
		{named, "https://shop.example/", "https://shop.example/", true},
		{named, "https://shop.example/", "https://news.example/", false},
	} {
		if got := key(tt.url, tt.a) == key(tt.url, tt.b); got != tt.same {
			t.Errorf("%s on %s and on %s: same %v, want %v", tt.url, tt.a, tt.b, got, tt.same)
		}
	}
}

func TestPayloadSignature(t *testing.T) {
	r := compile(t, testYAML)
	for body, want := range map[string]bool{
		`{"writeKey":"a","anonymousId":"b"}`: true, `{"writeKey":"a"}`: false, `writeKey=1&anonymousId=2`: true, ``: false,
	} {
		q := &detect.Request{URL: "https://shop.example/api/e", Host: "shop.example", Method: "POST", Body: []byte(body)}
		if got := r.MatchBody(r.Match(q).Maybe, q); got != want {
			t.Errorf("MatchBody(%s) = %v, want %v", body, got, want)
		}
	}
}

func TestMade(t *testing.T) {
	for _, tt := range []struct{ how, id, want string }{
		{"fb", "fb.1.1741737600000.890", "2025-03-12"}, {"fb", "fb.1.x.890", ""}, {"fb", "1", ""},
		{"ga", "GA1.2.123.1741737600", "2025-03-12"}, {"ga", "123.1741737600", "2025-03-12"}, {"ga", "5", ""}, {"ga", "1.7", ""},
		{"ms", "1741737600000", "2025-03-12"}, {"s", "1741737600", "2025-03-12"}, {"s", "-1", ""}, {"s", "99999999999999999999", ""},
		{"dash-ms", "3c5d7e9f-1741737600000", "2025-03-12"}, {"dash-ms", "x", ""},
		{"uuid1", "c232ab00-9414-11ec-b3c8-9f68deced846", "2022-02-22"}, {"uuid1", "c232ab00-9414-41ec-b3c8-9f68deced846", ""},
		{"", "1741737600", ""},
	} {
		if got := made(tt.how, tt.id); got != tt.want {
			t.Errorf("made(%s, %s) = %q, want %q", tt.how, tt.id, got, tt.want)
		}
	}
}

func TestConsent(t *testing.T) {
	tc := func(purposes uint32) string {
		b := make([]byte, 24)
		b[0] = 2 << 2
		b[19], b[20], b[21] = byte(purposes>>16), byte(purposes>>8), byte(purposes)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	for _, tt := range []struct{ as, v, want string }{
		{"gcs", "G111", "granted"}, {"gcs", "G100", "denied"}, {"gcs", "G110", "partial"}, {"gcs", "G1--", ""}, {"gcs", "", ""},
		{"gcd", "13p3p3p2p5", "denied"}, {"gcd", "13r3r3r2r5", "granted"}, {"gcd", "13r3p3r2p5", "partial"}, {"gcd", "13l3l3l2l1", ""},
		{"tcf", tc(0), "denied"}, {"tcf", tc(0xFFE000), "granted"}, {"tcf", tc(0x800000), "partial"}, {"tcf", "x", ""}, {"tcf", "CPx", ""},
		{"us_privacy", "1YYN", "denied"}, {"us_privacy", "1YNN", "granted"}, {"us_privacy", "1---", ""},
		{"ldu", "LDU", "partial"}, {"ldu", "", ""},
	} {
		c := consent{spec: &ConsentSpec{As: tt.as}}
		if got, _ := c.read(tt.v); got != tt.want {
			t.Errorf("%s %q = %q, want %q", tt.as, tt.v, got, tt.want)
		}
	}
}

func TestLiteralOf(t *testing.T) {
	start := func(text string) literal { return literal{text: text, start: true} }
	for re, want := range map[string]literal{
		`^/pagead/conversion/(\d+)/`: {text: "/pagead/conversion/", start: true, also: "/"}, `^/ab?c`: {text: "/a", start: true, also: "c"},
		`^/ab*`: start("/a"), `^/ab{2}`: start("/a"), `^/a\d`: start("/a"), `^/ü?`: start("/"),
		`^/ab+c`: {text: "/a", start: true, also: "c"}, `^/(?P<x>a)/b`: {text: "/", start: true, also: "/b"},
		`^/a\.gif$`: {text: "/a.gif", start: true, end: true, all: true}, `^2$`: {text: "2", start: true, end: true, all: true}, `^fb\.`: {text: "fb.", start: true, all: true},
		`\.gif$`: {text: ".gif", end: true, all: true}, `/ccm/(?:a|b/\d+/?)$`: {text: "/ccm/"}, `/a`: {text: "/a", all: true},
		`^(?:abc)$`: {text: "abc", start: true, end: true, all: true}, `(?m)^/a`: {also: "/a"}, `^(?:.*;)?qty=\d+x`: {also: "qty="}, `[ab]c`: {also: "c"},
		`^/a|/b`: {}, `^(?i)/a`: {}, `^`: {}, ``: {}, `(`: {}, "\ufffd": {}, `^\d$`: {}, `[éa]`: {}, `a*`: {},
	} {
		if got := literalOf(re); got != want {
			t.Errorf("literalOf(%s) = %+v, want %+v", re, got, want)
		}
	}
	for re, want := range map[string]literal{`^\d`: {start: true, all: true}, `^(?:[1-9])`: {start: true, all: true}, `.`: {all: true}} {
		got := literalOf(re)
		class := got.class
		if got.class = nil; class == nil || got != want {
			t.Errorf("literalOf(%s) = %+v with class %v, want %+v with one", re, got, class, want)
		}
	}
}

// FuzzLazyRE: the literal never says other than the regexp does.
func FuzzLazyRE(f *testing.F) {
	for _, re := range []string{`^/a\.gif$`, `^fb\.`, `/ccm/(?:a|b/\d+/?)$`, `^a|b$`, `(?i)k`, `(?s).`, `\.gif$`, `^(?:ab)+$`, "\ufffd", `\Aab\z`, `(?m)^a$`, `^/(?:.*;)?qty=\d`, `a(b|c)*d`, `^\d`, `.`, `^.`, `[a-c]`, `(?i)[k]`, `^[^a]`} {
		for _, s := range []string{"", "/a.gif", "xfb.", "/ccm/b/12/", "ab", "K", "\xff", "b\na\n"} {
			f.Add(re, s)
		}
	}
	f.Fuzz(func(t *testing.T, re, s string) {
		want, err := regexp.Compile(re)
		if err != nil || re == "" {
			return
		}
		if got := newRE(re).match(s); got != want.MatchString(s) {
			t.Errorf("%q on %q = %v", re, s, got)
		}
	})
}

func TestParseFaults(t *testing.T) {
	bad := `company: X
trackers:
  - id: Bad Id
    name: X
    hits:
      - id: a
        hosts: ["*"]
      - id: a
        host: [x]
    fields:
      page: dl
`
	_, err := Parse("rules/x.yaml", []byte(bad))
	if err == nil || !strings.Contains(err.Error(), `rules/x.yaml:9: unknown key "host"; did you mean "hosts"?`) {
		t.Errorf("Parse = %v", err)
	}
	_, err = Parse("rules/x.yaml", []byte(strings.Replace(bad, "host: [x]", "hosts: [UPPER]\n        body: jsn\n        path_re: '('", 1)))
	for _, want := range []string{
		`rules/x.yaml:3: id "Bad Id"`, `rules/x.yaml:7: host "*" needs`, `rules/x.yaml:8: hit id "a" is missing or given twice`,
		`rules/x.yaml:9: host "UPPER"`, `rules/x.yaml:10: body "jsn" is not known`, "rules/x.yaml:11: error parsing regexp",
		`rules/x.yaml:13: field "page" is not known; did you mean "value"`,
	} {
		if err == nil || !strings.Contains(err.Error(), strings.TrimSuffix(want, `; did you mean "value"`)) {
			t.Errorf("fault %q is missing in\n%v", want, err)
		}
	}
}

func TestTwoTrackersOneID(t *testing.T) {
	s, err := Parse("a.yaml", []byte(testYAML))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Compile([]*Spec{s, s}); err == nil || !strings.Contains(err.Error(), "tracker acme is in a.yaml and in a.yaml") {
		t.Errorf("Compile = %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(testYAML))
	f.Add([]byte("company: x\ntrackers: [{id: a, name: b, hits: [{id: a, hosts: [a], fields: {event: [a]}}]}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := Parse("f.yaml", data); err == nil {
			if _, err := Compile([]*Spec{s}); err != nil && !strings.Contains(err.Error(), "is in f.yaml and in f.yaml") {
				t.Errorf("Compile of a checked spec: %v", err)
			}
		}
	})
}

func FuzzExplain(f *testing.F) {
	r := compile(f, testYAML)
	f.Add("id=12&ev=x&ed={}", "a=1", "uid=1")
	f.Add("id=1", gz64("{}"), "")
	f.Add("id=1&batch[0][ev]=a", `{"batch":[{"ev":{}},[]]}`, "sess=x")
	f.Fuzz(func(t *testing.T, query, body, cookie string) {
		q := &detect.Request{URL: "https://px.acme.example/tr?" + query, Host: "px.acme.example", Method: "POST",
			Body: []byte(body), Header: textproto.MIMEHeader{"Cookie": {cookie}}}
		if got := r.Explain(1, &detect.Seen{Request: q}); len(got) == 0 || len(got) > maxEvents {
			t.Errorf("%d verdicts", len(got))
		}
		if got := r.Explain(1, &detect.Seen{Request: q, Report: []byte(body)}); len(got) != 1 {
			t.Errorf("%d verdicts of a report", len(got))
		}
	})
}

func BenchmarkMatchMiss(b *testing.B) {
	r := compile(b, testYAML)
	q := &detect.Request{URL: "https://cdn.other.example/a/b.png?x=1", Host: "cdn.other.example", Page: "https://shop.example/", PageFrom: detect.PageReferer}
	b.ReportAllocs()
	for b.Loop() {
		r.Match(q)
	}
}
