package main

import (
	"context"
	"errors"
	"io/fs"

	"github.com/quench-proxy/quench/internal/detect/engine"
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

// set returns the rules and lists in force, as one.
func (s *service) set() *engine.Set { return s.inForce.Load() }

// combine puts the rules and the lists of this moment in force together.
func (s *service) combine() {
	s.combining.Lock()
	defer s.combining.Unlock()
	s.generation++
	s.inForce.Store(combined(s.rules.Load().set, s.lists.Current(), s.generation))
}

// withListsInForce adds the lists that would be in force to r, without writing or
// fetching anything. What is missing or faulty of them is only said: the rules
// and the other lists judge all the same.
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
		a.say("quench: %v", err)
	}
	r.set = combined(r.set, store.Current(), 1)
	return nil
}
