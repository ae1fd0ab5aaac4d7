package identity

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/detect/markup"
)

var me = []string{"Jane.Roe+shop@Mail.Example.org", "Max <max.mustermann@gmail.com>"}

func squeeze(t testing.TB, gz bool, s string) string {
	t.Helper()
	var b bytes.Buffer
	if gz {
		w := gzip.NewWriter(&b)
		_, _ = w.Write([]byte(s))
		_ = w.Close()
	} else {
		w := zlib.NewWriter(&b)
		_, _ = w.Write([]byte(s))
		_ = w.Close()
	}
	return b.String()
}

func allPercent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02X", s[i])
	}
	return b.String()
}

// encodings are ways to write a form, by what String of the Encoding must hold.
func encodings(t testing.TB) map[string]func(string) string {
	b64 := base64.StdEncoding.EncodeToString
	sum := func(h func([]byte) []byte) func(string) []byte { return func(s string) []byte { return h([]byte(s)) } }
	m5 := sum(func(b []byte) []byte { s := md5.Sum(b); return s[:] })
	s1 := sum(func(b []byte) []byte { s := sha1.Sum(b); return s[:] })
	s2 := sum(func(b []byte) []byte { s := sha256.Sum256(b); return s[:] })
	return map[string]func(string) string{
		"plain":                   func(s string) string { return s },
		"percent":                 allPercent,
		"percent+percent":         func(s string) string { return allPercent(allPercent(s)) },
		"percent+percent+percent": func(s string) string { return allPercent(allPercent(allPercent(s))) },
		"base64 std":              func(s string) string { return b64([]byte(s)) },
		"base64 raw":              func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) },
		"base64 url":              func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
		"base64 offset 1":         func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("1|" + s)) },
		"base64 offset 2":         func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("ab|" + s + "|xyz")) },
		"base64 behind a prefix":  func(s string) string { return "u" + base64.RawURLEncoding.EncodeToString([]byte("k="+s+";n=12345")) },
		"base64 twice":            func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(b64([]byte(s)))) },
		"hex":                     func(s string) string { return hex.EncodeToString([]byte(s)) },
		"HEX":                     func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
		"base32": func(s string) string {
			return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString([]byte(s))
		},
		"rot13":       rot13,
		"reversed":    reversed,
		"json":        func(s string) string { return url.QueryEscape(`{"e":"` + s + `","n":1}`) },
		"json base64": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(`{"e":"` + s + `","n":1}`)) },
		"json escaped": func(s string) string {
			return base64.RawURLEncoding.EncodeToString([]byte(`{"e":"` + strings.ReplaceAll(s, "@", `\u0040`) + `"}`))
		},
		"jwt": func(s string) string {
			return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"`+s+`","iat":1790000000}`)) + ".c2lnbmF0dXJl"
		},
		"zlib base64": func(s string) string {
			return base64.RawURLEncoding.EncodeToString([]byte(squeeze(t, false, `{"r":"`+s+`"}`)))
		},
		"gzip base64": func(s string) string {
			return base64.RawURLEncoding.EncodeToString([]byte(squeeze(t, true, `{"r":"`+s+`"}`)))
		},
		"zlib hex":      func(s string) string { return hex.EncodeToString([]byte(squeeze(t, false, s))) },
		"md5 hex":       func(s string) string { return hex.EncodeToString(m5(s)) },
		"sha1 hex":      func(s string) string { return hex.EncodeToString(s1(s)) },
		"sha256 hex":    func(s string) string { return hex.EncodeToString(s2(s)) },
		"sha256 HEX":    func(s string) string { return strings.ToUpper(hex.EncodeToString(s2(s))) },
		"md5 base64":    func(s string) string { return b64(m5(s)) },
		"sha1 base64":   func(s string) string { return b64(s1(s)) },
		"sha256 base64": func(s string) string { return b64(s2(s)) },
		"sha256 b64url": func(s string) string { return base64.RawURLEncoding.EncodeToString(s2(s)) },
		"md5 in json": func(s string) string {
			return base64.RawURLEncoding.EncodeToString([]byte(`{"h":"` + hex.EncodeToString(m5(s)) + `"}`))
		},
	}
}

// TestMatrix: every encoding, of every form, in every part of a URL is found,
// with the bytes that hold it.
func TestMatrix(t *testing.T) {
	t.Parallel()
	s := New(me)
	forms := map[string]Form{
		"Jane.Roe+shop@Mail.Example.org": Address, "jane.roe+shop@mail.example.org": Address, "JANE.ROE+SHOP@MAIL.EXAMPLE.ORG": Address,
		"jane.roe@mail.example.org": Untagged, "maxmustermann@gmail.com": Variant, "max.mustermann@gmail.com": Address,
		"jane.roe+shop": LocalPart, "jane.roe": LocalPart, "maxmustermann": LocalPart,
	}
	places := map[Where]string{
		Path: "https://t.news.example/o/%s/p.gif", Query: "https://t.news.example/o.gif?c=77&u=%s&x=1",
		Fragment: "https://t.news.example/a#u=%s", Subdomain: "https://%s.t.news.example/o.gif",
	}
	n := 0
	for name, encode := range encodings(t) {
		for text, form := range forms {
			for where, pattern := range places {
				token := encode(text)
				u := fmt.Sprintf(pattern, token)
				n++
				got := s.Find(u)
				if len(got) == 0 {
					t.Errorf("%s of %s in %s: nothing found in %s", name, text, where, u)
					continue
				}
				p := got[0]
				at := strings.Index(u, token)
				if p.Form != form || p.Range.Start < at || p.Range.End > at+len(token) || p.Range.Len() < 8 {
					t.Errorf("%s of %s in %s: got %+v in %s, want %s within [%d,%d)", name, text, where, p, u, form, at, at+len(token))
				}
				if p.Where != where && !(where == Subdomain && p.Where == User) && !strings.ContainsAny(token, "/?#") {
					t.Errorf("%s of %s: found in %s, want %s (%s)", name, text, p.Where, where, u)
				}
				if where == Query && p.Param != "u" {
					t.Errorf("%s of %s: parameter %q, want u (%s)", name, text, p.Param, u)
				}
			}
		}
	}
	t.Logf("%d combinations", n)
}

func TestEncodingNames(t *testing.T) {
	t.Parallel()
	s := New([]string{"jane.roe@mail.example"})
	jwt := encodings(t)["jwt"]("jane.roe@mail.example")
	for _, tt := range []struct {
		url, encoding, decoded string
		at                     [2]int
	}{
		{"https://t.example/?e=jane.roe@mail.example", "plain", "jane.roe@mail.example", [2]int{21, 42}},
		{"https://t.example/?e=jane.roe%40mail.example&x", "percent", "jane.roe@mail.example", [2]int{21, 44}},
		{"https://t.example/?e=jane.roe%2540mail.example", "percent+percent", "jane.roe@mail.example", [2]int{21, 46}},
		{"https://t.example/u/amFuZS5yb2VAbWFpbC5leGFtcGxl", "base64", "jane.roe@mail.example", [2]int{20, 48}},
		{"https://t.example/b-jane.roe=mail.example", "verp", "", [2]int{20, 41}},
		{"https://t.example/jane.roe-at-mail-example", "verp", "jane.roe-at-mail-example", [2]int{18, 42}},
		{"https://t.example/?j=" + jwt, "jwt", `{"sub":"jane.roe@mail.example","iat":1790000000}`, [2]int{52, 81}},
		{"https://t.example/?h=" + hex.EncodeToString(sumOf("jane.roe@mail.example")), "hex+md5", hex.EncodeToString(sumOf("jane.roe@mail.example")), [2]int{21, 53}},
	} {
		got := s.Find(tt.url)
		if tt.encoding == "verp" && tt.decoded == "" { // "b-" belongs to the run in front: somebody else's name
			if len(got) != 0 {
				t.Errorf("%s: got %+v, want nothing", tt.url, got)
			}
			continue
		}
		if len(got) != 1 || got[0].Encoding.String() != tt.encoding || got[0].Decoded != tt.decoded || got[0].Range != (markup.Range{Start: tt.at[0], End: tt.at[1]}) {
			t.Errorf("%s: got %+v, want %s %q %v", tt.url, got, tt.encoding, tt.decoded, tt.at)
		}
	}
}

func sumOf(s string) []byte { m := md5.Sum([]byte(s)); return m[:] }

// TestNoFalseProof: tokens that chance made prove nothing.
func TestNoFalseProof(t *testing.T) {
	t.Parallel()
	s := New(append([]string{"anna@example.com", "info@example.com", "abcd@a.co"}, me...))
	r := rand.New(rand.NewPCG(1, 2))
	alphabets := []string{
		"0123456789abcdef", "0123456789", "abcdefghijklmnopqrstuvwxyz234567", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
		"abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz0123456789.@=%&",
	}
	for i := range 10_000 {
		a := alphabets[i%len(alphabets)]
		b := make([]byte, 4+r.IntN(200))
		for j := range b {
			b[j] = a[r.IntN(len(a))]
		}
		for _, u := range []string{"https://t.example/o/" + string(b) + ".gif", "https://t.example/?u=" + string(b)} {
			mine, others := s.Search(u)
			if len(mine) > 0 || len(others) > 0 && i%len(alphabets) < 7 {
				t.Errorf("%s: got %+v and %+v, want nothing", u, mine, others)
			}
		}
	}
}

func TestNotMine(t *testing.T) {
	t.Parallel()
	s := New([]string{"jane@example.com", "news@shop.example", "info@firm.example"})
	for _, u := range []string{
		"https://jane.example.com/a.gif", "https://news.shop.example/logo.png", "https://example.com/?e=mary.jane@example.com",
		"https://t.example/?e=jane@example.com.au", "https://t.example/?e=jane@example.company", "https://t.example/example.com/x",
		"https://t.example/info/news/mail", "https://t.example/?h=" + hex.EncodeToString(sumOf("example.com")),
		"https://t.example/?h=" + hex.EncodeToString(sumOf("info")), "https://firm.example/info", "", "://", "%", "https://t.example/%zz%",
	} {
		if got := s.Find(u); len(got) > 0 {
			t.Errorf("%q: got %+v, want nothing", u, got)
		}
	}
}

func TestOthers(t *testing.T) {
	t.Parallel()
	s := New([]string{"jane@example.com"})
	token := base64.RawURLEncoding.EncodeToString([]byte(`{"to":"john.doe@example.org"}`))
	for _, tt := range []struct{ url, want string }{
		{"https://t.example/?e=John.Doe%40example.org", "John.Doe@example.org"},
		{"https://t.example/o/" + token, "john.doe@example.org"},
		{"https://t.example/?e=jane@example.com", ""},
		{"https://t.example/@user/post", ""},
		{"https://user@example.com/x", ""},
		{"https://cdn.example/logo@2x.png", ""},
	} {
		_, others := s.Search(tt.url)
		got := ""
		if len(others) > 0 {
			got = others[0].Address
		}
		if got != tt.want || len(others) > 1 {
			t.Errorf("%s: got %+v, want %q", tt.url, others, tt.want)
		}
	}
	if mine, others := (*Set)(nil).Search("https://t.example/?e=a.b%40example.org"); len(mine) != 0 || len(others) != 1 {
		t.Errorf("a nil Set: got %v and %v, want one other", mine, others)
	}
}

func TestWeak(t *testing.T) {
	t.Parallel()
	s := New([]string{"smith@example.com"})
	for _, tt := range []struct {
		url  string
		weak bool
	}{
		{"https://shop.example/authors/smith", true},
		{"https://shop.example/?u=c21pdGg=", true}, // five letters
		{"https://shop.example/?u=" + hex.EncodeToString(sumOf("smith")), false},
		{"https://shop.example/?u=smith@example.com", false},
	} {
		got := s.Find(tt.url)
		if len(got) != 1 || got[0].Weak != tt.weak {
			t.Errorf("%s: got %+v, want weak %v", tt.url, got, tt.weak)
		}
	}
}

// TestBounds: what is hostile costs no more than a bound.
func TestBounds(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range MaxAddresses + 50 {
		many = append(many, fmt.Sprintf("person%d@example.com", i))
	}
	s := New(many)
	if got := len(s.Addresses()); got != MaxAddresses {
		t.Errorf("got %d addresses, want %d", got, MaxAddresses)
	}
	bomb := base64.RawURLEncoding.EncodeToString([]byte(squeeze(t, false, strings.Repeat("a", 50<<20))))
	nested := "person1@example.com"
	for range MaxDepth + 3 {
		nested = base64.RawURLEncoding.EncodeToString([]byte(nested))
	}
	for _, u := range []string{
		"https://t.example/" + strings.Repeat("@", 1<<20), "https://t.example/" + strings.Repeat("aB3/", 1<<18), "https://t.example/?" + strings.Repeat("%25", 1<<18),
		"https://t.example/" + bomb, "https://t.example/" + nested, "https://t.example/" + strings.Repeat("eJw", 1<<18),
		"https://t.example/?u=" + strings.Repeat("person1@example.com,", 5000),
	} {
		start := time.Now()
		if got := s.Find(u); len(got) > MaxProofs {
			t.Errorf("%.40s…: %d proofs, want at most %d", u, len(got), MaxProofs)
		}
		if d := time.Since(start); d > 30*time.Second { // without the bounds it would be minutes
			t.Errorf("%.40s…: took %v", u, d)
		}
	}
	if got := s.Find("https://t.example/" + nested); len(got) != 0 {
		t.Errorf("past MaxDepth: got %+v, want nothing", got)
	}
}

func TestNewReadsHeaders(t *testing.T) {
	t.Parallel()
	s := New([]string{`"Roe, Jane" <Jane@Example.com>`, "jane@example.COM", "nobody", "@x.example", "a@", "", "mailto:b@example.org"})
	if got := strings.Join(s.Addresses(), " "); got != "Jane@Example.com b@example.org" {
		t.Errorf("got %q", got)
	}
	if !s.Has("jane+x@example.com") || s.Has("jan@example.com") || (*Set)(nil).Has("a@b.c") {
		t.Error("Has: wrong")
	}
}

func FuzzFind(f *testing.F) {
	s := New(me)
	for _, seed := range []string{"https://t.example/?e=jane.roe%40mail.example.org", "https://a@b/\\u0040&#64;", "eJyrViouSSwpVrJSUCpKLE9VqgUAKmsE6g==", "moc.liamg@nnamretsum.xam"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, u string) {
		mine, others := s.search(u)
		if len(mine)+len(others) > 0 && s.quiet(u, 0) {
			t.Errorf("%q is called quiet, but holds %+v %+v", u, mine, others)
		}
		for _, p := range append(mine, others...) {
			if p.Range.Start < 0 || p.Range.End > len(u) || p.Range.Start > p.Range.End || len(p.Decoded) > 2*MaxDecoded+MaxAddress {
				t.Errorf("%q: bad proof %+v", u, p)
			}
		}
		c := Compare([]string{u, "https://t.example/a"}, []string{"https://t.example/a", u + "x"})
		for _, p := range c.Pairs {
			for _, d := range p.Pieces {
				if d.A.End > len(u)+32 || d.A.Start > d.A.End || d.B.Start > d.B.End {
					t.Errorf("%q: bad piece %+v", u, d)
				}
			}
		}
	})
}

func BenchmarkFind(b *testing.B) {
	s := New(me)
	u := "https://u1234567.ct.news.example/wf/open?upn=u001.AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-2BaBcDeFg-3DAbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"
	b.SetBytes(int64(len(u)))
	b.ReportAllocs()
	for b.Loop() {
		s.Find(u)
	}
}
