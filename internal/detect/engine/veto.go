package engine

import (
	"errors"
	"fmt"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/strictyaml"
)

// VetoSpec names hosts (and, if given, paths) that no rule may stop: sign-in,
// payment, consent managers, captchas.
type VetoSpec struct {
	// Hosts: "name" exactly, ".domain" for it and all below.
	Hosts []string `yaml:"hosts"`
	// Paths: exact, or with "*" at an end; empty means all.
	Paths []string `yaml:"paths"`
	// Why is one word: sign-in, payment, consent, captcha.
	Why string `yaml:"why"`
}

type vetoFile struct {
	Vetoes []VetoSpec `yaml:"vetoes"`
}

type vetoes struct {
	specs []VetoSpec
	exact map[string][]int32
	under map[string][]int32
	// shortest is the length of the shortest key of under.
	shortest int
}

func parseVetoes(file string, data []byte) (*vetoes, error) {
	var f vetoFile
	if err := strictyaml.Decode(file, data, &f); err != nil {
		return nil, err
	}
	return indexed(file, "vetoes", data, f.Vetoes)
}

// parseBenign reads the hosts that heuristics leave alone, which are written
// as vetoes are.
func parseBenign(file string, data []byte) (*vetoes, error) {
	var f struct {
		Benign []VetoSpec `yaml:"benign"`
	}
	if err := strictyaml.Decode(file, data, &f); err != nil {
		return nil, err
	}
	return indexed(file, "benign", data, f.Benign)
}

// indexed checks and indexes the specs that stand under key in data.
func indexed(file, key string, data []byte, specs []VetoSpec) (*vetoes, error) {
	place := strictyaml.Locate(data)
	var faults []error
	for i, spec := range specs {
		if len(spec.Hosts) == 0 || spec.Why == "" {
			faults = append(faults, &strictyaml.Fault{File: file, Line: place.At(key, i).Line(), Text: "an entry of " + key + " needs hosts and why"})
		}
		for j, h := range spec.Hosts {
			if h == "" || strings.ToLower(h) != h || strings.ContainsAny(h, "/*: ") {
				faults = append(faults, &strictyaml.Fault{File: file, Line: place.At(key, i, "hosts", j).Line(),
					Text: fmt.Sprintf(`host %q: want "name" or ".domain", lower case`, h)})
			}
		}
	}
	return indexVetoes(specs), errors.Join(faults...)
}

// indexVetoes indexes specs that were checked.
func indexVetoes(specs []VetoSpec) *vetoes {
	v := &vetoes{specs: specs, exact: map[string][]int32{}, under: map[string][]int32{}}
	for i, spec := range specs {
		for _, h := range spec.Hosts {
			if d, ok := strings.CutPrefix(h, "."); ok {
				if len(v.under) == 0 || len(d) < v.shortest {
					v.shortest = len(d)
				}
				v.under[d] = append(v.under[d], int32(i))
			} else {
				v.exact[h] = append(v.exact[h], int32(i))
			}
		}
	}
	return v
}

// match returns the veto (index plus one) that covers host and path, 0 if none
// does. A veto with paths never covers a name alone (path "").
func (v *vetoes) match(host, path string) int32 {
	if n := v.first(v.exact[host], path); n > 0 {
		return n
	}
	for h := host; h != "" && len(h) >= v.shortest; h = parentOf(h) {
		if n := v.first(v.under[h], path); n > 0 {
			return n
		}
	}
	return 0
}

// matchURL is match for a URL of host, whose path few hosts make it look for.
func (v *vetoes) matchURL(host, url string) int32 {
	if !v.names(host) {
		return 0
	}
	path, _ := detect.Split(url)
	return v.match(host, path)
}

// names reports whether a veto speaks of host.
func (v *vetoes) names(host string) bool {
	if len(v.exact[host]) > 0 {
		return true
	}
	for h := host; h != "" && len(h) >= v.shortest; h = parentOf(h) {
		if len(v.under[h]) > 0 {
			return true
		}
	}
	return false
}

func (v *vetoes) first(list []int32, path string) int32 {
	for _, i := range list {
		if paths := v.specs[i].Paths; len(paths) == 0 || pathIn(paths, path) {
			return i + 1
		}
	}
	return 0
}

func pathIn(paths []string, path string) bool {
	for _, p := range paths {
		prefix, isPrefix := strings.CutSuffix(p, "*")
		suffix, isSuffix := strings.CutPrefix(p, "*")
		if p == path || isPrefix && strings.HasPrefix(path, prefix) && path != "" ||
			isSuffix && strings.HasSuffix(path, suffix) {
			return true
		}
	}
	return false
}

func parentOf(h string) string {
	i := strings.IndexByte(h, '.')
	if i < 0 {
		return ""
	}
	return h[i+1:]
}

func (v *vetoes) why(n int32) string { return v.specs[n-1].Why }

func (v *vetoes) evidence(n int32) *detect.Evidence {
	return &detect.Evidence{Kind: "vendor", Detail: "never blocked: " + v.why(n), Source: "rules/vetoes.yaml"}
}
