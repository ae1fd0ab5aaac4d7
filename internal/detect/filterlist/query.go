package filterlist

import (
	"encoding/binary"
	"math/bits"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
)

// query is one question on its way through a Set, with all scratch it needs.
// Parts that few rules ask for are found out when the first of them asks.
type query struct {
	s     *Set
	lists []uint64
	want  Want

	// The request, or for a bare name the name alone.
	url, host string
	bare      bool // the question is about a name alone
	name      detect.HostQuestion
	site      detect.Party // what the browser said
	pageFrom  detect.PageFrom
	document  bool // the request is for one
	typeBit   uint32
	methodBit uint32

	text text
	low  target
	orig target // made when a rule wants the URL as written

	cands  []cand
	recs   [maxLabels]uint32
	nrecs  int
	realms uint8 // of all recs

	party        detect.Party
	partyKnown   bool
	targets      nameHits
	targetsKnown bool
	pageNow      page
	sites        sites

	sub detect.Request // the page, when it is asked about itself
	ids [32]RuleID     // for a picker that takes all
}

// cand is a token of the URL that has a bucket.
type cand struct {
	start  uint32 // of the bucket
	pos    uint16 // of the token
	realms uint8
}

// get returns a fresh query, put takes it back.
func (s *Set) get(lists []uint64) *query {
	q := s.pool.Get().(*query)
	q.lists = lists
	return q
}

func (s *Set) put(q *query) {
	q.lists, q.name, q.want = nil, detect.HostQuestion{}, Want{}
	q.url, q.host, q.sub, q.targets.name = "", "", detect.Request{}, ""
	q.low.s, q.orig.s = "", ""
	q.dropPage()
	s.pool.Put(q)
}

// request prepares the query for a request.
func (q *query) request(r *detect.Request, want Want) {
	q.bare, q.want = false, want
	q.site, q.pageFrom, q.document = r.Site, r.PageFrom, r.Type == detect.TypeDocument
	q.url, q.host = r.URL, r.Host
	q.setPage(r.Page)
	q.typeBit = 1 << r.Type
	q.methodBit = uint32(methodOf(r.Method))
	q.reset()
	q.look()
}

// ofName prepares the query for a name alone, patterns included.
func (q *query) ofName(h *detect.HostQuestion) {
	q.bare, q.name, q.want = true, *h, Want{}
	q.url, q.host = h.Host, h.Host
	q.reset()
	q.look()
	q.low.host, q.low.end = 0, len(q.low.s)
}

func (q *query) reset() {
	q.orig.s = ""
	q.partyKnown, q.targetsKnown = false, false
}

// look finds the records of the host and the buckets of the tokens.
func (q *query) look() {
	q.text.set(q.url)
	q.low = target{s: q.text.str(), cut: q.text.cut, host: hostUnknown}
	q.nrecs, q.realms = 0, 0
	for sfx := q.s.hosts.suffixes(q.host, q.s.seed); ; {
		off, _, ok := sfx.next()
		if !ok {
			break
		}
		q.recs[q.nrecs] = off
		q.nrecs++
		q.realms |= q.s.hosts.arena[off+1]
	}
	q.tokens()
}

// tokens gathers the tokens that have a bucket. The bitmap refuses nearly all
// others with one look. Where marks change from one byte to the next a token
// begins or ends.
func (q *query) tokens() {
	q.cands = q.cands[:0]
	s, t := q.s, &q.text
	if len(s.bitmap) == 0 {
		return
	}
	start, carry := 0, uint64(0)
	for w := 0; w<<6 <= t.n; w++ {
		m := t.marks[w]
		edges := m ^ (m<<1 | carry)
		carry = m >> 63
		for ; edges != 0; edges &= edges - 1 {
			at := w<<6 + bits.TrailingZeros64(edges)
			if m>>(at&63)&1 != 0 {
				start = at
				continue
			}
			if at-start >= 2 {
				q.token(start, at)
			}
		}
	}
}

func (q *query) token(start, end int) {
	s := q.s
	if h := q.text.hash(start, end, s.seed); s.bitmap[h>>s.shift>>5]>>(h>>s.shift&31)&1 != 0 {
		q.bucket(h, start)
	}
	if end-start >= headLen {
		if h := q.text.head(start, s.seed); s.bitmap[h>>s.shift>>5]>>(h>>s.shift&31)&1 != 0 {
			q.bucket(h, start)
		}
	}
}

func (q *query) bucket(hash uint32, pos int) {
	s := q.s
	mask := len(s.slots)/slotWords - 1
	for i := int(hash) & mask; ; i = (i + 1) & mask {
		v := s.slots[i*slotWords+1]
		if v == 0 {
			return
		}
		if s.slots[i*slotWords] == hash {
			q.cands = append(q.cands, cand{v >> 8, uint16(pos), uint8(v)})
			return
		}
	}
}

// picker takes the rules that hold.
type picker struct {
	// A rule must have all flags of need and none of not.
	need, not uint32
	// pages are those of which a rule for pages must have one; 0 asks nothing.
	pages Pages
	// all gathers every rule in into; otherwise the first ends the search.
	all  bool
	into []RuleID
	// rank gathers the first rule of each rank in finds.
	rank  bool
	finds finds

	id    RuleID
	shape *shape
}

func (p *picker) wants(sh *shape) bool {
	return sh.flags&p.need == p.need && sh.flags&p.not == 0 && (p.pages == 0 || sh.pages()&p.pages != 0)
}

// take returns true if the search is over.
func (p *picker) take(id RuleID, sh *shape) bool {
	if p.all {
		p.into = append(p.into, id)
		return false
	}
	if p.rank {
		p.finds.add(id, sh.flags)
		return false
	}
	p.id, p.shape = id, sh
	return true
}

// find searches the realms of mask and hands what holds to p: rules for the
// host first, then those of the URL's tokens, of the page, and the rest.
func (q *query) find(mask uint8, p *picker) {
	if q.s.realms&uint32(mask) == 0 {
		return
	}
	if q.realms&mask != 0 && q.inHosts(mask, p) {
		return
	}
	for i := range q.cands {
		c := &q.cands[i]
		if c.realms&mask != 0 && q.inBucket(q.s.buckets[c.start:], int(c.pos), mask, p) {
			return
		}
	}
	if len(q.s.byPage) > 0 && !q.bare && q.ofPage(mask, p) {
		return
	}
	for i := range q.s.rest {
		if e := &q.s.rest[i]; e.realms()&mask != 0 && q.try(e, -1, p) {
			return
		}
	}
}

func (q *query) inHosts(mask uint8, p *picker) bool {
	for _, off := range q.recs[:q.nrecs] {
		if q.s.hosts.arena[off+1]&mask == 0 {
			continue
		}
		rec := q.s.record(off)
		for id, h, ok := rec.rule(); ok; id, h, ok = rec.rule() {
			if h.shape.realms()&mask != 0 && p.wants(h.shape) && q.holds(h.shape) && p.take(id, h.shape) {
				return true
			}
		}
	}
	return false
}

// inBucket tries the rules of a bucket; pos is the token's place, -1 for none.
func (q *query) inBucket(bucket []entry, pos int, mask uint8, p *picker) bool {
	for i := range bucket {
		e := &bucket[i]
		if e.realms()&mask != 0 && (pos < 0 || q.checks(e, pos)) && q.try(e, pos, p) {
			return true
		}
		if e.to&entryLast != 0 {
			break
		}
	}
	return false
}

// checks compares the bytes beside the token.
func (q *query) checks(e *entry, pos int) bool {
	at := pos + int(int8(e.to>>24))
	if at < 0 || at > q.text.n {
		return false
	}
	n := e.at & 0xff
	return (binary.LittleEndian.Uint32(q.text.low[at:])^e.check)<<(32-8*n) == 0
}

func (q *query) ofPage(mask uint8, p *picker) bool {
	pages := q.pageHits()
	if !pages.deep && q.s.realms&hasPageEntity != 0 {
		pages.entities(q.s, &q.sites)
	}
	for _, hit := range pages.hit[:pages.n] {
		start := q.s.sourceOf(hit.off)
		if start != 0 && int(start) <= len(q.s.byPage) && q.inBucket(q.s.byPage[start-1:], -1, mask, p) {
			return true
		}
	}
	return false
}

// try verifies one rule and hands it to p if it holds.
func (q *query) try(e *entry, pos int, p *picker) bool {
	n := e.rule()
	r := &q.s.rules[n]
	sh := &q.s.shapes[r.shape]
	switch {
	case !p.wants(sh):
		return false
	case r.flags()&patRegexp != 0:
		return q.may(sh) && q.does(sh) && q.regexp(r.pat) && p.take(RuleID(n+1), sh)
	case pos < 0:
		return q.may(sh) && q.pattern(e, r, pos) && q.does(sh) && p.take(RuleID(n+1), sh)
	}
	return q.pattern(e, r, pos) && q.may(sh) && q.does(sh) && p.take(RuleID(n+1), sh)
}

// pattern compares the URL with a rule's pattern: at the token's place if that
// is known, else wherever it may be.
func (q *query) pattern(e *entry, r *rule, pos int) bool {
	flags := r.flags()
	t := &q.low
	if flags&patMatchCase != 0 {
		t = q.written()
	}
	p := q.s.pats[r.pat : r.pat+r.len()]
	switch {
	case flags&patParam != 0:
		return q.hasParam(p)
	case pos >= 0 && e.to&entryScan == 0:
		return t.matchAt(p, flags, pos-int(e.at>>16))
	}
	return t.search(p, flags)
}

// written is the URL in the case it was written in.
func (q *query) written() *target {
	if q.orig.s == "" {
		q.orig = q.low
		q.orig.s = q.url[:len(q.low.s)]
	}
	return &q.orig
}

// maxRegexpText bounds what a regular expression is run over.
const maxRegexpText = 4 * maxURL

func (q *query) regexp(n uint32) bool {
	if lits := q.s.regexes[n].lits; lits != 0 && !q.hasLiteral(lits) {
		return false
	}
	return q.s.matches(n, q.url[:min(len(q.url), maxRegexpText)])
}

// hasLiteral looks for the literals of a set. Beyond maxURL it does not look,
// and so does not refuse.
func (q *query) hasLiteral(set uint32) bool {
	words := q.s.sets[set:]
	for _, w := range words[1 : 1+words[0]] {
		if strings.Contains(q.low.s, q.s.str(w)) {
			return true
		}
	}
	return q.low.cut
}

// hasParam reports whether the query of the URL has a parameter of this name.
func (q *query) hasParam(name string) bool {
	_, query, _ := strings.Cut(q.url, "?")
	query, _, _ = strings.Cut(query, "#")
	for query != "" {
		var one string
		one, query, _ = strings.Cut(query, "&")
		if len(one) >= len(name) && one[:len(name)] == name && (len(one) == len(name) || one[len(name)] == '=') {
			return true
		}
	}
	return false
}
