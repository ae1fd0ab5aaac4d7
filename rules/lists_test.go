package rules_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/quench-proxy/quench/internal/lists"
	"github.com/quench-proxy/quench/rules"
)

// spdx are the licences that the catalogue may name; others are in words.
var spdx = regexp.MustCompile(`^(MIT|GPL-3\.0-only|GPL-3\.0-or-later OR CC-BY-SA-3\.0|CC-BY-3\.0|McRae General Public License; not for commercial use)$`)

// TestCatalogue reads the catalogue as the program does and looks at what a
// parser cannot know.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	data, err := rules.FS.ReadFile("lists.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := lists.ParseCatalogue("rules/lists.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, e := range c.Entries() {
		if !spdx.MatchString(e.Licence) {
			t.Errorf("%s: licence %q has not been looked at", e.Name, e.Licence)
		}
		if len(e.For) > 80 || len(e.Title) > 60 {
			t.Errorf("%s: the title or what it is for does not fit a line", e.Name)
		}
		for _, u := range e.URLs {
			if other := seen[u]; other != "" {
				t.Errorf("%s and %s are at one URL", e.Name, other)
			}
			seen[u] = e.Name
		}
		r, err := c.Resolve(e.Name, "", lists.FromConfig)
		if err != nil || r.Name != e.Name || !slices.Equal(r.URLs, e.URLs) {
			t.Errorf("Resolve(%q) = %+v, %v", e.Name, r, err)
		}
	}
	for _, name := range []string{"easylist", "easyprivacy", "ublock-privacy", "ublock-unbreak", "adguard-tracking", "peter-lowe", "stevenblack", "oisd-small"} {
		if _, ok := c.Get(name); !ok {
			t.Errorf("the catalogue lacks %s", name)
		}
	}
}
