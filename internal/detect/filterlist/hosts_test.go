package filterlist

import (
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

func canonicals(rules []Rule) []string {
	var list []string
	for i := range rules {
		list = append(list, strings.TrimPrefix(Canonical(&rules[i]), "0.0.0.0 "))
	}
	return list
}

func TestFormats(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		format     Format
		want       []string
		rejected   int
	}{
		{"hosts", "# Title: H\n127.0.0.1 localhost\n::1 localhost ip6-loopback\n0.0.0.0 0.0.0.0\n0.0.0.0 A.example b.example # two\n" +
			":: c.example\n127.0.0.53\td.example\n255.255.255.255 broadcasthost\n0 e.example\n", FormatHosts,
			[]string{"a.example", "b.example", "c.example", "d.example", "e.example"}, 0},
		{"hosts that redirect", "0.0.0.0 a.example\n192.0.2.1 b.example\n2001:db8::1 c.example\n0.0.0.0 d.example\n", FormatHosts,
			[]string{"a.example", "d.example"}, 2},
		{"domains", "# x\na.example\nB.example.\n*.c.example\n.d.example\nпример.рф # y\n192.0.2.1\n", FormatDomains,
			[]string{"a.example", "b.example", "c.example", "d.example", "xn--e1afmkfd.xn--p1ai", "192.0.2.1"}, 0},
		{"top levels", "*.zip\nzip\na.example\n", FormatDomains, []string{"zip", "a.example"}, 1},
		{"dnsmasq", "address=/a.example/\naddress=/b.example/0.0.0.0\naddress=/c.example/d.example/#\nlocal=/e.example/\nserver=/f.example/\n" +
			"server=/g.example/192.0.2.1\naddress=/h.example/192.0.2.1\naddress=/\n", FormatDomains,
			[]string{"a.example", "b.example", "c.example", "d.example", "e.example", "f.example"}, 3},
		{"rules among names", "a.example\nb.example\nc.example\nd.example\ne.example\n||f.example^\n", FormatDomains,
			[]string{"a.example", "b.example", "c.example", "d.example", "e.example", "||f.example^"}, 0},
		{"names among rules", "! x\n||a.example^\n/b/c\n0.0.0.0 d.example\ne.co.uk\n", FormatAdblock,
			[]string{"||a.example^", "/b/c", "d.example", "||e.co.uk^"}, 0},
		{"header", "[Adblock Plus 2.0]\na.example.com\n", FormatAdblock, []string{"||a.example.com^"}, 0},
		{"nothing", "# nothing\n\n", FormatDomains, nil, 0},
		{"byte order mark", "\xef\xbb\xbf||a.example^\r\n||b.example^", FormatAdblock, []string{"||a.example^", "||b.example^"}, 0},
		{"a bad name among good", "0.0.0.0 a.example b..example c.example", FormatHosts, []string{"a.example", "c.example"}, 1},
	} {
		rules, report := parseText(Source{Name: tt.name, Text: []byte(tt.text)})
		if report.Err != nil || report.Format != tt.format || report.Rejected != tt.rejected {
			t.Errorf("%s: %v, %v, rejected %d %v; want %v, %d", tt.name, report.Err, report.Format, report.Rejected, report.Problems, tt.format, tt.rejected)
		}
		if diff := cmp.Diff(tt.want, canonicals(rules)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tt.name, diff)
		}
	}
}

func TestParseFormat(t *testing.T) {
	t.Parallel()
	for i, name := range formatNames {
		if f, err := ParseFormat(name); err != nil || f != Format(i) || f.String() != name {
			t.Errorf("ParseFormat(%q) = %v, %v", name, f, err)
		}
	}
	if _, err := ParseFormat("xml"); err == nil {
		t.Error("format xml was taken")
	}
	if got := Format(99).String(); got != "unknown" {
		t.Errorf("Format(99) is %q", got)
	}
}

func utf16Text(s string, big bool) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune("\uFEFF" + s)) {
		if big {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return b
}

func TestUTF16(t *testing.T) {
	t.Parallel()
	for _, big := range []bool{false, true} {
		text := utf16Text("||a.example^\n||bücher.example/😀\n", big)
		for cut := range 2 { // also with half a character at the end
			rules, report := parseText(Source{Name: "u", Text: text[:len(text)-cut], Format: FormatAdblock})
			want := []string{"||a.example^", "||xn--bcher-kva.example/%f0%9f%98%80"}
			if diff := cmp.Diff(want, canonicals(rules)); diff != "" || report.Err != nil {
				t.Errorf("big %v, cut %d: %v (-want +got)\n%s", big, cut, report.Err, diff)
			}
		}
		if rules, report := parseText(Source{Name: "u", Text: text[2:]}); len(rules) > 0 || report.Err == nil {
			t.Errorf("big %v without mark: %d rules, %v, want an error", big, len(rules), report.Err)
		}
	}
}

func TestRefusedWhole(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"page": "\r\n <!DOCTYPE html><html><body>404</body></html>",
		"xml":  "<?xml version=\"1.0\"?><Error/>",
		"json": " {\"message\": \"rate limited\"}\n",
		"gzip": "\x1f\x8b\x08\x00",
		"zip":  "PK\x03\x04aaaa",
	} {
		rules, report := parseText(Source{Name: name, Text: []byte(text)})
		if len(rules) != 0 || report.Err == nil || !strings.Contains(report.Err.Error(), name) {
			t.Errorf("%s: %d rules, error %v, want an error that names it", name, len(rules), report.Err)
		}
	}
}

// TestTooLong checks that a list of more than MaxList is not even looked at.
func TestTooLong(t *testing.T) {
	t.Parallel()
	rules, report := parseText(Source{Name: "huge", Text: make([]byte, MaxList+1)})
	if len(rules) != 0 || report.Err == nil || !strings.Contains(report.Err.Error(), "longer than") {
		t.Errorf("%d rules, error %v, want it refused for its length", len(rules), report.Err)
	}
}

// TestOneLongLine checks that a list without line ends costs one problem.
func TestOneLongLine(t *testing.T) {
	t.Parallel()
	_, report := parseText(Source{Name: "long", Text: []byte("/x" + strings.Repeat("*$|/,\\", 50<<20/6))})
	if report.Rejected != 1 || report.Reasons[reasonLong] != 1 || len(report.Problems[0].Text) > maxProblemText+8 {
		t.Errorf("rejected %d, %v, want one too long line", report.Rejected, report.Reasons)
	}
}

// TestReportIsBounded checks that a list of faults is counted, not kept.
func TestReportIsBounded(t *testing.T) {
	t.Parallel()
	_, report := parseText(adblock(strings.Repeat("||a^$foo\n", 3*MaxProblems)))
	if report.Rejected != 3*MaxProblems || len(report.Problems) != MaxProblems || report.Reasons[reasonUnknown] != report.Rejected {
		t.Errorf("rejected %d, described %d, want %d, %d", report.Rejected, len(report.Problems), 3*MaxProblems, MaxProblems)
	}
}

// TestRegexpsAreBounded checks that a list of regular expressions ends.
func TestRegexpsAreBounded(t *testing.T) {
	t.Parallel()
	one := "/" + strings.Repeat("a", MaxRegexp) + "/\n"
	fit := MaxRegexps / MaxRegexp
	rules, report := parseText(adblock(strings.Repeat(one, fit+5)))
	if len(rules) != fit || report.Reasons[reasonRegexps] != 5 {
		t.Errorf("%d rules, %v, want %d, 5 too many", len(rules), report.Reasons, fit)
	}
}
