package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/quench-proxy/quench/internal/detect/filterlist"
	"github.com/quench-proxy/quench/internal/lists"
)

// filesEvery is how often a service looks whether files with rules changed. A
// change counts once two looks in a row see the same, so that a file is not
// taken while an editor writes it.
const filesEvery = time.Second

// watchFiles has the lists read anew whenever a file that they are read from
// changes, or one's own rules file comes or goes, until ctx ends.
func (s *service) watchFiles(ctx context.Context) {
	t := time.NewTicker(filesEvery)
	defer t.Stop()
	// What is taken is what was there before it was read: a file that changed
	// meanwhile is read once more, which changes nothing if it is the same.
	var taken string
	for seen := taken; ; {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		now := s.filesStamp()
		if now == seen && now != taken {
			taken = now
			s.rereadLists(ctx)
		}
		seen = now
	}
}

// filesStamp changes with the files that lists are read from.
func (s *service) filesStamp() string {
	stamp := s.lists.Stamp()
	if path := s.app.ownRules(); path != "" {
		if _, err := os.Stat(path); err == nil {
			stamp += "own"
		}
	}
	return stamp
}

func (s *service) rereadLists(ctx context.Context) {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	if err := s.selectLists(ctx, s.cfg.Load()); err != nil && ctx.Err() == nil {
		s.log.Error("lists stay as they were", "err", err)
	}
}

// ownRules is where one's own rules file would be, "" if there is no such place.
func (a *app) ownRules() string {
	path, _, err := a.configPath()
	if err != nil || path == "" {
		return ""
	}
	return filepath.Join(filepath.Dir(path), lists.RulesName)
}

// checkListFiles says what is wrong with the files of lists that cfg and the
// command line ask for, and with each line of one's own rules.
func (a *app) checkListFiles(ctx context.Context, cfg *config) error {
	cat, err := catalogue()
	if err != nil {
		return err
	}
	refs, err := a.listRefs(cat, cfg)
	if err != nil {
		return err
	}
	var errs []error
	for _, r := range refs {
		if r.File == "" {
			continue
		}
		faults, err := lists.CheckFile(ctx, r)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if !isOwn(r.From) {
			continue
		}
		for _, f := range faults {
			errs = append(errs, errors.New(faultText(r.File, f)))
		}
		if len(faults) == filterlist.MaxProblems {
			errs = append(errs, fmt.Errorf("%s: more lines may be wrong; these are the first", r.File))
		}
	}
	return errors.Join(errs...)
}

func isOwn(from []string) bool { return slices.Contains(from, lists.FromRules) }

// faultText names the place of a faulty line of a file, or of one that it
// includes, and what is wrong there.
func faultText(file string, f lists.Fault) string {
	if f.Part != "" {
		file = filepath.Join(filepath.Dir(file), filepath.FromSlash(f.Part))
	}
	return fmt.Sprintf("%s:%d: %s: %s", file, f.Line, f.Reason, f.Text)
}

// withOwnFaults returns how the lists of s are, with the faulty lines of one's
// own rules.
func withOwnFaults(s *lists.Store) []lists.Status {
	all := s.Lists()
	for i := range all {
		if all[i].On && isOwn(all[i].From) && all[i].Faults > 0 {
			all[i].Lines, _ = s.Faults(all[i].Name) // their number is known all the same
		}
	}
	return all
}

// examineOwnRules names the first line of one's own rules that is not in force.
func examineOwnRules(r *report, l *lists.Status) {
	if l.Faults == 0 || !isOwn(l.From) {
		return
	}
	says := fmt.Sprintf("%s: %s", l.File, plural(l.Faults, "line")+" not in force")
	if len(l.Lines) > 0 {
		says = faultText(l.File, l.Lines[0])
		if l.Faults > 1 {
			says += fmt.Sprintf(" (and %s)", plural(l.Faults-1, "more line"))
		}
	}
	r.add("my rules", warn, says, "quench config check names every faulty line; the others are in force")
}

// examineListState says whether the lists' state was damaged.
func examineListState(r *report, s *lists.Store) {
	for _, err := range []error{s.Damage(), s.Replaced()} {
		if err == nil {
			continue
		}
		r.add("lists", warn, strings.TrimPrefix(err.Error(), "lists: "), "compare quench lists ls with what you added, then delete the damaged file")
	}
}

// listsGiven returns what is wrong with lists that the command line names: who
// asks for a list in so many words wants no answer without it.
func listsGiven(err error) error {
	var out []error
	var walk func(error)
	walk = func(err error) {
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range many.Unwrap() {
				walk(e)
			}
			return
		}
		if l, ok := err.(*lists.ListError); ok && slices.Contains(l.Ref.From, lists.FromFlag) {
			if l.Ref.File != "" { // the error names it
				err = l.Err
			}
			out = append(out, fmt.Errorf("--list: %w", err))
		}
	}
	walk(err)
	return errors.Join(out...)
}
