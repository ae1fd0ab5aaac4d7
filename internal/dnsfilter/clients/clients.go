// Package clients knows who asks: which group a client belongs to by its
// address, network, hardware address or name, and which policy is in force for
// it at a moment.
//
// In flow groups as the configuration has them, and addresses; out flow labels
// and policies. A Table never changes; a reload builds a new one. It reads no
// clock, file or network: neighbours (address to hardware address and name)
// come in as a value, see Neighbours.
package clients

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

// Bounds of a Table.
const (
	MaxGroups  = 1024
	MaxMatches = 4096 // of all groups together
)

// Group is one group of clients.
type Group struct {
	// Name is the label of its clients, in the log too.
	Name string
	// Match holds addresses (192.0.2.7), networks (192.0.2.0/28), hardware
	// addresses (00:00:5e:00:53:01) and names of devices ("tablet").
	Match []string
	// Tags are for rules that ask for them ($ctag).
	Tags []string
	// Policy is in force outside all Windows; nil is Door's default.
	Policy *detect.Policy
	// Windows are hours with another policy; the first that holds wins.
	Windows []Window
	// Where is the place in the configuration, for errors.
	Where string
}

// Window is a part of the week with a policy of its own.
type Window struct {
	// Days has a bit for each weekday it begins on, Sunday is bit 0; 0 is all.
	Days uint8
	// From and To are times since midnight; To <= From ends the next day.
	From, To time.Duration
	Policy   *detect.Policy
}

// Client is who asked.
type Client struct {
	Addr netip.Addr
	// Label is what the log calls it: its group's name, "" for this machine and
	// the address if no group has it.
	Label string
	// Name is the device's own, if a neighbour table knows it.
	Name string
	Tags []string
	// Group is the index of its group, -1 for none.
	Group int
}

// Neighbours says what is known of an address: its hardware address and the
// name the device gave itself; zero values if nothing is.
type Neighbours func(netip.Addr) (mac net.HardwareAddr, name string)

// Table finds groups. It is immutable and safe for concurrent use; a nil Table
// has no groups.
type Table struct {
	groups []Group
	addrs  map[netip.Addr]int
	nets   []network // longest first
	macs   map[string]int
	names  map[string]int
	know   Neighbours
}

type network struct {
	prefix netip.Prefix
	group  int
}

// New makes a table. The more special match wins: an address over a hardware
// address, that over a name, that over a network, a longer network over a
// shorter. The same match in two groups is an error that names both. know may
// be nil.
func New(groups []Group, know Neighbours) (*Table, error) {
	if len(groups) > MaxGroups {
		return nil, fmt.Errorf("%d client groups, at most %d are possible", len(groups), MaxGroups)
	}
	t := &Table{groups: slices.Clone(groups), know: know,
		addrs: map[netip.Addr]int{}, macs: map[string]int{}, names: map[string]int{}}
	n := 0
	for i, g := range groups {
		for _, m := range g.Match {
			if n++; n > MaxMatches {
				return nil, fmt.Errorf("%s: more than %d client matches", place(g), MaxMatches)
			}
			if err := t.add(i, strings.TrimSpace(m)); err != nil {
				return nil, err
			}
		}
		for _, w := range g.Windows {
			if w.From < 0 || w.From >= 24*time.Hour || w.To < 0 || w.To > 24*time.Hour || w.Days > 127 {
				return nil, fmt.Errorf("%s: schedule of client group %q is not within a day", place(g), g.Name)
			}
		}
	}
	slices.SortStableFunc(t.nets, func(a, b network) int { return b.prefix.Bits() - a.prefix.Bits() })
	return t, nil
}

func place(g Group) string {
	if g.Where != "" {
		return g.Where
	}
	return "client group " + g.Name
}

func (t *Table) add(i int, m string) error {
	clash := func(old int) error {
		return fmt.Errorf("%s: client group %q also claims %s, which %q has already (%s)",
			place(t.groups[i]), t.groups[i].Name, m, t.groups[old].Name, place(t.groups[old]))
	}
	if p, err := netip.ParsePrefix(m); err == nil {
		p = unmapPrefix(p).Masked()
		if p.IsSingleIP() {
			return put(t.addrs, p.Addr(), i, clash)
		}
		for _, n := range t.nets {
			if n.prefix == p {
				return clash(n.group)
			}
		}
		t.nets = append(t.nets, network{p, i})
		return nil
	}
	if strings.Contains(m, "/") || m == "" {
		return fmt.Errorf("%s: client group %q: %q is no address, network, hardware address or name", place(t.groups[i]), t.groups[i].Name, m)
	}
	if a, err := netip.ParseAddr(m); err == nil {
		return put(t.addrs, a.Unmap(), i, clash)
	}
	if h, err := net.ParseMAC(m); err == nil {
		return put(t.macs, string(h), i, clash)
	}
	return put(t.names, strings.ToLower(m), i, clash)
}

func put[K comparable](m map[K]int, k K, i int, clash func(int) error) error {
	if old, ok := m[k]; ok {
		return clash(old)
	}
	m[k] = i
	return nil
}

func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

// Find says who asks from addr. It allocates only for clients without a group.
func (t *Table) Find(addr netip.Addr) Client {
	addr = addr.Unmap().WithZone("")
	c := Client{Addr: addr, Group: -1}
	if t != nil {
		t.find(&c)
	}
	switch {
	case c.Group >= 0:
		g := &t.groups[c.Group]
		c.Label, c.Tags = g.Name, g.Tags
	case addr.IsLoopback():
	case c.Name != "":
		c.Label = c.Name
	default:
		c.Label = addr.String()
	}
	return c
}

func (t *Table) find(c *Client) {
	var mac net.HardwareAddr
	if t.know != nil {
		mac, c.Name = t.know(c.Addr)
	}
	if i, ok := t.addrs[c.Addr]; ok {
		c.Group = i
	} else if i, ok := t.macs[string(mac)]; ok && len(mac) > 0 {
		c.Group = i
	} else if i, ok := t.names[strings.ToLower(c.Name)]; ok && c.Name != "" {
		c.Group = i
	} else {
		for _, n := range t.nets {
			if n.prefix.Contains(c.Addr) {
				c.Group = n.group
				return
			}
		}
	}
}

// Policy returns what the client's group says for a moment, in at's own time
// zone; nil if it has no group or the group says nothing.
func (t *Table) Policy(c *Client, at time.Time) *detect.Policy {
	if t == nil || c.Group < 0 {
		return nil
	}
	g := &t.groups[c.Group]
	for i := range g.Windows {
		if g.Windows[i].holds(at) {
			return g.Windows[i].Policy
		}
	}
	return g.Policy
}

func (w *Window) holds(at time.Time) bool {
	since := time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute + time.Duration(at.Second())*time.Second
	day := at.Weekday()
	switch {
	case w.From < w.To:
		return since >= w.From && since < w.To && w.on(day)
	case since >= w.From:
		return w.on(day)
	case since < w.To: // begun yesterday
		return w.on((day + 6) % 7)
	}
	return false
}

func (w *Window) on(d time.Weekday) bool { return w.Days == 0 || w.Days&(1<<d) != 0 }

// Labels lists the names of all groups, in their order.
func (t *Table) Labels() []string {
	if t == nil {
		return nil
	}
	out := make([]string, len(t.groups))
	for i := range t.groups {
		out[i] = t.groups[i].Name
	}
	return out
}
