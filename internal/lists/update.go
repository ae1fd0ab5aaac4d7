package lists

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/quench-proxy/quench/internal/detect/filterlist"
)

const (
	textSuffix   = ".txt"
	faultsSuffix = ".faults.json"
	// shrinkBy is how much shorter a list may become at once, in rules, and
	// shrinkFrom below how many rules that says nothing.
	shrinkBy, shrinkFrom = 3, 30
	// After a failure a list is asked for again after retryFirst, doubled with
	// each further one up to retryLast.
	retryFirst, retryLast = 5 * time.Minute, 6 * time.Hour
)

// Progress says how far an update is. It comes often; who shows it chooses.
type Progress struct {
	List string `json:"list"`
	// State is fetching, updated, unchanged or failed.
	State string `json:"state"`
	// Done and Total are bytes; Total is -1 if the server does not say.
	Done  int64 `json:"done,omitempty"`
	Total int64 `json:"total,omitempty"`
	// Rules is how many the list has now, once it is not fetching.
	Rules int `json:"rules,omitempty"`
	// Missing says which lists a list that was updated includes in vain, and why.
	Missing []string `json:"missing,omitempty"`
	Error   string   `json:"error,omitempty"`
}

// The states of Progress.
const (
	Fetching  = "fetching"
	Updated   = "updated"
	Unchanged = "unchanged"
	Failed    = "failed"
)

// UpdateOptions says what Update does. The zero value updates all lists.
type UpdateOptions struct {
	// Names chooses lists by name or by what they were given as; none is all.
	Names []string
	// Force takes a list even if it is suddenly much shorter.
	Force bool
	// Told hears what happens, from the calling goroutine; nil is nobody.
	Told func(Progress)
}

// job is how one list is updated.
type job struct {
	told   func(Progress)
	force  bool
	adding bool // it is not selected yet
}

func (j job) tell(p Progress) {
	if j.told != nil {
		j.told(p)
	}
}

// Update asks for lists again, one after the other, whether it is time or not,
// and builds a new Snapshot if any changed. The error joins those of all lists,
// each with its name; the others are updated all the same.
func (s *Store) Update(ctx context.Context, o UpdateOptions) error {
	refs := s.Selection()
	if len(o.Names) > 0 {
		refs = nil
		for _, n := range o.Names {
			r, ok := s.find(n)
			if !ok {
				return fmt.Errorf("%w: %s", ErrNoList, clean(n, maxTitle))
			}
			refs = append(refs, r)
		}
	}
	var errs []error
	for i := range refs {
		if _, err := s.update(ctx, &refs[i], job{told: o.Told, force: o.Force}); err != nil {
			errs = append(errs, &ListError{refs[i], err})
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return errors.Join(append(errs, s.rebuild(ctx))...)
}

// update obtains one list and keeps it if it is good. It reports whether the
// text changed.
func (s *Store) update(ctx context.Context, r *Ref, j job) (changed bool, err error) {
	s.updating.Lock()
	defer s.updating.Unlock()
	old := s.known(r.Key)
	j.tell(Progress{List: r.Name, State: Fetching})
	got, err := s.take(ctx, r, old, func(done, total int64) {
		j.tell(Progress{List: r.Name, State: Fetching, Done: done, Total: total})
	})
	if err == nil {
		defer got.discard()
		changed = !got.unchanged
		if changed {
			err = s.accept(ctx, r, old, got, j)
		} else {
			err = s.confirm(ctx, r, old, got)
		}
	}
	host := r.Host()
	switch {
	case err != nil && ctx.Err() != nil:
		return false, ctx.Err()
	case err != nil:
		j.tell(Progress{List: r.Name, State: Failed, Error: err.Error()})
		s.log.Warn("list not updated, the last good copy stays", "list", r.Name, "host", host, "err", err)
		return false, errors.Join(err, s.failed(ctx, r, err, j))
	case changed:
		j.tell(Progress{List: r.Name, State: Updated, Rules: s.known(r.Key).Counts.Rules, Missing: missing(&got.report)})
		s.log.Info("list updated", "list", r.Name, "host", host, "rules", s.known(r.Key).Counts.Rules)
		s.logFaults(r, &got.report)
	default:
		j.tell(Progress{List: r.Name, State: Unchanged, Rules: old.Counts.Rules})
		s.log.Debug("list unchanged", "list", r.Name, "host", host)
	}
	return changed, nil
}

// maxLogged bounds the lines of one's own rules that the log names at a time.
const maxLogged = 10

// logFaults says once, when one's own rules changed, which lines of them are not
// in force. Of other lists they are counted, and shown when asked for.
func (s *Store) logFaults(r *Ref, rep *filterlist.Report) {
	if !r.own() {
		return
	}
	for i, p := range rep.Problems {
		if i == maxLogged {
			break
		}
		s.log.Warn("line does not compile, the others are in force", "list", p.List, "line", p.Line, "reason", p.Reason)
	}
	if more := rep.Rejected - maxLogged; more > 0 {
		s.log.Warn("more lines do not compile", "list", r.Name, "lines", more)
	}
}

// missing names the lists that could not be included.
func missing(rep *filterlist.Report) (out []string) {
	for _, p := range rep.Problems {
		if name, ok := strings.CutPrefix(p.Text, "!#include"); ok && len(out) < maxIncludes {
			out = append(out, clean(fmt.Sprintf("%s: %s", strings.TrimSpace(name), p.Detail), 2*maxTitle))
		}
	}
	return out
}

// accept looks at a new text and keeps it, or says why it must not be.
func (s *Store) accept(ctx context.Context, r *Ref, old *kept, got *taken, j job) error {
	rep := &got.report
	if rep.Err != nil {
		return bad("%v", rep.Err)
	}
	fresh := &kept{Name: r.Name, Hash: got.hash(), Counts: counts{Rules: rep.Total(), Cosmetic: rep.Cosmetic, Faults: rep.Rejected}}
	switch was, is := old.Counts.Rules, fresh.Counts.Rules; {
	case is == 0 && rep.Cosmetic == 0 && !r.own():
		return bad("there is not one rule in it")
	case r.File == "" && !j.force && was >= shrinkFrom && is < was/shrinkBy:
		return bad("it has %s where the last one had %d; \"quench lists update --force\" takes it all the same", rulesText(is), was)
	}
	if len(rep.Spans) > 1 {
		fresh.Spans = rep.Spans
	}
	for _, p := range got.parts {
		fresh.Parts = append(fresh.Parts, p.part)
		fresh.Size += p.Size
	}
	fresh.describe(rep.Meta)
	fresh.Fetched = s.o.Now().UTC()
	fresh.Checked, fresh.Next = fresh.Fetched, fresh.expiry(fresh.Fetched)
	if s.o.ReadOnly {
		return s.hold(r, fresh, got)
	}
	return s.keep(ctx, r, fresh, got, j)
}

func rulesText(n int) string {
	if n == 1 {
		return "1 rule"
	}
	return fmt.Sprintf("%d rules", n)
}

// faultsOf are the lines of a list that did not compile.
func faultsOf(rep *filterlist.Report) (out []Fault) {
	for _, p := range rep.Problems {
		f := Fault{Line: int(p.Line), Reason: clean(p.Reason, maxTitle), Text: clean(p.Text, maxFaultText)}
		if p.List != rep.Name {
			f.Part = clean(p.List, maxTitle)
		}
		if p.Detail != "" {
			f.Reason += ": " + clean(p.Detail, maxTitle)
		}
		out = append(out, f)
	}
	return out
}

// hold keeps a list in memory.
func (s *Store) hold(r *Ref, fresh *kept, got *taken) error {
	h := &held{kept: *fresh, faults: faultsOf(&got.report), texts: map[string][]byte{}}
	for _, p := range got.parts {
		path := p.tmp
		if path == "" {
			path = filepath.Join(s.o.Dir, p.File)
		}
		text, err := readPart(path, &p.part)
		if err != nil {
			return err
		}
		h.texts[p.Addr] = text
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[r.Key] = h
	return nil
}

// keep moves the files of a list to their places and has the state name them.
func (s *Store) keep(ctx context.Context, r *Ref, fresh *kept, got *taken, j job) error {
	stem := fileStem(r.Name)
	return s.change(ctx, func(st *state) error {
		if !j.adding && !s.wanted(r, st) {
			return errors.New("it was turned off meanwhile")
		}
		for i, p := range got.parts {
			if p.tmp == "" {
				continue
			}
			name := stem + "-" + p.Hash[:16] + textSuffix
			if err := os.Rename(p.tmp, filepath.Join(s.o.Dir, name)); err != nil {
				return fmt.Errorf("keep the list: %w", err)
			}
			p.tmp, fresh.Parts[i].File = "", name
		}
		syncDir(s.o.Dir)
		if err := s.keepFaults(stem, fresh, faultsOf(&got.report)); err != nil {
			return err
		}
		st.Lists[r.Key] = fresh
		s.prune(st)
		return nil
	})
}

// keepFaults writes down which lines did not compile.
func (s *Store) keepFaults(stem string, k *kept, faults []Fault) error {
	k.Faults = ""
	if len(faults) == 0 {
		return nil
	}
	data, err := json.Marshal(faults)
	if err != nil {
		return fmt.Errorf("lists: %w", err)
	}
	k.Faults = stem + "-" + k.Hash[:16] + faultsSuffix
	return writeFile(s.o.Dir, k.Faults, data)
}

// wanted reports whether a list is on in the light of a state.
func (s *Store) wanted(r *Ref, st *state) bool {
	same := func(o Ref) bool { return o.Key == r.Key }
	return slices.ContainsFunc(s.addedRefs(st), same) || slices.ContainsFunc(s.Selection(), func(o Ref) bool {
		return same(o) && (len(o.From) > 1 || o.From[0] != FromAdded)
	})
}

// confirm notes that the copy is still the newest.
func (s *Store) confirm(ctx context.Context, r *Ref, old *kept, got *taken) error {
	if s.o.ReadOnly {
		return nil
	}
	return s.change(ctx, func(st *state) error {
		k := st.entry(r)
		if k.Hash != old.Hash {
			return nil // another process was faster
		}
		k.Parts = slices.Clone(k.Parts)
		for _, p := range got.parts {
			if own := k.at(p.Addr); own != nil && own.Hash == p.Hash {
				own.ETag, own.Modified, own.MTime = p.ETag, p.Modified, p.MTime
			}
		}
		now := s.o.Now().UTC()
		k.Checked, k.Next = now, k.expiry(now)
		k.Failures, k.Error, k.FailedAt = 0, "", time.Time{}
		s.prune(st)
		return nil
	})
}

// failed notes a failure. That it cannot be noted is the error.
func (s *Store) failed(ctx context.Context, r *Ref, why error, j job) error {
	if s.o.ReadOnly || j.adding && !temporary(why) {
		return nil
	}
	err := s.change(ctx, func(st *state) error {
		if !j.adding && !s.wanted(r, st) {
			return nil
		}
		k := st.entry(r)
		now := s.o.Now().UTC()
		pause := min(retryFirst<<min(k.Failures, 10), retryLast)
		k.Failures++
		k.Error, k.FailedAt, k.Next = clean(why.Error(), 4*maxTitle), now, now.Add(jittered(pause))
		return nil
	})
	if err != nil {
		return fmt.Errorf("note the failure: %w", err)
	}
	return nil
}

// fileStem makes a name fit for a file.
func fileStem(name string) string {
	s := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, name)
	return s[:min(len(s), 60)]
}

// untrusted reports a certificate that does not hold: asking again is useless.
func untrusted(err error) bool {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid)
}
