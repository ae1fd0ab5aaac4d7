//go:build unix

package measure

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSum(t *testing.T) {
	t.Parallel()
	best := make([]time.Duration, 1000)
	for i := range best {
		best[i] = time.Duration(1000 - i) // 1 to 1000, backwards
	}
	if got, want := sum(best), (Times{501, 500.5, 991, 1000}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := sum(nil); got != (Times{}) {
		t.Errorf("of nothing: %+v", got)
	}
}

// TestEach: every question comes once in each pass, in order, and the slow
// answer of one pass does not count.
func TestEach(t *testing.T) {
	t.Parallel()
	var asked []int
	slow := true
	got := Each(3, 2, func(i int) {
		asked = append(asked, i)
		if i == 1 && len(asked) > 3*warm && slow {
			slow = false
			for start := now(); now()-start < 200*time.Millisecond; {
			}
		}
	})
	if diff := cmp.Diff(slices.Repeat([]int{0, 1, 2}, warm+2), asked); diff != "" {
		t.Errorf("order: -want +got\n%s", diff)
	}
	if got.P999 >= 2e8 {
		t.Errorf("%+v counts the slow pass", got)
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "r.tsv")
	for text, want := range map[string][]Request{
		"image\thttps://p.example/\thttps://a.example/x\n": {{"image", "https://p.example/", "https://a.example/x"}},
		"image\thttps://p.example/\n":                      nil,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Requests(path)
		if (err != nil) != (want == nil) {
			t.Errorf("%q: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: -want +got\n%s", text, diff)
		}
	}
	if _, err := Requests(path + "x"); err == nil {
		t.Error("a missing file is no error")
	}
}

// TestAsked: allocations are counted for each question.
func TestAsked(t *testing.T) {
	t.Parallel()
	var s Sample
	var keep [][]byte
	s.Asked(100, 3, func(int) { keep = append(keep[:0], make([]byte, 1000)) })
	if s.Allocs < 1 || s.Bytes < 1000 {
		t.Errorf("%+v, want an allocation of 1,000 bytes a question", s)
	}
	if elapsed, used := Best(2, func() {}); elapsed < 0 || used < 0 {
		t.Errorf("%v, %v", elapsed, used)
	}
}
