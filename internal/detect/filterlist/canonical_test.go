package filterlist

import (
	"strings"
	"testing"
)

// TestCanonical lists ways to write one rule.
func TestCanonical(t *testing.T) {
	t.Parallel()
	for want, same := range map[string][]string{
		"||x.example^": {"||x.example^", "||X.EXAMPLE^", "||x.example^*", "||x.example^$_", "||x.example^$1p,3p",
			"||x.example^$badfilter", "||x.example^$~popup", "||x.example^$~document"},
		"/a*b$script,third-party,domain=a.example|~b.a.example": {
			"/A**B*$3p,script,domain=a.example|~b.a.example", "*/a*b$from=~b.a.example|A.example|a.example,~1p,script,script",
			"/a*b$SCRIPT,third-party,domain=a.example,domain=~b.a.example"},
		"*/a/$image":                            {"/a/*$image", "*/a/*$img"},
		"/a/$image":                             {"/a/$image"},
		"/a[0-9]$/$match-case":                  {"/a[0-9]$/$match-case"},
		"/a$b.c/d$_":                            {"/a$b.c/d"},
		"||x.example^$image,redirect=1x1.gif":   {"||x.example^$redirect=1x1.gif,image"},
		"/x$removeparam=a\\,b":                  {`/x$queryprune=a\,b`},
		"/x$document,subdocument,removeparam=a": {"/x$removeparam=a,doc,frame"},
		"/x$csp=a":                              {"/x$csp=a", "/x$doc,frame,csp=a"},
		"0.0.0.0 x.example":                     {"127.0.0.1 X.example", ":: x.example."},
		"/x$first-party,strict3p":               {"/x$strict3p,1p"},
		"/x$method=get|~post":                   {"/x$method=~POST|get"},
		"/x$dnstype=TYPE28|~TYPE1":              {"/x$dnstype=~A|aaaa"},
		`/x$client='a\'s\, b'|10.0.0.1`:         {`/x$client=10.0.0.1|"a's\, b"`},
		"/x$domain=[::1]":                       {"/x$domain=[0:0:0:0:0:0:0:1]"},
		"*$script,domain=a.example":             {"$script,domain=a.example", "*$script,domain=a.example", "|*$script,domain=a.example", "||*$domain=a.example,script"},
		"@@||x.example^$generichide":            {"@@||x.example^$ghide"},
		"t.co$_":                                {"t.co$_", "*t.co*"},
		"*|x":                                   {"*|x"},
		"x/|*":                                  {"x/|*"},
	} {
		for _, line := range same {
			rules, report := parseText(adblock(line))
			if len(rules) != 1 {
				t.Errorf("%s: %d rules, %v", line, len(rules), report.Problems)
				continue
			}
			if got := Canonical(&rules[0]); got != want {
				t.Errorf("Canonical(%s) = %s, want %s", line, got, want)
			}
		}
	}
}

// checkStable parses text and checks that each rule's Canonical, parsed, gives
// a rule of that Canonical again and none of another.
func checkStable(t *testing.T, text string) {
	t.Helper()
	rules, _ := parseText(adblock(text))
	for i := range rules {
		want := Canonical(&rules[i])
		if len(want) > MaxLine {
			continue // sorted out and spelled out it may be longer than what a line may be
		}
		again, report := parseText(adblock("!\n" + want)) // the first bytes of a list are special
		if rules[i].BadFilter && report.Reasons[reasonWide] > 0 {
			continue
		}
		if len(again) == 0 {
			t.Fatalf("%q is %q, which does not compile: %v", rules[i].Text, want, report.Problems)
		}
		for j := range again {
			if got := Canonical(&again[j]); got != want {
				t.Fatalf("%q is %q, which is %q", rules[i].Text, want, got)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"||ads.example^$third-party,script", "@@||x.example/a*b^|$document,domain=a.*|~b.c", "/^https?:\\/\\/x{2,}$/$match-case",
		"/x$removeparam=/a,b|c/i,xhr", "0.0.0.0 a.example b.example # c", "!#if (a && !b)\n/x/y\n!#else\n!#include c\n!#endif",
		`||x^$client='a\'s'|10.0.0.0/8,dnstype=A|~AAAA,ctag=a`, "a.example##.x\n! Title: x\n[Adblock Plus 2.0]",
		"||ü.example/ä$domain=ö.example|/x\\/y/|[::1]", "/x$header=via:/a, b/,csp=script-src a\\, b", "|ws://$1p,strict3p", "$removeparam",
		"*.a.example\n.b\naddress=/a/b/0.0.0.0", "/a$b$_\n*|a|*\nt.co$_", "||x$dnsrewrite=NOERROR;A;192.0.2.1,important,badfilter",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<14 {
			return // mutation finds nothing more in a longer one
		}
		checkStable(t, text)
		src := Source{Name: "fuzz", Text: []byte(text), Include: func(string) ([]byte, error) { return []byte(text + "\n!"), nil }}
		rules, report := parseText(src)
		if report.Err != nil && len(rules) > 0 {
			t.Fatalf("%d rules of a refused list", len(rules))
		}
		for _, r := range rules {
			if p := r.Pattern; p.Host != "" && !strings.HasPrefix(p.Text, p.Host) || r.List != 1 || int(r.Line) > report.Lines+strings.Count(text, "\n")*(1+MaxIncludes) {
				t.Fatalf("%q: %+v", r.Text, r)
			}
		}
	})
}
