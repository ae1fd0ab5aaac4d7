package lists

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

const someCatalogue = `
lists:
  - {name: trackers, title: Trackers, urls: ["https://lists.example/t.txt"], licence: MIT, for: tests, homepage: "https://lists.example/", format: adblock}
  - {name: servers, title: Servers, urls: ["https://lists.example/h"], licence: MIT, for: tests, homepage: "https://lists.example/", format: hosts}
`

func parseSome(t *testing.T) *Catalogue {
	t.Helper()
	c, err := ParseCatalogue("some.yaml", []byte(someCatalogue))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestResolve(t *testing.T) {
	t.Parallel()
	c := parseSome(t)
	tests := []struct{ spec, name, key, err string }{
		{spec: "trackers", name: "trackers", key: "trackers"},
		{spec: "https://Lists.example/a/b.txt?k=v#x", name: "Lists.example-", key: "https://Lists.example/a/b.txt?k=v"},
		{spec: "http://127.0.0.1:8/l", name: "127.0.0.1-", key: "http://127.0.0.1:8/l"},
		{spec: "http://nas.lan/l", name: "nas.lan-", key: "http://nas.lan/l"},
		{spec: "./mine.txt", name: "mine.txt", key: "/etc/quench/mine.txt"},
		{spec: "sub/mine", name: "mine", key: "/etc/quench/sub/mine"},
		{spec: "/srv/l.txt", name: "l.txt", key: "/srv/l.txt"},
		{spec: "mine.txt", name: "mine.txt", key: "/etc/quench/mine.txt"},
		{spec: "", err: "names no list"},
		{spec: "tracker", err: `did you mean "trackers"?`},
		{spec: "something", err: "./something"},
		{spec: "http://lists.example/l", err: "https only"},
		{spec: "ftp://lists.example/l", err: "by https"},
		{spec: "https://", err: "no host"},
		{spec: "https://me:secret@lists.example/l", err: "password"},
		{spec: "https://bad host/", err: "not a URL"},
		{spec: "a\nb", err: "neither a name"},
		{spec: strings.Repeat("x", maxSpec+1), err: "neither a name"},
	}
	for _, test := range tests {
		r, err := c.Resolve(test.spec, "/etc/quench", FromConfig)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "secret") {
				t.Errorf("Resolve(%.50q): error %v, want one with %q", test.spec, err, test.err)
			}
			continue
		}
		if err != nil || !strings.HasPrefix(r.Name, test.name) || filepath.ToSlash(r.Key) != test.key {
			t.Errorf("Resolve(%q) = name %q, key %q, %v; want %q, %q", test.spec, r.Name, r.Key, err, test.name, test.key)
		}
	}
}

func TestCatalogueFaults(t *testing.T) {
	t.Parallel()
	const entry = `{name: x, title: X, urls: ["https://x.example/"], licence: MIT, for: x, homepage: "https://x.example/", format: hosts}`
	tests := []struct{ doc, want string }{
		{"lists: [" + entry + ", " + entry + "]", "c.yaml:1: the name x is taken"},
		{"lists: [" + strings.Replace(entry, "MIT", "", 1) + "]", "has no licence"},
		{"lists: [" + strings.Replace(entry, `["https:`, `["http:`, 1) + "]", "is not an https URL"},
		{"lists: [" + strings.Replace(entry, "hosts", "host", 1) + "]", `format "host" is none of`},
		{"lists: [" + strings.Replace(entry, "name: x", "name: X/Y", 1) + "]", "is not one of small letters"},
		{"lists: [" + strings.Replace(entry, "for:", "four:", 1) + "]", `unknown key "four"; did you mean "for"?`},
		{"lists: [" + strings.Replace(entry, `["https://x.example/"]`, "[]", 1) + "]", "has no urls"},
	}
	for _, test := range tests {
		if _, err := ParseCatalogue("c.yaml", []byte(test.doc)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s\n\terror %v, want one with %q", test.doc, err, test.want)
		}
	}
}

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
	if err := load(); err != nil || w.store.Current().Set.Len() != 2 {
		t.Errorf("UTF-16 of one's own: %v, %d rules", err, w.store.Current().Set.Len())
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

// TestIncludes fetches lists that include lists.
func TestIncludes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.text("/lists/main.txt", "||one.example^\n!#include sub/a.txt\n!#include main.txt\n!#include https://evil.example/x\n!#include gone.txt\n||last.example^$nonsense\n")
	w.text("/lists/sub/a.txt", "||two.example^\n||x^$nonsense\n||three.example^\n")
	r := w.selected("/lists/main.txt")
	w.mustUpdate()
	st := w.store.Lists()[0]
	if st.Rules != 3 {
		t.Errorf("%d rules, want 3: %+v", st.Rules, st)
	}
	faults, err := w.store.Faults(r.Name)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range faults {
		got = append(got, fmt.Sprintf("%s:%d", f.Part, f.Line))
	}
	if want := []string{"sub/a.txt:2", ":3", ":4", ":5", ":6"}; !slices.Equal(got, want) {
		t.Errorf("faults at %v, want %v\n%+v", got, want, faults)
	}
	if part, line := w.store.Current().Place(1, 5); part != "sub/a.txt" || line != 3 {
		t.Errorf("line 5 is %s:%d, want sub/a.txt:3", part, line)
	}
	for _, q := range w.requests() {
		if strings.Contains(q.Host, "evil") {
			t.Error("another server was asked")
		}
	}

	// Nothing new: both are asked, neither is sent.
	n := len(w.requests())
	before := w.store.Current()
	w.mustUpdate()
	for _, q := range w.requests()[n:] {
		if q.Header.Get("If-None-Match") == "" {
			t.Errorf("%s was asked for without its ETag", q.URL.Path)
		}
	}
	if w.store.Current() != before {
		t.Error("nothing new made a new Snapshot")
	}

	// Only the included list is new.
	w.text("/lists/sub/a.txt", "||two.example^\n||three.example^\n||four.example^\n||five.example^\n")
	w.mustUpdate()
	if st := w.store.Lists()[0]; st.Rules != 5 {
		t.Errorf("%d rules, want 5", st.Rules)
	}
	// It breaks: all stays as it was.
	w.page("/lists/sub/a.txt", broken("||two.example^\n", nil))
	if err := w.update(); err == nil || !strings.Contains(err.Error(), "include a.txt: the answer broke off") {
		t.Errorf("a broken include: %v", err)
	}
	if st := w.store.Lists()[0]; st.Rules != 5 || st.Failures != 1 {
		t.Errorf("%+v", st)
	}
	// The next process reads it from the copies.
	again := w.open(Options{})
	if err := again.Select([]Ref{r}); err != nil {
		t.Fatal(err)
	}
	if err := again.Load(t.Context()); err != nil || again.Current().Set.Len() != 5 {
		t.Errorf("after a restart: %v, %d rules", err, again.Current().Set.Len())
	}
}

// TestIncludeBounds includes more than there may be.
func TestIncludeBounds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var many strings.Builder
	many.WriteString("||one.example^\n")
	for i := range maxIncludes + 20 {
		fmt.Fprintf(&many, "!#include %d.txt\n", i)
		w.text(fmt.Sprintf("/%d.txt", i), fmt.Sprintf("||tracker%d.example^\n", i))
	}
	w.text("/many.txt", many.String())
	w.selected("/many.txt")
	w.mustUpdate()
	if st := w.store.Lists()[0]; st.Rules != maxIncludes+1 || st.Faults != 20 {
		t.Errorf("%d rules and %d faults, want %d and 20", st.Rules, st.Faults, maxIncludes+1)
	}
	if n := len(w.requests()); n != maxIncludes+1 {
		t.Errorf("%d requests, want %d", n, maxIncludes+1)
	}
	// Each small enough, all together too large.
	w.store = w.open(Options{MaxSize: 1 << 20})
	big := strings.Repeat("||tracker.example^\n", 15000)
	w.text("/big.txt", "!#include b1.txt\n!#include b2.txt\n!#include b3.txt\n!#include b4.txt\n")
	for i := range 4 {
		w.text(fmt.Sprintf("/b%d.txt", i+1), big)
	}
	w.selected("/big.txt")
	if err := w.update(); !errors.Is(err, errTooLarge) {
		t.Errorf("error %v, want %v", err, errTooLarge)
	}
}

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

// TestServe lets days pass: lists come when they are due, not before, and
// failures have them asked for again later and later.
func TestServe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		rt := &script{answers: map[string]func() (int, string){}}
		var good atomic.Bool
		rt.answers["/l"] = func() (int, string) {
			if good.Load() {
				return 200, rulesOf(50)
			}
			return 500, "no"
		}
		s, err := Open(Options{Dir: dir, Catalogue: &Catalogue{}, Client: &http.Client{Transport: rt}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.o.Catalogue.Resolve("https://lists.example/l", "", FromConfig)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Select([]Ref{r}); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go func() { ended <- s.Serve(ctx) }()
		time.Sleep(time.Minute) // what was never fetched does not wait
		synctest.Wait()
		if n := rt.count(); n != tries {
			t.Errorf("asked %d times in the first minute, want %d", n, tries)
		}
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		// 5, 10, 20 … minutes, then every six hours: about 10 times in a day.
		if n := rt.count() / tries; n < 8 || n > 12 {
			t.Errorf("asked %d times in a day without an answer", n)
		}
		good.Store(true)
		time.Sleep(7 * time.Hour)
		synctest.Wait()
		n := rt.count()
		if s.Current().Set.Len() != 50 {
			t.Fatal("the list is not in force")
		}
		time.Sleep(47 * time.Hour) // it wishes to be left alone for two days
		synctest.Wait()
		if got := rt.count() - n; got > 1 {
			t.Errorf("asked %d times before it was due", got)
		}
		time.Sleep(10 * time.Hour)
		synctest.Wait()
		if got := rt.count() - n; got < 1 || got > 2 {
			t.Errorf("asked %d times in 57 hours, want once", got)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

// script answers requests without a network.
type script struct {
	mu      sync.Mutex
	asked   int
	answers map[string]func() (int, string)
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	code, text := s.answers[r.URL.Path]()
	return &http.Response{
		StatusCode: code, Status: fmt.Sprint(code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text)),
	}, nil
}

func (s *script) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
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
