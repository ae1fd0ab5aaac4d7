package explain

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/scan/identity"
	"github.com/quench-proxy/quench/internal/scan/judge"
	"github.com/quench-proxy/quench/rules"
)

// shipped loads the rules once for all tests.
var shipped = sync.OnceValues(func() (*engine.Set, error) { return engine.Load(engine.Sources{Builtin: rules.FS}) })

func judged(t testing.TB, page string) *judge.Result {
	t.Helper()
	set, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	m := judge.Message{Sender: "shop.example", Me: identity.New([]string{"jane.roe@mail.example", "sales@mail.example"})}
	markup.Walk([]byte(page), markup.Options{}, func(r *markup.Ref) {
		m.Refs = append(m.Refs, judge.Ref{Ref: *r, Part: "1", At: r.Value})
	})
	r := (&judge.Judge{Rules: set}).Message(&m)
	Fill(r)
	return r
}

func hashed(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

func TestSentences(t *testing.T) {
	t.Parallel()
	const token = "aB3dE6gH9jK2mN5pQ8sT"
	digest := hashed("jane.roe@mail.example")
	fetch := " Your IP address and mail program go with every fetch."
	own := " Each reader's copy most likely has a code of its own; a second copy of the mail would prove it (--compare)."
	for _, tt := range []struct{ name, page, want string }{
		{"proven", `<img src="https://t.shop.example/o.gif?u=amFuZS5yb2VAbWFpbC5leGFtcGxl" width=1 height=1>`,
			"Opening this mail tells t.shop.example, by a picture nobody is meant to see, that you opened it, and when; its address carries your e-mail address (base64, in “u”)." + fetch + " That is proof, and it is you personally: your own address stands in it."},
		{"proven by a digest, in a link", `<a href="https://t.shop.example/c?h=` + digest + `">x</a>`,
			"Following this link tells t.shop.example that you clicked it; its address carries a fingerprint of your e-mail address (MD5, in “h”). Your IP address and browser go with every click. That is proof, and it is you personally: your own address stands in it."},
		{"vendor", `<img src="https://shop.us1.list-manage.com/track/open.php?u=0123456789abcdef012345678&amp;id=a1b2c3d4e5&amp;e=f6e5d4c3b2" width=1 height=1>`,
			"Opening this mail tells Mailchimp open pixel (Intuit Mailchimp), by a picture nobody is meant to see, that you opened it, and when; its address carries the number by which the sender knows your address." + fetch + " That is certain: a rule knows this address." + own},
		{"likely", `<img src="https://t.shop.example/open/` + token + `.gif" width=1 height=1>`,
			"Opening this mail tells t.shop.example, by a picture nobody is meant to see, that you opened it, and when; its address carries a number by which the sender may know your copy (in the path)." + fetch + " That is likely: its address says “open”, it is at most a few dots in size and it carries a code that no other picture here has." + own},
		{"hidden, shared with links", `<img src="https://t.shop.example/x/` + token + `" style="display:none"><a href="https://shop.example/a?u=` + token + `">a</a><a href="https://shop.example/b?u=` + token + `">b</a>`,
			"Opening this mail tells t.shop.example, by a picture nobody is meant to see, that you opened it, and when; its address carries a number by which the sender may know your copy (in the path)." + fetch + " That is probable: it is taken out of display and it carries a code that no other picture here has. The same code stands in 2 links, so opening and clicks can be put together."},
		{"token in a link that says its goal", `<a href="https://c.shop.example/r?u=` + token + `&amp;to=https%3A%2F%2Fgoal.example%2Fp">x</a>`,
			"Following this link tells c.shop.example that you clicked it, before it leads you to goal.example; its address carries a number by which the sender may know your copy (in “u”). Your IP address and browser go with every click. That is possible, not more: its address carries a code, but it may name the mailing or a file rather than you."},
		{"behind a proxy", `<img src="https://ci3.googleusercontent.com/proxy/AbC=s0-d-e1-ft#https://t.shop.example/open/` + token + `.gif" width=1 height=1>`,
			"Opening this mail tells t.shop.example, by a picture nobody is meant to see, that you opened it, and when; its address carries a number by which the sender may know your copy (in the path). It goes by way of Google's image proxy, which hides your IP address but not that and when you opened it. That is likely: its address says “open”, it is at most a few dots in size and it carries a code that no other picture here has." + own},
		{"ordinary", `<img src="https://cdn.shop.example/images/logo.png" width=100>`,
			"A picture at cdn.shop.example; nothing in its address tells your copy from others'. Whoever runs the host sees your IP address when it is fetched."},
		{"a spacer", strings.Repeat(`<img src="https://cdn.shop.example/images/s.gif" width=1 height=1>`, 5),
			"A picture at cdn.shop.example, which stands here 5 times: it holds the layout and tells nobody's copy from another's."},
		{"a name looked up", `<link rel="dns-prefetch" href="https://cdn.shop.example/">`,
			"Opening this mail may make your system look up cdn.shop.example; nothing in the name tells your copy from others'."},
		{"a link that a gateway rewrote", `<a href="https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fnews.goal.example%2Fpost&amp;data=05%7C02%7Cjane.roe%40mail.example%7C0&amp;reserved=0">x</a>`,
			"A link to news.goal.example; nothing in its address tells your copy from others'. The link was rewritten by Microsoft Safe Links, by which your mail provider or employer checks links; it sees the click first, and its own part of the address carries your e-mail address (percent-encoded, in “data”), which it put there itself: that is no sign that the sender or the site knows it."},
		{"a link whose goal a gateway alone knows", `<a href="https://protect-eu.mimecast.com/s/aB3dE6gH9jK2mN5pQ8sT">x</a>`,
			"A link that was rewritten by Mimecast, by which your mail provider or employer checks links; it sees the click first. Where it leads is not in its address."},
		{"behind the # of a link", `<a href="https://t.shop.example/p#e=jane.roe@mail.example">x</a>`,
			"Following this link tells t.shop.example that you clicked it. Behind the # of its address stands your e-mail address (in clear, in “e”); that part is not sent to any server, but a script of the page that opens can read it. Your IP address and browser go with every click. That is proof that whoever made the link knows it is yours: your own address stands in it, though the click alone does not send it."},
		{"behind the # of a picture", `<img src="https://cdn.shop.example/images/logo.png#jane.roe@mail.example" width=100>`,
			"A picture at cdn.shop.example; nothing in its address tells your copy from others'. Whoever runs the host sees your IP address when it is fetched. Behind the # of its address stands your e-mail address (in clear, in the fragment); that part is not sent to any server, and nothing that is fetched here can read it."},
		{"somebody else's address", `<img src="https://t.shop.example/p.gif?e=alice@work.example.org" width=1 height=1>`,
			"Opening this mail tells t.shop.example, by a picture nobody is meant to see, that you opened it, and when; its address carries the e-mail address of somebody (not one of yours), a…@work.example.org." + fetch + " That is probable: it is at most a few dots in size and it carries a code that no other picture here has." + own},
		{"somebody else's address in a link", `<a href="https://t.shop.example/p?e=alice@work.example.org">x</a>`,
			"Following this link tells t.shop.example that you clicked it; its address carries the e-mail address of somebody (not one of yours), a…@work.example.org. Your IP address and browser go with every click. Whose address it is Quench cannot know: somebody to write to, or whoever the mail went to before it came to you."},
		{"two halves", `<img src="https://t.shop.example/o.gif?user=jane.roe&amp;domain=mail.example" width=1 height=1>`,
			"Opening this mail tells t.shop.example, by a picture nobody is meant to see, that you opened it, and when; its address carries your e-mail address in two parts (in clear, in “user”)." + fetch + " That is proof, and it is you personally: both halves of your address stand in it, each as a value of its own."},
		{"a fingerprint of the local part", `<img src="https://t.shop.example/o.gif?h=` + hashed("jane.roe") + `" width=1 height=1>`,
			"Opening this mail tells t.shop.example, by a picture nobody is meant to see, that you opened it, and when; its address carries a fingerprint of the name in front of the @ of your e-mail address (MD5, in “h”)." + fetch + " That is likely you, not more: what stands in it is made of the name in front of the @ of your address, and others may have that name elsewhere."},
		{"an address that several read", `<img src="https://t.shop.example/o.gif?e=sales@mail.example" width=1 height=1>`,
			"Opening this mail tells t.shop.example, by a picture nobody is meant to see, that you opened it, and when; its address carries your e-mail address (in clear, in “e”)." + fetch + " That is proof that the address stands in it; but it is one that several people may read, so it need not be you personally."},
		{"a tracker behind a redirector", `<a href="https://www.google.com/url?q=https%3A%2F%2Fshop.us1.list-manage.com%2Ftrack%2Fclick%3Fu%3D0123456789abcdef012345678%26id%3Da1b2c3d4e5%26e%3Df6e5d4c3b2">x</a>`,
			"Following this link tells www.google.com that you clicked it, and then Mailchimp's click counting (Intuit Mailchimp), to which its address leads on; its address carries the number by which the sender knows your address. Your IP address and browser go with every click. That this is an address of Intuit Mailchimp is certain: a rule knows the host." + own},
		{"a link of a known host", `<a href="https://shop.us1.list-manage.com/track/click?u=0123456789abcdef012345678&amp;id=a1b2c3d4e5&amp;e=f6e5d4c3b2">x</a>`,
			"Following this link tells Mailchimp's click counting (Intuit Mailchimp) that you clicked it; its address carries the number by which the sender knows your address. Your IP address and browser go with every click. That this is an address of Intuit Mailchimp is certain: a rule knows the host." + own},
		{"seen and personal", `<img src="https://t.shop.example/p/pic.png?e=jane.roe%40mail.example" width=600 alt="For you">`,
			"Opening this mail tells t.shop.example that you opened it, and when; its address carries your e-mail address (percent-encoded, in “e”)." + fetch + " That is proof, and it is you personally: your own address stands in it. It is a picture you see, so it is kept unless you ask."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := judged(t, tt.page)
			if len(r.Findings) == 0 {
				t.Fatal("no finding")
			}
			if got := r.Findings[0].Sentence; got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// TestEveryStateSpeaks: whatever is judged has a sentence, that says no goes.
func TestEveryStateSpeaks(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"opening", "click", "dns", "legacy", "header", "inert", "print", "hover"} {
		for rung := judge.Proven; rung <= judge.Ordinary; rung++ {
			for _, typ := range []string{"image", "document", "script", "other", ""} {
				f := judge.Finding{When: when, Ladder: rung, Request: judge.Request{Host: "t.example", Type: typ}, Vector: "V001"}
				s := Sentence(&f)
				if !strings.HasSuffix(s, ".") || strings.Contains(s, "  ") || strings.Contains(s, "..") || strings.Contains(s, "“”") {
					t.Errorf("%s %s %s: %q", when, rung, typ, s)
				}
			}
		}
	}
	receipt := judge.Finding{When: "header", Vector: "V150", Ladder: judge.Hidden}
	if s := Sentence(&receipt); !strings.HasPrefix(s, "The sender asks") {
		t.Errorf("a receipt: %q", s)
	}
	allowed := judge.Finding{When: "opening", Request: judge.Request{Host: "t.example", Type: "image"}, Verdict: detect.Verdict{Exception: &detect.Evidence{Kind: "user"}}}
	if s := Sentence(&allowed); s != "A picture at t.example is let through, as you asked." {
		t.Errorf("allowed: %q", s)
	}
}

func TestSummaries(t *testing.T) {
	t.Parallel()
	page := `<img src="https://t.shop.example/open/aB3dE6gH9jK2mN5pQ8sT.gif" width=1 height=1><img src="https://x.example/o.gif?u=jane.roe@mail.example" width=1 height=1>` +
		`<a href="https://y.example/?e=jane.roe@mail.example">x</a><img src="https://cdn.example/logo.png" width=9>`
	r := judged(t, page)
	m := Summarise(r)
	if got, want := m.String(), "Opening this mail tells x.example (proven) and t.shop.example (likely). Its links tell y.example (proven) of a click."; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := Summarise(judged(t, `<p>hello</p>`)).String(); got != "Nothing in this mail reports back." {
		t.Errorf("nothing: got %q", got)
	}
	var b Mailbox
	if b.String() != "No messages." || b.Share() != 0 {
		t.Errorf("empty: %q %v", b.String(), b.Share())
	}
	clean := Summarise(judged(t, `<p>hello</p>`))
	b.Add("shop.example", &m)
	b.Add("shop.example", &m)
	b.Add("friend.example", &clean)
	if got, want := b.String(), "2 of 3 messages report back (67%), 2 of them by being opened. Told most often: t.shop.example (2), x.example (2) and y.example (2)."; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	rows := b.Senders(0)
	if len(rows) != 2 || rows[0].Name != "shop.example" || rows[0].Reporting != 2 || len(rows[0].Trackers) != 3 || len(b.Trackers(1)) != 1 {
		t.Errorf("senders: got %+v", rows)
	}
	if s := Consent(r); !strings.Contains(s, "no legal advice") {
		t.Errorf("consent: got %q", s)
	}
	if s := Consent(judged(t, `<a href="https://y.example/?e=jane.roe@mail.example">x</a>`)); s != "" {
		t.Errorf("consent for a link alone: got %q, want nothing", s)
	}
}

func TestMailboxIsBounded(t *testing.T) {
	t.Parallel()
	var b Mailbox
	m := Message{Reports: true, Trackers: []Told{{Name: "x"}}}
	for i := range MaxSenders + 10 {
		m.Trackers[0].Name = fmt.Sprint(i)
		b.Add(fmt.Sprint(i), &m)
	}
	if n, k := len(b.Senders(0)), len(b.Trackers(0)); n > MaxSenders+1 || k > MaxTrackers || b.Messages != MaxSenders+10 {
		t.Errorf("got %d senders, %d trackers, %d messages", n, k, b.Messages)
	}
}

// TestJSON: the shape of the design.
func TestJSON(t *testing.T) {
	t.Parallel()
	r := judged(t, `<img src="https://shop.us1.list-manage.com/track/open.php?u=0123456789abcdef012345678&amp;id=a1b2c3d4e5&amp;e=f6e5d4c3b2" width=1 height=1>`)
	raw, err := json.Marshal(&r.Findings[0])
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"schema", "door", "action", "told", "count", "request", "tracker", "evidence", "exception", "activity", "disclosed", "sentence", "part", "range", "vector", "ladder"} {
		if _, ok := got[key]; !ok {
			t.Errorf("%s is missing in %s", key, raw)
		}
	}
	if got["ladder"] != "vendor" || got["vector"] != "V001" || got["door"] != "scan" {
		t.Errorf("got %s", raw)
	}
}

// TestUnfetched: what leads to no host is said to be what it is.
func TestUnfetched(t *testing.T) {
	t.Parallel()
	proof := []identity.Proof{{Form: identity.Address, Where: "path"}}
	for _, c := range []struct {
		f    judge.Finding
		want string
	}{
		{judge.Finding{Request: judge.Request{URL: "mailto:list-off@shop.example?subject=off", Type: "document"}, Link: true, When: "click", Ladder: judge.Ordinary},
			"A link that begins a mail to list-off@shop.example. Nothing goes out until you send that mail."},
		{judge.Finding{Request: judge.Request{URL: "mailto:ann@home.example"}, Link: true, When: "click", Ladder: judge.Token, Proofs: proof},
			"A link that begins a mail to ann@home.example; it carries your e-mail address (in clear). Nothing goes out until you send that mail."},
		{judge.Finding{Request: judge.Request{URL: "id:1.2@shop.example"}, When: "inert", Ladder: judge.Ordinary},
			"A mark in the header by which the sender's systems can know this mail again. Nothing fetches it, but a reply or an error message may carry it back."},
		{judge.Finding{Request: judge.Request{URL: "dns:shop.example"}, When: "dns", Ladder: judge.Ordinary},
			"Opening this mail may make your system look up shop.example; nothing in the name tells your copy from others'."},
		{judge.Finding{Request: judge.Request{URL: "cid:1@shop", Type: "image"}, When: "opening", Ladder: judge.Ordinary},
			"A picture that is part of the mail itself; nothing is fetched."},
		{judge.Finding{Request: judge.Request{URL: "images/a.gif", Type: "image"}, When: "opening", Ladder: judge.Ordinary},
			"A picture whose address is only half a one (“images/a.gif”): nothing in this mail completes it, so nothing is fetched."},
		{judge.Finding{Request: judge.Request{URL: "tel:0123", Type: "document"}, Link: true, When: "click", Ladder: judge.Ordinary},
			"A link that leads to no host (“tel:0123”); nothing is fetched."},
	} {
		if got := Sentence(&c.f); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.f.Request.URL, got, c.want)
		}
	}
}

// TestTold: who is told, with how sure that is.
func TestTold(t *testing.T) {
	t.Parallel()
	for want, told := range map[string]Told{
		"t.example (proven)":                 {Name: "t.example", Ladder: judge.Proven},
		"Pixel (Company, vendor)":            {Name: "Pixel (Company)", Ladder: judge.Vendor},
		"the sender, who asks for a receipt": {Name: receipt, Ladder: judge.Hidden},
	} {
		if got := told.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestSummaryNamesTheOccasion: what waits for a printer or a pointer is not
// told by opening, and one tracker is named once, by what opening tells it.
func TestSummaryNamesTheOccasion(t *testing.T) {
	t.Parallel()
	const host = "https://t.shop.example/o.gif?u=amFuZS5yb2VAbWFpbC5leGFtcGxl"
	pixel := `<img src="https://shop.us1.list-manage.com/track/open.php?u=0123456789abcdef012345678&amp;id=a1b2c3d4e5&amp;e=f6e5d4c3b2" width=1 height=1>`
	link := `<a href="https://shop.us1.list-manage.com/track/click?u=0123456789abcdef012345678&amp;id=a1b2c3d4e5&amp;e=f6e5d4c3b2">x</a>`
	for _, tt := range []struct {
		page, want     string
		opening, later int
	}{
		{`<style>@media print { p { background: url(` + host + `) } }</style><p>x</p>`, "Printing this mail tells t.shop.example (proven).", 0, 1},
		{`<style>a:hover { background: url(` + host + `) }</style><a href="#x">x</a>`, "Pointing at a part of this mail tells t.shop.example (proven).", 0, 1},
		{`<style>a:hover { background: url(` + host + `) }</style><a href="#x">x</a><img src="` + host + `">`, "Opening this mail tells t.shop.example (proven).", 1, 1},
		{link + pixel, "Opening this mail tells Mailchimp open pixel (Intuit Mailchimp, vendor).", 1, 0},
	} {
		m := Summarise(judged(t, tt.page))
		if s := m.String(); s != tt.want || m.Opening != tt.opening || m.Later != tt.later {
			t.Errorf("%s: %d by opening, %d later, %q, want %d, %d, %q", tt.page, m.Opening, m.Later, s, tt.opening, tt.later, tt.want)
		}
	}
}

// TestReadAhead: what Firefox alone fetches is not put on old programs.
func TestReadAhead(t *testing.T) {
	t.Parallel()
	f := judge.Finding{Request: judge.Request{Host: "t.example", Type: "image"}, Vector: "V001", Tricks: []string{"V048"}, When: "legacy", Ladder: judge.Likely}
	const want = "In Firefox and programs made of it, which read ahead into what is never shown, opening this mail tells t.example that"
	if s := Sentence(&f); !strings.HasPrefix(s, want) {
		t.Errorf("got %q, want %q…", s, want)
	}
	f.Vector = "V020" // only old engines know it
	if s := Sentence(&f); !strings.HasPrefix(s, "In an old mail program") {
		t.Errorf("got %q, want an old mail program", s)
	}
}
