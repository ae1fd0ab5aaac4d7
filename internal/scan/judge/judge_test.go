package judge

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/scan/identity"
)

const (
	me    = "jane.roe@mail.example"
	token = "aB3dE6gH9jK2mN5pQ8sT"
)

// first is the finding about the first img, or else the first of all.
func first(t testing.TB, j Judge, page string) *Finding {
	t.Helper()
	r := j.Message(&Message{Sender: "shop.example", Me: identity.New([]string{me}), Refs: refsOf(page)})
	if len(r.Findings) == 0 {
		t.Fatalf("no finding in %s", page)
	}
	for i := range r.Findings {
		if r.Findings[i].Vector == "V001" {
			return &r.Findings[i]
		}
	}
	return &r.Findings[0]
}

// TestLadder: what puts a reference on its rung, by structure alone.
func TestLadder(t *testing.T) {
	t.Parallel()
	img := func(u, attrs string) string { return `<p>x</p><img src="` + u + `" ` + attrs + `><p>after</p>` }
	for _, tt := range []struct {
		name, page string
		want       Ladder
		content    bool
	}{
		{"address", img("https://t.example/o.gif?u="+me, "width=1 height=1"), Proven, false},
		{"address in a picture that is seen", img("https://t.example/o.gif?u="+me, "width=600 height=200"), Proven, true},
		{"address in a link", `<a href="https://t.example/c?u=` + me + `">x</a>`, Proven, false},
		{"address in what nobody fetches", `<link rel=canonical href="https://t.example/?u=` + me + `">`, Token, false},
		{"local part as a word", img("https://t.example/authors/jane.roe/p.jpg", "width=90"), Token, true},
		{"local part, hidden", img("https://t.example/i.gif?q=jane.roe", "width=1 height=1"), Hidden, false},
		{"local part, hidden, often", strings.Repeat(img("https://t.example/i.gif?q=jane.roe", "width=1 height=1"), 3), Token, false},
		{"open path, hidden", img("https://t.example/open/"+token, "width=1 height=1"), Likely, false},
		{"open path, hidden, no token", img("https://t.example/tracker.png", "width=1 height=1"), Likely, false},
		{"token, hidden", img("https://t.example/x/"+token, "style=display:none"), Hidden, false},
		{"short number, hidden", img("https://t.example/x.php?n=48213&k=9931", "height=1 width=1"), Hidden, false},
		{"token, hidden by a parent", `<div style="visibility:hidden"><img src="https://t.example/x/` + token + `"></div>`, Hidden, false},
		{"token, seen", img("https://t.example/x/"+token, "width=300 height=90"), Token, true},
		{"token, seen, a file", img("https://t.example/images/"+token+".png", "width=300 height=90"), Ordinary, true},
		{"no token, hidden", img("https://t.example/img/dot.gif", "width=1 height=1"), Ordinary, false},
		{"version, hidden", img("https://t.example/spacer.gif?v=8f3a9c017e55", "width=1 height=1"), Ordinary, false},
		{"spacer, often", strings.Repeat(img("https://t.example/s.php?id="+token, "width=1 height=1"), 3), Ordinary, false},
		{"counter, twice", strings.Repeat(img("https://t.example/open?id="+token, "width=1 height=1"), 2), Likely, false},
		{"counter and its copy for old Outlook", img("https://t.example/x?id="+token, "width=1 height=1") + "<!--[if mso]>" + img("https://t.example/x?id="+token, "width=1 height=1") + "<![endif]-->", Hidden, false},
		{"signed, hidden", img("https://b.s3.amazonaws.com/x.png?X-Amz-Signature=8f3a9c017e558f3a9c017e55&amp;X-Amz-Credential=AKIAIOSFODNN7", "width=1 height=1"), Ordinary, false},
		{"no size, in the middle", img("https://t.example/x/"+token, ""), Token, false},
		{"no size, clear word", img("https://t.example/open?id="+token, ""), Likely, false},
		{"no size, at the end, gif", `<html><body><p>x</p><img src="https://t.example/k/` + token + `.gif"></body></html>`, Hidden, false},
		{"no size, token of the links", `<img src="https://t.example/k?i=` + token + `"><a href="https://t.example/c/` + token + `">x</a>`, Hidden, false},
		{"no size, in a link", `<a href="https://x.example"><img src="https://t.example/open?id=` + token + `"></a><p>x</p>`, Token, true},
		{"for phones only", img("https://t.example/hero-"+token+".jpg", `width=320 style="display:none"`), Ordinary, true},
		{"print style", `<style>@media print{p{background:url(https://t.example/p?d=` + token + `)}}</style>`, Likely, false},
		{"background", `<td background="https://t.example/bg/` + token + `.jpg">`, Ordinary, true},
		{"font", `<style>@font-face{src:url(https://f.example/` + token + `?i=1)}</style>`, Token, false},
		{"link with a token", `<a href="https://t.example/c/` + token + `">x</a>`, Token, false},
		{"link", `<a href="https://t.example/shoes">x</a>`, Ordinary, false},
		{"name looked up", `<link rel=dns-prefetch href="//t.example/?u=` + me + `">`, Token, false},
		{"name looked up, token in the name", `<link rel=dns-prefetch href="//a1b2c3d4e5f6a7b8.t.example">`, Token, false},
		{"name looked up, address in the name", `<link rel=dns-prefetch href="//6a616e652e726f65406d61696c2e6578616d706c65.t.example">`, Proven, false},
		{"part of the mail", `<img src="cid:x@mail" width=1 height=1>`, Ordinary, false},
		{"behind Gmail", img("https://ci3.googleusercontent.com/proxy/Zz9=s0-d-e1-ft#https://t.example/open/"+token, "width=1 height=1"), Likely, false},
		{"text", "<p>x</p>", Ordinary, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.name == "text" {
				if r := new(Judge).Message(&Message{Refs: refsOf(tt.page)}); r.Worst() != Ordinary {
					t.Errorf("got %s", r.Worst())
				}
				return
			}
			f := first(t, Judge{}, tt.page)
			if f.Ladder != tt.want || f.Content != tt.content {
				t.Errorf("got %s, content %v; want %s, %v\n%+v %+v", f.Ladder, f.Content, tt.want, tt.content, f.Signs, f.Evidence)
			}
		})
	}
}

func TestReceipt(t *testing.T) {
	t.Parallel()
	r := new(Judge).Message(&Message{Refs: []Ref{{Ref: markup.Ref{Vector: 150, When: markup.Header, URL: "receipt:news@shop.example"}}}})
	if got := r.Findings[0].Ladder; got != Hidden {
		t.Errorf("got %s, want hidden", got)
	}
}

// TestRules: rules name the vendor; behind a proxy too; the user's word is last.
func TestRules(t *testing.T) {
	t.Parallel()
	set := loaded(t)
	hit := "https://shop.us1.list-manage.com/track/open.php?u=0123456789abcdef012345678&amp;id=a1b2c3d4e5&amp;e=f6e5d4c3b2"
	own := "https://news.shop.example/track/open.php?u=0123456789abcdef012345678&amp;id=a1b2c3d4e5&amp;e=f6e5d4c3b2"
	allow := &detect.Policy{Allows: detect.NewOverrides([]detect.Override{{On: "shop.example"}})}
	for _, tt := range []struct {
		name, page string
		policy     *detect.Policy
		want       Ladder
		tracker    bool
	}{
		{"host", `<img src="` + hit + `" width=1 height=1>`, nil, Vendor, true},
		{"host, seen", `<img src="` + hit + `" width=90 height=90>`, nil, Vendor, true},
		{"host behind a proxy", `<img src="https://ci3.googleusercontent.com/proxy/A=s0#` + hit + `" width=1 height=1>`, nil, Vendor, true},
		{"signature, hidden", `<img src="` + own + `" width=1 height=1>`, nil, Likely, true},
		{"signature, seen", `<img src="` + own + `" width=90 height=90>`, nil, Token, true},
		{"the user allows the sender", `<img src="` + hit + `" width=1 height=1>`, allow, Ordinary, true},
		{"none", `<img src="https://cdn.example/a.png" width=90>`, nil, Ordinary, false},
	} {
		f := first(t, Judge{Rules: set, Policy: tt.policy}, tt.page)
		if f.Ladder != tt.want || (f.Tracker != nil) != tt.tracker {
			t.Errorf("%s: got %s, tracker %v; want %s, %v", tt.name, f.Ladder, f.Tracker, tt.want, tt.tracker)
		}
	}
}

func TestUnproxy(t *testing.T) {
	t.Parallel()
	const want = "https://t.example/open?id=7&x=a%20b"
	fast := []byte(want)
	for i := range fast {
		fast[i] = fast[i]<<4 | fast[i]>>4
	}
	esc := strings.NewReplacer("%", "%25", ":", "%3A", "/", "%2F", "?", "%3F", "=", "%3D", "&", "%26").Replace(want)
	for _, tt := range []struct{ url, by string }{
		{"https://ci3.googleusercontent.com/proxy/AbC=s0-d-e1-ft#" + want, "Google"},
		{"https://ci3.googleusercontent.com/meips/ADKq=s0-d-e1-ft#" + want, "Google"},
		{"https://ecp.yusercontent.com/mail?url=" + esc + "&t=1&sig=x~D", "Yahoo"},
		{"https://mail.proton.me/api/core/v4/images?Url=" + esc + "&DryRun=0", "Proton"},
		{"https://eur01.outlook.com/actions/ei?u=" + esc + "&d=2026-11-01", "Microsoft"},
		{fmt.Sprintf("https://www.fastmailusercontent.com/proxy/8f3a/%x/open", fast), "Fastmail"},
		{fmt.Sprintf("https://camo.githubusercontent.com/8f3a/%x", want), "GitHub"},
		{"https://ecp.yusercontent.com/mail?url=" + strings.NewReplacer("%", "%25", ":", "%3A", "/", "%2F", "#", "%23", "?", "%3F", "=", "%3D", "&", "%26").Replace("https://ci3.googleusercontent.com/proxy/A=s0#"+want), "Yahoo"},
		{"https://lh3.googleusercontent.com/a/photo=s96", ""},
		{"https://other.example/?url=" + esc, ""},
	} {
		got, by := Unproxy(tt.url)
		if by != tt.by || by != "" && got != want {
			t.Errorf("%s: got %q by %q, want %q by %q", tt.url, got, by, want, tt.by)
		}
	}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	const want = "https://goal.example/p/1?a=b"
	b64 := base64.RawURLEncoding.EncodeToString
	inner := `{"p":"{\"u\":1,\"url\":\"https:\\\/\\\/goal.example\\\/p\\\/1?a=b\"}"}`
	for _, u := range []string{
		"https://l.example/l.php?u=https%3A%2F%2Fgoal.example%2Fp%2F1%3Fa%3Db&h=AT0x",
		"https://www.google.com/url?q=https://goal.example/p/1?a=b&sa=D",
		"https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fgoal.example%2Fp%2F1%3Fa%3Db&data=05%7C02",
		"https://x.r.us-east-1.awstrack.me/L0/https:%2F%2Fgoal.example%2Fp%2F1%3Fa=b/1/0100018f/AbC=211",
		"https://track.pstmrk.it/3s/goal.example%2Fp%2F1%3Fa%3Db/AbC/xyz",
		"https://mandrillapp.com/track/click/1/goal.example?p=" + b64([]byte(inner)),
		"https://t.example/redirect/2/" + "eyJhbGciOiJIUzI1NiJ9." + b64([]byte(`{"e":"`+want+`"}`)) + ".c2ln",
		"https://t.example/click?redirectUrl=" + b64([]byte(want)),
		"https://urldefense.proofpoint.com/v2/url?u=https-3A__goal.example_p_1-3Fa-3Db&d=DwMF",
		"https://urldefense.com/v3/__https://goal.example/p/1?a=b__;!!AbC$",
		"https://l.example/l.php?u=https%3A%2F%2Fm.example%2Fgo%3Fto%3Dhttps%253A%252F%252Fgoal.example%252Fp%252F1%253Fa%253Db",
	} {
		if got := Target(u); got != want {
			t.Errorf("%s: got %q, want %q", u, got, want)
		}
	}
	for _, u := range []string{"https://t.example/c/" + token, "https://t.example/?ref=http", "", "://", "https://t.example/?u=https%3A%2F%2F", "https://t.example/https-guide/"} {
		if got := Target(u); got != "" {
			t.Errorf("%q: got %q, want nothing", u, got)
		}
	}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want Strength
	}{
		{"newsletter", None}, {"summer-sale-2026", None}, {"600", Short}, {"20261101", None}, {"2026-11-01", None}, {"1790000000", Short},
		{"iPhone15ProMax", None}, {"HeroImageLarge", None}, {"banner_600x200", None}, {"v2", None}, {"en-US", None}, {"open.php", None}, {"a1b2c3d4e5", Mixed},
		{"48213377", Mixed}, {"0123456789abcdef0123456789abcdef", Strong}, {"3b241101-e2bb-4255-8caf-4136c566a962", Strong},
		{token, Strong}, {"eyJ1IjoxLCJlIjoiYSJ9", Strong}, {"ffcb10-8f3a9c017e55-1122334455", Strong}, {"j-o-0jwfwir-cu9r5h5", Mixed}, {"jane@mail.example", Strong},
		{"https://x.example/" + token, None}, {"", None}, {"hero.jpg", None}, {"8f3a9c017e55.gif", Mixed},
	} {
		if got := classify(tt.text); got.Strength != tt.want {
			t.Errorf("%q: got %d (%s), want %d", tt.text, got.Strength, got.Kind, tt.want)
		}
	}
}

func TestLadderText(t *testing.T) {
	t.Parallel()
	for l := Proven; l <= Ordinary; l++ {
		b, err := json.Marshal(l)
		var back Ladder
		if err != nil || json.Unmarshal(b, &back) != nil || back != l || l.Tracker() != (l <= Hidden) {
			t.Errorf("%s: got %s, %v", l, b, err)
		}
	}
	var l Ladder
	if err := l.UnmarshalText([]byte("sure")); err == nil || !strings.Contains(err.Error(), "sure") {
		t.Errorf("an unknown word: got %v", err)
	}
}

// TestBounds: a message of as many references as markup gives is judged in
// time that grows with it, not with its square.
func TestBounds(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&b, `<img src="https://t.example/a?%d=%s%d" width=1 height=1>`, i, token, i%7)
	}
	b.WriteString(`<a href="https://t.example/` + strings.Repeat("eJw/", 4000) + `">x</a>`)
	start := time.Now()
	r := new(Judge).Message(&Message{Me: identity.New([]string{me}), Refs: refsOf(b.String())})
	if d := time.Since(start); len(r.Findings) < 20_000 || d > 60*time.Second {
		t.Errorf("%d findings in %v", len(r.Findings), d)
	}
}

func FuzzJudge(f *testing.F) {
	for _, u := range []string{"https://t.example/https:/x.example/y", "https://a/?u=%68ttp://b.c/", "https://camo.githubusercontent.com/zz/6874", "//x", "https://t.example/%2f%2F"} {
		f.Add(u)
	}
	f.Fuzz(func(t *testing.T, u string) {
		Target(u)
		Unproxy(u)
		refs := []Ref{{Ref: markup.Ref{URL: u, Vector: 1, When: markup.Opening, Reach: markup.Remote, Width: 1, Height: 1}}, {Ref: markup.Ref{URL: u, Vector: 41, When: markup.Click, Reach: markup.Remote}}}
		r := new(Judge).Message(&Message{Me: identity.New([]string{me}), Refs: refs})
		if len(r.Findings) != 2 || r.Findings[0].Ladder > Ordinary {
			t.Errorf("%q: got %+v", u, r.Findings)
		}
	})
}

func BenchmarkMessage(b *testing.B) {
	set := loaded(b)
	l := newLetter(7)
	refs := refsOf(l.html)
	m := Message{Sender: "shop.example", Me: identity.New([]string{l.me}), Refs: refs}
	for name, j := range map[string]Judge{"structure": {}, "rules": {Rules: set}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				j.Message(&m)
			}
			b.ReportMetric(float64(len(refs)), "refs")
		})
	}
}
