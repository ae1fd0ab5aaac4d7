package vendor

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quench-proxy/quench/internal/detect"
)

func pairsOf(ps []*payload) []map[string]string {
	var out []map[string]string
	for _, p := range ps {
		m := map[string]string{}
		for _, kv := range p.pairs {
			m[kv.key] = kv.value
		}
		out = append(out, m)
	}
	return out
}

func part(head, value string) string {
	return "--xyZ\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + value + "\r\n"
}

func TestShapes(t *testing.T) {
	t.Parallel()
	form := part(`name="ev"`, "Buy") + part(`name="ud[em]"`, "a b") + part(`name="blob"; filename="x.bin"`, "\x00\x01") +
		part("name=\"data\"; filename=\"blob\"\r\nContent-Type: application/json", `{"a":1}`)
	for _, tt := range []struct {
		name, codec, body string
		want              []map[string]string
	}{
		{"multipart", "multipart", form + "--xyZ--\r\n", []map[string]string{{"ev": "Buy", "ud.em": "a b", "blob.file": "x.bin", "data.file": "blob", "data": `{"a":1}`}}},
		{"multipart found by looking", "auto", form + "--xyZ--\r\n", []map[string]string{{"ev": "Buy", "ud.em": "a b", "blob.file": "x.bin", "data.file": "blob", "data": `{"a":1}`}}},
		{"multipart in a form rule", "form", part(`name="ev"`, "Buy"), []map[string]string{{"ev": "Buy"}}},
		{"a form in a multipart rule", "multipart", "ev=Buy", []map[string]string{{}}},
		{"cut multipart", "auto", part(`name="ev"`, "Buy") + "--xyZ\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nhal", []map[string]string{{"ev": "Buy", "x": "hal"}}},
		{"dashes are no form", "auto", "--xyZ\r\nev=Buy", []map[string]string{{"--xyZ\r\nev": "Buy"}}},
		{"pairs", "json-pairs", `[["event","Buy"],["cd",{"value":"9","ids":["a","b"]}],["alone"],7,{"x":1}]`,
			[]map[string]string{{"event": "Buy", "cd": "", "cd.value": "9", "cd.ids.0": "a", "cd.ids.1": "b", "alone": "", "3": "7", "4.x": "1"}}},
		{"pairs of three", "json-pairs", `[["a",1,2]]`, []map[string]string{{"a": "1", "a.2": "2"}}},
		{"pairs that are none", "json-pairs", `{"a":1}`, []map[string]string{{"a": "1"}}},
		{"cut pairs", "json-pairs", `[["a","1"],["b","2`, []map[string]string{{"a": "1", "b": ""}}},
		{"a list in a pair's place of the name", "json-pairs", `[[["a"],"1"]]`, []map[string]string{{"0.0.0": "a", "0.0": "1"}}},
		{"envelope", "envelope", "{\"event_id\":\"e\"}\n{\"type\":\"event\"}\n{\"user\":{\"id\":\"7\"}}\n{\"type\":\"log\",\"length\":8}\n{\"a\":\n1}\n{\"type\":\"end\"}\n",
			[]map[string]string{
				{"user.id": "7", "item.type": "event", "envelope.event_id": "e"},
				{"a": "1", "item.type": "log", "item.length": "8", "envelope.event_id": "e"},
				{"item.type": "end", "envelope.event_id": "e"},
			}},
		{"envelope with a length that lies", "envelope", "{}\n{\"type\":\"event\",\"length\":99999}\n{\"a\":1}", []map[string]string{{"a": "1", "item.type": "event", "item.length": "99999"}}},
		{"envelope with a negative length", "envelope", "{}\n{\"type\":\"x\",\"length\":-4}\n{\"a\":1}", []map[string]string{{"a": "1", "item.type": "x", "item.length": "-4"}}},
		{"envelope of a head alone", "envelope", "{\"dsn\":\"d\"}\n", []map[string]string{{"envelope.dsn": "d"}}},
	} {
		if diff := cmp.Diff(tt.want, pairsOf(decodeBody(tt.codec, []byte(tt.body)))); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.name, diff)
		}
	}
	steps := pairsOf([]*payload{decodeSteps("tracking:js/ref:a%2Fb/[sku:7/value:9][sku:8]/id=3/x/:y/=z")})[0]
	if diff := cmp.Diff(map[string]string{"tracking": "js", "ref": "a/b", "sku": "7", "value": "9][sku:8", "id": "3"}, steps); diff != "" {
		t.Errorf("steps: -want +got\n%s", diff)
	}
}

// An envelope of more items than may be, a form of more parts, a list of more
// pairs: the first are kept.
func TestShapeBounds(t *testing.T) {
	t.Parallel()
	var form, env, pairs, steps strings.Builder
	env.WriteString("{}\n")
	pairs.WriteString(`[["k",0]`)
	for i := range 10_000 {
		form.WriteString(part(fmt.Sprintf(`name="k%d"`, i), strings.Repeat("v", 9)))
		fmt.Fprintf(&env, "{\"type\":\"t\"}\n{\"a\":%d}\n", i)
		fmt.Fprintf(&pairs, `,["k%d",%d]`, i, i)
		fmt.Fprintf(&steps, "k%d:1/", i)
	}
	for _, tt := range []struct {
		codec, body  string
		events, keys int
	}{
		{"multipart", form.String(), 1, maxParams},
		{"envelope", env.String(), maxEvents, 2},
		{"json-pairs", pairs.String() + "]", 1, maxParams},
	} {
		got := decodeBody(tt.codec, []byte(tt.body))
		if len(got) != tt.events || len(got[0].pairs) != tt.keys {
			t.Errorf("%s: %d events of %d keys, want %d of %d", tt.codec, len(got), len(got[0].pairs), tt.events, tt.keys)
		}
	}
	if got := len(decodeSteps(steps.String()).pairs); got != maxParams {
		t.Errorf("steps: %d keys, want %d", got, maxParams)
	}
	long := decodeBody("multipart", []byte(part(`name="a"`, strings.Repeat("x", 1<<19))+part(`name="b"`, "y")))
	if a, b := long[0].get("a"), long[0].get("b"); len(a) != maxValue || b != "y" {
		t.Errorf("a long part: %d bytes and then %q, want %d and then y", len(a), b, maxValue)
	}
}

const shapesYAML = `
company: Acme Ads
trackers:
  - id: shapes
    name: Acme
    cookies:
      - {name: _ac_*, label: Acme's number for this browser, sensitive: true}
      - {name: _ac_known, label: Acme's number of this visit, field: session_id}
      - {name: _ac_secret_*, secret: true}
    hits:
      - id: again
        hosts: [a.acme.example]
        paths: [/twice]
        params: {u: unescape, d: unescape json, t: b64, ev: json-pairs}
        fields: {referrer: {unset: true}}
      - id: batch
        hosts: [.acme.example]
        not_hosts: [shop.acme.example, .own.acme.example]
        paths: [/b]
        split: events batch .
    fields:
      account: id
      event: [event, en]
      page_url: u
      page_title: t
      referrer: r
      value: [d.value, ev.Buy.value]
      visitor_id: "cookie._ac_vid*"
    events: {"*": "something the site calls “{event}” happened"}
    consent:
      - {from: tc, as: tcf, vendor: 91}
      - {from: gpp, as: gpp, vendor: 91}
`

func TestSchemaOfShapes(t *testing.T) {
	t.Parallel()
	r := compile(t, shapesYAML)
	const url = "https://a.acme.example/twice?u=https%253A%252F%252Fshop.example%252Fa&r=https%3A%2F%2Fx.example&t=UmVkIHNob2Vz"
	v := explain(t, r, "GET", url+"&d=%257B%2522value%2522%253A9%257D", "", map[string]string{"Cookie": "_ac_known=s1; _ac_vid7=v1; _ac_other=o1; _ac_secret_7=secret"})[0]
	want := map[string]string{"page_url": "https://shop.example/a", "page_title": "Red shoes", "value": "9", "visitor_id": "v1", "session_id": "s1", "tp_cookie": "o1"}
	if diff := cmp.Diff(want, fieldsOf(v)); diff != "" {
		t.Errorf("fields: -want +got\n%s", diff)
	}
	for _, f := range v.Disclosed {
		if f.Name == "visitor_id" && (f.Label != "Acme's number for this browser" || !f.Sensitive) {
			t.Errorf("the cookie found by its beginning is %+v", f)
		}
	}
	v = explain(t, r, "GET", `https://a.acme.example/twice?ev=[["Buy",{"value":3}]]`, "", nil)[0]
	if got := fieldsOf(v)["value"]; got != "3" {
		t.Errorf("value of a list of pairs = %q, want 3", got)
	}
	for body, want := range map[string]int{
		`{"batch":[{"en":"a"},{"en":"b"}]}`: 2, `{"events":[{"en":"a"}],"batch":[{"en":"b"},{"en":"c"}]}`: 1,
		`[{"en":"a"},{"en":"b"},{"en":"c"}]`: 3, `{"en":"a"}`: 1, `{"events":7}`: 1,
	} {
		if got := explain(t, r, "POST", "https://b.acme.example/b", body, nil); len(got) != want {
			t.Errorf("%s gives %d events, want %d", body, len(got), want)
		}
	}
}

func TestNotHosts(t *testing.T) {
	t.Parallel()
	r := compile(t, shapesYAML)
	to := func(host string) *detect.Request {
		return &detect.Request{URL: "https://" + host + "/b", Host: host, Method: "GET"}
	}
	for host, want := range map[string]bool{
		"b.acme.example": true, "acme.example": true, "shop.acme.example": false, "x.shop.acme.example": true,
		"own.acme.example": false, "x.own.acme.example": false,
	} {
		if got := r.Match(to(host)).Hit > 0; got != want {
			t.Errorf("%s matches %v, want %v", host, got, want)
		}
		if n := r.Match(to("b.acme.example")).Hit; r.Covers(n, host) != want {
			t.Errorf("Covers(%s) = %v, want %v", host, !want, want)
		}
	}
}

func TestFaultsOfShapes(t *testing.T) {
	t.Parallel()
	const head = "company: A\ntrackers:\n  - id: a\n    name: A\n"
	for _, tt := range []struct{ in, want string }{
		{"    fields: {event: {unset: true}}\n", "only a hit can unset"},
		{"    hits: [{id: h, hosts: [a.example], fields: {event: {unset: true, from: [x]}}}]\n", "nothing else can be said"},
		{"    hits: [{id: h, hosts: [a.example], params: {x: unescape yaml}}]\n", `codec "yaml" is not known`},
		{"    hits: [{id: h, hosts: [a.example], params: {x: json unescape}}]\n", `codec "json unescape" is not known`},
		{"    hits: [{id: h, hosts: [a.example], params: {x: ''}}]\n", "codec is missing"},
		{"    hits: [{id: h, hosts: [.a.example], not_hosts: [b.*]}]\n", `want "name" or ".domain"`},
		{"    hits: [{id: h, hosts: [.a.example], not_hosts: ['*']}]\n", `host "*"`},
		{"    cookies: [{name: '*'}]\n", "only at its end"},
		{"    cookies: [{name: 'a*b'}]\n", "only at its end"},
		{"    consent: [{from: x, as: gcs, vendor: 7}]\n", "vendor is a number"},
		{"    consent: [{from: x, as: tcf, vendor: 70000}]\n", "vendor is a number"},
	} {
		_, err := Parse("t.yaml", []byte(head+tt.in))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.in, err, tt.want)
		}
	}
}
