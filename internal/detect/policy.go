package detect

import (
	"maps"
	"slices"
	"strings"
)

// LoaderMode says what happens to a vendor's loader script.
type LoaderMode uint8

// The loader modes. LoaderDefault leaves the choice to the rule.
const (
	LoaderDefault LoaderMode = iota
	LoaderPass
	LoaderStub
	LoaderBlock
)

// ParseLoaderMode reads "pass", "stub" or "block".
func ParseLoaderMode(s string) (m LoaderMode, ok bool) {
	i := index([]string{"", "pass", "stub", "block"}, s)
	if i <= 0 {
		return LoaderDefault, false
	}
	return LoaderMode(i), true
}

// UnknownMode says the most that may be done to a request that no rule and no
// list knows and that looks like a tracker.
type UnknownMode uint8

// The modes. UnknownBlock is the zero value: what the score says is done.
const (
	UnknownBlock UnknownMode = iota
	UnknownStrip
	UnknownObserve
	UnknownOff
)

// ParseUnknownMode reads "block", "strip", "observe" or "off".
func ParseUnknownMode(s string) (m UnknownMode, ok bool) {
	i := index([]string{"block", "strip", "observe", "off"}, s)
	if i < 0 {
		return UnknownBlock, false
	}
	return UnknownMode(i), true
}

// Policy is what is in force for one client at one moment. It is immutable:
// whoever wants another builds a new one. A nil Policy is the zero Policy.
type Policy struct {
	// Lists has a bit set for each enabled list; list n is bit (n-1)%64 of word
	// (n-1)/64. ListsOf is the generation of the lists that the numbers belong
	// to: for lists of any other generation, 0 above all, every list is enabled,
	// so that a Policy and lists that change at the same time never mix numbers.
	Lists   []uint64
	ListsOf uint64
	// Allows and Blocks are the user's own; nil means none.
	Allows, Blocks *Overrides
	// Strict also stubs tag managers.
	Strict bool
	// Observe takes back every strip and block: record, touch nothing.
	Observe bool
	// Learned holds endpoints that proved themselves trackers; nil means none.
	Learned *Endpoints
	// Loaders overrides the loader mode by tracker id; nil means none.
	Loaders map[string]LoaderMode
	// Unknown bounds what is done to requests that only look like a tracker's.
	// What Learned holds is blocked in any case.
	Unknown UnknownMode
}

// Override is one allow or block of the user. To is where the request goes, On
// the page it is made from; at least one is set. Both include subdomains.
type Override struct {
	To string `json:"to,omitempty" yaml:"to,omitempty"`
	On string `json:"on,omitempty" yaml:"on,omitempty"`
}

// Overrides is an immutable, indexed set of Override.
type Overrides struct {
	to map[string][]string // To -> list of On, "" for any page
	on map[string]bool     // pages for which everything goes
}

// NewOverrides indexes list. Names are lower-cased; entries with neither To
// nor On are dropped.
func NewOverrides(list []Override) *Overrides {
	o := &Overrides{to: map[string][]string{}, on: map[string]bool{}}
	for _, e := range list {
		to, on := cleanHost(e.To), cleanHost(e.On)
		switch {
		case to != "":
			o.to[to] = append(o.to[to], on)
		case on != "":
			o.on[on] = true
		}
	}
	return o
}

func cleanHost(s string) string { return strings.ToLower(strings.Trim(s, ". ")) }

// Match reports whether an override covers a request to host from page (a
// host, "" if unknown). A nil set matches nothing.
func (o *Overrides) Match(host, page string) bool {
	if o == nil || len(o.to) == 0 && len(o.on) == 0 {
		return false
	}
	for h := page; h != "" && len(o.on) > 0; h = parent(h) {
		if o.on[h] {
			return true
		}
	}
	for h := host; h != "" && len(o.to) > 0; h = parent(h) {
		for _, on := range o.to[h] {
			if on == "" || page != "" && UnderDomain(page, on) {
				return true
			}
		}
	}
	return false
}

func parent(h string) string {
	i := strings.IndexByte(h, '.')
	if i < 0 {
		return ""
	}
	return h[i+1:]
}

// Endpoints is an immutable set of endpoints that time taught us: places whose
// answer proved to be a tracking pixel.
type Endpoints struct {
	keys map[uint64]struct{}
	// late were added one at a time since keys was made. They are few, so that
	// adding one need not copy keys, which every set made by With shares.
	late []uint64
}

// maxLate bounds the keys that Has looks through one by one.
const maxLate = 128

// NewEndpoints makes a set from keys made by EndpointKey.
func NewEndpoints(keys []uint64) *Endpoints {
	m := make(map[uint64]struct{}, len(keys))
	for _, k := range keys {
		m[k] = struct{}{}
	}
	return &Endpoints{keys: m}
}

// With returns a set that also has key; e stays as it is and may be nil.
// Adding n keys one after the other costs n copies of at most maxLate keys and
// n/maxLate of the whole set.
func (e *Endpoints) With(key uint64) *Endpoints {
	switch {
	case e == nil:
		return NewEndpoints([]uint64{key})
	case e.Has(key):
		return e
	case len(e.late) < maxLate:
		return &Endpoints{keys: e.keys, late: append(e.late[:len(e.late):len(e.late)], key)}
	}
	keys := make(map[uint64]struct{}, len(e.keys)+len(e.late)+1)
	maps.Copy(keys, e.keys)
	for _, k := range e.late {
		keys[k] = struct{}{}
	}
	keys[key] = struct{}{}
	return &Endpoints{keys: keys}
}

// Has reports whether the endpoint is in the set; a nil set is empty.
func (e *Endpoints) Has(key uint64) bool {
	if e == nil {
		return false
	}
	if _, ok := e.keys[key]; ok {
		return true
	}
	return slices.Contains(e.late, key)
}

// Len is the number of endpoints; a nil set has none.
func (e *Endpoints) Len() int {
	if e == nil {
		return 0
	}
	return len(e.keys) + len(e.late)
}

// EndpointKey hashes a host and the path of url, with token-like path segments
// (see TokenLike) elided, so that /o/8f3a…/x.gif and /o/77cc…/x.gif are one
// endpoint. FNV-1a, 64 bits; nothing is allocated.
func EndpointKey(host, url string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	add := func(s string) {
		for i := 0; i < len(s); i++ {
			h = (h ^ uint64(s[i])) * prime
		}
	}
	add(host)
	path, _ := Split(url)
	for path != "" {
		seg := path
		if i := strings.IndexByte(path[1:], '/'); i >= 0 {
			seg = path[:i+1]
		}
		path = path[len(seg):]
		if TokenLike(seg[1:]) {
			add("/*")
		} else {
			add(seg)
		}
	}
	return h
}

// TokenLike reports whether a path segment looks like an identifier rather
// than a word: at least 12 bytes of letters, digits, "-", "_", "=" mixing
// letters and digits, or at least 9 digits. A file extension is left aside.
func TokenLike(seg string) bool {
	if i := strings.LastIndexByte(seg, '.'); i > 0 && len(seg)-i <= 6 {
		seg = seg[:i]
	}
	var digits, letters, switches int
	last := byte(0)
	for i := 0; i < len(seg); i++ {
		c := seg[i]
		kind := byte(0)
		switch {
		case c >= '0' && c <= '9':
			digits++
			kind = 'd'
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			letters++
			kind = 'l'
		case c == '-' || c == '_' || c == '=' || c == '~' || c == '%' || c == '.' || c == '+':
			continue
		default:
			return false
		}
		if kind != last {
			switches++
		}
		last = kind
	}
	if letters == 0 {
		return digits >= 9
	}
	return digits >= 3 && digits+letters >= 12 && switches >= 3
}
