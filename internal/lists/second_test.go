package lists

import (
	"os"
	"path/filepath"
	"testing"
)

// TestDamagedStateKeepsAddedLists: what somebody added by command is known
// from the second copy, and its text is still there.
func TestDamagedStateKeepsAddedLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.text("/a.txt", rulesOf(50))
	s := w.store
	if _, err := s.Add(t.Context(), w.srv.URL+"/a.txt", nil); err != nil {
		t.Fatal(err)
	}
	for _, damage := range []string{"{", ""} {
		if err := os.WriteFile(filepath.Join(w.dir, stateName), []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		s = w.open(Options{})
		if got := s.Selection(); len(got) != 1 {
			t.Fatalf("after %q: %v", damage, got)
		}
		if err := s.Load(t.Context()); err != nil || s.Current().Set.Len() != 50 {
			t.Errorf("after %q: %v, %+v", damage, err, s.Current())
		}
		if err := s.Update(t.Context(), UpdateOptions{}); err != nil || len(s.Selection()) != 1 {
			t.Errorf("after %q and a change: %v, %v", damage, err, s.Selection())
		}
	}
}
