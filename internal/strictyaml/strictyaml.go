// Package strictyaml decodes YAML that people write: a key nobody knows, a
// wrong type or a key given twice is a fault with its line, all faults are
// reported at once, and an unknown key comes with the nearest known one.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// MaxSize is the largest document Decode reads, in bytes: a rule file of a
// company with dozens of trackers is below 100 kB.
const MaxSize = 1 << 20

// Fault is one thing wrong with a document.
type Fault struct {
	File string
	Line int // 1-based, 0 if the parser did not say
	Text string
}

// Error gives "file:line: text".
func (f *Fault) Error() string {
	if f.Line == 0 {
		return f.File + ": " + f.Text
	}
	return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Text)
}

// Decode reads one YAML document into out, a pointer to a struct. An empty
// document leaves out as it is. The error joins all faults found, each a
// *Fault; file is only their name.
func Decode(file string, data []byte, out any) error {
	if len(data) > MaxSize {
		return &Fault{File: file, Text: fmt.Sprintf("larger than %d bytes", MaxSize)}
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	err := dec.Decode(out)
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return faults(file, err, out)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return &Fault{File: file, Text: "more than one document in the file"}
	}
	return nil
}

var (
	lineRE    = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)$`)
	unknownRE = regexp.MustCompile(`^field (\S+) not found in type (\S+)$`)
	doubleRE  = regexp.MustCompile(`^mapping key ("?[^"]*"?) already defined at line (\d+)$`)
	typeRE    = regexp.MustCompile("^cannot unmarshal !!(\\S+) (`.*`|into)(?: into)? ?(.*)$")
)

func faults(file string, err error, out any) error {
	var te *yaml.TypeError
	if !errors.As(err, &te) {
		return fault(file, err.Error(), nil)
	}
	known := map[string][]string{}
	collect(reflect.TypeOf(out), known)
	var all []error
	for _, text := range te.Errors {
		all = append(all, fault(file, text, known))
	}
	return errors.Join(all...)
}

func fault(file, text string, known map[string][]string) *Fault {
	f := &Fault{File: file, Text: strings.TrimPrefix(text, "yaml: ")}
	if m := lineRE.FindStringSubmatch(text); m != nil {
		f.Line, _ = strconv.Atoi(m[1])
		f.Text = m[2]
	}
	if m := unknownRE.FindStringSubmatch(f.Text); m != nil {
		f.Text = "unknown key " + strconv.Quote(m[1]) + nearest(m[1], known[m[2]])
	} else if m := doubleRE.FindStringSubmatch(f.Text); m != nil {
		f.Text = fmt.Sprintf("key %s is already set in line %s", m[1], m[2])
	} else if m := typeRE.FindStringSubmatch(f.Text); m != nil {
		f.Text = fmt.Sprintf("%s does not fit here, want %s", given(m[1], m[2]), wants(m[3]))
	}
	return f
}

// given names what stands in the document: its text, or its kind if it has none.
func given(tag, text string) string {
	switch {
	case text != "into":
		return text
	case tag == "seq":
		return "a list"
	case tag == "map":
		return "a mapping"
	}
	return "this"
}

func wants(goType string) string {
	switch {
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	case strings.HasPrefix(goType, "map"), strings.Contains(goType, "."):
		return "a mapping"
	case strings.HasPrefix(goType, "int"), strings.HasPrefix(goType, "uint"):
		return "a number"
	case goType == "bool":
		return "true or false"
	}
	return "text"
}

// Nearest returns the word of known closest to word, "" if none is near.
func Nearest(word string, known []string) string {
	best, bestD := "", 1+max(2, len(word)/3)
	for _, k := range known {
		if d := distance(strings.ToLower(word), k); d < bestD {
			best, bestD = k, d
		}
	}
	return best
}

func nearest(word string, known []string) string {
	if k := Nearest(word, known); k != "" {
		return "; did you mean " + strconv.Quote(k) + "?"
	}
	if len(known) > 0 {
		return "; known here: " + strings.Join(known, ", ")
	}
	return ""
}

// distance is the edit distance of a and b, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diag := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			diag, row[j] = row[j], min(row[j]+1, row[j-1]+1, diag+cost)
		}
	}
	return row[len(b)]
}

// collect maps each struct type name below t to its YAML keys, in order.
func collect(t reflect.Type, known map[string][]string) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		collect(t.Elem(), known)
		return
	case reflect.Struct:
	default:
		return
	}
	if _, done := known[t.String()]; done {
		return
	}
	known[t.String()] = nil
	var keys []string
	for i := range t.NumField() {
		f := t.Field(i)
		tag, opts, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if !f.IsExported() || tag == "-" {
			continue
		}
		if tag == "" {
			tag = strings.ToLower(f.Name)
		}
		collect(f.Type, known)
		if opts == "inline" {
			keys = append(keys, known[f.Type.String()]...)
			continue
		}
		keys = append(keys, tag)
	}
	known[t.String()] = keys
}

// Locate parses data for line numbers only; it returns nil if data is not YAML.
func Locate(data []byte) *Place {
	var doc yaml.Node
	if len(data) > MaxSize || yaml.Unmarshal(data, &doc) != nil || len(doc.Content) == 0 {
		return nil
	}
	return &Place{doc.Content[0]}
}

// Place is a spot in a document. A nil Place has line 0.
type Place struct{ node *yaml.Node }

// Line is the 1-based line of the place.
func (p *Place) Line() int {
	if p == nil {
		return 0
	}
	return p.node.Line
}

// At follows a path of keys (string) and indices (int) as far as it goes, so
// that a missing key gives the line of the mapping that lacks it.
func (p *Place) At(path ...any) *Place {
	if p == nil {
		return nil
	}
	n := p.node
	for _, step := range path {
		next := child(n, step)
		if next == nil {
			break
		}
		n = next
	}
	return &Place{n}
}

func child(n *yaml.Node, step any) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch s := step.(type) {
	case int:
		if n.Kind == yaml.SequenceNode && s < len(n.Content) {
			return n.Content[s]
		}
	case string:
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == s {
				return n.Content[i+1]
			}
		}
	}
	return nil
}

// DecodeNode decodes a mapping into out (a pointer to a struct) as strictly as
// Decode; it is for UnmarshalYAML methods that also take a short form.
func DecodeNode(n *yaml.Node, out any) error {
	known := map[string][]string{}
	t := reflect.TypeOf(out).Elem()
	collect(t, known)
	var errs []string
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if k := n.Content[i]; index(known[t.String()], k.Value) < 0 {
			errs = append(errs, fmt.Sprintf("line %d: unknown key %q%s", k.Line, k.Value, nearest(k.Value, known[t.String()])))
		}
	}
	if errs != nil {
		return &yaml.TypeError{Errors: errs}
	}
	return n.Decode(out)
}

func index(words []string, w string) int {
	for i, k := range words {
		if k == w {
			return i
		}
	}
	return -1
}
