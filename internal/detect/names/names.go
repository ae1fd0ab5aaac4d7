// Package names tells whether a host name is on a list of names: the shipped
// list of hosts that are never intercepted, and the lists people write into
// their configuration. It is pure: no file is read, no name is resolved.
package names

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
	"gopkg.in/yaml.v3"

	"github.com/quench-proxy/quench/internal/strictyaml"
)

// Bounds on what a list may hold and on what is looked up.
const (
	// MaxPatterns is the largest number of patterns in one Set; the shipped
	// list has some hundreds.
	MaxPatterns = 100_000
	// maxName is the length of the longest DNS name in text form (RFC 1035
	// §2.3.4); nothing longer can match.
	maxName = 253
)

// ByUser is the reason of patterns that New was given.
const ByUser = "user"

// Set is a list of name patterns, each with the reason why it is there. It
// never changes once made and may be used by many goroutines. A nil Set
// matches nothing.
type Set struct {
	exact  map[string]string // name -> why
	below  map[string]string // domain without leading dot -> why, for it and all below
	labels map[string]string // one whole label -> why
}

// listSpec is the form of rules/never-intercept.yaml.
type listSpec struct {
	Groups []groupSpec `yaml:"groups"`
}

type groupSpec struct {
	Why      text   `yaml:"why"`
	Hosts    []text `yaml:"hosts"`
	Labels   []text `yaml:"labels"`
	Suffixes []text `yaml:"suffixes"`
}

// text is a word and the line it stands in, for messages.
type text struct {
	word string
	line int
}

// UnmarshalYAML reads a scalar and remembers its line.
func (t *text) UnmarshalYAML(n *yaml.Node) error {
	t.line = n.Line
	return n.Decode(&t.word)
}

// Parse compiles a list in YAML: groups, each with the reason (why), hosts
// ("name" exactly, ".domain" for it and all below), labels (one whole label of
// a name) and suffixes (as ".domain"). All faults are reported at once, each a
// *strictyaml.Fault; file is only their name. An empty document is an empty Set.
func Parse(file string, data []byte) (*Set, error) {
	var spec listSpec
	if err := strictyaml.Decode(file, data, &spec); err != nil {
		return nil, err
	}
	s := newSet()
	var faults []error
	report := func(t text, err error) {
		if err != nil {
			faults = append(faults, &strictyaml.Fault{File: file, Line: t.line, Text: err.Error()})
		}
	}
	for _, g := range spec.Groups {
		why := g.Why.word
		if strings.TrimSpace(why) == "" {
			report(firstOf(g), errors.New("a group without why"))
		}
		for _, t := range g.Hosts {
			report(t, s.addHost(t.word, why))
		}
		for _, t := range g.Suffixes {
			report(t, s.addSuffix(t.word, why))
		}
		for _, t := range g.Labels {
			report(t, s.addLabel(t.word, why))
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return s, nil
}

// firstOf gives some line of a group that has no reason.
func firstOf(g groupSpec) text {
	for _, list := range [][]text{{g.Why}, g.Hosts, g.Suffixes, g.Labels} {
		if len(list) > 0 && list[0].line > 0 {
			return list[0]
		}
	}
	return text{}
}

// New compiles patterns as people write them into a configuration: "name" for
// that name alone, ".domain" or "*.domain" for it and all below. Names in
// other scripts and IP addresses (with or without brackets) are taken. The
// reason of all is ByUser. The error joins the faults of all patterns.
func New(patterns []string) (*Set, error) {
	s := newSet()
	var faults []error
	for _, p := range patterns {
		if err := s.addHost(p, ByUser); err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return s, nil
}

func newSet() *Set {
	return &Set{exact: map[string]string{}, below: map[string]string{}, labels: map[string]string{}}
}

// Len returns the number of different patterns; 0 for a nil Set.
func (s *Set) Len() int {
	if s == nil {
		return 0
	}
	return len(s.exact) + len(s.below) + len(s.labels)
}

// Match reports whether host is on the list, and why. host is lower case,
// without port, brackets or trailing dot, as detect.Request has it. The most
// exact pattern gives the reason. It does not allocate.
func (s *Set) Match(host string) (why string, ok bool) {
	if s == nil || host == "" || len(host) > maxName {
		return "", false
	}
	if why, ok = s.exact[host]; ok {
		return why, true
	}
	for rest := host; rest != ""; {
		if why, ok = s.below[rest]; ok {
			return why, true
		}
		_, rest, _ = strings.Cut(rest, ".")
	}
	for rest := host; rest != "" && len(s.labels) > 0; {
		var label string
		label, rest, _ = strings.Cut(rest, ".")
		if why, ok = s.labels[label]; ok {
			return why, true
		}
	}
	return "", false
}

func (s *Set) addHost(pattern, why string) error {
	p := strings.TrimSpace(pattern)
	if strings.HasPrefix(p, ".") || strings.HasPrefix(p, "*.") {
		return s.addSuffix(p, why)
	}
	name, err := canonical(p)
	if err != nil {
		return fmt.Errorf("host pattern %q: %w", pattern, err)
	}
	return s.put(s.exact, name, why)
}

func (s *Set) addSuffix(pattern, why string) error {
	p := strings.TrimPrefix(strings.TrimSpace(pattern), "*")
	p, dot := strings.CutPrefix(p, ".")
	if !dot {
		return fmt.Errorf("suffix %q: does not start with a dot", pattern)
	}
	name, err := canonical(p)
	if err != nil {
		return fmt.Errorf("host pattern %q: %w", pattern, err)
	}
	if isAddress(name) {
		return fmt.Errorf("host pattern %q: nothing is below an address", pattern)
	}
	return s.put(s.below, name, why)
}

func (s *Set) addLabel(label, why string) error {
	name, err := canonical(label)
	if err != nil {
		return fmt.Errorf("label %q: %w", label, err)
	}
	if strings.ContainsAny(name, ".:") {
		return fmt.Errorf("label %q: is more than one label", label)
	}
	return s.put(s.labels, name, why)
}

func (s *Set) put(m map[string]string, name, why string) error {
	if _, ok := m[name]; ok {
		return nil // said twice is not wrong, the first reason stands
	}
	if s.Len() >= MaxPatterns {
		return fmt.Errorf("more than %d patterns", MaxPatterns)
	}
	m[name] = why
	return nil
}

// canonical writes a name as Match is asked for it: lower case, ASCII, without
// trailing dot; an address in its usual form.
func canonical(name string) (string, error) {
	name = strings.TrimSuffix(strings.TrimSpace(name), ".")
	bare := strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	if a, err := netip.ParseAddr(bare); err == nil {
		return a.String(), nil
	}
	if name == "" {
		return "", errors.New("is empty")
	}
	for i := 0; i < len(name); i++ {
		if name[i] >= 0x80 {
			ascii, err := idna.Lookup.ToASCII(name)
			if err != nil {
				return "", fmt.Errorf("is not a host name: %w", err)
			}
			name = ascii
			break
		}
	}
	name = strings.ToLower(name)
	return name, check(name)
}

func check(name string) error {
	if len(name) > maxName {
		return fmt.Errorf("is longer than %d characters", maxName)
	}
	for _, label := range strings.Split(name, ".") {
		if label == "" {
			return errors.New("has an empty label")
		}
		if len(label) > 63 {
			return errors.New("has a label of more than 63 characters")
		}
		for _, c := range label {
			if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
				return fmt.Errorf("has %q in it; want a name, .domain or *.domain", c)
			}
		}
	}
	return nil
}

func isAddress(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}
