package filterlist

import (
	"math/bits"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
)

var methodBits = [...]struct {
	name string
	bit  Methods
}{
	{"GET", MethodGet}, {"POST", MethodPost}, {"HEAD", MethodHead}, {"OPTIONS", MethodOptions}, {"PUT", MethodPut},
	{"DELETE", MethodDelete}, {"PATCH", MethodPatch}, {"CONNECT", MethodConnect},
}

func methodOf(name string) Methods {
	if name == "" {
		return MethodGet
	}
	for _, m := range methodBits {
		if m.name == name {
			return m.bit
		}
	}
	return MethodOther
}

// enabled reports whether list n (1-based) is among lists.
func enabled(lists []uint64, n uint16) bool {
	i := int(n-1) >> 6
	return i < len(lists) && lists[i]>>((n-1)&63)&1 != 0
}

// inForce reports whether a rule's list is on and no enabled list cancels it.
func (s *Set) inForce(sh *shape, lists []uint64) bool {
	if !enabled(lists, sh.number()) {
		return false
	}
	if sh.cancel != 0 {
		words := s.sets[sh.cancel:]
		for _, n := range words[1 : 1+words[0]] {
			if enabled(lists, uint16(n)) {
				return false
			}
		}
	}
	return true
}

// holds checks everything about a rule but its pattern.
func (q *query) holds(sh *shape) bool { return q.may(sh) && q.does(sh) }

// may checks what costs little.
func (q *query) may(sh *shape) bool {
	if sh.types&q.typeBit == 0 && sh.kind() != KindPage && !q.bare {
		return false
	}
	return q.s.inForce(sh, q.lists)
}

// does checks the rest.
func (q *query) does(sh *shape) bool {
	if q.bare {
		return q.holdsName(sh)
	}
	if sh.methods != 0 && !q.method(sh.methods) {
		return false
	}
	if w := sh.party(); w != AnyParty && !q.related(w) {
		return false
	}
	if sh.domains|sh.to|sh.deny|sh.header|sh.dns == 0 {
		return true
	}
	return sh.dns == 0 && q.onPage(sh.domains) && q.toHost(sh.to, sh.deny) && (sh.header == 0 || q.header(sh.header))
}

func (q *query) method(m uint32) bool {
	named, not := m&0xffff, m>>16
	return not&q.methodBit == 0 && (named == 0 || named&q.methodBit != 0)
}

func (q *query) related(w PartyWant) bool {
	switch w {
	case WantStrictThird, WantStrictFirst:
		page := q.pageName()
		return page != "" && (page == q.host) == (w == WantStrictFirst)
	}
	if !q.partyKnown {
		q.party, q.partyKnown = q.partyOf(), true
	}
	switch w {
	case WantThird:
		return q.party == detect.ThirdParty
	case WantSibling:
		return q.party == detect.FirstParty && q.pageName() != "" && q.pageName() != q.host
	}
	return q.party == detect.FirstParty
}

// partyOf is detect.Request.Party, with the page's host found only once.
func (q *query) partyOf() detect.Party {
	if q.site != detect.PartyUnknown {
		return q.site
	}
	if q.pageName() == "" || q.pageFrom == detect.PageGuess {
		return detect.PartyUnknown
	}
	return q.sites.partyOf(q.host, q.pageName())
}

// maxNameHits bounds how many suffixes of one name a Set may know; no list
// names the same host in so many ways.
const maxNameHits = 32

// nameHits are the names of a Set's domain conditions that cover a host.
type nameHits struct {
	name string
	hit  [maxNameHits]nameHit
	n    int
	deep bool // names of the form "name.*" have been looked for
}

type nameHit struct {
	off  uint32
	size uint32 // bytes of the host it covers
}

func (h *nameHits) add(off uint32, size int) {
	if h.n < maxNameHits {
		h.hit[h.n] = nameHit{off, uint32(size)}
		h.n++
	}
}

// fill looks the suffixes of a host up.
func (h *nameHits) fill(s *Set, host string) {
	h.name, h.n, h.deep = host, 0, s.realms&hasEntity == 0
	if host == "" {
		return
	}
	for sfx := s.names.suffixes(host, s.seed); ; {
		off, at, ok := sfx.next()
		if !ok {
			break
		}
		h.add(off, len(host)-at)
	}
}

// entities looks the host up with its public suffix as a star, once.
func (h *nameHits) entities(s *Set, sites *sites) {
	h.deep = true
	host := h.name
	if !s.perhapsEntity(host) {
		return
	}
	stem := len(host) - sites.suffix(host) - 1
	if stem <= 0 {
		return
	}
	var buf [maxName + 2]byte
	if stem > maxName {
		return
	}
	name := bytesString(append(append(buf[:0], host[:stem]...), ".*"...))
	for sfx := s.names.suffixes(name, s.seed); ; {
		off, at, ok := sfx.next()
		if !ok {
			break
		}
		h.add(off, len(host)-at)
	}
}

// perhapsEntity reports whether a label of host is the last before the star of
// some "name.*". It spares most questions to the Public Suffix List.
func (s *Set) perhapsEntity(host string) bool {
	for at := 0; at < len(host); {
		end := strings.IndexByte(host[at:], '.')
		if end < 0 {
			return false
		}
		if bit := s.entityBit(host[at : at+end]); s.entities[bit>>5]>>(bit&31)&1 != 0 {
			return true
		}
		at += end + 1
	}
	return false
}

func (s *Set) entityBit(label string) uint32 {
	hi, _ := bits.Mul64(nameHash(label, s.seed), uint64(len(s.entities)*32))
	return uint32(hi)
}

func (q *query) onPage(set uint32) bool {
	if set == 0 {
		return true
	}
	return q.covers(set, q.pageHits())
}

func (q *query) toHost(to, deny uint32) bool {
	if to|deny == 0 {
		return true
	}
	if !q.targetsKnown {
		q.targets.fill(q.s, q.host)
		q.targetsKnown = true
	}
	return (to == 0 || q.covers(to, &q.targets)) && (deny == 0 || !q.covers(deny, &q.targets))
}

// covers reports whether a set of names includes a host: the longest name that
// covers the host decides, an exclusion before an inclusion as long; then
// regular expressions; else whatever the set does not include it excludes,
// unless it includes nothing by name.
func (q *query) covers(set uint32, h *nameHits) bool {
	s := q.s
	words := s.sets[set:]
	if words[0]&setEntities != 0 && !h.deep {
		h.entities(s, &q.sites)
	}
	plain := words[2 : 2+words[0]&setCount]
	best, in := uint32(0), words[0]&setIncludes == 0
	for _, hit := range h.hit[:h.n] {
		i, _ := slices.BinarySearch(plain, hit.off<<1)
		for ; i < len(plain) && plain[i]>>1 == hit.off; i++ {
			if hit.size > best || hit.size == best && plain[i]&1 != 0 {
				best, in = hit.size, plain[i]&1 == 0
			}
		}
	}
	if best > 0 || words[1] == 0 || h.name == "" {
		return in
	}
	for _, w := range words[2+len(plain):][:words[1]] {
		if s.matches(w>>1, h.name) {
			in = w&1 == 0
			if !in {
				break
			}
		}
	}
	return in
}

// sourceOf returns where in byPage the rules of a name begin, plus one.
func (s *Set) sourceOf(off uint32) uint32 {
	at := int(off) + recordHead + int(s.names.arena[off])
	return le32(s.names.arena[at : at+nameTail])
}

func (q *query) header(set uint32) bool {
	if q.want.Response == nil {
		return false
	}
	w := q.s.sets[set : set+3]
	for _, v := range q.want.Response.Values(q.s.str(w[0])) {
		switch w[1] {
		case headerThere:
			return true
		case headerIs:
			if v == q.s.str(w[2]) {
				return true
			}
		case headerMatches:
			if q.s.matches(w[2], v[:min(len(v), maxRegexpText)]) {
				return true
			}
		}
	}
	return false
}

// matches runs a regular expression, which is compiled the first time.
func (s *Set) matches(n uint32, text string) bool {
	re := s.compiled[n].Load()
	if re == nil {
		re = s.compile(n)
	}
	return re.MatchString(text)
}

// never matches nothing: it stands for an expression that does not compile,
// which Parse would have rejected.
const never = `[^\x00-\x{10FFFF}]`

func (s *Set) compile(n uint32) *regexp.Regexp {
	source := strings.Clone(s.str(s.regexes[n].source))
	if s.regexes[n].exact == 0 {
		source = "(?i)" + source
	}
	re, err := regexp.Compile(source)
	if err != nil {
		re = regexp.MustCompile(never)
	}
	s.compiled[n].Store(re)
	return re
}

// holdsName checks what a rule asks of a bare name and of who asks for it.
func (q *query) holdsName(sh *shape) bool {
	return sh.is(flagNames) && q.toHost(sh.to, sh.deny) && (sh.dns == 0 || q.asked(sh.dns))
}

func (q *query) asked(set uint32) bool {
	words := q.s.sets[set:]
	run := func() []uint32 {
		n := words[0]
		one := words[1 : 1+n]
		words = words[1+n:]
		return one
	}
	qtype := uint32(q.name.QType)
	if in, ex := run(), run(); len(in) > 0 && !slices.Contains(in, qtype) || slices.Contains(ex, qtype) {
		return false
	}
	if in, ex := run(), run(); len(in) > 0 && !q.client(in) || q.client(ex) {
		return false
	}
	in, ex := run(), run()
	return (len(in) == 0 || q.tagged(in)) && !q.tagged(ex)
}

func (q *query) client(names []uint32) bool {
	if q.name.Client == "" || len(names) == 0 {
		return false
	}
	addr, err := netip.ParseAddr(q.name.Client)
	for _, w := range names {
		name := q.s.str(w)
		if strings.EqualFold(name, q.name.Client) {
			return true
		}
		if err != nil {
			continue
		}
		if p, bad := netip.ParsePrefix(name); bad == nil && p.Contains(addr.Unmap()) {
			return true
		}
		if a, bad := netip.ParseAddr(name); bad == nil && a == addr.Unmap() {
			return true
		}
	}
	return false
}

func (q *query) tagged(tags []uint32) bool {
	for _, w := range tags {
		if slices.Contains(q.name.Tags, q.s.str(w)) {
			return true
		}
	}
	return false
}
