package vendor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/strictyaml"
)

// UnmarshalYAML takes a text or a list of texts for From.
func (f *FieldSpec) UnmarshalYAML(n *yaml.Node) error {
	switch n.Kind {
	case yaml.ScalarNode:
		f.From = []string{n.Value}
		return nil
	case yaml.SequenceNode:
		return n.Decode(&f.From)
	}
	type plain FieldSpec
	return strictyaml.DecodeNode(n, (*plain)(f))
}

// UnmarshalYAML takes a text for Says.
func (e *EventSpec) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		e.Says = n.Value
		return nil
	}
	type plain EventSpec
	return strictyaml.DecodeNode(n, (*plain)(e))
}

// Parse reads one rule file. The error joins all faults, each with file and
// line; the Spec is nil then.
func Parse(file string, data []byte) (*Spec, error) {
	s := &Spec{File: file}
	if err := strictyaml.Decode(file, data, s); err != nil {
		return nil, err
	}
	c := &checker{file: file, root: strictyaml.Locate(data)}
	c.spec(s)
	if len(c.faults) > 0 {
		return nil, errors.Join(c.faults...)
	}
	return s, nil
}

// LinksFile is a file beside those of companies that is none: see package links.
const LinksFile = "links.yaml"

// WidgetsFile is another: see package widgets.
const WidgetsFile = "widgets.yaml"

// ParseDir reads every *.yaml in dir of fsys but LinksFile and WidgetsFile, in name order, and
// gives all faults of all files at once.
func ParseDir(fsys fs.FS, dir string) ([]*Spec, error) {
	names, err := fs.Glob(fsys, path.Join(dir, "*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("rules: list %s: %w", dir, err)
	}
	sort.Strings(names)
	var specs []*Spec
	var faults []error
	for _, name := range names {
		if base := path.Base(name); base == LinksFile || base == WidgetsFile {
			continue
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			faults = append(faults, fmt.Errorf("rules: read %s: %w", name, err))
			continue
		}
		s, err := Parse(name, data)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		specs = append(specs, s)
	}
	return specs, errors.Join(faults...)
}

// Marshal gives the compiled form of specs that ships with the program;
// examples are left out.
func Marshal(specs []*Spec) ([]byte, error) { return json.MarshalIndent(specs, "", " ") }

// Unmarshal reads what Marshal wrote. It trusts it: nothing is checked again.
func Unmarshal(data []byte) ([]*Spec, error) {
	var specs []*Spec
	if err := json.Unmarshal(data, &specs); err != nil {
		return nil, fmt.Errorf("rules: read the compiled rules: %w", err)
	}
	return specs, nil
}

// checker collects what is wrong with the meaning of a spec.
type checker struct {
	file   string
	root   *strictyaml.Place
	faults []error
}

func (c *checker) add(at []any, format string, args ...any) {
	c.faults = append(c.faults, &strictyaml.Fault{
		File: c.file, Line: c.root.At(at...).Line(), Text: fmt.Sprintf(format, args...),
	})
}

func at(path []any, more ...any) []any { return append(slices.Clone(path), more...) }

func (c *checker) spec(s *Spec) {
	if s.Company == "" {
		c.add(nil, "company is missing")
	}
	if len(s.Trackers)+len(s.Mail) == 0 {
		c.add(nil, "no trackers")
	}
	for i := range s.Trackers {
		c.tracker([]any{"trackers", i}, &s.Trackers[i])
	}
	c.mail(s)
}

var idRE = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func (c *checker) tracker(p []any, t *TrackerSpec) {
	if !idRE.MatchString(t.ID) {
		c.add(at(p, "id"), "id %q: want lower case words joined by hyphens", t.ID)
	}
	if t.Name == "" {
		c.add(p, "tracker %s has no name", t.ID)
	}
	c.word(at(p, "confidence"), "confidence", t.Confidence, "", "captured", "decoded", "known")
	c.fields(at(p, "fields"), t.Fields)
	for name, f := range t.Fields {
		if f.Unset {
			c.add(at(p, "fields", name), "field %s: only a hit can unset one", name)
		}
	}
	c.conditions(at(p, "automatic"), t.Automatic)
	for k, e := range t.Events {
		c.says(at(p, "events", k), e.Says)
	}
	for i, con := range t.Consent {
		q := at(p, "consent", i)
		c.word(at(q, "as"), "consent as", con.As, "gcs", "gcd", "tcf", "us_privacy", "gpp", "ldu", "flag")
		if con.Vendor < 0 || con.Vendor > 1<<16-1 || con.Vendor > 0 && con.As != "tcf" && con.As != "gpp" {
			c.add(at(q, "vendor"), "vendor is a number below 65536 that goes with tcf or gpp")
		}
		c.regexp(at(q, "granted"), con.Granted)
		c.regexp(at(q, "denied"), con.Denied)
	}
	for i, k := range t.Cookies {
		c.word(at(p, "cookies", i, "made"), "made", k.Made, mades...)
		if stem := strings.TrimSuffix(k.Name, "*"); stem == "" || strings.Contains(stem, "*") {
			c.add(at(p, "cookies", i), `cookie %q: want a name, with "*" only at its end`, k.Name)
		}
		if k.Field != "" && canonicalIndex(k.Field) < 0 {
			c.unknownField(at(p, "cookies", i), k.Field)
		}
	}
	for i, h := range t.ByName.Refuse {
		c.host(at(p, "by_name", "refuse", i), h)
	}
	c.rules(p, t)
}

func (c *checker) rules(p []any, t *TrackerSpec) {
	hits := map[string]bool{}
	for i := range t.Hits {
		h, q := &t.Hits[i], at(p, "hits", i)
		if h.ID == "" || hits[h.ID] {
			c.add(q, "hit id %q is missing or given twice", h.ID)
		}
		hits[h.ID] = true
		c.hit(q, h)
	}
	for i := range t.Loaders {
		l, q := &t.Loaders[i], at(p, "loaders", i)
		if l.ID == "" {
			c.add(q, "loader without id")
		}
		c.match(q, &l.MatchSpec, false)
		c.word(at(q, "mode"), "mode", l.Mode, "", "stub", "pass", "block")
		if l.Report != "" && !hits[l.Report] {
			c.add(at(q, "report"), "report names no hit of this tracker: %q", l.Report)
		}
	}
}

func (c *checker) hit(p []any, h *HitSpec) {
	c.match(p, &h.MatchSpec, len(h.Payload) > 0)
	c.conditions(at(p, "payload"), h.Payload)
	c.word(at(p, "confidence"), "confidence", h.Confidence, "", "known")
	c.word(at(p, "action"), "action", h.Action, "", "block", "strip", "observe")
	c.word(at(p, "body"), "body", h.Body, append([]string{""}, bodyCodecs...)...)
	if _, ok := detect.ParseReply(h.Reply); !ok {
		c.add(at(p, "reply"), "reply %q is not known", h.Reply)
	}
	for k, codec := range h.Params {
		rewrite, codec := paramSteps(codec)
		c.word(at(p, "params", k), "codec", codec, append([]string{""}, paramCodecs...)...)
		if codec == "" && len(rewrite) == 0 {
			c.add(at(p, "params", k), "codec is missing")
		}
	}
	c.unsets(at(p, "fields"), h.Fields)
	c.fields(at(p, "fields"), h.Fields)
}

// unsets wants nothing beside an unset.
func (c *checker) unsets(p []any, fields map[string]FieldSpec) {
	for name, f := range fields {
		if f.Unset && (len(f.From) > 0 || f.Join+f.Part+f.Label+f.Made+f.Ignore != "") {
			c.add(at(p, name), "field %s is unset, so nothing else can be said of it", name)
		}
	}
}

func (c *checker) match(p []any, m *MatchSpec, signature bool) {
	if len(m.Hosts) == 0 && m.HostRE == "" {
		c.add(p, "hosts is missing")
	}
	for i, h := range m.Hosts {
		if h != "*" {
			c.host(at(p, "hosts", i), h)
		} else if len(m.Query) == 0 && m.PathRE == "" && !signature {
			c.add(at(p, "hosts", i), `host "*" needs query, path_re or payload: a signature`)
		}
	}
	for i, h := range m.NotHosts {
		c.host(at(p, "not_hosts", i), h)
		if strings.HasSuffix(h, "*") {
			c.add(at(p, "not_hosts", i), `host %q: want "name" or ".domain"`, h)
		}
	}
	if m.HostRE != "" && (len(m.Hosts) > 1 || len(m.Hosts) == 1 && m.Hosts[0] != "*") {
		c.add(at(p, "host_re"), `host_re stands without hosts, or with "*"`)
	}
	c.regexp(at(p, "host_re"), m.HostRE)
	c.regexp(at(p, "path_re"), m.PathRE)
	c.conditions(at(p, "query"), m.Query)
	c.word(at(p, "party"), "party", m.Party, "", "third")
	for i, t := range m.Types {
		if _, ok := detect.ParseType(t); !ok {
			c.add(at(p, "types", i), "type %q is not known", t)
		}
	}
	for i, s := range m.Paths {
		if !strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "*") || strings.Contains(strings.Trim(s, "*"), "*") {
			c.add(at(p, "paths", i), `path %q: want "/…", with "*" only at an end`, s)
		}
	}
}

var hostRE = regexp.MustCompile(`^\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*(\.\*)?$`)

func (c *checker) host(p []any, h string) {
	if !hostRE.MatchString(h) || strings.HasPrefix(h, ".") && strings.HasSuffix(h, "*") {
		c.add(p, `host %q: want "name", ".domain" or "name.*", lower case`, h)
	}
}

func (c *checker) conditions(p []any, m map[string]string) {
	for k, re := range m {
		c.regexp(at(p, k), re)
	}
}

func (c *checker) regexp(p []any, re string) {
	if _, err := regexp.Compile(re); err != nil {
		c.add(p, "%v", err)
	}
}

func (c *checker) word(p []any, what, got string, known ...string) {
	if !slices.Contains(known, got) {
		c.add(p, "%s %q is not known, want one of: %s", what, got, strings.TrimLeft(strings.Join(known, " "), " "))
	}
}

func (c *checker) fields(p []any, fields map[string]FieldSpec) {
	for name, f := range fields {
		q := at(p, name)
		if canonicalIndex(name) < 0 {
			c.unknownField(q, name)
		}
		if len(f.From) == 0 && !f.Unset {
			c.add(q, "field %s comes from nothing", name)
		}
		c.regexp(at(q, "part"), f.Part)
		c.regexp(at(q, "ignore"), f.Ignore)
		c.word(at(q, "made"), "made", f.Made, mades...)
	}
}

func (c *checker) unknownField(p []any, name string) {
	var known []string
	for _, k := range canonicals {
		known = append(known, k.Name)
	}
	text := fmt.Sprintf("field %q is not known", name)
	if k := strictyaml.Nearest(name, known); k != "" {
		text += fmt.Sprintf("; did you mean %q?", k)
	}
	c.add(p, "%s", text)
}

// sayable are the fields that may stand in a "says": none of them can name the
// person, so the clause needs no redaction.
var sayable = []string{"event", "category", "label", "campaign", "sync_partner"}

var slotRE = regexp.MustCompile(`\{([^}]*)\}`)

func (c *checker) says(p []any, says string) {
	for _, m := range slotRE.FindAllStringSubmatch(says, -1) {
		if !slices.Contains(sayable, m[1]) {
			c.add(p, "{%s} cannot stand in says, only: %s", m[1], strings.Join(sayable, " "))
		}
	}
	if strings.HasSuffix(says, ".") {
		c.add(p, "says is a clause, without a full stop: %q", says)
	}
}

func canonicalIndex(name string) int {
	return slices.IndexFunc(canonicals, func(c Canonical) bool { return c.Name == name })
}
