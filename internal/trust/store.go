package trust

import (
	"context"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// State says whether a store trusts the CA.
type State string

// The states of a store.
const (
	Installed State = "installed"
	Absent    State = "absent"
	Unknown   State = "unknown" // could not be looked at; Result says why
)

// Action says what was done to a store.
type Action string

// The actions on a store.
const (
	Nothing      Action = "nothing"       // already as wanted, or only looked at
	Added        Action = "added"         // the CA was put in
	Removed      Action = "removed"       // the CA was taken out
	WouldAdd     Action = "would add"     // dry run
	WouldRemove  Action = "would remove"  // dry run
	NeedsCommand Action = "needs command" // Result.Command has to be run by hand
	Failed       Action = "failed"        // Result.Err says why
)

// Result is what became of one store: one line on the screen.
type Result struct {
	Store   string // what it is, as "system" or "Firefox profile"
	Where   string // the directory or keychain
	State   State  // after the action
	Action  Action
	Command string // does by hand what is not done; empty when nothing is left to do
	Err     error  // why Action is Failed or NeedsCommand, or State is Unknown; may be nil
}

// Store is one place where programs look for roots they trust.
//
// Every call is idempotent. ca is the CA in question and may be nil for
// Uninstall and Status when it is lost: then every Quench CA of this machine
// counts. Uninstall always removes the older Quench CAs of this machine too.
type Store interface {
	Install(ctx context.Context, ca *CA) Result
	Uninstall(ctx context.Context, ca *CA) Result
	Status(ctx context.Context, ca *CA) Result
}

// StoreOptions says where to look and how to act. The zero value is this
// machine and this user.
type StoreOptions struct {
	DryRun   bool                         // change nothing, report what would be done
	Root     string                       // stands before every system path; empty is the real root
	Home     string                       // empty is the user's home directory
	OS       string                       // empty is runtime.GOOS
	Host     string                       // the machine's name in CA names; empty is the real one
	Getenv   func(string) string          // nil is os.Getenv
	LookPath func(string) (string, error) // nil is exec.LookPath
	Run      Runner                       // nil is Run
	IsRoot   func() bool                  // nil asks the system
}

func (o StoreOptions) withDefaults() StoreOptions {
	if o.Home == "" {
		o.Home, _ = os.UserHomeDir() // empty then: no per-user store is found
	}
	if o.OS == "" {
		o.OS = runtime.GOOS
	}
	if o.Host == "" {
		o.Host = machineName()
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.LookPath == nil {
		o.LookPath = exec.LookPath
	}
	if o.Run == nil {
		o.Run = Run
	}
	if o.IsRoot == nil {
		o.IsRoot = func() bool { return os.Geteuid() == 0 }
	}
	return o
}

// Stores returns the stores found on this machine, the system's first. They
// are looked for once, when Stores is called. On macOS and Windows the
// system's own tools are used; those paths are built but have never been run.
func Stores(o StoreOptions) []Store {
	o = o.withDefaults()
	switch o.OS {
	case "windows":
		return []Store{windowsStore{o}}
	case "darwin":
		return append([]Store{darwinStore{o}}, nssStores(o)...)
	}
	return append([]Store{findSystemStore(o)}, nssStores(o)...)
}

func (o StoreOptions) path(abs string) string {
	if o.Root == "" {
		return abs
	}
	return filepath.Join(o.Root, abs)
}

// ours reports whether cert is ca, or a root that a Quench on this machine
// made before.
func (o StoreOptions) ours(cert *x509.Certificate, ca *CA) bool {
	if ca != nil && cert.Equal(ca.cert) {
		return true
	}
	return cert.IsCA && strings.HasPrefix(cert.Subject.CommonName, o.namePrefix())
}

// namePrefix is how the name of every root made on this machine begins.
func (o StoreOptions) namePrefix() string { return namePrefix + cleanHost(o.Host) + " " }

// matches reports whether cert is what Status and Install ask about.
func (o StoreOptions) matches(cert *x509.Certificate, ca *CA) bool {
	if ca == nil {
		return o.ours(cert, nil)
	}
	return cert.Equal(ca.cert)
}

func failed(r Result, err error) Result {
	r.Action, r.Err = Failed, err
	return r
}
