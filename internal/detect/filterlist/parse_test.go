package filterlist

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// parseText returns copies of all rules of a text.
func parseText(src Source) ([]Rule, Report) {
	var rules []Rule
	report := Parse(src, 1, func(r *Rule) { rules = append(rules, cloneRule(r)) })
	return rules, report
}

func cloneRule(r *Rule) Rule {
	c := *r
	w := &c.Where
	for _, n := range []*Names{&w.Domains, &w.To, &w.Clients, &w.Tags} {
		n.Include, n.Exclude = slices.Clone(n.Include), slices.Clone(n.Exclude)
	}
	w.DenyAllow = slices.Clone(w.DenyAllow)
	w.DNSTypes, w.NotDNSTypes = slices.Clone(w.DNSTypes), slices.Clone(w.NotDNSTypes)
	return c
}

func adblock(text string) Source {
	return Source{Name: "test", Text: []byte(text), Format: FormatAdblock}
}

func TestRules(t *testing.T) {
	t.Parallel()
	host := func(h, text string) Pattern { return Pattern{Anchor: AnchorHost, Host: h, Text: text} }
	plain := func(text string) Pattern { return Pattern{Text: text} }
	for line, want := range map[string]Rule{
		"||ads.example^":             {Pattern: host("ads.example", "ads.example^")},
		"||Ads.Example/Banner":       {Pattern: host("ads.example", "ads.example/banner")},
		"||ads.example":              {Pattern: host("ads.example", "ads.example")},
		"||ads*.example^":            {Pattern: host("", "ads*.example^")},
		"||ads.example*":             {Pattern: host("ads.example", "ads.example")},
		"||*.ads.example^":           {Pattern: plain(".ads.example^")},
		"||ads.example^*":            {Pattern: host("ads.example", "ads.example^")},
		"||ads.example:8080/x|":      {Pattern: Pattern{Anchor: AnchorHost, Host: "ads.example", Text: "ads.example:8080/x", End: true}},
		"||[::1]/x":                  {Pattern: host("", "[::1]/x")},
		"||bücher.example/ä^":        {Pattern: host("xn--bcher-kva.example", "xn--bcher-kva.example/%c3%a4^")},
		"|https://x.example/|":       {Pattern: Pattern{Anchor: AnchorStart, Text: "https://x.example/", End: true}},
		"*/banner/*/ad**x.*":         {Pattern: plain("/banner/*/ad*x.")},
		"*|x/y|*":                    {Pattern: plain("|x/y|")},
		"/ads/*":                     {Pattern: plain("/ads/")},
		"-didomi.js":                 {Pattern: plain("-didomi.js")},
		"t.co":                       {Pattern: host("t.co", "t.co^")},
		"пример.рф":                  {Pattern: host("xn--e1afmkfd.xn--p1ai", "xn--e1afmkfd.xn--p1ai^")},
		"banner.js":                  {Pattern: plain("banner.js")},
		"/x$y":                       {}, // an unknown option
		"/x?a=$b.c":                  {Pattern: plain("/x?a=$b.c")},
		"/^https?:\\/\\/x\\.(a|b$)/": {Pattern: Pattern{Regexp: `^https?:\/\/x\.(a|b$)`}},
		"/Ad[0-9]{1,3}$/$Script,match-case": {
			Pattern: Pattern{Regexp: "Ad[0-9]{1,3}$", MatchCase: true}, Where: Conditions{Types: BitScript}},
		"/Path/Ad$match-case":           {Pattern: Pattern{Text: "/Path/Ad", MatchCase: true}},
		"||X.example/Path$match-case":   {Pattern: Pattern{Anchor: AnchorHost, Host: "x.example", Text: "x.example/Path", MatchCase: true}},
		"@@||x.example^$important":      {Exception: true, Important: true, Pattern: host("x.example", "x.example^")},
		"$removeparam=utm_source":       {Kind: KindRemoveParam, Value: "utm_source", Where: Conditions{Types: AllTypes | BitDocument}},
		"/x$queryprune=~id,doc":         {Kind: KindRemoveParam, Value: "~id", Pattern: plain("/x"), Where: Conditions{Types: BitDocument}},
		"/x$removeparam=/^a(,|$)/i,xhr": {Kind: KindRemoveParam, Value: "/^a(,|$)/i", Pattern: plain("/x"), Where: Conditions{Types: BitXHR}},
		`/x$removeparam=a\,b,xhr`:       {Kind: KindRemoveParam, Value: "a,b", Pattern: plain("/x"), Where: Conditions{Types: BitXHR}},
		"@@/x$removeparam,1p":           {Exception: true, Kind: KindRemoveParam, Pattern: plain("/x"), Where: Conditions{Types: AllTypes | BitDocument, Party: WantFirst}},
		"/x$csp=script-src 'none'; img-src *,domain=a.example": {Kind: KindCSP, Value: "script-src 'none'; img-src *", Pattern: plain("/x"),
			Where: Conditions{Types: BitDocument | BitSubdocument, Domains: Names{Include: []string{"a.example"}}}},
		"/x$script,redirect=noopjs:10":      {Kind: KindRedirect, Value: "noopjs:10", Pattern: plain("/x"), Where: Conditions{Types: BitScript}},
		"/x$redirect-rule=1x1.gif,image":    {Kind: KindRedirectRule, Value: "1x1.gif", Pattern: plain("/x"), Where: Conditions{Types: BitImage}},
		"/x$rewrite=abp-resource:blank-mp4": {Kind: KindRedirect, Value: "blank-mp4", Pattern: plain("/x")},
		"/x$empty":                          {Kind: KindRedirect, Value: "empty", Pattern: plain("/x")},
		"/x$mp4":                            {Kind: KindRedirect, Value: "noopmp4-1s", Pattern: plain("/x"), Where: Conditions{Types: BitMedia}},
		"/x$~image,~CSS":                    {Pattern: plain("/x"), Where: Conditions{Types: AllTypes &^ (BitImage | BitStylesheet)}},
		"/x$frame,beacon,object-subrequest": {Pattern: plain("/x"), Where: Conditions{Types: BitSubdocument | BitPing | BitObject}},
		"/x$all":                            {Pattern: plain("/x"), Where: Conditions{Types: AllTypes | BitDocument | BitPopup}},
		"/x$script,inline-script":           {Pattern: plain("/x"), Where: Conditions{Types: BitScript}},
		"/x$3p,_,____":                      {Pattern: plain("/x"), Where: Conditions{Party: WantThird}},
		"/x$~third-party":                   {Pattern: plain("/x"), Where: Conditions{Party: WantFirst}},
		"/x$1p,3p":                          {Pattern: plain("/x")},
		"/x$1p,strict3p":                    {Pattern: plain("/x"), Where: Conditions{Party: WantSibling}},
		"/x$strict1p":                       {Pattern: plain("/x"), Where: Conditions{Party: WantStrictFirst}},
		"/x$domain=A.example|~b.a.example|c.*": {Pattern: plain("/x"), Where: Conditions{Domains: Names{
			Include: []string{"a.example", "c.*"}, Exclude: []string{"b.a.example"}}}},
		"/x$from=/^a{1,2}|b/|~/c/|d.example|[::1]": {Pattern: plain("/x"), Where: Conditions{Domains: Names{
			Include: []string{"/^a{1,2}|b/", "d.example", "::1"}, Exclude: []string{"/c/"}}}},
		"/x$domain=пример.рф":              {Pattern: plain("/x"), Where: Conditions{Domains: Names{Include: []string{"xn--e1afmkfd.xn--p1ai"}}}},
		"/x$to=com|~y.com,denyallow=z.com": {Pattern: plain("/x"), Where: Conditions{To: Names{[]string{"com"}, []string{"y.com"}}, DenyAllow: []string{"z.com"}}},
		"/x$method=POST|~get":              {Pattern: plain("/x"), Where: Conditions{Methods: MethodPost, NotMethods: MethodGet}},
		"/x$header=Via:/, 1\\.1 g$/,image": {Pattern: plain("/x"), Where: Conditions{Types: BitImage, Header: "via:/, 1\\.1 g$/"}},
		"/x$header=x-ad":                   {Pattern: plain("/x"), Where: Conditions{Header: "x-ad"}},
		"||x.example^$dnstype=AAAA|~HTTPS|type99": {Pattern: host("x.example", "x.example^"),
			Where: Conditions{DNSTypes: []uint16{28, 99}, NotDNSTypes: []uint16{65}}},
		"||x.example^$dnsrewrite=NOERROR;A;192.0.2.1": {Kind: KindDNSRewrite, Value: "NOERROR;A;192.0.2.1", Pattern: host("x.example", "x.example^")},
		"@@||x.example^$dnsrewrite":                   {Exception: true, Kind: KindDNSRewrite, Pattern: host("x.example", "x.example^")},
		`||x.example^$client='Ann\'s\, phone'|~10.0.0.0/8,ctag=~user_child|device_tv`: {Pattern: host("x.example", "x.example^"), Where: Conditions{
			Clients: Names{[]string{"Ann's, phone"}, []string{"10.0.0.0/8"}}, Tags: Names{[]string{"device_tv"}, []string{"user_child"}}}},
		"@@||x.example^$ghide":          {Exception: true, Kind: KindPage, Page: PageGenericHide, Pattern: host("x.example", "x.example^")},
		"/x$badfilter,image":            {BadFilter: true, Pattern: plain("/x"), Where: Conditions{Types: BitImage}},
		"/x$image,reason=so it is":      {Pattern: plain("/x"), Where: Conditions{Types: BitImage}},
		"0.0.0.0 ads.example # banners": {HostOnly: true, Pattern: host("ads.example", "ads.example")},
		"||x.example^ # a comment":      {Text: "||x.example^", Pattern: host("x.example", "x.example^")},
	} {
		rules, report := parseText(adblock(line))
		if want.Pattern == (Pattern{}) && want.Kind == KindBlock {
			if len(rules) > 0 || report.Rejected != 1 {
				t.Errorf("%s: %d rules, %d rejected, want it rejected", line, len(rules), report.Rejected)
			}
			continue
		}
		want.List, want.Line = 1, 1
		if want.Text == "" {
			want.Text = line
		}
		if diff := cmp.Diff([]Rule{want}, rules, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: (-want +got)\n%s%v", line, diff, report.Problems)
		}
	}
}

// TestPairs checks lines that make two rules.
func TestPairs(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		"@@||x.example^$document":         {"0 @@||x.example^$document", "6 @@||x.example^$document"},
		"@@||x.example^$doc,image,ehide":  {"0 @@||x.example^$document,image,elemhide", "6 @@||x.example^$document,image,elemhide"},
		"@@||x.example^$all":              {"0 @@||x.example^$document,font,image,media,object,other,ping,popup,script,stylesheet,subdocument,websocket,xmlhttprequest"},
		"|ws://$domain=a.example":         {"0 |ws*://$domain=a.example", "0 *$websocket,domain=a.example"},
		"0.0.0.0 a.example B.example c.d": {"0 0.0.0.0 a.example", "0 0.0.0.0 b.example", "0 0.0.0.0 c.d"},
		"::\ta.example\tb.example":        {"0 0.0.0.0 a.example", "0 0.0.0.0 b.example"},
	} {
		rules, report := parseText(adblock(line))
		var got []string
		for i := range rules {
			got = append(got, string('0'+rune(rules[i].Kind))+" "+Canonical(&rules[i]))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s%v", line, diff, report.Problems)
		}
	}
}

func TestRejected(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("a*", MaxWildcards+1) + "a"
	for line, want := range map[string]string{
		"*":                                   reasonWide,
		"|":                                   reasonWide,
		"||":                                  reasonWide,
		"@@*":                                 reasonWide,
		"a":                                   reasonWide,
		"//":                                  reasonWide,
		"$removeparam":                        reasonWide,
		"$removeparam=~id":                    reasonWide,
		"$dnsrewrite=192.0.2.1":               reasonWide,
		"$csp=script-src 'none'":              reasonWide,
		"/x$foo":                              reasonUnknown,
		"/x$image,foo=1":                      reasonUnknown,
		"/x$replace=/a/b/":                    reasonUnsupported,
		"/x$urlskip=?url,doc":                 reasonUnsupported,
		"/x$permissions=a=()":                 reasonUnsupported,
		"/x$rewrite=$1":                       reasonUnsupported,
		"/x$inline-script":                    reasonType,
		"/x$webrtc":                           reasonType,
		"/x$~important":                       reasonNegated,
		"/x$domain=":                          reasonValue,
		"/x$redirect":                         reasonValue,
		"/x$image=1":                          reasonNoValue,
		"/x$domain=a b":                       reasonName,
		"/x$domain=a..b":                      reasonName,
		"/x$domain=a.*.b":                     reasonName,
		"/x$to=|":                             reasonName,
		"/x$image,~image":                     reasonBadValue,
		"/x$3p,strict1p":                      reasonBadValue,
		"/x$method=brew":                      reasonBadValue,
		"/x$dnstype=B":                        reasonBadValue,
		"/x$dnsrewrite=a b":                   reasonBadValue,
		"/x$client='a":                        reasonBadValue,
		"/x$ctag=A B":                         reasonBadValue,
		"/x$header=a b":                       reasonBadValue,
		"/x$csp=report-uri //spy.example":     reasonBadValue,
		"/x$csp=script-src 'none',redirect=a": reasonTwo,
		"@@/x$ghide,redirect=a":               reasonTwo,
		"/x$ghide":                            reasonPage,
		"/a(?=b)/":                            reasonRegexp,
		"/a(/":                                reasonRegexp,
		"/x$removeparam=/(?<!a)b/":            reasonRegexp,
		"/((a{1000}){5}){5}/":                 reasonRegexp,
		"/(\\pL{900}){30}/":                   reasonRegexp,
		"/(" + strings.Repeat("a", 100) + "){500}/":  reasonRegexpSize,
		"/" + strings.Repeat("a", MaxRegexp+1) + "/": reasonRegexpSize,
		"||x.example/" + many:                        reasonWildcards,
		"/x" + strings.Repeat("a", MaxPattern):       reasonPattern,
		"/x" + strings.Repeat("a", MaxLine):          reasonLong,
		"here is prose":                              reasonSpace,
		"/x\x00y":                                    reasonNUL,
		"/x$redirect=a\x00b":                         reasonNUL,
		"/x\xff":                                     reasonUTF8,
		"/x$redirect=\xff":                           reasonUTF8,
		"||ü*.example^":                              reasonName,
		"192.0.2.1 bank.example":                     reasonAddress,
		"0.0.0.0 intranet":                           reasonTLD,
		"0.0.0.0 a_b!.example":                       reasonName,
		"!#if":                                       reasonIf,
		"!#endif":                                    reasonIf,
		"!#include other.txt":                        reasonInclude,
		"!#whatever":                                 reasonDirective,
	} {
		rules, report := parseText(adblock(line))
		if len(rules) != 0 || report.Reasons[want] == 0 {
			t.Errorf("%.60q: %d rules, reasons %v, want %q", line, len(rules), report.Reasons, want)
		}
		for _, p := range report.Problems {
			if len(p.Text) > maxProblemText+8 || len(p.Detail) > maxProblemText+8 || p.Line != 1 || p.List != "test" {
				t.Errorf("%.60q: problem %+v", line, p)
			}
		}
	}
}

func TestCosmeticAndComments(t *testing.T) {
	t.Parallel()
	cosmetic := []string{
		"##.ad", "a.example##.ad", "a.example,b.example#@#.ad", "a.example#?#.ad", "a.example#@?#x", "a.example#$#x {}",
		"a.example#@$#x", "a.example#%#//scriptlet('x')", "a.example##+js(x)", "a.example##^script", "a.example#$?#x",
		"a.example$$script[tag-content=\"x\"]", "[$path=/x]a.example##.ad", "#@#.ad", "a.example#x##.ad",
	}
	comments := []string{"! x", "!", "# x", "#", "[Adblock Plus 2.0]", "[uBlock Origin]", "!#safari_cb_affinity(all)"}
	rules, report := parseText(adblock(strings.Join(append(cosmetic, comments...), "\r\n")))
	if len(rules) != 0 || report.Cosmetic != len(cosmetic) || report.Comments != len(comments) || report.Rejected != 0 {
		t.Errorf("%d rules, %d cosmetic, %d comments, %v; want 0, %d, %d, none",
			len(rules), report.Cosmetic, report.Comments, report.Problems, len(cosmetic), len(comments))
	}
	rules, report = parseText(adblock("||x.example^$popup\n@@/y$popunder\n127.0.0.1 localhost\nfe80::1%lo0 localhost"))
	if len(rules) != 0 || report.Idle != 4 || report.Lines != 4 {
		t.Errorf("%d rules, %d idle of %d lines, want 0, 4 of 4", len(rules), report.Idle, report.Lines)
	}
}

func TestMeta(t *testing.T) {
	t.Parallel()
	_, report := parseText(adblock("[Adblock Plus 2.0]\n! Title: A List\n!  Homepage: https://x.example/a\n! Licence: MIT\n" +
		"! Version: 7\n! Last modified: today\n! Expires: 4 days (update frequency)\n! Title: another\n"))
	want := Meta{Title: "A List", Homepage: "https://x.example/a", License: "MIT", Version: "7", Modified: "today", Expires: 96 * time.Hour}
	if diff := cmp.Diff(want, report.Meta); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for text, want := range map[string]time.Duration{
		"12 hours": 12 * time.Hour, "5d": 120 * time.Hour, "3": 72 * time.Hour, "1 day": 24 * time.Hour, "soon": 0, "0 days": 0,
		"99999999999999999999 days": 365 * 24 * time.Hour, "3 weeks": 0,
	} {
		if got := expires(text); got != want {
			t.Errorf("expires(%q) = %v, want %v", text, got, want)
		}
	}
}

func TestCountsAddUp(t *testing.T) {
	t.Parallel()
	_, r := parseText(adblock("! c\n\n||a^\n||a^$foo\na##b\n!#if x\n||b^\n!#endif\n/x$popup\n@@/x$important\n/x$badfilter\n"))
	if sum := r.Total() + r.Comments + r.Cosmetic + r.Idle + r.Skipped + r.Rejected; sum != r.Lines || r.Lines != 10 {
		t.Errorf("%d lines, %d accounted for: %+v", r.Lines, sum, r)
	}
	if r.Exceptions != 1 || r.Important != 1 || r.BadFilter != 1 {
		t.Errorf("exceptions, important, badfilter %d %d %d, want 1 each", r.Exceptions, r.Important, r.BadFilter)
	}
}
