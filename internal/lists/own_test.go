package lists

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func writeFor(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func utf16Of(s string) string {
	out := "\xff\xfe"
	for _, c := range []byte(s) {
		out += string([]byte{c, 0})
	}
	return out
}

// TestSameJudgement gives the same texts as a URL, as a file and as one's own
// rules: only the last may be empty, or as some editors write.
func TestSameJudgement(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text, why string
		own             int // rules if it is one's own file, -1 if it is refused
	}{
		{"empty", "", "empty", 0},
		{"comments", "! nothing yet\n", "there is not one rule in it", 0},
		{"prose", "This is a list of lists.\nRead it with care.\n", "there is not one rule in it", 0},
		{"UTF-16", utf16Of("||a.example^\n"), "it is UTF-16", 1},
		{"page", "<!DOCTYPE html><p>||a.example^", "it is a web page", -1},
		{"NUL", "||a.example^\n||b\x00.example^\n", "line 2 has a NUL byte", -1},
		{"Latin-1", strings.Repeat("\xe4\xf6\xfc\n", 40) + "||a.example^\n", "it is not UTF-8", 1},
	} {
		w := newWorld(t)
		w.page("/l", func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte(tt.text)) })
		path := filepath.Join(t.TempDir(), "l.txt")
		writeFor(t, path, tt.text)
		for _, spec := range []string{w.srv.URL + "/l", path} {
			if _, err := w.store.Add(t.Context(), spec, nil); err == nil || !strings.Contains(err.Error(), tt.why) || !isBad(err) {
				t.Errorf("%s as %s: %v, want %q", tt.name, spec, err, tt.why)
			}
		}
		if err := w.store.Select([]Ref{RulesFile(path)}); err != nil {
			t.Fatal(err)
		}
		err := w.store.Load(t.Context())
		rules := w.store.Lists()[0].Rules
		if refused := tt.own < 0; refused != (err != nil) || !refused && rules != tt.own {
			t.Errorf("%s as one's own: %v, %d rules, want %d", tt.name, err, rules, tt.own)
		}
		if le := new(ListError); err != nil && (!errors.As(err, &le) || le.Ref.Name != "my-rules") {
			t.Errorf("%s: %T %v names no list", tt.name, err, err)
		}
	}
}

// TestOwnFaultsAreLogged: once for each change, with line and reason and not a
// byte of the rule.
func TestOwnFaultsAreLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), RulesName)
	writeFor(t, path, "||a.example^\n"+strings.Repeat("||b.example/secret^$nonsense\n", maxLogged+2))
	if err := w.store.Select([]Ref{RulesFile(path)}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := w.store.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	said := w.log.String()
	if n := strings.Count(said, "line does not compile"); n != maxLogged {
		t.Errorf("%d lines logged, want %d:\n%s", n, maxLogged, said)
	}
	if !strings.Contains(said, `line=2 reason="unknown option"`) || !strings.Contains(said, "lines=2") || strings.Contains(said, "secret") {
		t.Errorf("said %s", said)
	}
	if n := w.store.Current().Set.Len(); n != 1 {
		t.Errorf("%d rules in force, want the good one", n)
	}
}

// TestStamp: it changes with each file that lists are read from, and only then.
func TestStamp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	path, part := filepath.Join(dir, "l.txt"), filepath.Join(dir, "part.txt")
	writeFor(t, path, "||a.example^\n!#include part.txt\n")
	writeFor(t, part, "||b.example^\n")
	r, err := w.store.o.Catalogue.Resolve(path, "", FromConfig)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.store.Select([]Ref{r}), w.store.Load(t.Context())); err != nil {
		t.Fatal(err)
	}
	last := w.store.Stamp()
	for i, change := range []func() error{
		func() error { return nil },
		func() error { return os.Chtimes(part, time.Time{}, w.now()) },
		func() error { return os.Chtimes(path, time.Time{}, w.now()) },
		func() error { return os.WriteFile(part, []byte("||b.example^\n||c.example^\n"), 0o600) },
		func() error { return os.Remove(part) },
		func() error { return os.Remove(path) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		now := w.store.Stamp()
		if changed := now != last; changed != (i > 0) {
			t.Errorf("change %d: changed %v:\n%s", i, changed, now)
		}
		last = now
	}
}

// TestMovedAway: a list that moves to where none may come from is refused for
// good, not added for later.
func TestMovedAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for path, tt := range map[string]struct{ to, why string }{
		"/file": {"file:///etc/passwd", "where no list may come from"},
		"/ftp":  {"ftp://lists.example/l.txt", "where no list may come from"},
		"/http": {"http://lists.example/l.txt", "https only"},
		"/loop": {"/loop", "moved more than 5 times"},
	} {
		w.page(path, func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Location", tt.to)
			rw.WriteHeader(http.StatusFound)
		})
		_, err := w.store.Add(t.Context(), w.srv.URL+path, nil)
		if err == nil || !strings.Contains(err.Error(), tt.why) || errors.As(err, new(*LaterError)) {
			t.Errorf("%s: %v, want %q and not added", path, err, tt.why)
		}
	}
	if on := w.store.Selection(); len(on) != 0 {
		t.Errorf("added: %+v", on)
	}
	from, _ := http.NewRequest(http.MethodGet, "https://lists.example/l", nil)
	for _, to := range []string{"https://127.0.0.1/l", "https://[::1]/l", "https://192.168.1.1/l", "https://localhost/l", "https://nas.lan/l"} {
		r, _ := http.NewRequest(http.MethodGet, to, nil)
		if err := checkRedirect(r, []*http.Request{from}); !errors.As(err, new(*movedError)) {
			t.Errorf("to %s: %v, want it refused", to, err)
		}
	}
}

// TestMissingIncludesAreTold names what a list includes in vain.
func TestMissingIncludesAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.text("/main.txt", "||one.example^\n!#include part.txt\n!#include gone.txt\n!#include https://evil.example/x\n")
	w.text("/part.txt", "||two.example^\n")
	var got []string
	if _, err := w.store.Add(t.Context(), w.srv.URL+"/main.txt", func(p Progress) { got = append(got, p.Missing...) }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || !strings.HasPrefix(got[0], "gone.txt: ") || !strings.Contains(got[0], "404") ||
		!strings.HasPrefix(got[1], "https://evil.example/x: ") || !strings.Contains(got[1], "another server") {
		t.Errorf("missing: %q", got)
	}
}

// TestDamagedStateIsRead: who only reads works on the second copy and changes
// nothing; who writes replaces it, and it is known afterwards.
func TestDamagedStateIsRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.text("/a.txt", rulesOf(50))
	if _, err := w.store.Add(t.Context(), w.srv.URL+"/a.txt", nil); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.store.Damage(), w.store.Replaced()); err != nil {
		t.Errorf("a sound state: %v", err)
	}
	writeFor(t, filepath.Join(w.dir, stateName), "{")
	before := w.files()
	s := w.open(Options{ReadOnly: true})
	if err := s.Load(t.Context()); err != nil || s.Current().Set.Len() != 50 {
		t.Errorf("%v, %+v", err, s.Current())
	}
	if err := s.Damage(); err == nil || !strings.Contains(err.Error(), stateName) {
		t.Errorf("damage: %v, want the file named", err)
	}
	if got := w.files(); !slices.Equal(got, before) {
		t.Errorf("files %v, were %v", got, before)
	}
	s = w.open(Options{})
	if err := s.Replaced(); s.Damage() != nil || !errors.Is(err, errDamaged) || !strings.Contains(err.Error(), asideSuffix) {
		t.Errorf("after it was replaced: %v, want what lies aside", err)
	}
}
