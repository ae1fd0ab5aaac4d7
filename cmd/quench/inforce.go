package main

import (
	"context"
	"errors"
	"io/fs"

	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/dnsfilter/clients"
	"github.com/quench-proxy/quench/internal/lists"
)

// combined puts a Snapshot's lists beside the rules of set. generation tells
// policies that were made for these lists from others.
func combined(set *engine.Set, snap *lists.Snapshot, generation uint64) *engine.Set {
	if snap == nil || snap.Set == nil {
		return set
	}
	about := make([]engine.List, len(snap.Lists))
	for i := range snap.Lists {
		about[i] = engine.List{Name: snap.Lists[i].Name, Title: snap.Lists[i].Label()}
	}
	return set.WithLists(snap.Set, about, generation)
}

// inForce is what decides at a moment, published as one: rules and lists, the
// groups of clients, and what those lists are to each group.
type inForce struct {
	set     *engine.Set
	table   *clients.Table
	parties *parties
}

// set returns the rules and lists in force, as one.
func (s *service) set() *engine.Set { return s.force.Load().set }

// table returns the groups of clients in force.
func (s *service) table() *clients.Table { return s.force.Load().table }

// combine puts the rules, lists and groups of this moment in force together.
func (s *service) combine() {
	s.combining.Lock()
	defer s.combining.Unlock()
	s.generation++
	snap, cfg := s.lists.Current(), s.cfg.Load()
	f := &inForce{set: combined(s.rules.Load().set, snap, s.generation)}
	var err error
	if f.table, f.parties, err = s.group(cfg, snap, s.generation); err != nil {
		s.log.Error("groups of clients are not in force", "err", err) // loading checks them
	}
	s.force.Store(f)
}

// withListsInForce adds the lists that would be in force to r, without writing or
// fetching anything but what --list names. What is missing or faulty of the others
// is only said: the rules and the rest judge all the same.
func (a *app) withListsInForce(ctx context.Context, r *ruleSet, dir string, cfg *config) error {
	store, err := a.openLists(dir, cfg, true, nil)
	if err != nil {
		return err
	}
	if err := store.Load(ctx); err != nil {
		var file *fs.PathError
		if errors.As(err, &file) || ctx.Err() != nil {
			return err
		}
		if given := listsGiven(err); given != nil {
			return given
		}
		a.say("quench: %v", err)
	}
	r.set = combined(r.set, store.Current(), 1)
	return nil
}
