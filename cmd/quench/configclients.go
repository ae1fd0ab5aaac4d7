package main

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/dnsfilter/clients"
	"github.com/quench-proxy/quench/internal/lists"
	"github.com/quench-proxy/quench/internal/memory"
)

// Bounds of what people write about a group.
const (
	maxGroupName = 64
	maxTags      = 32
	maxWindows   = 64
)

// clients says what is wrong with the groups of clients.
func (k *checker) clients(c *config) {
	if len(c.Clients) > clients.MaxGroups {
		k.fault(fmt.Sprintf("%d groups, at most %d are possible", len(c.Clients), clients.MaxGroups), "clients")
		return
	}
	cat, err := catalogue()
	if err != nil {
		k.fault(err.Error(), "clients")
		return
	}
	claimed := map[string]claim{}
	names := map[string]int{}
	matches := 0
	for i := range c.Clients {
		g := &c.Clients[i]
		k.groupName(g.Name, i, names)
		if matches += len(g.Match); matches > clients.MaxMatches {
			k.fault(fmt.Sprintf("more than %d matches in all groups", clients.MaxMatches), "clients", i, "match")
			return
		}
		k.matches(g, i, claimed)
		k.groupRules(cat, g.Lists, g.Allow, "clients", i)
		k.schedule(cat, g.Schedule, i)
		if len(g.Tags) > maxTags {
			k.fault(fmt.Sprintf("more than %d tags", maxTags), "clients", i, "tags")
		}
	}
	if n := len(slices.Compact(slices.Sorted(slices.Values(append(c.groupLists(), c.Lists...))))); n > lists.MaxLists {
		k.fault(fmt.Sprintf("with those of the groups %d lists, at most %d are possible", n, lists.MaxLists), "clients")
	}
}

func (k *checker) groupName(name string, i int, names map[string]int) {
	path := []any{"clients", i, "name"}
	switch at, twice := names[name]; {
	case name == "":
		k.fault("a group needs a name, by which the log calls its devices", path...)
	case len(name) > maxGroupName || strings.ContainsFunc(name, unicode.IsControl):
		k.fault(fmt.Sprintf("a name is one line of at most %d bytes", maxGroupName), path...)
	case twice:
		k.fault(fmt.Sprintf("%q is the name of another group (line %d)", name, at), path...)
	default:
		names[name] = k.line(path)
	}
}

// claim is who has a match already.
type claim struct {
	group string
	line  int
	net   netip.Prefix // valid if it is a network
}

// overlaps returns the network of another group that p shares addresses with.
func overlaps(p netip.Prefix, group string, claimed map[string]claim) (claim, bool) {
	for _, key := range slices.Sorted(maps.Keys(claimed)) {
		if c := claimed[key]; c.net.IsValid() && c.group != group && c.net.Overlaps(p) {
			return c, true
		}
	}
	return claim{}, false
}

func (k *checker) matches(g *clientConfig, i int, claimed map[string]claim) {
	if len(g.Match) == 0 {
		k.fault("a group needs at least one match: an address, a network, a hardware address or the name of a device", "clients", i, "match")
	}
	for n, text := range g.Match {
		path := []any{"clients", i, "match", n}
		key, err := matchKey(text)
		if err != nil {
			k.fault(err.Error(), path...)
			continue
		}
		if old, ok := claimed[key]; ok {
			k.fault(fmt.Sprintf("%s is claimed by group %q already (line %d)", text, old.group, old.line), path...)
			continue
		}
		p, err := netip.ParsePrefix(key)
		if old, ok := overlaps(p, g.Name, claimed); err == nil && ok {
			k.fault(fmt.Sprintf("%s overlaps %s of group %q (line %d): a device would be in both; give each group networks of its own, or name single addresses, which go before networks",
				text, old.net, old.group, old.line), path...)
			continue
		}
		claimed[key] = claim{g.Name, k.line(path), p}
	}
}

// matchKey returns the one form of what a group claims.
func matchKey(text string) (string, error) {
	text = strings.TrimSpace(text)
	if p, err := netip.ParsePrefix(text); err == nil {
		if p.Masked().Addr() != p.Addr() {
			return "", fmt.Errorf("%s is an address within a network; the network is %s, the address alone %s", text, p.Masked(), p.Addr())
		}
		if p.IsSingleIP() {
			return p.Addr().Unmap().String(), nil
		}
		return p.String(), nil
	}
	if a, err := netip.ParseAddr(text); err == nil {
		return a.Unmap().String(), nil
	}
	if h, err := net.ParseMAC(text); err == nil {
		return h.String(), nil
	}
	if text == "" || len(text) > 253 || strings.Trim(text, "0123456789.:") == "" || strings.ContainsFunc(text, func(r rune) bool {
		return r == '/' || r == ':' || unicode.IsSpace(r) || unicode.IsControl(r)
	}) {
		return "", fmt.Errorf("%q is no address, network such as 192.168.1.32/28, hardware address or name of a device", text)
	}
	return strings.ToLower(text), nil
}

func (k *checker) groupRules(cat *lists.Catalogue, named []string, allow []detect.Override, path ...any) {
	for n, spec := range named {
		if text := listFault(cat, spec, filepath.Dir(k.file)); text != "" {
			k.fault(text, append(slices.Clone(path), "lists", n)...)
		}
	}
	for n, o := range allow {
		_, err := memory.CheckOverride(o)
		if err == nil && o.To == "" {
			err = errors.New("a group allows where a request goes (to); a page (on) may stand beside it")
		}
		if err != nil {
			k.fault(err.Error(), append(slices.Clone(path), "allow", n)...)
		}
	}
}

func (k *checker) schedule(cat *lists.Catalogue, all []scheduleConfig, i int) {
	if len(all) > maxWindows {
		k.fault(fmt.Sprintf("more than %d entries", maxWindows), "clients", i, "schedule")
		return
	}
	for n := range all {
		if _, err := clients.ParseWindow(all[n].At); err != nil {
			k.fault(err.Error(), "clients", i, "schedule", n, "at")
		}
		k.groupRules(cat, all[n].Lists, all[n].Allow, "clients", i, "schedule", n)
	}
}
