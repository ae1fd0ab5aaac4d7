package names

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/strictyaml"
)

const list = `
groups:
  - why: bank
    hosts: [.chase.com, secure.shop.example]
    labels: [banking, onlinebanking]
    suffixes: [.bank]
  - why: government
    suffixes: [.gov, .gov.uk]
    hosts: [.bücher.example]
`

func TestMatch(t *testing.T) {
	t.Parallel()
	s, err := Parse("list.yaml", []byte(list))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ host, want string }{
		{"chase.com", "bank"},
		{"www.chase.com", "bank"},
		{"a.b.chase.com", "bank"},
		{"evilchase.com", ""},
		{"chase.com.evil.example", ""},
		{"chase.co", ""},
		{"secure.shop.example", "bank"},
		{"a.secure.shop.example", ""},
		{"shop.example", ""},
		{"banking.shop.example", "bank"},
		{"www.banking.example", "bank"},
		{"banking", "bank"},
		{"netbanking.example", ""},
		{"banking-news.example", ""},
		{"irs.gov", "government"},
		{"gov", "government"},
		{"service.gov.uk", "government"},
		{"gov.example", ""},
		{"notgov.uk", ""},
		{"banking.gov", "government"}, // a domain is more exact than a label
		{"my.bank", "bank"},
		{"xn--bcher-kva.example", "government"},
		{"", ""},
		{".", ""},
		{"..", ""},
		{strings.Repeat("a.", 200) + "gov", ""},
	} {
		why, ok := s.Match(tt.host)
		if why != tt.want || ok != (tt.want != "") {
			t.Errorf("Match(%q) = %q, %v; want %q", tt.host, why, ok, tt.want)
		}
	}
}

func TestNilMatchesNothing(t *testing.T) {
	t.Parallel()
	var s *Set
	if why, ok := s.Match("chase.com"); ok || why != "" || s.Len() != 0 {
		t.Errorf("nil Set: Match = %q, %v, Len = %d; want nothing", why, ok, s.Len())
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	s, err := New([]string{"nas", " Router.Example. ", ".lan.example", "*.wild.example", "192.168.1.1", "[FE80::1]", "Müller.example"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		host string
		want bool
	}{
		{"nas", true}, {"a.nas", false},
		{"router.example", true}, {"www.router.example", false},
		{"lan.example", true}, {"printer.lan.example", true}, {"wlan.example", false},
		{"wild.example", true}, {"a.b.wild.example", true},
		{"192.168.1.1", true}, {"192.168.1.10", false}, {"1.1", false},
		{"fe80::1", true}, {"xn--mller-kva.example", true},
	} {
		why, ok := s.Match(tt.host)
		if ok != tt.want || ok && why != ByUser {
			t.Errorf("Match(%q) = %q, %v; want %v", tt.host, why, ok, tt.want)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in, want string }{
		{"unknown key", "groups:\n  - why: x\n    host: [a]\n", `f:3: unknown key "host"; did you mean "hosts"?`},
		{"a path", "groups:\n  - why: x\n    hosts:\n      - a.example\n      - b.example/x\n", `f:5: host pattern "b.example/x"`},
		{"star inside", "groups:\n  - why: x\n    hosts: [a.*.example]\n", `f:3: host pattern "a.*.example"`},
		{"empty", "groups:\n  - why: x\n    hosts: ['']\n", `f:3: host pattern "": is empty`},
		{"only a dot", "groups:\n  - why: x\n    hosts: [.]\n", `is empty`},
		{"label of two", "groups:\n  - why: x\n    labels: [a.b]\n", `f:3: label "a.b": is more than one label`},
		{"suffix without dot", "groups:\n  - why: x\n    suffixes: [gov]\n", `f:3: suffix "gov": does not start with a dot`},
		{"below an address", "groups:\n  - why: x\n    suffixes: [.10.0.0.1]\n", `nothing is below an address`},
		{"no reason", "groups:\n  - hosts: [a.example]\n", `f:2: a group without why`},
		{"long label", "groups:\n  - why: x\n    labels: [" + strings.Repeat("a", 64) + "]\n", "more than 63"},
		{"long name", "groups:\n  - why: x\n    hosts: [" + strings.Repeat("a.", 130) + "a]\n", "longer than 253"},
	} {
		s, err := Parse("f", []byte(tt.in))
		if err == nil || s != nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Parse = %v, %v; want %q", tt.name, s, err, tt.want)
		}
		var fault *strictyaml.Fault
		if err != nil && !errors.As(err, &fault) {
			t.Errorf("%s: %T is no *strictyaml.Fault", tt.name, err)
		}
	}
	if _, err := New([]string{"a b", "ok.example", "c/d"}); err == nil || strings.Count(err.Error(), "host pattern") != 2 {
		t.Errorf("New with two faults = %v; want both", err)
	}
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	s, err := Parse("f", nil)
	if err != nil || s.Len() != 0 {
		t.Errorf("Parse(nothing) = %d patterns, %v; want an empty set", s.Len(), err)
	}
	if _, ok := s.Match("chase.com"); ok {
		t.Error("an empty set matches")
	}
}

func TestBound(t *testing.T) {
	t.Parallel()
	many := make([]string, MaxPatterns+1)
	for i := range many {
		many[i] = fmt.Sprintf("h%d.example", i)
	}
	if _, err := New(many); err == nil || !strings.Contains(err.Error(), "more than 100000 patterns") {
		t.Errorf("New(%d patterns) = %v; want a fault", len(many), err)
	}
	if s, err := New(many[:MaxPatterns]); err != nil || s.Len() != MaxPatterns {
		t.Errorf("New(%d patterns) = %v; want no fault", MaxPatterns, err)
	}
}

func TestMatchAllocatesNothing(t *testing.T) {
	s, err := Parse("list.yaml", []byte(list))
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"www.chase.com", "banking.shop.example", "a.b.c.d.e.f.example"} {
		if n := testing.AllocsPerRun(100, func() { s.Match(host) }); n != 0 {
			t.Errorf("Match(%q) allocates %v times; want 0", host, n)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	s, err := Parse("list.yaml", []byte(list))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Match("static.cdn.shop.example")
	}
}

// slow says what Match must say, by comparing every pattern in turn.
func slow(s *Set, host string) bool {
	if len(host) > maxName {
		return false
	}
	for name := range s.exact {
		if host == name {
			return true
		}
	}
	for name := range s.below {
		if host == name || strings.HasSuffix(host, "."+name) {
			return true
		}
	}
	for _, l := range strings.Split(host, ".") {
		if _, ok := s.labels[l]; ok && l != "" {
			return true
		}
	}
	return false
}

func FuzzMatch(f *testing.F) {
	for _, h := range []string{"chase.com", "evilchase.com", "www.chase.com", "banking", ".gov", "a..gov", "my.bank."} {
		f.Add(".chase.com", "banking", h)
	}
	f.Fuzz(func(t *testing.T, pattern, label, host string) {
		s := newSet()
		if s.addHost(pattern, "p") != nil || s.addLabel(label, "l") != nil {
			return
		}
		if why, ok := s.Match(host); ok != slow(s, host) || ok == (why == "") {
			t.Errorf("pattern %q, label %q: Match(%q) = %q, %v; want %v", pattern, label, host, why, ok, slow(s, host))
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(list))
	f.Add([]byte("groups: [{why: x, hosts: ['*.a', '[::1]', '.']}]"))
	f.Add([]byte("groups: 7"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse("f", data)
		if (s == nil) == (err == nil) {
			t.Fatalf("Parse = %v, %v; want one of them", s, err)
		}
		if err != nil {
			return
		}
		for name := range s.exact {
			if _, ok := s.Match(name); !ok {
				t.Errorf("pattern %q does not match itself", name)
			}
		}
	})
}
