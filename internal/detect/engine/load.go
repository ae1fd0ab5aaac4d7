package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/quench-proxy/quench/internal/detect/links"
	"github.com/quench-proxy/quench/internal/detect/vendor"
	"github.com/quench-proxy/quench/internal/detect/widgets"
)

// MaxStub is the largest stub script, in bytes: it is sent in place of the
// vendor's script on every page.
const MaxStub = 2000

// Sources are where a Set comes from. nil file systems are left out.
type Sources struct {
	// Builtin is the shipped rules: builtin.json, vetoes.yaml, links.yaml and
	// benign.yaml (if they are there), stubs/*.js. Without them nothing is judged
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
	s := &Set{stubs: map[string]string{}, vetoes: &vetoes{}}
	var specs []*vendor.Spec
	var faults []error
	if src.User != nil {
		user, err := vendor.ParseDir(src.User, ".")
		faults = append(faults, err, s.addStubs(src.User))
		specs = append(specs, user...)
	}
	if src.Builtin != nil {
		shipped, err := s.builtin(src.Builtin)
		faults = append(faults, err)
		specs = append(specs, shipped...)
	}
	rules, err := vendor.Compile(specs)
	faults = append(faults, err, s.checkStubs(specs), s.addLinks(src), s.addWidgets(src))
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	s.vendors, s.owners = rules, ownersOf(specs)
	return s, nil
}

func (s *Set) builtin(fsys fs.FS) ([]*vendor.Spec, error) {
	data, err := fs.ReadFile(fsys, "builtin.json")
	if err != nil {
		return nil, fmt.Errorf("rules: read the compiled rules: %w", err)
	}
	specs, err := vendor.Unmarshal(data)
	if err != nil {
		return nil, err
	}
	data, err = fs.ReadFile(fsys, "vetoes.yaml")
	if err != nil {
		return nil, fmt.Errorf("rules: read the vetoes: %w", err)
	}
	if s.resources, err = loadResources(fsys); err != nil {
		return nil, err
	}
	if s.vetoes, err = parseVetoes("rules/vetoes.yaml", data); err != nil {
		return nil, err
	}
	data, err = fs.ReadFile(fsys, "benign.yaml")
	if err == nil {
		s.benign, err = parseBenign("rules/benign.yaml", data)
	} else if errors.Is(err, fs.ErrNotExist) {
		s.benign, err = &vetoes{}, nil
	}
	return specs, errors.Join(err, s.addStubs(fsys))
}

// addLinks compiles what is said of links, the user's own first.
func (s *Set) addLinks(src Sources) error {
	specs, err := gather(src, vendor.LinksFile, links.Parse)
	if len(specs) > 0 {
		s.links = links.Compile(specs...)
	}
	return err
}

// addWidgets compiles what is said of frames, the user's own first.
func (s *Set) addWidgets(src Sources) error {
	specs, err := gather(src, vendor.WidgetsFile, widgets.Parse)
	if len(specs) > 0 {
		s.widgets = widgets.Compile(specs...)
	}
	return err
}

// gather reads one file of the user's rules and of the shipped ones, as far as
// they have it. What could be read is returned with the error.
func gather[T any](src Sources, file string, parse func(name string, data []byte) (*T, error)) ([]*T, error) {
	var specs []*T
	var faults []error
	for i, fsys := range []fs.FS{src.User, src.Builtin} {
		if fsys == nil {
			continue
		}
		data, err := fs.ReadFile(fsys, file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			faults = append(faults, fmt.Errorf("rules: read %s: %w", file, err))
			continue
		}
		name := file
		if i == 1 {
			name = "rules/" + name
		}
		spec, err := parse(name, data)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		specs = append(specs, spec)
	}
	return specs, errors.Join(faults...)
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
		s.stubs[strings.TrimSuffix(path.Base(name), ".js")] = string(data)
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
