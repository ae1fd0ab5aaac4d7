package rules_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/detect/vendor"
	"github.com/quench-proxy/quench/rules"
)

// told gives the verdicts about a request from shop.example that is stopped.
func told(t *testing.T, set *engine.Set, method, url string, headers map[string]string, body []byte) []detect.Verdict {
	t.Helper()
	ex := vendor.ExampleSpec{URL: url, Method: method, Type: "xmlhttprequest", Page: "https://shop.example", Headers: headers,
		BodyBase64: base64.StdEncoding.EncodeToString(body)}
	_, d, verdicts := judge(t, set, ex)
	if d.Action != detect.Block || len(verdicts) == 0 || verdicts[0].Tracker == nil {
		t.Fatalf("%s %.80s: %v, %d verdicts; want a block that names a tracker", method, url, d.Action, len(verdicts))
	}
	return verdicts
}

func partial(v *detect.Verdict) bool {
	for _, e := range v.Evidence {
		if strings.HasPrefix(e.Detail, "read in part") {
			return true
		}
	}
	return false
}

// TestTwoVendorsClaimOne: one of them is named, and always the same: a host of
// its own before any host, the user's rule before the shipped one.
func TestTwoVendorsClaimOne(t *testing.T) {
	shipped, _ := load(t)
	user, err := engine.Load(engine.Sources{Builtin: rules.FS, User: fstest.MapFS{"mine.yaml": {Data: []byte(
		"company: Mine\ntrackers:\n  - id: mine\n    name: Mine\n    hits: [{id: h, hosts: [www.facebook.com], paths: [/tr, /tr/], event: x}]\n    events: {x: you opened a page}\n")}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, url, want string
		set             *engine.Set
	}{
		{"a host of its own", "https://i.northbeam.io/ep/com.snowplowanalytics.snowplow/tp2?e=pv&aid=x&url=https%3A%2F%2Fshop.example%2F", "northbeam", shipped},
		{"the same path on another host", "https://c.shop-stats.example/com.snowplowanalytics.snowplow/tp2?e=pv&aid=x", "snowplow", shipped},
		{"what looks like Google's on Meta's host", "https://www.facebook.com/tr/?id=123456789012345&ev=PageView&v=2&tid=G-ABCDEF&gcs=G111", "meta-pixel", shipped},
		{"the user's own rule", "https://www.facebook.com/tr/?id=123456789012345&ev=PageView", "mine", user},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 20 {
				v := told(t, tt.set, "GET", tt.url, nil, nil)
				if len(v) != 1 || v[0].Tracker.ID != tt.want || !strings.Contains(v[0].Sentence, v[0].Tracker.Name) {
					t.Fatalf("%d verdicts, the first of %s: %s; want one of %s", len(v), v[0].Tracker.ID, v[0].Sentence, tt.want)
				}
			}
		})
	}
}

// TestOneHitTwice: what a script sends twice is one event, what happens twice
// is not.
func TestOneHitTwice(t *testing.T) {
	set, _ := load(t)
	const (
		meta = "?id=123456789012345&ev=Purchase&eid=order-1&dl=https%3A%2F%2Fshop.example%2Fthanks"
		x    = "?txn_id=abcde&p_id=Twitter&event=%7B%7D&events=%5B%5B%22pageview%22%2C%7B%7D%5D%5D&event_id=e-1&pl_id=p-1&tw_document_href=https%3A%2F%2Fshop.example%2Fthanks"
	)
	for _, tt := range []struct {
		name, a, b string
		one        bool
	}{
		{"by both of Meta's addresses", "https://www.facebook.com/tr/" + meta, "https://www.facebook.com/privacy_sandbox/pixel/register/trigger/" + meta, true},
		{"a second purchase", "https://www.facebook.com/tr/" + meta, "https://www.facebook.com/tr/" + strings.Replace(meta, "order-1", "order-2", 1), false},
		{"by both of X's hosts", "https://analytics.twitter.com/i/adsct" + x, "https://t.co/i/adsct" + x, true},
		{"another event of X's", "https://t.co/i/adsct" + x, "https://t.co/i/adsct" + strings.Replace(x, "e-1", "e-2", 1), false},
		{"the same page, fetched anew", "https://de.ioam.de/tx.io?st=a&cp=b&lt=1&cb=2", "https://de.ioam.de/tx.io?st=a&cp=b&lt=3&cb=4", false},
	} {
		a, b := told(t, set, "GET", tt.a, nil, nil)[0], told(t, set, "GET", tt.b, nil, nil)[0]
		if got := a.Dedupe == b.Dedupe; got != tt.one {
			t.Errorf("%s: one event %v, want %v\n%q\n%q", tt.name, got, tt.one, a.Dedupe, b.Dedupe)
		}
	}
}

func gzipped(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const segmentTrack = "https://api.segment.io/v1/t"

const purchase = `{"writeKey":"K","type":"track","event":"Order Completed","userId":"u-17","context":{"page":{"url":"https://shop.example/thanks"}},"traits":{"email":"somebody@mail.example"}}`

// TestBodyLies: a body is what it looks like, whatever its type says, and one
// that looks like nothing still leaves who was to be told.
func TestBodyLies(t *testing.T) {
	set, _ := load(t)
	quine := gzipped(t, purchase)
	for range 12 {
		quine = gzipped(t, string(quine))
	}
	form := "--xyZ\r\nContent-Disposition: form-data; name=\"userId\"\r\n\r\nu-17\r\n--xyZ--\r\n"
	for _, tt := range []struct {
		name, contentType, user string
		body                    []byte
	}{
		{"JSON said to be text", "text/plain", "u-17", []byte(purchase)},
		{"JSON said to be a form", "application/x-www-form-urlencoded", "u-17", []byte(purchase)},
		{"JSON said to be a picture", "image/png", "u-17", []byte(purchase)},
		{"JSON behind a byte order mark", "application/json", "u-17", []byte("\xef\xbb\xbf" + purchase)},
		{"gzip said to be JSON", "application/json", "u-17", gzipped(t, purchase)},
		{"base64 said to be JSON", "application/json", "u-17", []byte(base64.StdEncoding.EncodeToString([]byte(purchase)))},
		{"a form said to be JSON", "application/json", "u-17", []byte("userId=u-17&event=Order+Completed")},
		{"a form in parts said to be JSON", "application/json", "u-17", []byte(form)},
		{"a picture said to be JSON", "application/json", "", []byte("\x89PNG\r\n\x1a\n\x00\x00")},
		{"a page said to be JSON", "application/json", "", []byte("<!doctype html><p>userId")},
		{"nothing said to be JSON", "application/json", "", nil},
		{"gzip in gzip in gzip …", "application/json", "", quine},
	} {
		v := told(t, set, "POST", segmentTrack, map[string]string{"Content-Type": tt.contentType}, tt.body)
		if got := fieldOf(v[0], "user_id").Value; got != tt.user || !strings.Contains(v[0].Sentence, "Segment") {
			t.Errorf("%s: user_id %q, want %q; %s", tt.name, got, tt.user, v[0].Sentence)
		}
	}
}

// TestTruncatedGzip cuts the body at every 16th byte: what is said is a part of
// what the whole says, and that it is a part is said too.
func TestTruncatedGzip(t *testing.T) {
	set, _ := load(t)
	var text strings.Builder
	text.WriteString(purchase[:len(purchase)-1])
	for i := range 300 {
		fmt.Fprintf(&text, `,"k%d":"%x"`, i, i*i*7919)
	}
	whole := gzipped(t, text.String()+"}")
	full := told(t, set, "POST", segmentTrack, nil, whole)[0]
	if partial(&full) || fieldOf(full, "user_id").Value != "u-17" {
		t.Fatalf("the whole body: partial %v, %+v", partial(&full), full.Disclosed)
	}
	found := 0
	for n := 16; n < len(whole); n += 16 {
		v := told(t, set, "POST", segmentTrack, nil, whole[:n])[0]
		for _, f := range v.Disclosed { // the event has a name in the address too, custom is many values
			if want := fieldOf(full, f.Name); f.Value != want.Value && !strings.HasPrefix(want.Value, f.Value) && f.Name != "custom" && f.Name != "event" {
				t.Errorf("%d bytes: %s is %q, want a part of %q", n, f.Name, f.Value, want.Value)
			}
		}
		if !strings.Contains(v.Sentence, "Segment") {
			t.Errorf("%d bytes: %s", n, v.Sentence)
		}
		if fieldOf(v, "user_id").Value == "u-17" {
			found++
		}
		if !partial(&v) && n > 20 {
			t.Errorf("%d of %d bytes: nothing says that it is a part", n, len(whole))
		}
	}
	if found == 0 {
		t.Error("no part of the body told anything")
	}
}

// TestBombs: bodies and addresses made to cost. The bound is on what is
// allocated, which grows with all work that decoding does, for no clock is
// right on a busy machine. It is not parallel for that.
func TestBombs(t *testing.T) {
	set, _ := load(t)
	const size = 5 << 20
	many := func(format string) string {
		var b strings.Builder
		for i := range 10_000 {
			fmt.Fprintf(&b, format, i, i)
		}
		return b.String()
	}
	head := purchase[:len(purchase)-1]
	repeat := func(s string) string { return strings.Repeat(s, size/len(s)) }
	for _, tt := range []struct {
		name, url, body, user string
		megabytes             uint64 // allocated at the most
	}{
		{"nested objects", segmentTrack, head + `,"x":` + repeat(`{"a":`), "u-17", 16},
		{"nested lists", segmentTrack, repeat(`[`), "", 16},
		{"a long list", segmentTrack, head + `,"x":[` + repeat(`1,`), "u-17", 16},
		{"many names", segmentTrack, head + "," + strings.TrimSuffix(many(`"k%d":%d,`), ",") + "}", "u-17", 16},
		{"one name again and again", segmentTrack, head + repeat(`,"a":1`) + "}", "u-17", 64},
		{"one long text", segmentTrack, head + `,"x":"` + repeat("a") + `"}`, "u-17", 16},
		{"a long number", segmentTrack, head + `,"x":` + repeat("9") + "}", "u-17", 16},
		{"spaces", segmentTrack, head + repeat(" ") + "}", "u-17", 16},
		{"gzip of zeros", segmentTrack, string(gzipped(t, head+`,"x":"`+strings.Repeat("0", 64<<20))), "u-17", 24},
		{"10,000 parameters in the body", segmentTrack, "userId=u-17&" + many("k%d=%d&"), "u-17", 16},
		{"10,000 parameters in the address", "https://www.facebook.com/tr/?id=123456789012345&ev=PageView&cd[x]=1&ud[external_id]=u-17&" + many("k%d=%d&"), "", "u-17", 16},
		{"10,000 parameters in both", "https://www.facebook.com/tr/?id=123456789012345&ev=PageView&ud[external_id]=u-17&" + many("k%d=%d&"), many("k%d=%d&"), "u-17", 16},
		{"a batch of 10,000 events", "https://api.segment.io/v1/b", `{"batch":[` + many(`{"event":"e%d","userId":"u-17","n":%d},`) + "{}]}", "u-17", 48},
		{"10,000 lines", "https://www.google-analytics.com/g/collect?v=2&tid=G-ABCDEF&uid=u-17", many("en=e%d&ep.x=%d\r\n"), "u-17", 32},
		{"a query of one sign", segmentTrack + "?userId=u-17&" + strings.Repeat("&", 1<<20), "", "u-17", 64},
	} {
		t.Run(tt.name, func(t *testing.T) {
			method := "POST"
			if tt.body == "" {
				method = "GET"
			}
			q := &detect.Request{URL: tt.url, Host: detect.HostOf(tt.url), Method: method, Page: "https://shop.example/", PageFrom: detect.PageReferer,
				Type: detect.TypeXHR, Body: []byte(tt.body)}
			var verdicts []detect.Verdict
			explain := func() { verdicts = set.Explain(detect.Seen{Request: q}, set.Request(q, nil)) }
			explain() // compiles what compiles on first use
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			explain()
			runtime.ReadMemStats(&after)
			if got := (after.TotalAlloc - before.TotalAlloc) >> 20; got > tt.megabytes {
				t.Errorf("%d MB allocated for %d KB, want at most %d MB", got, (len(tt.body)+len(tt.url))>>10, tt.megabytes)
			}
			if len(verdicts) == 0 || len(verdicts) > 50 {
				t.Fatalf("%d verdicts, want some and not more than 50", len(verdicts))
			}
			if v := verdicts[0]; v.Tracker == nil || !strings.Contains(v.Sentence, v.Tracker.Name) || fieldOf(v, "user_id").Value != tt.user {
				t.Errorf("user_id %q, want %q; %.300s", fieldOf(v, "user_id").Value, tt.user, v.Sentence)
			}
			if last := verdicts[len(verdicts)-1]; !partial(&last) && !partial(&verdicts[0]) && tt.name != "a query of one sign" {
				t.Errorf("nothing says that it was read in part: %+v", last.Evidence)
			}
		})
	}
}
