package ledger

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/redact"
)

// wants checks which words occur in any byte below dir.
func wants(t *testing.T, dir, when string, present, absent []string) {
	t.Helper()
	content := files(t, dir)
	for _, word := range present {
		found := false
		for _, b := range content {
			found = found || strings.Contains(b, word)
		}
		if !found {
			t.Errorf("%s: %q is in no file, so that the search proves nothing", when, word)
		}
	}
	for _, word := range absent {
		for name, b := range content {
			b = strings.ToLower(b)
			if i := strings.Index(b, strings.ToLower(word)); i >= 0 {
				t.Errorf("%s: %q is in %s at %d: %q", when, word, name, i, b[max(0, i-40):min(len(b), i+60)])
			}
		}
	}
}

func TestErase(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		f             EraseFilter
		erased        int64
		present, gone []string
	}{
		{"site", EraseFilter{Site: "Secret.example"}, 401, []string{"mysecret.example", "open.example", "phrase-open"}, []string{"www.secret.example", "phrase-secret"}},
		{"client", EraseFilter{Client: "kids"}, 300, []string{"secret.example", "open.example"}, []string{"kids"}},
		{"before", EraseFilter{Before: noon.Add(time.Hour)}, 701, []string{"mysecret.example"}, []string{"www.secret.example", "open.example"}},
		{"site and client", EraseFilter{Site: "secret.example", Client: "kids"}, 0, []string{"secret.example", "kids"}, nil},
		{"all", EraseFilter{All: true}, 1001, nil, []string{"secret.example", "open.example", "phrase", "kids"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			l := start(t, Options{Dir: dir, Detail: redact.Full, Now: func() time.Time { return noon }})
			fill(l)
			settle(t, l)
			wants(t, dir, "before", append(tt.present, tt.gone...), nil)
			// One more that is only queued when the eraser comes.
			l.Note(eraseNote("open.example", "", "referrer to secret.example", noon))
			n, err := l.Erase(t.Context(), tt.f)
			if err != nil || n != tt.erased {
				t.Errorf("Erase = %d, %v, want %d", n, err, tt.erased)
			}
			if tt.name == "site" {
				tt.gone = append(tt.gone, "referrer to")
			}
			wants(t, dir, "after, open", tt.present, tt.gone)
			if got, err := l.Count(t.Context(), Filter{}); err != nil || got != 1001-tt.erased {
				t.Errorf("%d events left, %v, want %d", got, err, 1001-tt.erased)
			}
			stop(t, l)
			wants(t, dir, "after, closed", tt.present, tt.gone)
		})
	}
	l := start(t, Options{})
	if _, err := l.Erase(t.Context(), EraseFilter{}); err == nil {
		t.Error("erasing nothing in particular succeeded")
	}
}

func eraseNote(site, client, words string, at time.Time) Event {
	e := note("Meta", site, at)
	e.Client = client
	e.Disclosed = append(e.Disclosed, detect.Field{Name: "page_title", Value: words})
	return e
}

// fill writes 1000 events whose rows move between pages as they come and go.
func fill(l *Ledger) {
	for i := range 400 {
		pad := strings.Repeat(fmt.Sprint("phrase-secret-", i, " "), i%7)
		l.Note(eraseNote("secret.example", "", "phrase-secret "+pad, noon.Add(time.Duration(i)*3*time.Second)))
		if i < 300 {
			l.Note(eraseNote("open.example", "kids", "phrase-open", noon.Add(time.Duration(i)*3*time.Second)))
			l.Note(eraseNote("mysecret.example", "", "phrase-open", noon.Add(2*time.Hour+time.Duration(i)*3*time.Second)))
		}
	}
}

func TestMentions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want bool
	}{
		{"https://shop.example/x", true}, {"a.shop.example tried", true}, {"on shop.example.", true}, {"shop.example", true},
		{"https%3a%2f%2fshop.example%2f", true}, {`\nshop.example`, true}, {"myshop.example", false}, {"my-shop.example", false},
		{"shop.example.net", false}, {"shop.examples", false}, {"", false}, {"myshop.example shop.example", true},
	}
	for _, tt := range tests {
		if got := mentions(tt.text, "shop.example"); got != tt.want {
			t.Errorf("mentions(%q) = %v, want %v", tt.text, got, tt.want)
		}
	}
}

// TestEraseDespiteMoves is the reason for wipe: rows inserted in the middle of
// full pages are copied about before they are erased.
func TestEraseDespiteMoves(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := start(t, Options{Dir: dir, Detail: redact.Full, Now: func() time.Time { return noon }})
	for i := range 1500 {
		client, word := "", "keepsake"
		if i*7919%3 == 0 {
			client, word = "kids", "forgetme"
		}
		at := noon.Add(-time.Duration(i*7919%1500) * time.Minute)
		l.Note(eraseNote(fmt.Sprint("s", i*7919%1500, ".example"), client, strings.Repeat(word+" ", 1+i%40), at))
	}
	settle(t, l)
	wants(t, dir, "before", []string{"keepsake", "forgetme", "kids"}, nil)
	if _, err := l.Erase(t.Context(), EraseFilter{Client: "kids"}); err != nil {
		t.Fatal(err)
	}
	wants(t, dir, "after", []string{"keepsake"}, []string{"forgetme", "kids"})
	stop(t, l)
	integrity(t, dir)
}

func TestEraseMakesNewKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := start(t, Options{Dir: dir})
	before, err := os.ReadFile(l.opts.dir() + "/" + keyName)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Erase(t.Context(), EraseFilter{All: true}); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(l.opts.dir() + "/" + keyName)
	if err != nil || string(before) == string(after) || len(after) != keySize {
		t.Errorf("the link key is the same after everything was erased (%v)", err)
	}
}
