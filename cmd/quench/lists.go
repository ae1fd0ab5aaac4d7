package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quench-proxy/quench/internal/control"
	"github.com/quench-proxy/quench/internal/lists"
	"github.com/quench-proxy/quench/rules"
)

const listsLong = `Public filter lists: EasyList, EasyPrivacy and their like, hosts files, lists of
domains. Quench ships none and turns none on; it fetches those you choose from
their authors, under their own licences, and keeps them fresh while it runs.

  quench lists ls                       what there is, and how it is
  quench lists add easyprivacy          by name, URL or file
  quench lists update
  quench lists remove easyprivacy

Lists can also be named in quench.yaml under "lists". Rules of your own go into
my-rules.txt beside it.`

// catalogue reads the shipped catalogue of lists.
func catalogue() (*lists.Catalogue, error) {
	const file = "lists.yaml"
	data, err := rules.FS.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the catalogue of lists: %w", err)
	}
	return lists.ParseCatalogue("rules/"+file, data)
}

// listRefs returns the lists that the configuration, the command line and the
// user's own rules file ask for.
func (a *app) listRefs(cat *lists.Catalogue, cfg *config) ([]lists.Ref, error) {
	path, _, err := a.configPath()
	if err != nil {
		return nil, err
	}
	var refs []lists.Ref
	for i, spec := range cfg.Lists {
		r, err := cat.Resolve(spec, filepath.Dir(path), lists.FromConfig)
		if err != nil {
			return nil, fmt.Errorf("%s: lists[%d]: %w", path, i+1, err)
		}
		refs = append(refs, r)
	}
	for _, spec := range cfg.groupLists() {
		r, err := cat.Resolve(spec, filepath.Dir(path), fromGroup)
		if err != nil {
			return nil, fmt.Errorf("%s: clients: %w", path, err)
		}
		refs = append(refs, r)
	}
	here, err := os.Getwd()
	if err != nil {
		here = "."
	}
	for _, spec := range a.lists {
		r, err := cat.Resolve(spec, here, lists.FromFlag)
		if err != nil {
			return nil, usagef("--list: %w", err)
		}
		if _, err := os.Stat(r.File); r.File != "" && err != nil {
			return nil, fmt.Errorf("--list: %w", err)
		}
		refs = append(refs, r)
	}
	if own := a.ownRules(); own != "" {
		if _, err := os.Stat(own); err == nil {
			refs = append(refs, lists.RulesFile(own))
		}
	}
	return refs, nil
}

// openLists opens the lists of the data directory with what cfg and the command
// line ask for. Nothing is read or compiled before Load. A nil log is for
// commands, which say themselves what happens.
func (a *app) openLists(dir string, cfg *config, readOnly bool, log *slog.Logger) (*lists.Store, error) {
	cat, err := catalogue()
	if err != nil {
		return nil, err
	}
	refs, err := a.listRefs(cat, cfg)
	if err != nil {
		return nil, err
	}
	client, err := listClient(cfg.Proxy.Upstream)
	if err != nil {
		return nil, err
	}
	s, err := lists.Open(lists.Options{
		Dir: filepath.Join(dir, lists.DirName), Catalogue: cat, Client: client, ReadOnly: readOnly, Log: log,
	})
	if err != nil {
		return nil, err
	}
	if err := s.Damage(); err != nil && readOnly {
		a.say("quench: %v", err)
	}
	return s, s.Select(refs)
}

// listClient makes the client that fetches lists: straight, or through the
// proxy that our own traffic takes too. Variables such as HTTPS_PROXY are left
// alone: they may well name ourselves.
func listClient(upstream string) (*http.Client, error) {
	t := &http.Transport{
		DialContext:            (&net.Dialer{Timeout: 15 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    15 * time.Second,
		ResponseHeaderTimeout:  30 * time.Second,
		IdleConnTimeout:        10 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // lists undoes more codings, and within bounds
		ForceAttemptHTTP2:      true,
	}
	if upstream != "" {
		u, err := url.Parse(upstream)
		if err != nil {
			return nil, fmt.Errorf("proxy.upstream: %w", err)
		}
		t.Proxy = http.ProxyURL(u)
	}
	return &http.Client{Transport: t}, nil
}

func (a *app) listsCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "lists", Short: "Public filter lists: which are on, and how fresh", Long: listsLong, Args: noArgs, RunE: needsCommand}
	cmd.AddCommand(a.listsLsCmd(), a.listsAddCmd(), a.listsRemoveCmd(), a.listsUpdateCmd())
	return cmd
}

// listKeeper is what can be done with lists, in the running service or on the
// files themselves.
type listKeeper interface {
	// all says how the lists are; it does so too if the error is about those of
	// the command line.
	all(ctx context.Context, faults bool) ([]lists.Status, error)
	add(ctx context.Context, list string, told func(lists.Progress)) error
	remove(ctx context.Context, list string) (string, error)
	update(ctx context.Context, r control.UpdateRequest, told func(lists.Progress)) error
}

// withLists runs do on the running service's lists, or on the files if no
// service runs. Who only reads makes nothing, and sees the lists of the command
// line too, which a running service does not have.
func (a *app) withLists(ctx context.Context, readOnly bool, do func(l listKeeper, offline bool) error) error {
	dir, err := a.data()
	if err != nil {
		return err
	}
	c := control.NewClient(dir)
	if len(a.lists) == 0 || !readOnly {
		if _, err := c.Status(ctx); !errors.Is(err, control.ErrNotRunning) {
			if len(a.lists) > 0 {
				return usagef("--list turns a list on for one command; the running quench does not hear of it")
			}
			return do(remoteLists{c}, false)
		}
	}
	cfg, err := a.loadConfig(nil)
	if err != nil {
		return err
	}
	if !readOnly {
		if err := control.PrivateDir(dir); err != nil {
			return err
		}
	}
	s, err := a.openLists(dir, cfg, readOnly, nil)
	if err != nil {
		return err
	}
	return do(ownLists{s}, true)
}

type remoteLists struct{ c *control.Client }

func (r remoteLists) all(ctx context.Context, faults bool) ([]lists.Status, error) {
	return r.c.Lists(ctx, faults)
}

func (r remoteLists) add(ctx context.Context, list string, told func(lists.Progress)) error {
	return r.c.AddList(ctx, list, told)
}

func (r remoteLists) remove(ctx context.Context, list string) (string, error) {
	return r.c.RemoveList(ctx, list)
}

func (r remoteLists) update(ctx context.Context, q control.UpdateRequest, told func(lists.Progress)) error {
	return r.c.UpdateLists(ctx, q, told)
}

// ownLists speaks of a store in the words of the control API.
type ownLists struct{ s *lists.Store }

func (o ownLists) all(ctx context.Context, faults bool) ([]lists.Status, error) {
	given := listsGiven(o.s.Read(ctx)) // what else is wrong stands beside the list
	all, err := o.asTheyAre(faults)
	if err != nil {
		return nil, err
	}
	return all, given
}

// asTheyAre says how the lists are without a look at their files.
func (o ownLists) asTheyAre(faults bool) ([]lists.Status, error) {
	all := o.s.Lists()
	if !faults {
		return all, nil
	}
	for i := range all {
		if !all[i].On || all[i].Faults == 0 {
			continue
		}
		var err error
		if all[i].Lines, err = o.s.Faults(all[i].Name); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (o ownLists) add(ctx context.Context, list string, told func(lists.Progress)) error {
	_, err := o.s.Add(ctx, list, told)
	return err
}

func (o ownLists) remove(ctx context.Context, list string) (string, error) {
	r, err := o.s.Remove(ctx, list)
	return r.Name, err
}

func (o ownLists) update(ctx context.Context, q control.UpdateRequest, told func(lists.Progress)) error {
	return o.s.Update(ctx, lists.UpdateOptions{Names: q.Lists, Force: q.Force, Told: told})
}

// listsAPI is what the control socket does with lists.
func (s *service) listsAPI() control.ListService {
	own := ownLists{s.lists}
	return control.ListService{
		All:    own.asTheyAre, // watchFiles sees to the files
		Add:    own.add,
		Remove: own.remove,
		Update: own.update,
	}
}

// selectLists has the store ask for what a new configuration names.
func (s *service) selectLists(ctx context.Context, cfg *config) error {
	cat, err := catalogue()
	if err != nil {
		return err
	}
	refs, err := s.app.listRefs(cat, cfg)
	if err != nil {
		return err
	}
	if err := s.lists.Select(refs); err != nil {
		return err
	}
	_ = s.loadLists(ctx) // it says itself what is wrong
	return nil
}

// loadLists puts in force what there is of the lists. A list that cannot be read
// keeps nobody from starting, unless the command line names it: that is the error.
func (s *service) loadLists(ctx context.Context) error {
	err := s.lists.Load(ctx)
	if err == nil || ctx.Err() != nil {
		return nil
	}
	s.log.Error("not all lists are in force as asked for", "err", err)
	return listsGiven(err)
}

// listSpec checks what somebody wants to add or remove; a file becomes absolute.
func listSpec(word string) (string, error) {
	cat, err := catalogue()
	if err != nil {
		return "", err
	}
	here, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find this directory: %w", err)
	}
	r, err := cat.Resolve(word, here, lists.FromAdded)
	if err != nil {
		return "", &usageError{err}
	}
	return r.Key, nil
}

// minOneArg refuses fewer than one argument.
func minOneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		for _, arg := range args {
			if strings.TrimSpace(arg) == "" {
				return usagef("%q: an empty text names no list", cmd.CommandPath())
			}
		}
		if len(args) == 0 {
			return usagef("%q needs %s", cmd.CommandPath(), what)
		}
		return nil
	}
}
