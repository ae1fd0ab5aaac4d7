package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/quench-proxy/quench/internal/detect/links"
	"github.com/quench-proxy/quench/internal/detect/pack"
	"github.com/quench-proxy/quench/internal/detect/vendor"
	"github.com/quench-proxy/quench/internal/detect/widgets"
)

// PackedFile is the compiled form of all shipped rules: what Pack gives.
const PackedFile = "builtin.bin"

// shipped is what ships beside stubs and resources, read and checked.
type shipped struct {
	specs          []*vendor.Spec
	owned          [][]string // the registrable domains of each of specs, see ownedBy
	vetoes, benign []VetoSpec
	resources      []resourceSpec
	links          *links.Spec // nil without links.yaml
	widgets        *widgets.Spec
}

// Pack compiles the rules in dir of root, vendors/*.yaml and the files beside
// that Sources names, for Sources.Builtin. Evidence will name files as root
// does. The error joins all faults of all files.
func Pack(root fs.FS, dir string) ([]byte, error) {
	beside, err := fs.Sub(root, dir)
	if err != nil {
		return nil, fmt.Errorf("rules: open %s: %w", dir, err)
	}
	specs, err := vendor.ParseDir(root, path.Join(dir, "vendors"))
	sh, err2 := readBeside(beside)
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	sh.own(specs)
	return pack.Pack(sh.code), nil
}

// Specs gives what the shipped rules in fsys (as Sources.Builtin) say of
// companies.
func Specs(fsys fs.FS) ([]*vendor.Spec, error) {
	sh, err := readShipped(fsys)
	if err != nil {
		return nil, err
	}
	return sh.specs, nil
}

// readShipped reads the compiled form, or without one the files it is made of.
func readShipped(fsys fs.FS) (*shipped, error) {
	data, err := fs.ReadFile(fsys, PackedFile)
	if errors.Is(err, fs.ErrNotExist) {
		return readSources(fsys)
	} else if err != nil {
		return nil, fmt.Errorf("rules: read the compiled rules: %w", err)
	}
	sh := &shipped{}
	if err := pack.Unpack(string(data), sh.code); err != nil {
		return nil, fmt.Errorf("rules: read the compiled rules: %s: %w", PackedFile, err)
	}
	return sh, nil
}

func readSources(fsys fs.FS) (*shipped, error) {
	data, err := fs.ReadFile(fsys, "builtin.json")
	if err != nil {
		return nil, fmt.Errorf("rules: read the compiled rules: %w", err)
	}
	specs, err := vendor.Unmarshal(data)
	if err != nil {
		return nil, err
	}
	sh, err := readBeside(fsys)
	if err != nil {
		return nil, err
	}
	sh.own(specs)
	return sh, nil
}

// own takes the companies in.
func (sh *shipped) own(specs []*vendor.Spec) {
	sh.specs = specs
	for _, s := range specs {
		sh.owned = append(sh.owned, ownedBy(s))
	}
}

// readBeside reads the files that are not about one company. Only vetoes.yaml
// must be there.
func readBeside(fsys fs.FS) (*shipped, error) {
	sh := &shipped{}
	data, err := fs.ReadFile(fsys, "vetoes.yaml")
	if err != nil {
		return nil, fmt.Errorf("rules: read the vetoes: %w", err)
	}
	vetoed, err := parseVetoes("rules/vetoes.yaml", data)
	if err == nil {
		sh.vetoes = vetoed.specs
	}
	faults := []error{err}
	benign, err := readOne(fsys, "benign.yaml", parseBenign)
	if benign != nil {
		sh.benign = benign.specs
	}
	faults = append(faults, err)
	resources, err := readOne(fsys, "resources.yaml", parseResources)
	if resources != nil {
		sh.resources = *resources
	}
	faults = append(faults, err)
	sh.links, err = readOne(fsys, vendor.LinksFile, links.Parse)
	faults = append(faults, err)
	sh.widgets, err = readOne(fsys, vendor.WidgetsFile, widgets.Parse)
	return sh, errors.Join(append(faults, err)...)
}

// readOne reads a shipped file; nil if there is none.
func readOne[T any](fsys fs.FS, file string, parse func(name string, data []byte) (*T, error)) (*T, error) {
	return readNamed(fsys, file, "rules/"+file, parse)
}

// readNamed is readOne for a file that messages name otherwise.
func readNamed[T any](fsys fs.FS, file, name string, parse func(name string, data []byte) (*T, error)) (*T, error) {
	data, err := fs.ReadFile(fsys, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("rules: read %s: %w", file, err)
	}
	spec, err := parse(name, data)
	if err != nil {
		return nil, err
	}
	return spec, nil
}

// code goes over everything.
func (sh *shipped) code(c *pack.Coder) {
	vendor.Code(c, &sh.specs)
	pack.Slice(c, &sh.owned, (*pack.Coder).Strings)
	pack.Slice(c, &sh.vetoes, codeVeto)
	pack.Slice(c, &sh.benign, codeVeto)
	pack.Slice(c, &sh.resources, func(c *pack.Coder, r *resourceSpec) {
		c.String(&r.Name)
		c.Strings(&r.Aliases)
		c.String(&r.Type)
	})
	codeIf(c, &sh.links, codeLinks)
	codeIf(c, &sh.widgets, func(c *pack.Coder, s *widgets.Spec) { pack.Slice(c, &s.Widgets, codeWidget) })
}

// codeIf goes over what a file says, if it is there.
func codeIf[T any](c *pack.Coder, p **T, each func(*pack.Coder, *T)) {
	there := *p != nil
	c.Bools(&there)
	if !there {
		return
	}
	if *p == nil {
		*p = new(T)
	}
	each(c, *p)
}

func codeVeto(c *pack.Coder, v *VetoSpec) {
	c.Strings(&v.Hosts)
	c.Strings(&v.Paths)
	c.String(&v.Why)
}

func codeLinks(c *pack.Coder, s *links.Spec) {
	pack.Slice(c, &s.Params, func(c *pack.Coder, p *links.Param) {
		c.String(&p.Owner)
		c.String(&p.What)
		c.Strings(&p.Names)
	})
	c.Strings(&s.Keep)
	pack.Slice(c, &s.Redirects, func(c *pack.Coder, r *links.Redirect) {
		c.String(&r.By)
		c.Strings(&r.Hosts)
		c.String(&r.Path)
		c.String(&r.Param)
		c.Int(&r.Base64)
	})
}

func codeWidget(c *pack.Coder, w *widgets.Widget) {
	c.String(&w.ID)
	c.String(&w.Name)
	c.String(&w.Company)
	c.Strings(&w.Sites)
	c.Strings(&w.Hosts)
	c.Strings(&w.Paths)
}

// stubName is what rules call the stub in file.
func stubName(file string) string { return strings.TrimSuffix(path.Base(file), ".js") }
