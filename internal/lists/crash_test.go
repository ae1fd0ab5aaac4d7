package lists

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestTwoProcesses has two stores on one directory change it at once, while a
// third reads.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 6 {
		w.text(fmt.Sprintf("/%d", i), rulesOf(40+i))
	}
	stores := []*Store{w.store, w.open(Options{})}
	var wg sync.WaitGroup
	done := make(chan struct{})
	for i, s := range stores {
		wg.Go(func() {
			for n := i; n < 6; n += 2 {
				if _, err := s.Add(t.Context(), fmt.Sprintf("%s/%d", w.srv.URL, n), nil); err != nil {
					t.Errorf("add %d: %v", n, err)
				}
			}
		})
	}
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			s := w.open(Options{ReadOnly: true})
			if err := s.Load(t.Context()); err != nil {
				t.Errorf("read: %v", err)
			}
			for _, st := range s.Lists() {
				if st.Have && st.Rules < 40 {
					t.Errorf("half a list: %+v", st)
				}
			}
			for i, l := range s.Current().Lists {
				if !l.Have {
					t.Errorf("list %d of %d has no copy", i+1, len(s.Current().Lists))
				}
			}
		}
	})
	wg.Wait()
	close(done)
	reader.Wait()
	s := w.open(Options{})
	if err := s.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.Current().Set.Len(); len(s.Selection()) != 6 || got == 0 {
		t.Errorf("%d lists with %d rules, want 6", len(s.Selection()), got)
	}
}

// TestKilledInTheMiddle finds what a process leaves that was killed while it
// wrote.
func TestKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.text("/l", rulesOf(50))
	r := w.selected("/l")
	w.mustUpdate()
	leave := func(name, text string, age time.Duration) {
		path := filepath.Join(w.dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		when := w.now().Add(-age)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	leave(tmpPrefix+"123", rulesOf(20)[:100], 0)             // a download
	leave(tmpPrefix+"old", `{"schema":1,"lis`, 48*time.Hour) // a state, from long ago
	leave("half-0123456789abcdef"+textSuffix, "||x", 0)      // a copy that no state names
	s := w.open(Options{})
	if err := s.Select([]Ref{r}); err != nil {
		t.Fatal(err)
	}
	if err := s.Load(t.Context()); err != nil || s.Current().Set.Len() != 50 {
		t.Fatalf("%v, %+v", err, s.Current())
	}
	w.text("/l", rulesOf(51))
	if err := s.Update(t.Context(), UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	files := w.files()
	if !slices.Contains(files, tmpPrefix+"123") {
		t.Error("a file that another process may be writing was deleted")
	}
	if slices.Contains(files, tmpPrefix+"old") || slices.ContainsFunc(files, func(f string) bool { return strings.HasPrefix(f, "half-") }) {
		t.Errorf("what a dead process left stays: %v", files)
	}
}

// TestDamage damages what is kept, and finds it mended.
func TestDamage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.text("/l", rulesOf(50))
	r := w.selected("/l")
	w.mustUpdate()
	path := w.textFiles()[0]
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[100] ^= 1
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(filepath.Join(w.dir, "compiled.bin")) // or it would serve
	s := w.open(Options{})
	if err := s.Select([]Ref{r}); err != nil {
		t.Fatal(err)
	}
	if err := s.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if snap := s.Current(); snap.Lists[0].Have || s.Lists()[0].Have {
		t.Errorf("a damaged copy is in force: %+v", snap)
	}
	if err := s.Update(t.Context(), UpdateOptions{}); err != nil || s.Current().Set.Len() != 50 {
		t.Errorf("not mended: %v", err)
	}

	state := filepath.Join(w.dir, stateName)
	for _, wrong := range []string{"{", `{"schema":1,"lists":{"x":{"parts":[{"file":"../../etc/passwd"}]}}}`, strings.Repeat(" ", maxState+1) + "{}"} {
		if err := os.WriteFile(state, []byte(wrong), 0o600); err != nil {
			t.Fatal(err)
		}
		s := w.open(Options{})
		if n := len(s.Selection()); n != 0 {
			t.Errorf("%.20s: %d lists", wrong, n)
		}
	}
	if aside, _ := filepath.Glob(state + ".corrupt-*"); len(aside) == 0 {
		t.Error("the damaged state was thrown away")
	}
	if err := os.WriteFile(state, []byte(`{"schema":99}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: w.dir}); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("a newer state: %v", err)
	}
}
