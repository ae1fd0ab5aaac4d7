package engine

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/filterlist"
)

// TestAgreeing names all rules that hold for a request, of the lists that are
// enabled, but those that the verdict names.
func TestAgreeing(t *testing.T) {
	t.Parallel()
	lists, _ := filterlist.Compile([]filterlist.Source{
		{Name: "a", Text: []byte("||t.example^\n||t.example^$image\n/pixel.gif\n@@||t.example/pixel$image\n||other.example^\n@@||shop.example^$document\n")},
		{Name: "b", Text: []byte("||t.example^$important\n||t.example^$script\n")},
	}, filterlist.Options{})
	set := (&Set{}).WithLists(lists, []List{{Name: "a"}, {Name: "b"}}, 1)
	r := &detect.Request{Method: "GET", URL: "https://t.example/pixel.gif", Host: "t.example", Type: detect.TypeImage,
		Page: "https://shop.example/", PageFrom: detect.PageReferer}
	e := func(text, where string) detect.Evidence {
		return detect.Evidence{Kind: "list", Detail: text, Source: where}
	}
	all := []detect.Evidence{e("||t.example^", "a:1"), e("||t.example^$image", "a:2"), e("/pixel.gif", "a:3"),
		e("@@||t.example/pixel$image", "a:4"), e("@@||shop.example^$document", "a:6"), e("||t.example^$important", "b:1")}
	for name, tt := range map[string]struct {
		p    *detect.Policy
		v    detect.Verdict
		want []detect.Evidence
	}{
		"all":        {nil, detect.Verdict{}, all},
		"but said":   {nil, detect.Verdict{Evidence: all[:1], Exception: &all[3]}, append(append([]detect.Evidence{}, all[1:3]...), all[4:]...)},
		"one is off": {&detect.Policy{ListsOf: 1, Lists: []uint64{2}}, detect.Verdict{}, all[5:]},
	} {
		if diff := cmp.Diff(tt.want, set.Agreeing(r, tt.p, &tt.v)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
	if got := set.WithLists(nil, nil, 0).Agreeing(r, nil, &detect.Verdict{}); got != nil {
		t.Errorf("no lists: %v", got)
	}
}
