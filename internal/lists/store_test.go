package lists

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

func TestAddAndRemove(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.text("/a", rulesOf(50))
	w.page("/html", say(200, "text/html", "<html>"))
	w.page("/down", say(503, "text/plain", ""))
	ctx := t.Context()

	if _, err := w.store.Add(ctx, w.srv.URL+"/html", nil); !isBad(err) {
		t.Errorf("a web page: %v, want a BadListError", err)
	}
	if got := w.store.Selection(); len(got) != 0 {
		t.Errorf("a web page was added: %v", got)
	}
	var told []string
	r, err := w.store.Add(ctx, w.srv.URL+"/a", func(p Progress) {
		if len(told) == 0 || told[len(told)-1] != p.State {
			told = append(told, p.State)
		}
	})
	if err != nil || !slices.Equal(told, []string{Fetching, Updated}) {
		t.Fatalf("Add: %v, told %v", err, told)
	}
	if _, err := w.store.Add(ctx, w.srv.URL+"/a", nil); err != nil {
		t.Errorf("adding twice: %v", err)
	}
	var later *LaterError
	down, err := w.store.Add(ctx, w.srv.URL+"/down", nil)
	if !errors.As(err, &later) {
		t.Errorf("a server that is down: %v, want a LaterError", err)
	}
	if snap := w.store.Current(); len(snap.Lists) < 1 || snap.Number(r.Name) != 1 || snap.Lists[0].Rules != 50 {
		t.Errorf("in force: %+v", snap)
	}

	// It all stays for the next process.
	again := w.open(Options{})
	sel := again.Selection()
	if len(sel) != 2 || sel[0].Key != r.Key || sel[1].Key != down.Key || !slices.Equal(sel[0].From, []string{FromAdded}) {
		t.Fatalf("after a restart: %+v", sel)
	}
	if err := again.Load(ctx); err != nil {
		t.Fatal(err)
	}
	if snap := again.Current(); snap.Set.Len() != 50 || !snap.Lists[0].Have || snap.Lists[1].Have {
		t.Errorf("after a restart: %d rules in force", snap.Set.Len())
	}

	if _, err := w.store.Remove(ctx, r.Name); err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.Remove(ctx, w.srv.URL+"/down"); err != nil {
		t.Fatal(err)
	}
	if got := w.textFiles(); len(got) != 0 {
		t.Errorf("copies stay: %v", got)
	}
	if snap := w.store.Current(); len(snap.Lists) != 0 || snap.Set != nil {
		t.Errorf("in force: %+v", snap)
	}
	if _, err := w.store.Remove(ctx, r.Name); !errors.Is(err, ErrNoList) {
		t.Errorf("removing twice: %v, want %v", err, ErrNoList)
	}
	conf := w.selected("/a")
	if _, err := w.store.Remove(ctx, conf.Name); !errors.Is(err, ErrConfigured) {
		t.Errorf("removing a configured list: %v, want %v", err, ErrConfigured)
	}
	if _, err := w.store.Add(ctx, conf.Key, nil); err != nil {
		t.Fatal(err)
	}
	if got := w.store.Selection()[0].From; !slices.Equal(got, []string{FromConfig, FromAdded}) {
		t.Errorf("from %v, want both", got)
	}
	if _, err := w.store.Remove(ctx, conf.Name); err != nil {
		t.Error(err)
	}
	if len(w.textFiles()) != 1 {
		t.Error("the copy of a list that the configuration asks for is gone")
	}
}

// TestNumbers asks the compiled Set through the numbers and bits of a Snapshot.
func TestNumbers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.text("/a", "||one.example^\n")
	w.text("/b", "0.0.0.0 two.example\n0.0.0.0 one.example\n")
	a := w.selected("/a")
	b, err := w.store.o.Catalogue.Resolve(w.srv.URL+"/b", "", FromFlag)
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(t.TempDir(), RulesName)
	if err := os.WriteFile(own, []byte("@@||one.example^\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// The user's own rules are the last whatever the order.
	if err := w.store.Select([]Ref{RulesFile(own), a, b}); err != nil {
		t.Fatal(err)
	}
	w.mustUpdate()
	snap := w.store.Current()
	if snap.Number(a.Name) != 1 || snap.Number(b.Key) != 2 || snap.Number("my-rules") != 3 || snap.Number("none") != 0 {
		t.Fatalf("numbers %d %d %d", snap.Number(a.Name), snap.Number(b.Key), snap.Number("my-rules"))
	}
	bits, missing := snap.Bits([]string{a.Name, "kids", "my-rules"})
	if missing != "kids" || !slices.Equal(bits, []uint64{0b101}) || !slices.Equal(snap.All(), []uint64{0b111}) {
		t.Errorf("bits %b, missing %q, all %b", bits, missing, snap.All())
	}
	q := func(host string, bits []uint64) bool {
		return snap.Set.Host(&detect.HostQuestion{Host: host}, bits).Blocked()
	}
	if !q("one.example", []uint64{0b1}) || q("two.example", []uint64{0b1}) || !q("two.example", []uint64{0b10}) || q("one.example", []uint64{0b101}) {
		t.Error("the lists do not stand behind their numbers")
	}
}

// TestLocalFile follows a file as somebody edits it.
func TestLocalFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "mine.txt")
	write := func(text string, at int) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		when := w.now().Add(time.Duration(at) * time.Second)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	r, err := w.store.o.Catalogue.Resolve(path, "", FromConfig)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.Select([]Ref{r}); err != nil {
		t.Fatal(err)
	}
	load := func() error { return w.store.Load(t.Context()) }
	if err := load(); err == nil || !strings.Contains(err.Error(), "there is no file "+path) {
		t.Errorf("no file: %v", err)
	}
	write(rulesOf(90), 1)
	if err := load(); err != nil || w.store.Current().Set.Len() != 90 {
		t.Fatalf("%v, %+v", err, w.store.Current())
	}
	state, err := os.Stat(filepath.Join(w.dir, stateName))
	if err != nil {
		t.Fatal(err)
	}
	before := w.store.Current()
	if err := load(); err != nil || w.store.Current() != before {
		t.Errorf("the same file made another Snapshot: %v", err)
	}
	if again, err := os.Stat(filepath.Join(w.dir, stateName)); err != nil || !os.SameFile(state, again) {
		t.Errorf("the state was written for nothing: %v", err)
	}
	write("||one.example^\n! all else went\n", 2) // one's own file may shrink
	if err := load(); err != nil || w.store.Current().Set.Len() != 1 {
		t.Errorf("%v, %d rules", err, w.store.Current().Set.Len())
	}
	write("||one.example^\n\x00\n", 3)
	if err := load(); err == nil || !strings.Contains(err.Error(), path+": line 2 has a NUL byte") {
		t.Errorf("NUL: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := load(); err == nil || w.store.Current().Set.Len() != 1 {
		t.Errorf("a file that went: %v; %d rules, want the last good copy", err, w.store.Current().Set.Len())
	}
	utf16 := "\xff\xfe"
	for _, c := range "||two.example^\r\n||three.example^" {
		utf16 += string([]byte{byte(c), 0})
	}
	write(utf16, 4) // some editors' idea of text
	if err := load(); err == nil || w.store.Current().Set.Len() != 1 {
		t.Errorf("UTF-16: %v, %d rules; want what a server's is told, and the last good copy", err, w.store.Current().Set.Len())
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := load(); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("a directory: %v", err)
	}
}

// TestReadOnly reads beside a service and leaves nothing behind.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.text("/kept", rulesOf(50))
	w.text("/flag", rulesOf(40))
	kept := w.selected("/kept")
	w.mustUpdate()
	file := filepath.Join(t.TempDir(), "mine.txt")
	if err := os.WriteFile(file, []byte("||mine.example^\n!#include more.txt\n||x^$nonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "more.txt"), []byte("||more.example^\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := w.files()
	s := w.open(Options{ReadOnly: true})
	refs := []Ref{kept}
	for _, spec := range []string{file, w.srv.URL + "/flag"} {
		r, err := s.o.Catalogue.Resolve(spec, "", FromFlag)
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, r)
	}
	if err := s.Select(refs); err != nil {
		t.Fatal(err)
	}
	if err := s.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.Current().Set.Len(); got != 92 {
		t.Errorf("%d rules in force, want 92", got)
	}
	if faults, err := s.Faults("mine.txt"); err != nil || len(faults) != 1 || faults[0].Line != 3 {
		t.Errorf("faults %+v, %v", faults, err)
	}
	if _, err := s.Add(t.Context(), w.srv.URL+"/flag", nil); !errors.Is(err, errReadOnly) {
		t.Errorf("Add: %v, want %v", err, errReadOnly)
	}
	if got := w.files(); !slices.Equal(got, before) {
		t.Errorf("files %v, were %v", got, before)
	}
}

// TestHooks counts the Snapshots that are announced.
func TestHooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.text("/l", rulesOf(50))
	w.selected("/l")
	var got []int
	w.store.OnChange(func(s *Snapshot) {
		if w.store.Current() != s {
			t.Error("announced before it was in force")
		}
		got = append(got, s.Set.Len())
	})
	w.mustUpdate()
	w.mustUpdate()
	old := w.store.Current()
	w.text("/l", rulesOf(60))
	w.mustUpdate()
	if !slices.Equal(got, []int{50, 60}) {
		t.Errorf("announced %v, want 50 and 60 rules", got)
	}
	if old.Set.Len() != 50 || !old.Set.Host(&detect.HostQuestion{Host: "tracker7.example"}, old.All()).Blocked() {
		t.Error("the old Set is no longer good")
	}
}

func TestStateIsReadable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.text("/l", rulesOf(50))
	w.selected("/l")
	w.mustUpdate()
	data, err := os.ReadFile(filepath.Join(w.dir, stateName))
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(data, &doc); err != nil || doc["schema"] != 1.0 {
		t.Errorf("%v: %s", err, data)
	}
}
