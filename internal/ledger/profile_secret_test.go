package ledger

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/detect/intake"
	"github.com/quench-proxy/quench/internal/detect/redact"
	"github.com/quench-proxy/quench/internal/detect/vendor"
	"github.com/quench-proxy/quench/internal/strictyaml"
	"github.com/quench-proxy/quench/rules"
)

// Secrets as pages leak them: by their names and by their shape.
const (
	leakWord    = "hunter2planted"
	leakCard    = "4111111111111111"
	leakSession = "plantedsession0123"
	leakPage    = "https://shop.example/pay?password=" + leakWord + "&card=" + leakCard + "#sessionid=" + leakSession
)

var leaks = []string{leakWord, leakCard, leakSession}

// every URL that stands in a value, as it is written.
var (
	encodedURL = regexp.MustCompile(`https?%3A%2F%2F[^&;|"\s]*`)
	twiceURL   = regexp.MustCompile(`https?%253A%252F%252F[^&;|"\s]*`)
	quotedURL  = regexp.MustCompile(`"https?://[^"\\]*"`)
	object     = regexp.MustCompile(`\{\s*"`)
	base64JSON = regexp.MustCompile(`eyJ[A-Za-z0-9+/_-]{16,}(?:=|%3D)*`)
)

// leakJSON plants secrets in JSON: in each object, and in each address.
func leakJSON(s string) string {
	s = quotedURL.ReplaceAllString(s, `"`+leakPage+`"`)
	return object.ReplaceAllString(s, `{"password":"`+leakWord+`","card":"`+leakCard+`","`)
}

// leakText plants secrets in an address or a body, whatever it is written in.
func leakText(s string) string {
	s = base64JSON.ReplaceAllStringFunc(s, func(b string) string {
		plain, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(b, "%3D", "="))
		if err != nil {
			return b
		}
		return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(leakJSON(string(plain)))))
	})
	once := url.QueryEscape(leakPage)
	s = twiceURL.ReplaceAllLiteralString(s, url.QueryEscape(once))
	return encodedURL.ReplaceAllLiteralString(s, once)
}

func leakURL(s string) string {
	s = leakText(s)
	by := "?"
	if strings.Contains(s, "?") {
		by = "&"
	}
	return s + by + "password=" + leakWord + "&note=" + leakCard + "&sessionid=" + leakSession + "&back=" + url.QueryEscape(leakPage)
}

func leakBody(t *testing.T, ex *vendor.ExampleSpec) []byte {
	t.Helper()
	switch body := strings.TrimSpace(ex.Body); {
	case ex.BodyGzipBase64JSON != "":
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write([]byte(leakJSON(ex.BodyGzipBase64JSON))); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return []byte(base64.StdEncoding.EncodeToString(b.Bytes()))
	case ex.BodyBase64 != "":
		b, err := base64.StdEncoding.DecodeString(ex.BodyBase64)
		if err != nil {
			t.Fatal(err)
		}
		return b
	case strings.HasPrefix(body, "{") || strings.HasPrefix(body, "["):
		return []byte(leakJSON(body))
	case body != "":
		return []byte(leakText(body) + "&password=" + leakWord + "&note=" + leakCard)
	}
	return nil
}

// leaking makes the request of an example with secrets wherever a page can put
// them.
func leaking(t *testing.T, ex *vendor.ExampleSpec) *detect.Request {
	t.Helper()
	h := http.Header{}
	for k, v := range ex.Headers {
		h.Set(k, v)
	}
	h.Set("Cookie", strings.TrimPrefix(h.Get("Cookie")+"; ", "; ")+"xs="+leakSession+"; session="+leakSession+"; sid="+leakSession)
	h.Set("Authorization", "Bearer "+leakSession)
	if ex.Page != "" {
		h.Set("Referer", leakPage)
	}
	r := intake.Request(orElse(ex.Method, "GET"), leakURL(ex.URL), h)
	if ty, ok := detect.ParseType(ex.Type); ok && ex.Type != "" {
		r.Type = ty
	}
	r.Body = leakBody(t, ex)
	return &r
}

// allExamples are those of the rules and the second ones.
func allExamples(t *testing.T) (list []vendor.ExampleSpec, trackers map[string]bool) {
	t.Helper()
	specs, err := vendor.ParseDir(os.DirFS("../.."), "rules/vendors")
	if err != nil {
		t.Fatal(err)
	}
	trackers = map[string]bool{}
	for _, s := range specs {
		for _, tr := range s.Trackers {
			trackers[tr.ID] = true
			list = append(list, tr.Examples...)
		}
		for _, m := range s.Mail {
			trackers[m.ID] = true
		}
	}
	files, err := filepath.Glob("../../rules/examples/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var f struct {
			Examples []vendor.ExampleSpec `yaml:"examples"`
		}
		if err := strictyaml.Decode(file, data, &f); err != nil {
			t.Fatal(err)
		}
		list = append(list, f.Examples...)
	}
	return list, trackers
}

// carrying counts the trackers that read a planted secret into a field.
func carrying(t *testing.T, set *engine.Set, list []vendor.ExampleSpec) int {
	t.Helper()
	met := map[string]bool{}
	for i := range list {
		r := leaking(t, &list[i])
		for _, v := range set.Explain(detect.Seen{Request: r, At: noon}, set.Body(r, set.Request(r, nil), nil)) {
			for _, f := range v.Disclosed {
				for _, leak := range leaks {
					if v.Tracker != nil && strings.Contains(f.Value, leak) {
						met[v.Tracker.ID] = true
					}
				}
			}
		}
	}
	t.Logf("%d trackers read a secret", len(met))
	return len(met)
}

// TestSecretsThroughEveryVendor sends secrets along with every example of every
// vendor, in each place that its rules read. None may be in a byte of the
// ledger, at any level of detail.
func TestSecretsThroughEveryVendor(t *testing.T) {
	t.Parallel()
	set, err := engine.Load(engine.Sources{Builtin: rules.FS})
	if err != nil {
		t.Fatal(err)
	}
	list, trackers := allExamples(t)
	if n := carrying(t, set, list); n < 60 {
		t.Errorf("the secrets reach the fields of %d trackers only: the test proves little", n)
	}
	for _, level := range []redact.Level{redact.Counts, redact.Redacted, redact.Full} {
		t.Run(level.String(), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			l, err := Open(t.Context(), Options{Dir: dir, Detail: level, Now: func() time.Time { return noon }, Queue: 256 << 20})
			if err != nil {
				t.Fatal(err)
			}
			defer stop(t, l)
			for i := range list {
				r := leaking(t, &list[i])
				d := set.Body(r, set.Request(r, nil), nil)
				l.Record(Sighting{Set: set, Decision: d, Door: "proxy", Seen: detect.Seen{Request: r, At: noon.Add(-time.Duration(i) * time.Minute)}})
			}
			settle(t, l)
			met := map[string]bool{}
			for _, e := range all(t, l, Filter{}) {
				if e.Tracker != nil {
					met[e.Tracker.ID] = true
				}
			}
			t.Logf("%d of %d trackers were met", len(met), len(trackers))
			if len(met) < len(trackers)*4/5 || l.Stats().Lost.Total() != 0 {
				t.Errorf("%d of %d trackers were met, stats %+v", len(met), len(trackers), l.Stats())
			}
			wants(t, dir, "written", []string{"meta-pixel"}, leaks)
		})
	}
}
