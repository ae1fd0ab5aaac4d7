package filterlist

import "github.com/quench-proxy/quench/internal/detect"

// Match asks what lists say about r. lists is detect.Policy.Lists: bit (n-1)%64
// of word (n-1)/64 stands for list n; nil enables none. Rules that are no more
// than a host look at r.Host, all others at r.URL. It allocates nothing once
// the regular expressions it meets have been compiled.
//
// An exception lifts a block that is not important, an important exception any
// block. A document exception for the page lifts like one of its own pattern; a
// genericblock exception takes back the blocks of rules that include no page.
// A document request is its own page. What needs a party or page that is not
// known does not hold.
func (s *Set) Match(r *detect.Request, lists []uint64, want Want) Match {
	if s == nil || s.count == 0 || len(lists) == 0 {
		return Match{}
	}
	q := s.get(lists)
	q.request(r, want)
	m := q.match()
	s.put(q)
	return m
}

func (q *query) match() (m Match) {
	p := picker{not: flagException}
	q.find(realmBlock|realmImportant, &p)
	first, sh := p.id, p.shape
	if first == 0 {
		if q.want.Exceptions {
			m.Exception = q.exception(0)
		}
		return m
	}
	if sh.is(flagImportant) {
		m.Important = first
	} else if q.s.realms&realmImportant != 0 {
		p.id = 0
		q.find(realmImportant, &p)
		m.Important = p.id
	}
	switch {
	case m.Important == 0:
		m.Block = first
		if sh.is(flagGeneric) {
			m.Block, m.Exception = q.generic(first)
		}
		if m.Exception == 0 {
			m.Exception = q.exception(0)
		}
	case q.s.realms&hasImportantException != 0:
		if m.Exception = q.exception(flagImportant); m.Exception != 0 {
			m.Block, m.Important = m.Important, 0
		}
	}
	if m.Blocked() && q.s.realms&realmRedirect != 0 {
		m.Redirect = q.redirect()
	}
	return m
}

// exception returns an exception that has the flags of need, of the request's
// own or for its page.
func (q *query) exception(need uint32) RuleID {
	p := picker{need: flagException | need}
	q.find(realmException, &p)
	if p.id != 0 {
		return p.id
	}
	if q.s.realms&realmPage == 0 {
		return 0
	}
	if need&flagImportant != 0 {
		return q.exceptions().important
	}
	return q.exceptions().document
}

// generic returns the block that stands where generic rules are off, and no
// exception; or, if there is none, block and the exception that lifts it.
func (q *query) generic(block RuleID) (RuleID, RuleID) {
	if q.s.realms&realmPage == 0 {
		return block, 0
	}
	off := q.exceptions().generic
	if off == 0 {
		return block, 0
	}
	p := picker{not: flagException | flagGeneric}
	q.find(realmBlock, &p)
	if p.id != 0 {
		return p.id, 0
	}
	return block, off
}

// redirect returns the rule that names what answers: the important before
// others, then the highest priority, then the first.
func (q *query) redirect() RuleID {
	p := picker{all: true, into: q.ids[:0]}
	q.find(realmRedirect, &p)
	var best RuleID
	for _, id := range q.s.lift(p.into) {
		if best == 0 || q.s.ranks(id, best) {
			best = id
		}
	}
	if best != 0 {
		sh := q.s.shapeOf(best)
		if name, _ := resource(q.s.str(sh.value)); name == "none" {
			return 0
		}
	}
	return best
}

// ranks reports whether redirect a goes before b.
func (s *Set) ranks(a, b RuleID) bool {
	x, lineX, _ := s.find(a)
	y, lineY, _ := s.find(b)
	if x.is(flagImportant) != y.is(flagImportant) {
		return x.is(flagImportant)
	}
	_, first := resource(s.str(x.value))
	_, second := resource(s.str(y.value))
	if first != second {
		return first > second
	}
	if x.number() != y.number() {
		return x.number() < y.number()
	}
	return lineX < lineY
}

// resource splits "name:priority".
func resource(value string) (name string, priority int) {
	for i := len(value) - 1; i > 0; i-- {
		c := value[i]
		if c == ':' && i+1 < len(value) {
			return value[:i], digits(value[i+1:])
		}
		if (c < '0' || c > '9') && c != '-' {
			break
		}
	}
	return value, 0
}

func digits(s string) int {
	n, sign := 0, 1
	if s[0] == '-' {
		s, sign = s[1:], -1
	}
	for i := range len(s) {
		if n < 1<<24 && s[i] != '-' {
			n = 10*n + int(s[i]-'0')
		}
	}
	return n * sign
}

// lift takes out of ids what the exceptions among them take back, and these.
// An exception without a value takes back all of its kind; an important rule
// only an important exception takes back.
func (s *Set) lift(ids []RuleID) []RuleID {
	exceptions := 0
	for i, id := range ids {
		if sh := s.shapeOf(id); sh.is(flagException) {
			ids[i], ids[exceptions] = ids[exceptions], id
			exceptions++
		}
	}
	if exceptions == 0 {
		return ids
	}
	kept := ids[exceptions:exceptions]
	for _, id := range ids[exceptions:] {
		sh := s.shapeOf(id)
		if !s.lifted(sh, ids[:exceptions]) {
			kept = append(kept, id)
		}
	}
	return ids[:copy(ids, kept)]
}

func (s *Set) lifted(sh *shape, exceptions []RuleID) bool {
	for _, id := range exceptions {
		ex := s.shapeOf(id)
		if sh.is(flagImportant) && !ex.is(flagImportant) || class(ex.kind()) != class(sh.kind()) {
			continue
		}
		a, _ := resource(s.str(ex.value))
		b, _ := resource(s.str(sh.value))
		if ex.value == sh.value || a == "" || class(sh.kind()) == KindRedirect && a == b {
			return true
		}
	}
	return false
}

// class makes redirect and redirect-rule one.
func class(k Kind) Kind {
	if k == KindRedirectRule {
		return KindRedirect
	}
	return k
}
