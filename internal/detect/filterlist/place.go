package filterlist

import (
	"math/bits"
	"regexp/syntax"
	"slices"
	"strings"
)

// maxAlternatives is by how many tokens one regular expression is found.
const maxAlternatives = 64

// maxByPage is by how many pages a rule is found that has a token, but a
// frequent one.
const maxByPage = 64

// hashed is an entry on its way into a bucket.
type hashed struct {
	key uint32 // token hash or name offset
	e   entry
}

// placer decides by what each rule is found.
type placer struct {
	b      *builder
	tokens []hashed
	pages  []hashed
}

// place distributes the rules: to the bucket of their rarest token, to the
// pages they name, or to the few that are always tried.
func place(b *builder) {
	p := placer{b: b}
	for i := range b.s.rules {
		p.rule(uint32(i))
	}
	b.uses, b.cands, b.found, b.ends = nil, nil, nil, nil
	b.s.buildTokens(p.tokens)
	b.s.byPage = make([]entry, 0, len(p.pages))
	runs(byKey(p.pages), func(key uint32, run []hashed) {
		b.names.source(key, uint32(len(b.s.byPage)))
		b.s.byPage = appendRun(b.s.byPage, run)
	})
	b.s.rest = fit(b.s.rest)
}

func (p *placer) rule(i uint32) {
	r := &p.b.s.rules[i]
	sh := &p.b.s.shapes[r.shape]
	e := entry{to: i, at: uint32(sh.realms()) << 8}
	if sh.realms() == 0 {
		return
	}
	p.literals(r)
	found, cost := p.choose(i, r)
	pages := p.includes(sh)
	switch {
	case len(pages) > 0 && (cost >= costCommon || cost >= costFrequent && len(pages) <= maxByPage):
		if p.b.sets.words[sh.domains]&setEntities != 0 {
			p.b.s.realms |= hasPageEntity
		}
		for _, off := range pages {
			p.pages = append(p.pages, hashed{off, e})
		}
	case len(found) > 0 && cost < costNone:
		for _, c := range found {
			p.tokens = append(p.tokens, hashed{c.hash, p.checked(e, r, c)})
		}
	default:
		p.b.s.rest = append(p.b.s.rest, e)
	}
}

// checked is the entry for a rule that is found by c.
func (p *placer) checked(e entry, r *rule, c found) entry {
	if !c.exact {
		e.to |= entryScan
	}
	if r.flags()&(patRegexp|patParam) != 0 {
		e.to |= entryScan
		return e
	}
	e.at |= uint32(c.at) << 16
	pat := strings.ToLower(p.b.s.pats[r.pat : r.pat+r.len()])
	from, n := checkAt(pat, int(c.at), int(c.at+c.len))
	e.to |= uint32(uint8(from-int(c.at))) << 24
	e.at |= uint32(n)
	for i := range n {
		e.check |= uint32(pat[from+i]) << (8 * i)
	}
	return e
}

// checkAt chooses up to four literal bytes right after the token pat[start:end],
// or else right before it.
func checkAt(pat string, start, end int) (from, n int) {
	from = end
	for n < 4 && end+n < len(pat) && pat[end+n] != '*' && pat[end+n] != '^' {
		n++
	}
	before := 0
	for before < 4 && start-before > 0 && pat[start-before-1] != '*' && pat[start-before-1] != '^' {
		before++
	}
	if before > n || end-start > 120 {
		return start - before, before
	}
	return from, n
}

// costNone says that there is no token.
const costNone = 1 << 30

// choose returns the tokens to find a rule by, and what that costs.
func (p *placer) choose(n uint32, r *rule) ([]found, uint32) {
	all := p.b.foundBy(n)
	if r.flags()&patRegexp != 0 {
		if len(all) == 0 || len(all) > maxAlternatives {
			return nil, costNone
		}
		var sum uint32
		for i := range all {
			all[i].exact = false
			sum += all[i].cost + p.b.uses[all[i].hash]
		}
		return all, sum
	}
	best, least := -1, uint32(costNone)
	for i, c := range all {
		if cost := c.cost + p.b.uses[c.hash]; cost < least {
			best, least = i, cost
		}
	}
	if best < 0 {
		return nil, costNone
	}
	return all[best : best+1], least
}

// includes returns the names of pages that a rule is only for; nil if it is
// for others too, or for those that an expression matches.
func (p *placer) includes(sh *shape) []uint32 {
	if sh.domains == 0 {
		return nil
	}
	set := p.b.sets.words[sh.domains:]
	if set[0]&setIncludes == 0 || set[1] != 0 {
		return nil
	}
	var offs []uint32
	for _, w := range set[2 : 2+set[0]&setCount] {
		if w&1 == 0 {
			offs = append(offs, w>>1)
		}
	}
	return offs
}

// literals looks for strings that spare most runs of a regular expression.
func (p *placer) literals(r *rule) {
	if r.flags()&patRegexp == 0 {
		return
	}
	re := &p.b.s.regexes[r.pat]
	lits := regexpLiterals(p.b.strs.at(re.source))
	if re.lits != 0 || len(lits) == 0 || len(lits) > maxAlternatives {
		return
	}
	words := []uint32{uint32(len(lits))}
	for _, l := range lits {
		words = append(words, p.b.strs.add(l))
	}
	re.lits = p.b.sets.add(words)
}

// byKey sorts by key, rules of one key in their order.
func byKey(all []hashed) []hashed {
	keys := make([]uint64, len(all))
	for i := range all {
		keys[i] = uint64(all[i].key)<<32 | uint64(i)
	}
	slices.Sort(keys)
	sorted := make([]hashed, len(all))
	for i, k := range keys {
		sorted[i] = all[uint32(k)]
	}
	return sorted
}

// runs calls f for each run of equal keys of what byKey sorted.
func runs(all []hashed, f func(key uint32, run []hashed)) {
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].key == all[0].key {
			n++
		}
		f(all[0].key, all[:n])
		all = all[n:]
	}
}

func appendRun(to []entry, run []hashed) []entry {
	for _, h := range run {
		to = append(to, h.e)
	}
	to[len(to)-1].to |= entryLast
	return to
}

// slotWords: a token's hash; where its bucket starts <<8 | the bucket's realms.
const slotWords = 2

// bitsPerToken makes the bitmap refuse nine of ten tokens that no rule has, and
// fit the innermost cache.
const bitsPerToken = 8

func (s *Set) buildTokens(all []hashed) {
	all = byKey(all)
	n := 0
	runs(all, func(uint32, []hashed) { n++ })
	if n == 0 {
		return
	}
	slots := 1 << bits.Len(uint(n+n/2))
	s.slots = make([]uint32, slots*slotWords)
	s.bitmap = make([]uint32, max(32, 1<<bits.Len(uint(n*bitsPerToken-1)))/32)
	s.shift = bitmapShift(len(s.bitmap))
	s.buckets = make([]entry, 0, len(all))
	runs(all, func(key uint32, run []hashed) {
		var realms uint32
		for _, h := range run {
			realms |= uint32(h.e.realms())
		}
		i := int(key) & (slots - 1)
		for s.slots[i*slotWords+1] != 0 {
			i = (i + 1) & (slots - 1)
		}
		s.slots[i*slotWords], s.slots[i*slotWords+1] = key, uint32(len(s.buckets))<<8|realms
		bit := key >> s.shift
		s.bitmap[bit>>5] |= 1 << (bit & 31)
		s.buckets = appendRun(s.buckets, run)
	})
}

// bitmapShift leaves of a hash the bits that the slots look at last.
func bitmapShift(words int) uint8 { return uint8(32 - bits.Len(uint(words*32-1))) }

// minLiteral is the shortest literal worth looking for.
const minLiteral = 3

// regexpLiterals returns lower-case strings of which every text that matches
// has one; nil if none are certain.
func regexpLiterals(source string) []string {
	re, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return nil
	}
	return literalsOf(re.Simplify())
}

func literalsOf(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		s := strings.ToLower(string(re.Rune))
		if len(s) < minLiteral || strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 }) {
			return nil
		}
		return []string{s}
	case syntax.OpCapture, syntax.OpPlus:
		return literalsOf(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return literalsOf(re.Sub[0])
		}
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			one := literalsOf(sub)
			if one == nil {
				return nil
			}
			all = append(all, one...)
		}
		return all
	case syntax.OpConcat:
		var best []string
		for _, sub := range re.Sub {
			if l := literalsOf(sub); l != nil && (best == nil || shortest(l) > shortest(best)) {
				best = l
			}
		}
		return best
	}
	return nil
}

func shortest(list []string) int {
	n := len(list[0])
	for _, s := range list {
		n = min(n, len(s))
	}
	return n
}
