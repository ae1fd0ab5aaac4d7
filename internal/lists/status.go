package lists

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// Fault is a line of a list that does not compile.
type Fault struct {
	// Part is the included list that the line is in; "" is the list itself.
	Part   string `json:"part,omitempty"`
	Line   int    `json:"line"` // 1-based
	Reason string `json:"reason"`
	// Text is the beginning of the line.
	Text string `json:"text,omitempty"`
}

const (
	// maxFaultsFile bounds the file that has a list's faults.
	maxFaultsFile = 4 << 20
	// maxFaultText is how much of a line is kept, in characters.
	maxFaultText = 120
)

// Status says how one list is.
type Status struct {
	Name string `json:"name"`
	// On: it is asked for. Number is its number in policies and rules, 0 if it
	// is off.
	On     bool     `json:"on"`
	Number int      `json:"number,omitempty"`
	From   []string `json:"from,omitempty"`

	Title    string `json:"title,omitempty"`
	For      string `json:"for,omitempty"`
	Licence  string `json:"licence,omitempty"`
	Homepage string `json:"homepage,omitempty"`
	Version  string `json:"version,omitempty"`
	// URL or File is where it comes from.
	URL  string `json:"url,omitempty"`
	File string `json:"file,omitempty"`

	// Have: there is a good copy. Rules, Cosmetic (skipped: they need a browser)
	// and Faults count its lines, Size its bytes.
	Have     bool  `json:"have"`
	Rules    int   `json:"rules"`
	Cosmetic int   `json:"cosmetic,omitempty"`
	Faults   int   `json:"faults"`
	Size     int64 `json:"size,omitempty"`
	// Fetched is when the text last changed, Checked when it was last known to
	// be the newest, Next when it will be asked for.
	Fetched time.Time `json:"fetched,omitzero"`
	Checked time.Time `json:"checked,omitzero"`
	Next    time.Time `json:"next,omitzero"`
	// Failures counts those since the last success.
	Failures int       `json:"failures,omitempty"`
	Error    string    `json:"error,omitempty"`
	FailedAt time.Time `json:"failed_at,omitzero"`

	// Lines are the faults, if they were asked for.
	Lines []Fault `json:"lines,omitempty"`
}

// Lists says how the lists are: those that are on by their numbers, then the
// rest of the catalogue.
func (s *Store) Lists() []Status {
	var out []Status
	on := map[string]bool{}
	for i, r := range s.Selection() {
		on[r.Key] = true
		st := s.status(&r)
		st.On, st.Number, st.From = true, i+1, r.From
		out = append(out, st)
	}
	for _, e := range s.o.Catalogue.Entries() {
		if on[e.Name] {
			continue
		}
		if r, err := s.o.Catalogue.Resolve(e.Name, "", ""); err == nil {
			r.From = nil
			out = append(out, s.status(&r))
		}
	}
	return out
}

func (s *Store) status(r *Ref) Status {
	k := s.known(r.Key)
	st := Status{
		Name: r.Name, Title: r.Title, For: r.For, Licence: r.Licence, Homepage: r.Homepage, File: r.File,
		Version: k.Version, Have: k.good(), Size: k.Size,
		Rules: k.Counts.Rules, Cosmetic: k.Counts.Cosmetic, Faults: k.Counts.Faults,
		Fetched: k.Fetched, Checked: k.Checked, Next: k.Next, Failures: k.Failures, Error: k.Error, FailedAt: k.FailedAt,
	}
	if len(r.URLs) > 0 {
		st.URL = r.URLs[0]
	}
	if st.File != "" {
		st.Next = time.Time{}
	}
	for _, f := range []struct {
		to   *string
		from string
	}{{&st.Title, k.Title}, {&st.Licence, k.Licence}, {&st.Homepage, k.Homepage}} {
		if *f.to == "" {
			*f.to = f.from
		}
	}
	return st
}

// CheckFile reads a list of a local file as a Store would, and returns the lines
// that do not compile, at most filterlist.MaxProblems of them. The error, a
// *ListError, says why the whole is none. Nothing is kept.
func CheckFile(ctx context.Context, r Ref) ([]Fault, error) {
	s := &Store{
		o:   Options{ReadOnly: true, MaxSize: DefaultMaxSize, Now: time.Now, Dir: os.TempDir()},
		log: slog.New(slog.DiscardHandler), held: map[string]*held{},
	}
	s.state.Store(newState())
	if _, err := s.update(ctx, &r, job{}); err != nil {
		return nil, &ListError{r, err}
	}
	if h := s.held[r.Key]; h != nil {
		return h.faults, nil
	}
	return nil, nil
}

// Faults returns the lines of a list that did not compile, at most
// filterlist.MaxProblems of them, in their order. word is its name, or what it was given as.
func (s *Store) Faults(word string) ([]Fault, error) {
	r, ok := s.find(word)
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrNoList, clean(word, maxTitle))
	}
	s.mu.Lock()
	h := s.held[r.Key]
	s.mu.Unlock()
	if h != nil {
		return h.faults, nil
	}
	k := s.known(r.Key)
	if k.Faults == "" {
		return nil, nil
	}
	f, err := os.Open(filepath.Join(s.o.Dir, k.Faults))
	if err != nil {
		return nil, fmt.Errorf("lists: read the faults: %w", err)
	}
	defer f.Close()
	var out []Fault
	if err := json.NewDecoder(io.LimitReader(f, maxFaultsFile)).Decode(&out); err != nil {
		return nil, fmt.Errorf("lists: read the faults: %w", err)
	}
	return out, nil
}
