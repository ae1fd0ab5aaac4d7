package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/quench-proxy/quench/internal/dnsfilter"
	"github.com/quench-proxy/quench/internal/lists"
	"github.com/quench-proxy/quench/internal/strictyaml"
)

// myRules is what the user's own rules are called among the lists.
const myRules = "my-rules"

// namedLists finds the lists that a configuration turns on, by all that they can
// be called: the name and the identity.
func (c *config) namedLists(cat *lists.Catalogue, dir string) map[string]string {
	out := map[string]string{myRules: myRules}
	for _, spec := range append(slices.Clone(c.Lists), c.groupLists()...) {
		if r, err := cat.Resolve(spec, dir, lists.FromConfig); err == nil {
			out[r.Name], out[r.Key] = r.Name, r.Name
		}
	}
	return out
}

// listNamed returns the name of the list that word means: the name of one that is
// on or in the catalogue, from which a command may add it, or what stands under
// lists.
func listNamed(cat *lists.Catalogue, on map[string]string, word, dir string) (string, bool) {
	if name, ok := on[word]; ok {
		return name, true
	}
	r, err := cat.Resolve(word, dir, lists.FromConfig)
	if err != nil {
		return "", false
	}
	if name, ok := on[r.Key]; ok {
		return name, true
	}
	_, known := cat.Get(r.Name)
	return r.Name, known
}

// byList says which of the lists with an answer of their own there are not.
func (k *checker) byList(c *config) {
	cat, err := catalogue()
	if err != nil {
		return // lists says so
	}
	dir := filepath.Dir(k.file)
	on := c.namedLists(cat, dir)
	for _, word := range slices.Sorted(maps.Keys(c.DNS.BlockByList)) {
		if _, ok := listNamed(cat, on, word, dir); ok {
			continue
		}
		names := slices.Compact(slices.Sorted(maps.Values(on)))
		text := fmt.Sprintf("there is no list %q; on are %s", word, strings.Join(names, ", "))
		if n := strictyaml.Nearest(word, names); n != "" {
			text = fmt.Sprintf("there is no list %q; did you mean %q?", word, n)
		}
		k.fault(text, "dns", "block_by_list", word)
	}
}

// blockByList returns the answers that lists have of their own, by the lists'
// names.
func (c *config) blockByList(dir string) map[string]dnsfilter.BlockAs {
	out := map[string]dnsfilter.BlockAs{}
	cat, err := catalogue()
	if err != nil {
		return out // a test reads it
	}
	on := c.namedLists(cat, dir)
	for word, text := range c.DNS.BlockByList {
		reply, addrs, err := parseBlock(text)
		if name, ok := listNamed(cat, on, word, dir); ok && err == nil {
			out[name] = dnsfilter.BlockAs{Reply: reply, Addrs: addrs}
		}
	}
	return out
}
