package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/quench-proxy/quench/internal/control"
	"github.com/quench-proxy/quench/internal/lists"
)

func (a *app) listsLsCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "Show the lists that are on, and those known by name",
		Long: "Show the lists that are on, in their order, and those known by name.\nWith -v also every line of them that does not compile, and why.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withLists(cmd.Context(), true, func(l listKeeper, _ bool) error {
				all, err := l.all(cmd.Context(), a.verbose)
				switch {
				case all == nil && err != nil:
					return err
				case asJSON:
					return errors.Join(err, a.printJSON(listsJSON{1, all}))
				}
				return errors.Join(err, a.printLists(all, time.Now()))
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

type listsJSON struct {
	Schema int            `json:"schema"`
	Lists  []lists.Status `json:"lists"`
}

func (a *app) printLists(all []lists.Status, now time.Time) error {
	tw := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "NAME\tON\tRULES\tAGE\tNEXT\tFAULTS\tFROM\tLICENCE\tFOR\tWHERE")
	for _, l := range all {
		on, from := "no", "-"
		if l.On {
			on, from = "yes", strings.Join(l.From, ", ")
		}
		if l.On && l.Failures > 0 {
			on = "failing"
		}
		count := func(n int) string {
			if !l.Have {
				return "-"
			}
			return strconv.Itoa(n)
		}
		what, where := l.For, "-"
		if what == "" { // none of the catalogue, so that the name may say little
			what, where = l.Title, l.URL+l.File
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Name, on, count(l.Rules), ageOf(&l, now), nextOf(&l, now),
			count(l.Faults), from, orDash(l.Licence), orDash(what), where)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, l := range all {
		if l.On && l.Error != "" {
			if _, err := fmt.Fprintf(a.out, "%s: %s: %s\n", l.Name, agoText(now.Sub(l.FailedAt)), l.Error); err != nil {
				return err
			}
		}
	}
	return a.printFaults(all)
}

// printFaults prints a line for each line that did not compile.
func (a *app) printFaults(all []lists.Status) error {
	for _, l := range all {
		for _, f := range l.Lines {
			where := l.Name
			if f.Part != "" {
				where += "/" + f.Part
			}
			if _, err := fmt.Fprintf(a.out, "%s:%d: %s: %s\n", where, f.Line, f.Reason, f.Text); err != nil {
				return err
			}
		}
		if more := l.Faults - len(l.Lines); len(l.Lines) > 0 && more > 0 {
			if _, err := fmt.Fprintf(a.out, "%s: and %s\n", l.Name, plural(more, "line")+" more"); err != nil {
				return err
			}
		}
	}
	return nil
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// ageOf says how long ago the list was last known to be the newest.
func ageOf(l *lists.Status, now time.Time) string {
	switch {
	case !l.Have:
		return "-"
	case l.File != "":
		return "file"
	}
	return roughSpan(now.Sub(l.Checked))
}

func nextOf(l *lists.Status, now time.Time) string {
	switch {
	case !l.On || l.File != "":
		return "-"
	case l.Next.IsZero() || !l.Next.After(now):
		return "now"
	}
	return "in " + roughSpan(l.Next.Sub(now))
}

func agoText(d time.Duration) string { return roughSpan(d) + " ago" }

// roughSpan says a length of time in its largest unit.
func roughSpan(d time.Duration) string {
	switch {
	case d < time.Minute:
		return strconv.Itoa(max(0, int(d/time.Second))) + "s"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + "m"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d/time.Hour)) + "h"
	}
	return strconv.Itoa(int(d/(24*time.Hour))) + "d"
}

func (a *app) listsAddCmd() *cobra.Command {
	return &cobra.Command{
		Use: "add NAME|FILE|URL...", Short: "Fetch a list and turn it on for good",
		Long: `Fetch a list and turn it on for good. What turns out to be no list is not added.
A file is read where it lies, again whenever it changes (at a reload).`,
		Args: minOneArg("the name, file or URL of a list"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var specs []string
			for _, arg := range args {
				spec, err := listSpec(arg)
				if err != nil {
					return err
				}
				specs = append(specs, spec)
			}
			return a.addLists(cmd.Context(), specs)
		},
	}
}

func (a *app) addLists(ctx context.Context, specs []string) error {
	return a.withLists(ctx, false, func(l listKeeper, offline bool) error {
		show := a.newProgress()
		defer show.end()
		var errs []error
		for _, spec := range specs {
			err := l.add(ctx, spec, show.told)
			show.end()
			switch {
			case errors.As(err, new(*lists.LaterError)):
				errs = append(errs, fmt.Errorf("%s was %w; quench serve tries again", spec, err))
			case err != nil:
				errs = append(errs, fmt.Errorf("%s was not added: %w", spec, err))
			case offline:
				a.say("No quench is running; this holds from its next start.")
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		return errors.Join(errs...)
	})
}

func (a *app) listsRemoveCmd() *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME|FILE|URL...", Aliases: []string{"rm"}, Short: "Turn off a list that was added, and delete its copy",
		Args: minOneArg("the name, file or URL of a list"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return a.withLists(ctx, false, func(l listKeeper, _ bool) error {
				for _, arg := range args {
					name, err := removeList(ctx, l, arg)
					if err != nil {
						return err
					}
					if _, err := fmt.Fprintf(a.out, "%s removed\n", name); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

// removeList removes a list by its name, or by what it was added as.
func removeList(ctx context.Context, l listKeeper, word string) (string, error) {
	name, err := l.remove(ctx, word)
	if err == nil || !isNoList(err) {
		return name, err
	}
	spec, serr := listSpec(word)
	if serr != nil || spec == word {
		return "", err
	}
	return l.remove(ctx, spec)
}

// isNoList reports ErrNoList, here or from the service.
func isNoList(err error) bool {
	var api *control.APIError
	return errors.Is(err, lists.ErrNoList) || errors.As(err, &api) && api.Status == 404
}

func (a *app) listsUpdateCmd() *cobra.Command {
	var q control.UpdateRequest
	cmd := &cobra.Command{
		Use: "update [NAME...]", Short: "Ask for the lists again, all or some",
		Long: `Ask for the lists again. What has not changed is not fetched. What is no list,
broke off, or is suddenly much shorter never replaces the last good copy.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			q.Lists = args
			return a.withLists(cmd.Context(), false, func(l listKeeper, _ bool) error {
				show := a.newProgress()
				defer show.end()
				err := l.update(cmd.Context(), q, show.told)
				if err == nil && show.count == 0 {
					show.end()
					a.say("No list is on. Add one: quench lists add easyprivacy")
				}
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&q.Force, "force", false, "take a list even if it is suddenly much shorter")
	return cmd
}

// examineLists says whether the lists are on, fresh and whole.
func examineLists(r *report, all []lists.Status, now time.Time) {
	var on, total int
	sound := true
	for _, l := range all {
		examineOwnRules(r, &l)
		if !l.On {
			continue
		}
		on++
		total += l.Rules
		switch {
		case !l.Have && l.Error == "":
			r.add("list "+l.Name, warn, "has not been fetched yet", "quench lists update "+l.Name)
		case !l.Have:
			r.add("list "+l.Name, fail, "could never be fetched: "+l.Error, "quench lists update "+l.Name)
		case l.File == "" && now.Sub(l.Checked) > staleList:
			r.add("list "+l.Name, warn, fmt.Sprintf("is %s old%s", roughSpan(now.Sub(l.Checked)), orNothing(": ", l.Error)),
				"keep quench serve running, or: quench lists update "+l.Name)
		case l.Error != "":
			r.add("list "+l.Name, warn, "the last good copy is in use: "+l.Error, "quench lists update "+l.Name)
		default:
			continue
		}
		sound = false
	}
	switch {
	case on == 0:
		r.add("lists", warn, "none is on; only quench's own rules hold", "quench lists add easyprivacy")
	case sound:
		r.add("lists", ok, fmt.Sprintf("%s on, %s", plural(on, "list"), plural(total, "rule")), "")
	}
}

// staleList is how old a list may be before the doctor says so. They ask to be
// renewed within a week at the latest.
const staleList = 9 * 24 * time.Hour

func orNothing(before, s string) string {
	if s == "" {
		return ""
	}
	return before + s
}

// examineOwnLists looks at the lists of a data directory that no service uses.
func (a *app) examineOwnLists(ctx context.Context, r *report, dir string, cfg *config) {
	s, err := a.openLists(dir, cfg, true, nil)
	if err != nil {
		r.add("lists", fail, oneLine(err), "")
		return
	}
	if err := listsGiven(s.Read(ctx)); err != nil {
		r.add("lists", fail, oneLine(err), "")
	}
	examineListState(r, s)
	examineLists(r, withOwnFaults(s), time.Now())
}

// listFault says what is wrong with a list that the configuration names, "" if
// nothing.
func listFault(cat *lists.Catalogue, spec, dir string) string {
	r, err := cat.Resolve(spec, dir, lists.FromConfig)
	if err != nil {
		return err.Error()
	}
	if r.File == "" {
		return ""
	}
	switch st, err := os.Stat(r.File); {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no file " + r.File
	case err != nil:
		return err.Error()
	case !st.Mode().IsRegular():
		return r.File + " is not a file"
	}
	return ""
}
