package lists

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/quench-proxy/quench/internal/strictyaml"
)

// maxEntries bounds a catalogue; people read it.
const maxEntries = 1000

// Entry is one list of the catalogue.
type Entry struct {
	// Name is how it is called in the configuration and on the command line.
	Name  string `yaml:"name"`
	Title string `yaml:"title"`
	// URLs are where it is, the first that answers is taken. https only.
	URLs []string `yaml:"urls"`
	// Licence is an SPDX expression where there is one.
	Licence  string `yaml:"licence"`
	For      string `yaml:"for"`
	Homepage string `yaml:"homepage"`
	// Format is adblock, hosts or domains.
	Format string `yaml:"format"`
}

// Catalogue is the lists that are known by name. It never changes; a nil
// Catalogue is empty.
type Catalogue struct {
	entries []Entry
	at      map[string]int
}

// ParseCatalogue reads a catalogue. The error joins all faults, each a
// *strictyaml.Fault; file is only their name.
func ParseCatalogue(file string, data []byte) (*Catalogue, error) {
	var doc struct {
		Lists []Entry `yaml:"lists"`
	}
	if err := strictyaml.Decode(file, data, &doc); err != nil {
		return nil, err
	}
	if len(doc.Lists) > maxEntries {
		return nil, &strictyaml.Fault{File: file, Text: fmt.Sprintf("more than %d lists", maxEntries)}
	}
	c := &Catalogue{entries: doc.Lists, at: map[string]int{}}
	place := strictyaml.Locate(data)
	var faults []error
	for i, e := range doc.Lists {
		for _, text := range e.faults() {
			faults = append(faults, &strictyaml.Fault{File: file, Line: place.At("lists", i).Line(), Text: text})
		}
		if _, twice := c.at[e.Name]; twice {
			faults = append(faults, &strictyaml.Fault{File: file, Line: place.At("lists", i, "name").Line(), Text: "the name " + e.Name + " is taken"})
		}
		c.at[e.Name] = i
	}
	if faults != nil {
		return nil, errors.Join(faults...)
	}
	return c, nil
}

var nameRE = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

func (e *Entry) faults() (texts []string) {
	if !nameRE.MatchString(e.Name) {
		texts = append(texts, fmt.Sprintf("the name %q is not one of small letters, digits and hyphens", e.Name))
	}
	for _, f := range []struct{ key, value string }{{"title", e.Title}, {"licence", e.Licence}, {"for", e.For}, {"homepage", e.Homepage}} {
		if strings.TrimSpace(f.value) == "" {
			texts = append(texts, e.Name+" has no "+f.key)
		}
	}
	if !slices.Contains(formats, e.Format) {
		texts = append(texts, fmt.Sprintf("%s: format %q is none of %s", e.Name, e.Format, strings.Join(formats, ", ")))
	}
	if len(e.URLs) == 0 {
		texts = append(texts, e.Name+" has no urls")
	}
	for _, s := range append([]string{e.Homepage}, e.URLs...) {
		if u, err := url.Parse(s); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
			texts = append(texts, fmt.Sprintf("%s: %q is not an https URL", e.Name, s))
		}
	}
	return texts
}

// formats are the words for what a list is written in.
var formats = []string{"adblock", "hosts", "domains"}

// Entries lists the catalogue in its own order. The slice is a copy.
func (c *Catalogue) Entries() []Entry {
	if c == nil {
		return nil
	}
	return slices.Clone(c.entries)
}

// Get returns the entry of a name.
func (c *Catalogue) Get(name string) (Entry, bool) {
	if c == nil {
		return Entry{}, false
	}
	i, ok := c.at[name]
	if !ok {
		return Entry{}, false
	}
	return c.entries[i], true
}

// names lists the names, for suggestions.
func (c *Catalogue) names() []string {
	var out []string
	for _, e := range c.Entries() {
		out = append(out, e.Name)
	}
	return out
}
