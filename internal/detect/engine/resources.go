package engine

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/quench-proxy/quench/internal/strictyaml"
)

// MaxResource is the largest neutral body, in bytes.
const MaxResource = 16 << 10

// Resource is a neutral body that a list's redirect rule asks for by name.
type Resource struct {
	Name string // as resources.yaml names it, whatever alias the rule used
	Type string // the media type
	Body []byte // belongs to the Set
}

// resources finds a Resource by its name or an alias.
type resources map[string]*Resource

type resourceSpec struct {
	Name    string   `yaml:"name"`
	Aliases []string `yaml:"aliases"`
	Type    string   `yaml:"type"`
}

// parseResources reads resources.yaml.
func parseResources(name string, data []byte) (*[]resourceSpec, error) {
	var file struct {
		Resources []resourceSpec `yaml:"resources"`
	}
	if err := strictyaml.Decode(name, data, &file); err != nil {
		return nil, err
	}
	return &file.Resources, nil
}

// newResources reads the files that specs name.
func newResources(fsys fs.FS, specs []resourceSpec) (resources, error) {
	out := resources{}
	for _, spec := range specs {
		body, err := fs.ReadFile(fsys, "resources/"+spec.Name)
		switch {
		case err != nil:
			return nil, fmt.Errorf("rules: read a resource: %w", err)
		case len(body) > MaxResource:
			return nil, fmt.Errorf("rules: resource %s: %d bytes, want at most %d", spec.Name, len(body), MaxResource)
		case spec.Type == "":
			return nil, fmt.Errorf("rules: resource %s has no type", spec.Name)
		}
		r := &Resource{Name: spec.Name, Type: spec.Type, Body: body}
		for _, name := range append([]string{spec.Name}, spec.Aliases...) {
			if out[name] != nil {
				return nil, fmt.Errorf("rules: resource %s: the name %s is taken", spec.Name, name)
			}
			out[name] = r
		}
	}
	return out, nil
}

// find returns the resource that a redirect modifier's value names: a name or
// an alias, perhaps with a priority (":10") behind or a prefix of another
// dialect before it. nil means that there is none.
func (rs resources) find(value string) *Resource {
	value = strings.TrimPrefix(value, "abp-resource:")
	if i := strings.LastIndexByte(value, ':'); i > 0 && strings.Trim(value[i+1:], "-0123456789") == "" {
		value = value[:i]
	}
	return rs[value]
}
