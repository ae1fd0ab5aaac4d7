package trust

import (
	"context"
	"errors"
)

// ErrNoCertutil says that NSS's certutil is not installed. CertutilCommand has
// the cure.
var ErrNoCertutil = errors.New("certutil is not installed")

// nssStore is one user's NSS database as a Store.
type nssStore struct {
	o    StoreOptions
	name string
	db   NSS
}

// nssStores finds the databases under the user's home. The shared one of
// Chromium is there even before it exists, because Chromium reads it as soon
// as it does.
func nssStores(o StoreOptions) []Store {
	if o.Home == "" {
		return nil
	}
	var stores []Store
	for _, place := range nssPlaces(o) {
		stores = append(stores, nssStore{o: o, name: place.name, db: NSS{Dir: place.dir, Run: o.Run, Host: o.Host}})
	}
	return stores
}

func (s nssStore) Status(ctx context.Context, ca *CA) Result {
	r := Result{Store: s.name, Where: s.db.Dir, State: Absent, Action: Nothing}
	if !s.db.Exists() {
		return r
	}
	if err := s.lookTool(); err != nil {
		r.State, r.Err, r.Command = Unknown, err, CertutilCommand(s.o)
		return r
	}
	has, err := s.db.Has(ctx, ca)
	switch {
	case err != nil:
		r.State, r.Err = Unknown, err
	case has:
		r.State = Installed
	}
	return r
}

func (s nssStore) Install(ctx context.Context, ca *CA) Result {
	r := s.Status(ctx, ca)
	if r.State == Installed {
		return r
	}
	if err := s.lookTool(); err != nil {
		r.Action, r.Err, r.Command = NeedsCommand, err, CertutilCommand(s.o)
		return r
	}
	r.Command, r.Err = s.byHand(ca), nil
	if s.o.DryRun {
		r.Action = WouldAdd
		return r
	}
	if err := s.db.Init(ctx); err != nil {
		return failed(r, err)
	}
	err := s.db.Add(ctx, ca)
	switch {
	case errors.Is(err, ErrPrimaryPassword):
		r.Action, r.Err = NeedsCommand, err
		return r
	case err != nil:
		return failed(r, err)
	}
	r = s.Status(ctx, ca)
	if r.State != Installed {
		return failed(r, errors.Join(r.Err, errors.New("certutil reported success, but the CA is not there")))
	}
	r.Action = Added
	return r
}

func (s nssStore) Uninstall(ctx context.Context, ca *CA) Result {
	r := s.Status(ctx, ca)
	if !s.db.Exists() {
		return r
	}
	if r.Err != nil {
		r.Action = NeedsCommand
		if r.Command == "" {
			r.Action = Failed
		}
		return r
	}
	entries, err := s.db.entries(ctx, ca)
	if err != nil {
		return failed(r, err)
	}
	if len(entries) == 0 {
		return r
	}
	if s.o.DryRun {
		r.Action = WouldRemove
		for _, e := range entries {
			r.Command = joinCommands(r.Command, Command{"certutil", []string{"-d", "sql:" + s.db.Dir, "-D", "-n", e.nickname}})
		}
		return r
	}
	if _, err := s.db.Remove(ctx, ca); err != nil {
		return failed(r, err)
	}
	r = s.Status(ctx, ca)
	r.Action = Removed
	return r
}

// byHand is what Install does, as a line for a shell.
func (s nssStore) byHand(ca *CA) string {
	add := s.db.addCommand(ca, false)
	if s.db.Exists() {
		return add.String()
	}
	line := Command{"mkdir", []string{"-p", "-m", "700", s.db.Dir}}.String()
	line = joinCommands(line, Command{"certutil", []string{"-d", "sql:" + s.db.Dir, "-N", "--empty-password"}})
	return joinCommands(line, add)
}

func joinCommands(line string, c Command) string {
	if line == "" {
		return c.String()
	}
	return line + " && " + c.String()
}

func (s nssStore) lookTool() error {
	if _, err := s.o.LookPath("certutil"); err != nil {
		return ErrNoCertutil
	}
	return nil
}
