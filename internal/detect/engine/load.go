package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/quench-proxy/quench/internal/detect/links"
	"github.com/quench-proxy/quench/internal/detect/vendor"
	"github.com/quench-proxy/quench/internal/detect/widgets"
)

// MaxStub is the largest stub script, in bytes: it is sent in place of the
// vendor's script on every page.
const MaxStub = 2048

// Sources are where a Set comes from. nil file systems are left out.
type Sources struct {
	// Builtin is the shipped rules: PackedFile, stubs/*.js and resources/*. In
	// place of PackedFile it may hold what that is made of: vetoes.yaml, and if
	// they are there benign.yaml, resources.yaml, links.yaml and widgets.yaml, with
	// what vendor.Marshal gives as builtin.json. Without Builtin nothing is judged
	// by its score, for the hosts that must be spared would not be known.
	Builtin fs.FS
	// User holds the user's own rule files, *.yaml, and stubs/*.js. They come
	// before the shipped ones: the first rule that matches decides. links.yaml
	// among them says more of links.
	User fs.FS
}

// Load compiles a Set. The error joins all faults of all files; the Set is nil
// then.
func Load(src Sources) (*Set, error) {
	s := &Set{stubs: map[string]string{}, vetoes: &vetoes{}, owners: owners{}}
	var specs []*vendor.Spec
	var faults []error
	sh := &shipped{}
	if src.User != nil {
		user, err := vendor.ParseDir(src.User, ".")
		faults = append(faults, err, s.addStubs(src.User))
		specs = append(specs, user...)
		for i, spec := range user {
			s.owners.add(int32(i+1), ownedBy(spec))
		}
	}
	if src.Builtin != nil {
		read, err := readShipped(src.Builtin)
		if err == nil {
			sh, err = read, s.ship(read, src.Builtin)
		}
		faults = append(faults, err)
		for i, domains := range sh.owned {
			s.owners.add(int32(len(specs)+i+1), domains)
		}
		specs = append(specs, sh.specs...)
	}
	rules, err := vendor.Compile(specs)
	faults = append(faults, err, s.checkStubs(specs), s.compileBeside(src.User, sh))
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	s.vendors = rules
	return s, nil
}

// ship puts what ships beside the rules of companies into s.
func (s *Set) ship(sh *shipped, fsys fs.FS) error {
	s.vetoes, s.benign = indexVetoes(sh.vetoes), indexVetoes(sh.benign)
	var err error
	s.resources, err = newResources(fsys, sh.resources)
	return errors.Join(err, s.addStubs(fsys))
}

// compileBeside compiles what is said of links and frames, the user's own first.
func (s *Set) compileBeside(user fs.FS, sh *shipped) error {
	var said []*links.Spec
	var frames []*widgets.Spec
	var faults []error
	if user != nil {
		l, err := readNamed(user, vendor.LinksFile, vendor.LinksFile, links.Parse)
		w, err2 := readNamed(user, vendor.WidgetsFile, vendor.WidgetsFile, widgets.Parse)
		said, frames, faults = append(said, l), append(frames, w), append(faults, err, err2)
	}
	said = slices.DeleteFunc(append(said, sh.links), func(l *links.Spec) bool { return l == nil })
	frames = slices.DeleteFunc(append(frames, sh.widgets), func(w *widgets.Spec) bool { return w == nil })
	if len(said) > 0 {
		s.links = links.Compile(said...)
	}
	if len(frames) > 0 {
		s.widgets = widgets.Compile(frames...)
	}
	return errors.Join(faults...)
}

func (s *Set) addStubs(fsys fs.FS) error {
	names, err := fs.Glob(fsys, "stubs/*.js")
	if err != nil {
		return fmt.Errorf("rules: list stubs: %w", err)
	}
	var faults []error
	for _, name := range names {
		data, err := fs.ReadFile(fsys, name)
		switch {
		case err != nil:
			faults = append(faults, fmt.Errorf("rules: read %s: %w", name, err))
		case len(data) > MaxStub:
			faults = append(faults, fmt.Errorf("rules: %s: %d bytes, want at most %d", name, len(data), MaxStub))
		case strings.Count(string(data), StubMark) != 1:
			faults = append(faults, fmt.Errorf("rules: %s: want %s exactly once", name, StubMark))
		}
		s.stubs[stubName(name)] = string(data)
	}
	return errors.Join(faults...)
}

// checkStubs finds loaders whose stub does not exist.
func (s *Set) checkStubs(specs []*vendor.Spec) error {
	var faults []error
	for _, spec := range specs {
		for _, t := range spec.Trackers {
			for _, l := range t.Loaders {
				if l.Stub != "" && s.stubs[l.Stub] == "" {
					faults = append(faults, fmt.Errorf("rules: %s: loader %s/%s: no stub %q", spec.File, t.ID, l.ID, l.Stub))
				}
			}
		}
	}
	return errors.Join(faults...)
}
