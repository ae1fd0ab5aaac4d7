package redact

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/quench-proxy/quench/internal/detect"
)

const planted = "Zq7hunter2Xk"

func FuzzURL(f *testing.F) {
	f.Add("shop.example/a", "b=1#c")
	f.Add("a:b@c/%zz;", "\\u0026")
	f.Add("[::1]:80/?x={\"", "\"}")
	f.Add("x?name=password", "")
	f.Fuzz(func(t *testing.T, before, after string) {
		for _, raw := range []string{
			"https://" + before + "?password=" + planted + "&" + after,
			"https://joe:" + planted + "@" + before + "/" + after,
			"https://" + before + "#access_token=" + planted + "&" + after,
			before + after,
		} {
			for _, level := range []Level{Counts, Redacted, Full} {
				got := URL(level, raw)
				if strings.Contains(got, planted) && !strings.Contains(before+after, planted) {
					t.Fatalf("URL(%v, %q) = %q holds the planted secret", level, raw, got)
				}
				if len(got) > MaxURL || !utf8.ValidString(got) {
					t.Fatalf("URL(%v, …) has %d bytes, valid %v", level, len(got), utf8.ValidString(got))
				}
			}
		}
	})
}

func FuzzVerdict(f *testing.F) {
	f.Add("custom", "a=1", "b=2")
	f.Add("form_data", `{"x":"`, `"}`)
	f.Add("page_title", "Basic ", "\xff")
	f.Add("weird_id", "eyJ.", "%25")
	f.Fuzz(func(t *testing.T, name, before, after string) {
		if strings.Contains(name+before+after, planted) {
			t.Skip()
		}
		value := before + "&password=" + planted + "&" + after
		v := &detect.Verdict{Activity: &detect.Activity{Name: value, Says: value},
			Tracker: &detect.Tracker{Name: value}, Consent: &detect.Consent{Detail: value},
			Evidence: []detect.Evidence{{Detail: value}}, Exception: &detect.Evidence{Source: value},
			Say: &detect.Saying{Site: value, Path: "/" + value, Host: value, Why: value, Listed: value, Did: value}, Rewritten: "https://a.example/?q=" + value}
		for _, n := range []string{name, "custom", "search", "page_title", "page_url", "tp_cookie", "products", "email_plain", "language"} {
			v.Disclosed = append(v.Disclosed, detect.Field{Name: n, Value: value, Label: value, Made: value})
		}
		for _, level := range []Level{Counts, Redacted, Full} {
			out := Verdict(level, []byte(key), v, func(v *detect.Verdict) string {
				return v.Say.Site + v.Say.Path + v.Say.Why + v.Say.Listed + v.Say.Did + v.Rewritten
			})
			b, err := json.Marshal(out)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(b), planted) || strings.Contains(out.Say.Path+out.Say.Site, planted) {
				t.Fatalf("level %v lets the planted secret through: %s", level, b)
			}
		}
	})
}

// TestHostile goes past every bound with input made to be slow.
func TestHostile(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"eyJ-", "%25", "4", "4 ", "name:password,", "Bearer ", "//a@", "AKIA", "DE89 ", "{", "\\\\", "a=", "password=", "-----BEGIN", ";", "/", "&amp;"} {
		s := strings.Repeat(unit, 4*maxInput/len(unit))
		for _, level := range []Level{Redacted, Full} {
			if got := URL(level, "https://a.example/"+s); len(got) > MaxURL {
				t.Errorf("URL of many %q has %d bytes", unit, len(got))
			}
			got := Verdict(level, nil, &detect.Verdict{Disclosed: []detect.Field{{Name: "content", Value: s}}}, nil)
			if n := len(got.Disclosed[0].Value); n > maxValue {
				t.Errorf("value of many %q has %d bytes", unit, n)
			}
		}
	}
}

func BenchmarkVerdict(b *testing.B) {
	v := sample()
	b.ReportAllocs()
	for b.Loop() {
		Verdict(Redacted, []byte(key), v, nil)
	}
}
