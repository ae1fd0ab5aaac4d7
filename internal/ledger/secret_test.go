package ledger

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/redact"
)

// planted are secrets by name or shape; none may be in a byte of the ledger.
var planted = []struct{ name, value string }{
	{"password", "hunter2planted"}, {"user[pass]", "Tr0ub4dorPlanted"}, {"xs", "12%3AplantedXS"}, {"PHPSESSID", "plantedphpsessid01"},
	{"sid", "plantedsid77"}, {"connect.sid", "s:plantedconnect"}, {"csrf_token", "plantedcsrf"}, {"cvv", "9137"},
	{"n", "4111 1111 1111 1111"}, {"n", "5500005555555559"}, {"iban", "DE89370400440532013000"}, {"n", "GB29NWBK60161331926819"},
	{"k", "AKIAIOSFODNN7PLANTED"}, {"k", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"},
	{"t", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"},
	{"h", "Bearer plantedbearer0123456789"}, {"k", "sk_live_planted0123456789abc"},
	{"pem", "-----BEGIN PRIVATE KEY-----\nplantedpem\n-----END PRIVATE KEY-----"},
}

// hostile returns a sighting that carries a secret wherever a value can stand.
func hostile(name, value string, at time.Time) (Sighting, []detect.Verdict) {
	pair := name + "=" + url.QueryEscape(value)
	object, _ := json.Marshal(map[string]any{name: value, "other": "x"})
	page := "https://shop.example/account?" + pair + "&x=1#" + pair
	nested := "https://t.example/p?dl=" + url.QueryEscape(page) + "&b=" + url.QueryEscape(base64.StdEncoding.EncodeToString(object)) +
		"&j=" + url.QueryEscape(string(object)) + "&" + pair
	form, raw := pair+"&a=b", name+"="+value
	fields := []detect.Field{{Name: "page_url", Value: page}, {Name: "referrer", Value: "https://joe:" + url.QueryEscape(value) + "@a.example/;" + pair}}
	for _, f := range []string{"page_title", "form_data", "search", "custom", "page_data", "products", "content", "tp_cookie", "visitor_id",
		"user_id", "email_plain", "order_id", "campaign", "language", "ua_hints", "account", "event", "made_up", "made_up_id"} {
		for _, v := range []string{form, raw, string(object), nested} {
			fields = append(fields, detect.Field{Name: f, Label: f, Value: v})
		}
	}
	v := detect.Verdict{Action: detect.Block, Tracker: &detect.Tracker{ID: "t", Name: "T", Company: "T"},
		Evidence: []detect.Evidence{{Kind: "header", Detail: raw}}, Exception: &detect.Evidence{Kind: "user", Detail: raw},
		Activity: &detect.Activity{Name: raw, Says: "you typed " + raw}, Consent: &detect.Consent{State: "unknown", Detail: raw},
		Disclosed: fields, Sentence: "It told " + raw, Dedupe: raw + at.String(),
		Say: &detect.Saying{Site: "shop.example", Path: "/account?" + pair, Host: "t.example", Why: raw}}
	note := v
	note.Say, note.Dedupe = nil, ""
	return Sighting{Door: "proxy", Decision: detect.Decision{Action: detect.Block}, Seen: detect.Seen{At: at, Request: &detect.Request{
		URL: nested, Host: "t.example", Page: page, Method: "POST", Body: []byte(raw),
		Header: http.Header{"Cookie": {raw}, "Authorization": {"Bearer " + value}}}}}, []detect.Verdict{v, note}
}

func TestSecretsStayOut(t *testing.T) {
	t.Parallel()
	for _, level := range []redact.Level{redact.Counts, redact.Redacted, redact.Full} {
		t.Run(level.String(), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			verdicts := map[time.Time][]detect.Verdict{}
			l, err := open(t.Context(), Options{Dir: dir, Detail: level, Now: func() time.Time { return noon }, Queue: 64 << 20},
				func(s Sighting) []detect.Verdict { return verdicts[s.Seen.At] })
			if err != nil {
				t.Fatal(err)
			}
			defer stop(t, l)
			var absent []string
			var seen []Sighting
			for i, p := range planted {
				s, v := hostile(p.name, p.value, noon.Add(-time.Duration(i)*time.Minute))
				verdicts[s.Seen.At] = v
				seen = append(seen, s)
				if len(p.value) > 4 { // four digits occur by chance
					absent = append(absent, p.value, url.QueryEscape(p.value))
				}
			}
			for _, s := range seen {
				l.Record(s)
			}
			settle(t, l)
			if s := l.Stats(); s.Written != int64(2*len(planted)) || s.Lost.Total() != 0 {
				t.Fatalf("stats %+v, want %d written", s, 2*len(planted))
			}
			wants(t, dir, "written", []string{"t.example"}, absent)
			for i := range 50 { // pages are freed and used again
				l.Note(note("Other", fmt.Sprint("s", i, ".example"), noon))
			}
			if _, err := l.Erase(t.Context(), EraseFilter{Before: noon.Add(-5 * time.Minute)}); err != nil {
				t.Fatal(err)
			}
			wants(t, dir, "erased in part", []string{"t.example"}, absent)
			stop(t, l)
			wants(t, dir, "closed", []string{"t.example"}, absent)
		})
	}
}

// TestCountsKeepsNoDetail proves what the level promises.
func TestCountsKeepsNoDetail(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := start(t, Options{Dir: dir, Detail: redact.Counts})
	l.Record(sighting(noon, `[{"action":"block","tracker":{"id":"x","name":"Xname","company":"Xco"},"Saw":{"Site":"shop.example","Path":"/thanks","Host":"t.example"},
		"activity":{"name":"Purchase","says":"you bought something"},"disclosed":[{"field":"visitor_id","value":"number-0001-number"}]}]`))
	l.Note(note("Meta", "shop.example", noon))
	settle(t, l)
	wants(t, dir, "written", []string{"t.example", "Xname", "Meta"}, []string{"shop.example", "thanks", "Purchase", "bought", "visitor_id", "number-"})
	if got := all(t, l, Filter{}); len(got) != 2 || got[0].Sentence == "" {
		t.Errorf("events %+v, want two, the first with a sentence", got)
	}
}
