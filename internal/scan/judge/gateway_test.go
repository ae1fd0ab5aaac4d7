package judge

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/scan/identity"
)

// TestGateways: what a scanner of links adds is its own word, not that of the
// site behind it; what the link behind it carries counts.
func TestGateways(t *testing.T) {
	t.Parallel()
	link := func(u string) string { return `<a href="` + strings.ReplaceAll(u, "&", "&amp;") + `">x</a>` }
	esc := url.QueryEscape
	const goal, mine = "https://news.goal.example/post/1", "https://t.goal.example/c?e=jane.roe%40mail.example"
	safe := func(inner string) string {
		return "https://eur01.safelinks.protection.outlook.com/?url=" + esc(inner) + "&data=05%7C02%7Cjane.roe%40mail.example%7Cab12cd34%7C0&sdata=Zm9vYmFyYmF6&reserved=0"
	}
	for _, tt := range []struct {
		name, url, by, original string
		want                    Ladder
		proofs, wrapper         int
	}{
		{"Safe Links", safe(goal), "Microsoft Safe Links", goal, Ordinary, 0, 1},
		{"Safe Links around the address", safe(mine), "Microsoft Safe Links", mine, Proven, 1, 1},
		{"Safe Links around a token", safe("https://t.goal.example/c?u=" + token), "Microsoft Safe Links", "https://t.goal.example/c?u=" + token, Token, 0, 1},
		{"Proofpoint 2", "https://urldefense.proofpoint.com/v2/url?u=https-3A__news.goal.example_post_1&d=DwMFaQ&r=amFuZS5yb2VAbWFpbC5leGFtcGxl", "Proofpoint URL Defense", goal, Ordinary, 0, 1},
		{"Proofpoint 3", "https://urldefense.com/v3/__https://news.goal.example/post/1__;!!AbC!aB3dE6gH9jK2mN5pQ8sT$", "Proofpoint URL Defense", goal, Ordinary, 0, 0},
		{"Proofpoint 3 around the address", "https://urldefense.com/v3/__" + mine + "__;!!AbC!aB3dE6gH9jK2$", "Proofpoint URL Defense", mine, Proven, 1, 0},
		{"Barracuda", "https://linkprotect.cudasvc.com/url?a=" + esc(goal) + "&c=E,1,aB3dE6gH9jK2mN5pQ8sT&typo=1", "Barracuda", goal, Ordinary, 0, 0},
		{"Cisco", "https://secure-web.cisco.com/1aB3dE6gH9jK2mN5pQ8sT/" + esc(goal), "Cisco", goal, Ordinary, 0, 0},
		{"Sophos", "https://eu-west-1.protection.sophos.com/?d=goal.example&u=" + base64.StdEncoding.EncodeToString([]byte(goal)) + "&e=jane.roe@mail.example", "Sophos", goal, Ordinary, 0, 1},
		{"Mimecast tells the host", "https://protect-eu.mimecast.com/s/aB3dE6gH9jK2?domain=news.goal.example", "Mimecast", "https://news.goal.example/", Ordinary, 0, 0},
		{"Mimecast tells nothing", "https://protect-eu.mimecast.com/s/aB3dE6gH9jK2mN5pQ8sT", "Mimecast", "", Ordinary, 0, 0},
		{"Check Point", "https://protect.checkpoint.com/v2/___https://news.goal.example/post/1___.YXAzOmpvZTphOm86", "Check Point", goal, Ordinary, 0, 0},
		{"Gmail", "https://www.google.com/url?q=" + esc(goal) + "&source=gmail&ust=1700000000000&usg=AOvVaw0", "Gmail", goal, Ordinary, 0, 0},
		{"two around one another", safe("https://urldefense.com/v3/__" + mine + "__;!!AbC!x$"), "Microsoft Safe Links", mine, Proven, 1, 1},
		{"no gateway", "https://click.shop.example/?url=" + esc(goal) + "&e=jane.roe@mail.example", "", "", Proven, 1, 0},
	} {
		f := first(t, Judge{}, link(tt.url))
		if f.Gateway != tt.by || f.Original != tt.original || f.Ladder != tt.want || len(f.Proofs) != tt.proofs || len(f.WrapperProofs) != tt.wrapper || f.Via != "" {
			t.Errorf("%s: got %q %q %s proofs %+v wrapper %+v via %q; want %q %q %s %d %d", tt.name, f.Gateway, f.Original, f.Ladder, f.Proofs,
				f.WrapperProofs, f.Via, tt.by, tt.original, tt.want, tt.proofs, tt.wrapper)
		}
		if got := slices.Contains(f.Tricks, "V172"); got != (tt.by != "") {
			t.Errorf("%s: V172 is %v", tt.name, got)
		}
	}
	// The same for pictures: Yahoo's own parameter is no word of the sender's.
	f := first(t, Judge{}, `<img src="https://ecp.yusercontent.com/mail?url=`+esc("https://t.goal.example/open/1.gif")+`&amp;e=jane.roe@mail.example" width=1 height=1>`)
	if f.Via != "Yahoo" || f.Gateway != "" || len(f.Proofs) != 0 || len(f.WrapperProofs) != 1 || f.Ladder == Proven {
		t.Errorf("an image proxy: got %+v", f)
	}
}

// TestFragments: no server gets what stands behind the "#".
func TestFragments(t *testing.T) {
	t.Parallel()
	for page, want := range map[string]Ladder{
		`<img src="https://t.example/logo.png#` + me + `" width=90>`:                   Ordinary,
		`<img src="https://t.example/open/` + token + `#` + me + `" width=1 height=1>`: Likely,
		`<a href="https://t.example/page#` + me + `">x</a>`:                            Proven,
		`<iframe src="https://t.example/page#` + me + `"></iframe>`:                    Proven,
		`<img src="https://t.example/logo.png?x#` + `jane.roe" width=90>`:              Ordinary,
		`<a href="https://t.example/page#jane.roe">x</a>`:                              Token,
	} {
		f := first(t, Judge{}, page)
		if f.Ladder != want || len(f.Proofs) != 1 || f.Proofs[0].Where != identity.Fragment {
			t.Errorf("%s: got %s with %+v, want %s with the proof shown", page, f.Ladder, f.Proofs, want)
		}
		for _, d := range f.Disclosed {
			if d.Name == "email_plain" && want != Proven {
				t.Errorf("%s: says that %+v is told", page, d)
			}
		}
	}
}

// TestStrangers: somebody else's address in a URL is a sign, never proof.
func TestStrangers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		page string
		want Ladder
		told bool
	}{
		{`<a href="https://t.example/page?e=alice%40work.example.org">x</a>`, Token, true},
		{`<a href="https://t.example/page.png?v=alice%40work.example.org">x</a>`, Token, true},
		{`<a href="https://t.example/page?e=YWxpY2VAd29yay5leGFtcGxlLm9yZw==">x</a>`, Token, true},
		{`<img src="https://t.example/p.gif?e=alice@work.example.org" width=1 height=1>`, Hidden, true},
		{`<img src="https://t.example/photo.jpg?v=alice@work.example.org" width=600 height=300 alt="x">`, Token, true},
		{`<img src="https://t.example/photo.jpg#alice@work.example.org" width=600 height=300 alt="x">`, Ordinary, false},
		{`<a href="https://t.example/contact?to=support@work.example.org">x</a>`, Token, false}, // for its shape
		{`<a href="https://t.example/photo.png?v=support@work.example.org">x</a>`, Ordinary, false},
		{`<a href="https://t.example/photo.png?v=20021122101530.1234@work.example.org">x</a>`, Ordinary, false},
		{`<img src="https://storage.googleapis.com/shop/a.png?GoogleAccessId=m%40p.iam.gserviceaccount.com&amp;Expires=1&amp;Signature=x" width=600 alt=x>`, Ordinary, false},
	} {
		f := first(t, Judge{}, tt.page)
		if f.Ladder != tt.want || len(f.Others) == 0 {
			t.Errorf("%s: got %s with %+v, want %s", tt.page, f.Ladder, f.Others, tt.want)
		}
		told := false
		for _, d := range f.Disclosed {
			told = told || d.Name == "email_other" && strings.Contains(d.Label, "a…@work.example.org") && !strings.Contains(d.Label, "alice")
		}
		if told != tt.told {
			t.Errorf("%s: disclosed %+v, want told %v", tt.page, f.Disclosed, tt.told)
		}
	}
	for in, want := range map[string]string{"alice@example.org": "a…@example.org", "éa@b.c": "é…@b.c", "nobody": "…", "@x": "…", "": "…"} {
		if got := Abridged(in); got != want {
			t.Errorf("Abridged(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestOnward: a redirector in front does not hide the tracker behind it.
func TestOnward(t *testing.T) {
	t.Parallel()
	set := loaded(t)
	tracker := "https://shop.us1.list-manage.com/track/click?u=0123456789abcdef012345678&id=a1b2c3d4e5&e=f6e5d4c3b2"
	pixel := "https://shop.us1.list-manage.com/track/open.php?u=0123456789abcdef012345678&id=a1b2c3d4e5&e=f6e5d4c3b2"
	by := "https://www.google.com/url?q="
	for _, tt := range []struct {
		name, page string
		tracker    bool
		want       Ladder
	}{
		{"a link", `<a href="` + by + url.QueryEscape(tracker) + `">x</a>`, true, Token},
		{"a picture", `<img src="https://r.example/go?to=` + url.QueryEscape(pixel) + `" width=1 height=1>`, true, Vendor},
		{"a link with a token behind it", `<a href="` + by + url.QueryEscape("https://t.example/c?u="+token) + `">x</a>`, false, Token},
		{"an ordinary page behind it", `<a href="` + by + url.QueryEscape("https://t.example/news") + `">x</a>`, false, Ordinary},
		{"a picture that is fitted", `<img src="https://img.example/fit?w=90&amp;url=` + url.QueryEscape("https://t.example/p/"+token+"/x.jpg") + `" width=90 alt="x">`, false, Ordinary},
	} {
		f := first(t, Judge{Rules: set}, tt.page)
		if f.Ladder > tt.want || tt.want == Ordinary && f.Ladder < Token || (f.Tracker != nil) != tt.tracker || f.Onward != (tt.want < Ordinary) {
			t.Errorf("%s: got %s, tracker %+v, onward %v; want %s, %v", tt.name, f.Ladder, f.Tracker, f.Onward, tt.want, tt.tracker)
		}
	}
}

// TestLists: the address of a list is proof, but of no one reader.
func TestLists(t *testing.T) {
	t.Parallel()
	m := Message{Me: identity.New([]string{"talk@lists.example", me}), Lists: []string{"Talk@lists.example"},
		Refs: refsOf(`<a href="https://t.example/?e=talk@lists.example">x</a><a href="https://t.example/?e=` + me + `">x</a>`)}
	r := (&Judge{}).Message(&m)
	for i, want := range []bool{true, false} {
		if f := &r.Findings[i]; f.Ladder != Proven || len(f.Proofs) != 1 || f.Proofs[0].Shared != want {
			t.Errorf("%d: got %s, %+v; want shared %v", i, f.Ladder, f.Proofs, want)
		}
	}
}

// TestJudgeBounds: what lies past a bound is not looked at.
func TestJudgeBounds(t *testing.T) {
	t.Parallel()
	wrap := func(n int) string {
		u := "https://goal.example/p"
		for range n {
			u = "https://r.example/?to=" + url.QueryEscape(u)
		}
		return u
	}
	if got := Target(wrap(MaxUnwrap)); got != "https://goal.example/p" {
		t.Errorf("Target within MaxUnwrap: got %q", got)
	}
	if got := Target(wrap(MaxUnwrap + 1)); !strings.HasPrefix(got, "https://r.example/") {
		t.Errorf("Target past MaxUnwrap: got %.40q, want one that leads on", got)
	}
	proxied := func(n int) string {
		u := "https://goal.example/p.png"
		for range n {
			u = "https://ecp.yusercontent.com/mail?url=" + url.QueryEscape(u)
		}
		return u
	}
	if got, _ := Unproxy(proxied(MaxUnwrap + 1)); !strings.HasPrefix(got, "https://ecp.") {
		t.Errorf("Unproxy past MaxUnwrap: got %.40q", got)
	}
	fill := strings.Repeat("a=1234567&", maxValues-1)
	for n, u := range map[int]string{maxValues: "https://t.example/?" + fill + "b=" + token, maxValues + 3: "https://t.example/?" + fill + "a=12345678&a=12345679&a=12345670&b=" + token} {
		l := linkOf(u)
		out, _ := values(nil, &l)
		if len(out) != maxValues || (out[len(out)-1].Text == token) != (n == maxValues) {
			t.Errorf("%d values: got %d, the last %q", n, len(out), out[len(out)-1].Text)
		}
	}
	long := "https://r.example/?" + strings.Repeat("a=b&", maxWrapped/4) + "to=" + url.QueryEscape("https://goal.example/p")
	if got := Target(long); got != "" {
		t.Errorf("Target past maxWrapped: got %q", got)
	}
}
