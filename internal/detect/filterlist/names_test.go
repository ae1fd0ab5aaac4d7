package filterlist_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/filterlist"
)

func TestHost(t *testing.T) {
	t.Parallel()
	const a, aaaa = 1, 28
	tests := []struct {
		rules string
		q     detect.HostQuestion
		want  said
	}{
		{"||ads.example^", detect.HostQuestion{Host: "x.ads.example"}, said{Block: "||ads.example^"}},
		{"||ads.example^", detect.HostQuestion{Host: "badads.example"}, said{}},
		{"||ads.example^$third-party", detect.HostQuestion{Host: "ads.example"}, said{}},
		{"||ads.example^$script", detect.HostQuestion{Host: "ads.example"}, said{}},
		{"||ads.example^$domain=page.example", detect.HostQuestion{Host: "ads.example"}, said{}},
		{"||ads.example^$method=get", detect.HostQuestion{Host: "ads.example"}, said{}},
		{"||ads.example^$redirect=a.js", detect.HostQuestion{Host: "ads.example"}, said{}},
		{"||ads.example^$document", detect.HostQuestion{Host: "ads.example"}, said{}},
		{"||ads.example^$all", detect.HostQuestion{Host: "ads.example"}, said{Block: "||ads.example^$all"}},
		{"||ads.example/path", detect.HostQuestion{Host: "ads.example"}, said{}},
		{"||ads.example:8080^", detect.HostQuestion{Host: "ads.example"}, said{}},
		{"||ads.*.example^", detect.HostQuestion{Host: "ads.b.example"}, said{Block: "||ads.*.example^"}},
		{"|ads.", detect.HostQuestion{Host: "ads.example"}, said{Block: "|ads."}},
		{"|ads.", detect.HostQuestion{Host: "x.ads.example"}, said{}},
		{"-tracker.example^", detect.HostQuestion{Host: "a-tracker.example"}, said{Block: "-tracker.example^"}},
		{".example|", detect.HostQuestion{Host: "a.example"}, said{Block: ".example|"}},
		{`/^ad[0-9]+\./`, detect.HostQuestion{Host: "ad12.example"}, said{Block: `/^ad[0-9]+\./`}},
		{"||ads.example^\n@@||x.ads.example^", detect.HostQuestion{Host: "x.ads.example"}, said{Block: "||ads.example^", Exception: "@@||x.ads.example^"}},
		{"@@||x.ads.example^", detect.HostQuestion{Host: "x.ads.example"}, said{Exception: "@@||x.ads.example^"}},
		{"||ads.example^$important\n@@||ads.example^", detect.HostQuestion{Host: "ads.example"}, said{Important: "||ads.example^$important"}},
		{"||ads.example^$important\n@@||ads.example^$important", detect.HostQuestion{Host: "ads.example"},
			said{Block: "||ads.example^$important", Exception: "@@||ads.example^$important"}},
		{"||ads.example^\n||ads.example^$badfilter", detect.HostQuestion{Host: "ads.example"}, said{}},
		{"||ads.example^$dnstype=AAAA", detect.HostQuestion{Host: "ads.example", QType: aaaa}, said{Block: "||ads.example^$dnstype=AAAA"}},
		{"||ads.example^$dnstype=AAAA", detect.HostQuestion{Host: "ads.example", QType: a}, said{}},
		{"||ads.example^$dnstype=~A", detect.HostQuestion{Host: "ads.example", QType: a}, said{}},
		{"||ads.example^$client=192.0.2.0/24", detect.HostQuestion{Host: "ads.example", Client: "192.0.2.7"}, said{Block: "||ads.example^$client=192.0.2.0/24"}},
		{"||ads.example^$client=192.0.2.0/24", detect.HostQuestion{Host: "ads.example", Client: "198.51.100.7"}, said{}},
		{"||ads.example^$client=~Kids", detect.HostQuestion{Host: "ads.example", Client: "Kids"}, said{}},
		{"||ads.example^$ctag=device_pc|user_child", detect.HostQuestion{Host: "ads.example", Tags: []string{"user_child"}}, said{Block: "||ads.example^$ctag=device_pc|user_child"}},
		{"||ads.example^$ctag=device_pc", detect.HostQuestion{Host: "ads.example"}, said{}},
		{"||example^$denyallow=good.example", detect.HostQuestion{Host: "x.good.example"}, said{}},
		{"||example^$denyallow=good.example", detect.HostQuestion{Host: "bad.example"}, said{Block: "||example^$denyallow=good.example"}},
	}
	for _, tt := range tests {
		set := compile(t, tt.rules)
		got := words(set, set.Host(&tt.q, []uint64{1}))
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s, %+v: -want +got\n%s", tt.rules, tt.q, diff)
		}
		if m := set.Host(&tt.q, nil); m != (filterlist.Match{}) {
			t.Errorf("%s: with no list on: %+v", tt.rules, m)
		}
	}
}

func TestRewrite(t *testing.T) {
	t.Parallel()
	set := compile(t, "||a.example^$dnsrewrite=192.0.2.1\n||a.example^$dnsrewrite=192.0.2.2\n@@||b.a.example^$dnsrewrite=192.0.2.2\n@@||c.a.example^$dnsrewrite")
	for host, want := range map[string][]string{
		"a.example": {"192.0.2.1", "192.0.2.2"}, "b.a.example": {"192.0.2.1"}, "c.a.example": nil, "d.example": nil,
	} {
		q := detect.HostQuestion{Host: host}
		var got []string
		for _, id := range set.Rewrites(&q, []uint64{1}, nil) {
			got = append(got, set.Info(id).Value)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", host, diff)
		}
		if m := set.Host(&q, []uint64{1}); (m.Rewrite != 0) != (want != nil) || m.Block != 0 {
			t.Errorf("%s: %+v", host, m)
		}
	}
	// What only a resolver can do says nothing about a request.
	r := script("https://a.example/", "")
	if m := set.Match(&r, []uint64{1}, filterlist.Want{Exceptions: true}); m != (filterlist.Match{}) {
		t.Errorf("a request matches: %+v", m)
	}
}

func TestHostsFile(t *testing.T) {
	t.Parallel()
	set, reports := filterlist.Compile([]filterlist.Source{
		{Name: "hosts", Text: []byte("0.0.0.0 ads.example # one\n127.0.0.1 a.example b.example\n::1 c.example\n"), Format: filterlist.FormatHosts},
		{Name: "domains", Text: []byte("d.example\nads.example\n"), Format: filterlist.FormatDomains},
	}, filterlist.Options{Seed: 1})
	for host, want := range map[string]string{
		"ads.example": "0.0.0.0 ads.example", "x.ads.example": "0.0.0.0 ads.example", "a.example": "a.example", "b.example": "b.example",
		"c.example": "::1 c.example", "d.example": "d.example", "example": "", "e.example": "",
	} {
		m := set.Host(&detect.HostQuestion{Host: host}, []uint64{3})
		if got := set.Info(m.Block).Text; got != want {
			t.Errorf("%s: %q, want %q (%+v)", host, got, want, reports)
		}
	}
	if m := set.Host(&detect.HostQuestion{Host: "ads.example"}, []uint64{2}); set.ListOf(m.Block) != 2 {
		t.Errorf("with list 1 off: %+v", set.Info(m.Block))
	}
	// They hold for documents too.
	r := detect.Request{URL: "https://d.example/", Host: "d.example", Type: detect.TypeDocument}
	if !set.Match(&r, []uint64{2}, filterlist.Want{}).Blocked() {
		t.Error("a document passes")
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	set := compile(t, "||ads.example^$script\n||path.example/x.js\n@@||fine.example^\n/generic.js", "||second.example^")
	for host, want := range map[string]bool{
		"ads.example": true, "a.ads.example": true, "path.example": true, "fine.example": true, "second.example": false,
		"example": false, "generic.js": false, "": false,
	} {
		if got := set.Names(host, []uint64{1}); got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
	if !set.Names("second.example", []uint64{2}) || set.Names("ads.example", []uint64{2}) || set.Names("ads.example", nil) {
		t.Error("the lists that are on do not decide")
	}
}

func TestNilSet(t *testing.T) {
	t.Parallel()
	var s *filterlist.Set
	r := script("https://a.example/?x=1", "")
	empty, _ := filterlist.Compile(nil, filterlist.Options{})
	for _, s := range []*filterlist.Set{s, empty} {
		if m := s.Match(&r, []uint64{1}, filterlist.Want{Exceptions: true}); m != (filterlist.Match{}) {
			t.Errorf("match %+v", m)
		}
		if m := s.Host(&detect.HostQuestion{Host: "a.example"}, []uint64{1}); m != (filterlist.Match{}) {
			t.Errorf("host %+v", m)
		}
		if s.Names("a.example", []uint64{1}) || len(s.Modifiers(&r, []uint64{1}, nil)) > 0 || s.Clean(r.URL, nil) != r.URL ||
			s.Info(7) != (filterlist.Info{}) || s.ListOf(7) != 0 || s.Len() != 0 || s.WantsResponse() {
			t.Error("an empty Set says something")
		}
	}
}

// TestNoAllocation: a match, a host question and the modifiers allocate
// nothing once what they meet has been compiled and looked up.
func TestNoAllocation(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	set, _ := filterlist.Compile(dataSources(t, append(easy, "filter/ubo-privacy.txt", "filter/ubo-unbreak.txt")...), filterlist.Options{})
	reqs, on := dataRequests(t), allLists(4)
	into := make([]filterlist.RuleID, 0, 64)
	wrong := 0
	for i := 0; i < len(reqs); i += 50 {
		got := testing.AllocsPerRun(10, func() {
			set.Match(&reqs[i], on, filterlist.Want{Exceptions: true})
			set.Modifiers(&reqs[i], on, into)
			set.Host(&detect.HostQuestion{Host: reqs[i].Host}, on)
			set.Names(reqs[i].Host, on)
		})
		if got > 0 {
			wrong++
			t.Logf("%v allocations for %s on %s", got, reqs[i].URL, reqs[i].Page)
		}
	}
	// A garbage collection between may empty the pool of scratch space.
	if wrong > 1 {
		t.Errorf("%d requests allocate", wrong)
	}
}
