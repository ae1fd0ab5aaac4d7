package lists

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

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
