package filterlist

import "math/bits"

// valid checks every offset of an opened Set but those in the records of the
// host table, of which there may be millions: they are checked as they are
// read.
func (s *Set) valid() bool {
	return s.hosts.validBuckets(recordHead) && s.names.validBuckets(recordHead+nameTail) && s.validNames() &&
		s.validTokens() && s.validRules() && s.validShapes() && s.validRegexes() &&
		(s.realms&hasEntity == 0 || len(s.entities) > 0) && s.validMarks()
}

// validBuckets checks that every record begins where at least size bytes are.
func (t *table) validBuckets(size int) bool {
	n := len(t.tags) / tagWords
	if n == 0 || len(t.tags) != n*tagWords || len(t.offs) != n*bucketSlots || len(t.arena) > MaxRuleID {
		return false
	}
	var most, used uint32
	for _, off := range t.offs {
		most = max(most, off)
	}
	for _, w := range t.tags {
		used |= w
	}
	return used == 0 || int(most)+size <= len(t.arena)
}

func (s *Set) validNames() bool {
	t := &s.names
	for i, off := range t.offs {
		slot := i % bucketSlots
		tag := t.tags[i/bucketSlots*tagWords+slot/4] >> (8 * (slot % 4)) & 0xff
		if tag != 0 && int(off)+recordHead+int(t.arena[off])+nameTail > len(t.arena) {
			return false
		}
	}
	return true
}

func (s *Set) validTokens() bool {
	if !s.validEntries(s.buckets) || !s.validEntries(s.byPage) || !s.validEntries(s.rest) {
		return false
	}
	if len(s.bitmap) == 0 {
		return len(s.slots) == 0
	}
	slots := len(s.slots) / slotWords
	if bits.OnesCount(uint(len(s.bitmap))) != 1 || bits.OnesCount(uint(slots)) != 1 || s.shift != bitmapShift(len(s.bitmap)) {
		return false
	}
	free := false
	for i := 1; i < len(s.slots); i += slotWords {
		free = free || s.slots[i] == 0
		if s.slots[i] != 0 && int(s.slots[i]>>8) >= len(s.buckets) {
			return false
		}
	}
	return free
}

func (s *Set) validEntries(all []entry) bool {
	for i := range all {
		if int(all[i].rule()) >= len(s.rules) || all[i].at&0xff > 4 {
			return false
		}
	}
	return true
}

func (s *Set) validRules() bool {
	for i := range s.rules {
		r := &s.rules[i]
		switch {
		case int(r.shape) >= len(s.shapes):
			return false
		case r.flags()&patRegexp != 0:
			if int(r.pat) >= len(s.regexes) {
				return false
			}
		case uint64(r.pat)+uint64(r.len()) > uint64(len(s.pats)):
			return false
		}
	}
	return true
}

func (s *Set) validShapes() bool {
	for i := range s.shapes {
		sh := &s.shapes[i]
		if sh.number() == 0 || sh.regex > uint32(len(s.regexes)) || !s.validHeader(sh.header) ||
			!s.validSet(sh.domains) || !s.validSet(sh.to) || !s.validSet(sh.deny) ||
			!s.validRuns(sh.cancel, 1) || !s.validRuns(sh.dns, 6) {
			return false
		}
	}
	return true
}

func (s *Set) validSet(off uint32) bool {
	if off == 0 {
		return true
	}
	if uint64(off)+2 > uint64(len(s.sets)) {
		return false
	}
	words := s.sets[off:]
	plain, regexes := uint64(words[0]&setCount), uint64(words[1])
	if 2+plain+regexes > uint64(len(words)) {
		return false
	}
	for _, w := range words[2+plain : 2+plain+regexes] {
		if int(w>>1) >= len(s.regexes) {
			return false
		}
	}
	return true
}

// validRuns checks n counted runs.
func (s *Set) validRuns(off uint32, n int) bool {
	if off == 0 {
		return true
	}
	at := uint64(off)
	for range n {
		if at >= uint64(len(s.sets)) {
			return false
		}
		at += 1 + uint64(s.sets[at])
	}
	return at <= uint64(len(s.sets))
}

func (s *Set) validHeader(off uint32) bool {
	if off == 0 {
		return true
	}
	if uint64(off)+3 > uint64(len(s.sets)) {
		return false
	}
	return s.sets[off+1] != headerMatches || int(s.sets[off+2]) < len(s.regexes)
}

func (s *Set) validRegexes() bool {
	for i := range s.regexes {
		if !s.validRuns(s.regexes[i].lits, 1) {
			return false
		}
	}
	return true
}

func (s *Set) validMarks() bool {
	for i, m := range s.marks {
		if int(m) >= len(s.hosts.arena) || i > 0 && m <= s.marks[i-1] {
			return false
		}
	}
	return true
}
