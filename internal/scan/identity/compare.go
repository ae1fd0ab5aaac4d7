package identity

import (
	"slices"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/markup"
)

// MaxPairs is how many URLs of one copy Compare sets beside the other's.
const MaxPairs = 100_000

// MaxPieces is how many differing places of one pair are listed.
const MaxPieces = 64

// Piece is one place in which two copies of a URL differ.
type Piece struct {
	Where Where  `json:"where"`
	Param string `json:"param,omitempty"`
	// A and B are the bytes of each copy's URL that differ: the smallest run
	// outside which the component is equal.
	A markup.Range `json:"-"`
	B markup.Range `json:"-"`
	// ValueA and ValueB are the whole component (segment, value) of each.
	ValueA string `json:"a"`
	ValueB string `json:"b"`
}

// Pair is one URL in two copies of a mail.
type Pair struct {
	// A and B are indexes into the lists given to Compare; -1 if the other copy
	// has no such URL.
	A, B int
	// Pieces is where they differ, in the order of the URL; nil if they are equal.
	Pieces []Piece
	// More: there were more than MaxPieces.
	More bool
}

// Own is a value that stands in one copy only, and how many URLs carry it.
type Own struct {
	A     string `json:"a"`
	B     string `json:"b"`
	Count int    `json:"count"`
}

// Comparison is what two copies of one mail have in common and what not.
type Comparison struct {
	Pairs []Pair // in the order of A, then what only B has
	Same  int    // pairs without a difference
	// Own are the differing values by how many URLs carry them: the one in most
	// links is what the sender knows the recipient or the copy by.
	Own []Own
}

// Compare sets the URLs of two copies of one mail, in the order they stand,
// side by side. URLs belong together if host and shape are equal; URLs of a
// list past MaxPairs are left out. It needs no address and no rule.
func Compare(a, b []string) Comparison {
	a, b = a[:min(len(a), MaxPairs)], b[:min(len(b), MaxPairs)]
	partner, used := align(a, b)
	var c Comparison
	counts := map[[2]string]int{}
	for i := range a {
		p := Pair{A: i, B: partner[i]}
		if p.B >= 0 {
			p.Pieces, p.More = differ(a[i], b[p.B])
			if p.Pieces == nil {
				c.Same++
			}
			for k := range p.Pieces {
				counts[[2]string{p.Pieces[k].ValueA, p.Pieces[k].ValueB}]++
			}
		}
		c.Pairs = append(c.Pairs, p)
	}
	for j := range b {
		if !used[j] {
			c.Pairs = append(c.Pairs, Pair{A: -1, B: j})
		}
	}
	for v, n := range counts {
		c.Own = append(c.Own, Own{v[0], v[1], n})
	}
	slices.SortFunc(c.Own, func(x, y Own) int {
		if x.Count != y.Count {
			return y.Count - x.Count
		}
		return strings.Compare(x.A+"\x00"+x.B, y.A+"\x00"+y.B)
	})
	return c
}

// align finds a partner in b for each of a, -1 if there is none: first equal
// URLs, then those of equal shape, then those of an equal host and number of
// segments, each in order.
func align(a, b []string) (partner []int, used []bool) {
	partner, used = make([]int, len(a)), make([]bool, len(b))
	for i := range partner {
		partner[i] = -1
	}
	keys := []func(string) string{func(u string) string { return u }, func(u string) string { return shape(u, false) }, func(u string) string { return shape(u, true) },
		func(u string) string { return outline(u, "") }, outlineSite}
	for _, key := range keys {
		waiting := map[string][]int{}
		for j := range b {
			if !used[j] {
				k := key(b[j])
				waiting[k] = append(waiting[k], j)
			}
		}
		for i := range a {
			if partner[i] >= 0 {
				continue
			}
			k := key(a[i])
			if w := waiting[k]; len(w) > 0 {
				partner[i], used[w[0]] = w[0], true
				waiting[k] = w[1:]
			}
		}
	}
	return partner, used
}

// shape is u with everything token-like taken out: host, words of the path and
// names of the parameters stay; with words only host and path.
func shape(u string, words bool) string {
	var b strings.Builder
	p := split(u)
	b.WriteString(strings.ToLower(u[p.host.Start:p.host.End]))
	for _, c := range components(u, &p) {
		if words && c.where != Path {
			continue
		}
		b.WriteByte('|')
		b.WriteString(string(c.where) + c.param + "=")
		if v := u[c.at.Start:c.at.End]; c.where == Path && c.param == "" && !tokenish(v) {
			b.WriteString(v)
		}
	}
	return b.String()
}

func tokenish(s string) bool { return detect.TokenLike(s) || strings.ContainsAny(s, "0123456789%=") }

// outline is host, extension and number of components; host in place of u's if
// it is not "".
func outline(u, host string) string {
	p := split(u)
	if host == "" {
		host = strings.ToLower(u[p.host.Start:p.host.End])
	}
	n := [2]int{}
	for _, c := range components(u, &p) {
		if c.where == Path {
			n[0]++
		} else {
			n[1]++
		}
	}
	return host + strings.Repeat("/", n[0]) + strings.Repeat("&", n[1])
}

// outlineSite is outline for hosts whose first label is the recipient's own.
func outlineSite(u string) string { return outline(u, detect.Registrable(detect.HostOf(u))) }

type component struct {
	where Where
	param string
	at    markup.Range
}

// components lists the labels of the host, segments of the path and values of
// query and fragment, in order.
func components(u string, p *parts) []component {
	var out []component
	add := func(w Where, r markup.Range, seps string) {
		for i := r.Start; i <= r.End && r.Len() > 0; {
			j := r.End
			if k := strings.IndexAny(u[i:r.End], seps); k >= 0 {
				j = i + k
			}
			c := component{where: w, at: markup.Range{Start: i, End: j}}
			if name, _, ok := strings.Cut(u[i:j], "="); ok && w != Subdomain {
				c.param = name
				c.at.Start += len(name) + 1
			}
			out = append(out, c)
			i = j + 1
		}
	}
	add(User, p.user, ":")
	add(Subdomain, p.host, ".")
	add(Path, p.path, "/;")
	add(Query, p.query, "&;")
	add(Fragment, p.fragment, "&;")
	return out
}

// differ lists where a and b differ; nil if they are equal.
func differ(a, b string) (pieces []Piece, more bool) {
	if a == b {
		return nil, false
	}
	pa, pb := split(a), split(b)
	ca, cb := components(a, &pa), components(b, &pb)
	for i, j := 0, 0; i < len(ca) || j < len(cb); {
		x, y := next(ca, i), next(cb, j)
		switch {
		case x != nil && y != nil && x.where == y.where && x.param == y.param:
			i, j = i+1, j+1
		case y == nil, x != nil && holds(ca[i:], y):
			i, y = i+1, nil
		default:
			j, x = j+1, nil
		}
		p, ok := piece(a, b, x, y)
		if ok && len(pieces) == MaxPieces {
			return pieces, true
		}
		if ok {
			pieces = append(pieces, p)
		}
	}
	if pieces == nil { // only the marks between components differ
		pieces = []Piece{{Where: Path, A: markup.Range{End: len(a)}, B: markup.Range{End: len(b)}, ValueA: a, ValueB: b}}
	}
	return pieces, false
}

func next(c []component, i int) *component {
	if i < len(c) {
		return &c[i]
	}
	return nil
}

// holds reports whether a component like want comes later in list.
func holds(list []component, want *component) bool {
	for i := range list[:min(len(list), MaxPieces)] {
		if list[i].where == want.where && list[i].param == want.param {
			return true
		}
	}
	return false
}

// piece compares one component of each; either may be nil.
func piece(a, b string, x, y *component) (Piece, bool) {
	var p Piece
	if x != nil {
		p.Where, p.Param, p.A, p.ValueA = x.where, x.param, x.at, a[x.at.Start:x.at.End]
	}
	if y != nil {
		p.Where, p.Param, p.B, p.ValueB = y.where, y.param, y.at, b[y.at.Start:y.at.End]
	}
	if x == nil || y == nil {
		return p, true
	}
	if p.ValueA == p.ValueB {
		return p, false
	}
	n := 0
	for n < len(p.ValueA) && n < len(p.ValueB) && p.ValueA[n] == p.ValueB[n] {
		n++
	}
	m := 0
	for m < len(p.ValueA)-n && m < len(p.ValueB)-n && p.ValueA[len(p.ValueA)-1-m] == p.ValueB[len(p.ValueB)-1-m] {
		m++
	}
	p.A = markup.Range{Start: p.A.Start + n, End: p.A.End - m}
	p.B = markup.Range{Start: p.B.Start + n, End: p.B.End - m}
	return p, true
}
