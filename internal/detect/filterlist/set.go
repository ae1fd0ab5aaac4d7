package filterlist

import (
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Set is what Compile makes of lists: an index that never changes and that any
// number of goroutines may ask at once. Policies choose among its lists. A nil
// *Set holds no rule. It must not be copied.
//
// Where a request meets a rule: the host table holds every rule that is no
// more than a host, for all realms together; the others lie in the bucket of
// the rarest token that a URL must have to match, or under the pages they are
// for, or, if they have neither, are tried each time.
type Set struct {
	seed   uint64
	lists  uint32
	count  uint32 // rules
	realms uint32 // of any rule, and the flags below
	shift  uint8  // takes a token's hash to its bit in bitmap

	hosts table
	marks []uint32
	names table

	rules   []rule
	pats    string
	shapes  []shape
	strs    string
	sets    []uint32
	regexes []regex

	bitmap, slots, entities []uint32
	buckets, byPage, rest   []entry

	compiled []atomic.Pointer[regexp.Regexp]
	pool     sync.Pool // of *query
	keep     any       // what the arrays lie in, if not in Go's memory
}

// What a Set has at all, above the realms.
const (
	hasHeader = 1 << (8 + iota)
	hasEntity
	// hasPageEntity: rules are found by an entity as page.
	hasPageEntity
	// hasNamePattern: rules outside the host table act on bare names.
	hasNamePattern
	// hasImportantException: some exception is important.
	hasImportantException
)

// ready sets up what no cache holds.
func (s *Set) ready() {
	s.compiled = make([]atomic.Pointer[regexp.Regexp], len(s.regexes))
	s.pool.New = func() any { return &query{s: s} }
}

// Lists returns how many lists the Set was made of.
func (s *Set) Lists() int {
	if s == nil {
		return 0
	}
	return int(s.lists)
}

// Len returns how many rules the Set holds.
func (s *Set) Len() int {
	if s == nil {
		return 0
	}
	return int(s.count)
}

// Size returns how many bytes the Set's arrays take, compiled regular
// expressions and scratch space not counted.
func (s *Set) Size() int {
	if s == nil {
		return 0
	}
	n := int(unsafe.Sizeof(*s)) + len(s.hosts.arena) + len(s.names.arena) + len(s.pats) + len(s.strs)
	n += 4 * (len(s.hosts.tags) + len(s.hosts.offs) + len(s.marks) + len(s.names.tags) + len(s.names.offs) + len(s.sets) + len(s.bitmap) + len(s.slots) + len(s.entities))
	n += 4 * (ruleWords*len(s.rules) + shapeWords*len(s.shapes) + regexWords*len(s.regexes))
	return n + 4*entryWords*(len(s.buckets)+len(s.byPage)+len(s.rest)) + 8*len(s.compiled)
}

// WantsResponse reports whether any rule looks at the response header, so that
// asking again with Want.Response can say more.
func (s *Set) WantsResponse() bool { return s != nil && s.realms&hasHeader != 0 }

// str returns the string at an offset of strs. It is a part of the Set: what
// leaves the Set must be a copy.
func (s *Set) str(off uint32) string {
	n, k := uvarint(s.strs, int(off))
	if k == 0 || uint64(len(s.strs)-k) < n {
		return ""
	}
	return s.strs[k : k+int(n)]
}

// uvarint reads a varint of str at from and returns where it ends, 0 if there
// is none.
func uvarint(str string, from int) (v uint64, end int) {
	for shift := 0; from < len(str) && shift < 64; shift += 7 {
		c := str[from]
		from++
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v, from
		}
	}
	return 0, 0
}

// hosted is one rule of a host record.
type hosted struct {
	shape *shape
	line  uint32
}

// records walks the rules of a host record.
type records struct {
	s    *Set
	at   int // 0 when there is no more
	end  int // where the record ends, 0 until that is known
	next RuleID
}

func (s *Set) record(off uint32) records {
	name := s.hosts.name(off)
	if name == "" {
		return records{}
	}
	return records{s: s, at: int(off) + recordHead + len(name), next: RuleID(s.hostBase() + off)}
}

// rule returns the next rule; ok is false when there is none. A record that is
// not as it should be ends.
func (r *records) rule() (id RuleID, h hosted, ok bool) {
	if r.at == 0 {
		return 0, h, false
	}
	v, at := uvarint(r.s.hosts.arena, r.at)
	line, end := uvarint(r.s.hosts.arena, at)
	if at == 0 || end == 0 || v>>1 >= uint64(len(r.s.shapes)) {
		r.at = 0
		return 0, h, false
	}
	id = r.next
	r.next++
	if r.at = end; v&1 == 0 {
		r.at, r.end = 0, end
	}
	return id, hosted{&r.s.shapes[v>>1], uint32(line)}, true
}

// noShape is that of a rule that is not of the Set: it has no list.
var noShape shape

// find returns the shape, the line and the pattern of a rule; &noShape for an
// id that is not of this Set.
func (s *Set) find(id RuleID) (sh *shape, line uint32, core string) {
	if s == nil || id == 0 {
		return &noShape, 0, ""
	}
	if int(id) <= len(s.rules) {
		r := &s.rules[id-1]
		return &s.shapes[r.shape], r.line, s.core(r)
	}
	want := uint32(id) - s.hostBase()
	for off := s.before(want); off <= want; {
		name := s.hosts.name(off)
		rec := s.record(off)
		for got, h, ok := rec.rule(); ok; got, h, ok = rec.rule() {
			if got == id {
				return h.shape, h.line, name
			}
		}
		if rec.end == 0 {
			break
		}
		off = uint32(rec.end)
	}
	return &noShape, 0, ""
}

// hostBase is the id that a rule at offset 0 of the host table's arena has. The
// n-th rule of a record has its offset plus n: a record is longer than the
// rules in it are many.
func (s *Set) hostBase() uint32 { return uint32(len(s.rules) + 1) }

// before returns the last marked record at or before off.
func (s *Set) before(off uint32) uint32 {
	i, ok := slices.BinarySearch(s.marks, off)
	switch {
	case ok:
		return off
	case i == 0:
		return 0
	}
	return s.marks[i-1]
}

// shapeOf returns the shape of a rule.
func (s *Set) shapeOf(id RuleID) *shape {
	sh, _, _ := s.find(id)
	return sh
}

func (s *Set) core(r *rule) string {
	switch {
	case r.flags()&patRegexp != 0:
		return s.str(s.regexes[r.pat].source)
	case r.flags()&patParam != 0:
		return ""
	}
	return s.pats[r.pat : r.pat+r.len()]
}
