package detect

import "testing"

func TestPartyOf(t *testing.T) {
	for _, tt := range []struct {
		host, page string
		want       Party
	}{
		{"a.example.com", "example.com", FirstParty},
		{"a.example.com", "b.example.com", FirstParty},
		{"example.com", "example.com", FirstParty},
		{"com", "com", FirstParty},
		{"example.com", "example.org", ThirdParty},
		{"aexample.com", "example.com", ThirdParty},
		{"a.co.uk", "b.co.uk", ThirdParty},
		{"x.a.co.uk", "y.a.co.uk", FirstParty},
		{"alice.github.io", "bob.github.io", ThirdParty},
		{"a.alice.github.io", "alice.github.io", FirstParty},
		{"192.0.2.1", "198.51.2.1", ThirdParty},
		{"192.0.2.1", "192.0.2.1", FirstParty},
		{"2001:db8::1", "2001:db8::2", ThirdParty},
		{"localhost", "example.com", ThirdParty},
		{"nas.lan", "router.lan", ThirdParty},
		{"", "example.com", PartyUnknown},
		{"example.com", "", PartyUnknown},
	} {
		if got := PartyOf(tt.host, tt.page); got != tt.want {
			t.Errorf("PartyOf(%q, %q) = %v, want %v", tt.host, tt.page, got, tt.want)
		}
		if got, back := PartyOf(tt.host, tt.page), PartyOf(tt.page, tt.host); got != back {
			t.Errorf("PartyOf(%q, %q) = %v, the other way %v", tt.host, tt.page, got, back)
		}
	}
}

func TestHostOf(t *testing.T) {
	for in, want := range map[string]string{
		"https://Example.COM/x": "example.com", "https://u:p@example.com:8443/": "example.com",
		"https://[2001:DB8::1]:443/x": "2001:db8::1", "//cdn.example./a": "cdn.example",
		"https://exa mple.com/%zz?#": "exa mple.com", "not a url": "", "https://": "", "https://a?b@c": "a",
		`https://a\b`: "a", "https://[::1": "",
	} {
		if got := HostOf(in); got != want {
			t.Errorf("HostOf(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSplit(t *testing.T) {
	for in, want := range map[string][2]string{
		"https://a/b?c#d": {"/b", "c"}, "https://a": {"/", ""}, "https://a?b": {"/", "b"},
		"https://a/b#c?d": {"/b", ""}, "/b?c?d": {"/b", "c?d"}, "": {"/", ""},
	} {
		if p, q := Split(in); [2]string{p, q} != want {
			t.Errorf("Split(%q) = %q %q, want %q", in, p, q, want)
		}
	}
}

func TestOverrides(t *testing.T) {
	o := NewOverrides([]Override{{To: "CDN.example."}, {To: "a.example", On: "news.example"}, {On: "shop.example"}, {}})
	for _, tt := range []struct {
		host, page string
		want       bool
	}{
		{"cdn.example", "", true}, {"x.cdn.example", "other.example", true}, {"xcdn.example", "", false},
		{"a.example", "news.example", true}, {"b.a.example", "www.news.example", true}, {"a.example", "", false}, {"a.example", "other.example", false},
		{"z.example", "www.shop.example", true}, {"z.example", "ashop.example", false}, {"z.example", "", false},
	} {
		if got := o.Match(tt.host, tt.page); got != tt.want {
			t.Errorf("Match(%q, %q) = %v, want %v", tt.host, tt.page, got, tt.want)
		}
	}
	if (*Overrides)(nil).Match("a", "b") {
		t.Error("a nil set matches")
	}
}

func TestEndpointKey(t *testing.T) {
	same := [][2]string{
		{"https://t.example/o/8f3a9c77b1d24e55/x.gif?a=1", "https://t.example/o/77cc01ab9f3e4411/x.gif?b=2"},
		{"https://t.example/p.gif", "https://t.example/p.gif?x=1#y"},
		{"https://t.example/open/123456789012", "https://t.example/open/998877665544"},
	}
	for _, p := range same {
		if EndpointKey("t.example", p[0]) != EndpointKey("t.example", p[1]) {
			t.Errorf("%s and %s are two endpoints, want one", p[0], p[1])
		}
	}
	for _, p := range [][2]string{{"https://t.example/a.gif", "https://t.example/b.gif"}, {"https://t.example/a/b", "https://t.example/ab"}} {
		if EndpointKey("t.example", p[0]) == EndpointKey("t.example", p[1]) {
			t.Errorf("%s and %s are one endpoint, want two", p[0], p[1])
		}
	}
	if n := testing.AllocsPerRun(100, func() { EndpointKey("t.example", same[0][0]) }); n > 0 {
		t.Errorf("EndpointKey allocates %v times", n)
	}
}

func FuzzHostOf(f *testing.F) {
	for _, s := range []string{"https://a/b?c", "//x", "https://[::1]/", "https://u@h:1?x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h := HostOf(s)
		Split(s)
		EndpointKey(h, s)
		PartyOf(h, "example.com")
		Registrable(h)
	})
}

func TestEndpointsWith(t *testing.T) {
	t.Parallel()
	var none *Endpoints
	sets := []*Endpoints{none}
	for i := range uint64(3*maxLate + 2) {
		sets = append(sets, sets[i].With(i))
	}
	for i, s := range sets { // the older ones have not changed
		if s.Len() != i || s.Has(uint64(i)) || i > 0 && (!s.Has(0) || !s.Has(uint64(i-1))) {
			t.Fatalf("the set of %d has %d, the next: %v", i, s.Len(), s.Has(uint64(i)))
		}
	}
	last := sets[len(sets)-1]
	if last.With(5) != last {
		t.Error("adding a known key made another set")
	}
	if a, b := sets[3].With(100), sets[3].With(200); a.Has(200) || b.Has(100) {
		t.Error("two sets made from one share what was added")
	}
}
