package vendor

import (
	"regexp/syntax"
	"strings"
	"unicode"
)

// Bounds of what linearOf takes; past them the regexp itself is asked.
const (
	maxSequences = 64 // ways through one regexp, alternatives multiplied
	maxAtoms     = 24 // parts of one way
	// maxUnanchored is the longest text in which a way that may begin anywhere
	// is looked for: what it costs grows with the square.
	maxUnanchored = 256
)

// linear is a regexp of the plain kind that most rules have: a few ways, each a
// row of texts and repeated classes none of which can take what the next one
// needs. Such a row is matched in one go, without trying twice, many times
// faster than by the regexp. It is for ASCII: beyond, it knows nothing.
type linear struct {
	ways []way // none: nothing is known
}

type way struct {
	start, end bool // it stands at that end of the text
	atoms      []atom
}

// atom is a text, or from least to most bytes of a class.
type atom struct {
	text        string
	class       *ascii
	least, most int // most -1: no bound
	// rest is how many bytes follow to the end of the text, -1 if that varies.
	rest int
}

// ascii is a set of bytes below 128.
type ascii [2]uint64

func (a *ascii) add(c byte)      { a[c>>6] |= 1 << (c & 63) }
func (a *ascii) has(c byte) bool { return a[c>>6]&(1<<(c&63)) != 0 }

// linearOf reads a regexp; nil if it is not of the plain kind. It must be good.
func linearOf(src string) *linear {
	re, err := syntax.Parse(src, syntax.Perl)
	if err != nil {
		return nil
	}
	rows, ok := rowsOf(re)
	if !ok {
		return nil
	}
	l := &linear{}
	for _, r := range rows {
		w, ok := wayOf(r)
		if !ok {
			return nil
		}
		l.ways = append(l.ways, w)
	}
	return l
}

// piece is an atom, or an end of the text.
type piece struct {
	atom
	start, end bool
}

// rowsOf gives the ways through re; not ok if they are too many or not plain.
func rowsOf(re *syntax.Regexp) (rows [][]piece, ok bool) {
	switch re.Op {
	case syntax.OpEmptyMatch:
		return [][]piece{nil}, true
	case syntax.OpBeginText:
		return [][]piece{{{start: true}}}, true
	case syntax.OpEndText:
		return [][]piece{{{end: true}}}, true
	case syntax.OpCapture:
		return rowsOf(re.Sub[0])
	case syntax.OpLiteral:
		return literalRow(re)
	case syntax.OpCharClass, syntax.OpAnyCharNotNL, syntax.OpAnyChar:
		return repeated(re, 1, 1)
	case syntax.OpStar:
		return repeated(re.Sub[0], 0, -1)
	case syntax.OpPlus:
		return repeated(re.Sub[0], 1, -1)
	case syntax.OpRepeat:
		return repeated(re.Sub[0], re.Min, re.Max)
	case syntax.OpQuest:
		if rows, ok = repeated(re.Sub[0], 0, 1); ok {
			return rows, true
		}
		rows, ok = rowsOf(re.Sub[0])
		return append(rows, nil), ok && len(rows) < maxSequences
	case syntax.OpAlternate:
		for _, s := range re.Sub {
			more, ok := rowsOf(s)
			if rows = append(rows, more...); !ok || len(rows) > maxSequences {
				return nil, false
			}
		}
		return rows, true
	case syntax.OpConcat:
		return concatRows(re.Sub)
	}
	return nil, false
}

func concatRows(subs []*syntax.Regexp) (rows [][]piece, ok bool) {
	rows = [][]piece{nil}
	for _, s := range subs {
		more, ok := rowsOf(s)
		if !ok || len(rows)*len(more) > maxSequences {
			return nil, false
		}
		var longer [][]piece
		for _, r := range rows {
			for _, m := range more {
				longer = append(longer, append(append([]piece(nil), r...), m...))
			}
		}
		rows = longer
	}
	return rows, true
}

// literalRow is one text, or if its case does not count a class for each letter.
func literalRow(re *syntax.Regexp) (rows [][]piece, ok bool) {
	var row []piece
	for _, r := range re.Rune {
		if r > unicode.MaxASCII {
			return nil, false
		}
	}
	if re.Flags&syntax.FoldCase == 0 {
		return [][]piece{{{atom: atom{text: string(re.Rune)}}}}, true
	}
	for _, r := range re.Rune {
		var class ascii
		for _, c := range []rune{unicode.ToLower(r), unicode.ToUpper(r)} {
			class.add(byte(c))
		}
		row = append(row, piece{atom: atom{class: &class, least: 1, most: 1}})
	}
	return [][]piece{row}, true
}

// repeated is one class from least to most times.
func repeated(re *syntax.Regexp, least, most int) (rows [][]piece, ok bool) {
	for re.Op == syntax.OpCapture {
		re = re.Sub[0]
	}
	class, ok := asciiOf(re)
	if !ok {
		return nil, false
	}
	return [][]piece{{{atom: atom{class: class, least: least, most: most}}}}, true
}

// asciiOf gives the bytes of ASCII that re, one character, stands for.
func asciiOf(re *syntax.Regexp) (*ascii, bool) {
	var class ascii
	switch {
	case re.Op == syntax.OpAnyChar, re.Op == syntax.OpAnyCharNotNL:
		class = ascii{^uint64(0), ^uint64(0)}
		if re.Op == syntax.OpAnyCharNotNL {
			class[0] &^= 1 << '\n'
		}
	case re.Op == syntax.OpLiteral && len(re.Rune) == 1 && re.Flags&syntax.FoldCase == 0 && re.Rune[0] <= unicode.MaxASCII:
		class.add(byte(re.Rune[0]))
	case re.Op == syntax.OpCharClass:
		for i := 0; i+1 < len(re.Rune); i += 2 {
			for c := re.Rune[i]; c <= min(re.Rune[i+1], unicode.MaxASCII); c++ {
				class.add(byte(c))
			}
		}
	default:
		return nil, false
	}
	return &class, true
}

// wayOf checks a row: ends stand at its ends, and no atom can take what a later
// one needs.
func wayOf(row []piece) (w way, ok bool) {
	for i, p := range row {
		switch {
		case p.start:
			if len(w.atoms) > 0 || w.end {
				return w, false
			}
			w.start = true
		case p.end:
			w.end = true
		case w.end || len(w.atoms) == maxAtoms:
			return w, false
		case i > 0 && p.text != "" && len(w.atoms) > 0 && w.atoms[len(w.atoms)-1].text != "":
			w.atoms[len(w.atoms)-1].text += p.text
		default:
			w.atoms = append(w.atoms, p.atom)
		}
	}
	rest := 0
	if !w.end {
		rest = -1
	}
	for i := len(w.atoms) - 1; i >= 0; i-- {
		a := &w.atoms[i]
		a.rest = rest
		if rest < 0 && !w.decided(i) {
			return w, false
		}
		switch {
		case rest < 0:
		case a.class == nil:
			rest += len(a.text)
		case a.least == a.most:
			rest += a.least
		default:
			rest = -1
		}
	}
	return w, w.start || len(w.atoms) > 0 && w.atoms[0].text != ""
}

// decided reports whether atom i can end in one place only.
func (w *way) decided(i int) bool {
	a := &w.atoms[i]
	if a.class == nil || a.least == a.most {
		return true
	}
	for _, b := range w.atoms[i+1:] {
		if b.class == nil {
			return !a.class.has(b.text[0])
		}
		if a.class[0]&b.class[0]|a.class[1]&b.class[1] != 0 {
			return false
		}
		if b.least > 0 {
			return true
		}
	}
	return true
}

// match reports whether the regexp matches s; not known if only the regexp can
// tell. It does not allocate.
func (l *linear) match(s string) (ok, known bool) {
	known = len(l.ways) > 0
	for i := range l.ways {
		ok, sure := l.ways[i].match(s)
		if ok {
			return true, true
		}
		known = known && sure
	}
	return false, known
}

func (w *way) match(s string) (ok, known bool) {
	if w.start {
		return w.matchAt(s)
	}
	if len(s) > maxUnanchored {
		return false, !strings.Contains(s, w.atoms[0].text)
	}
	known = true
	for {
		i := strings.Index(s, w.atoms[0].text)
		if i < 0 {
			return false, known
		}
		ok, sure := w.matchAt(s[i:])
		if ok {
			return true, true
		}
		known = known && sure
		s = s[i+1:]
	}
}

// matchAt is match for a way that begins where s does.
func (w *way) matchAt(s string) (ok, known bool) {
	for i := range w.atoms {
		a := &w.atoms[i]
		if a.class == nil {
			if !strings.HasPrefix(s, a.text) {
				return false, true
			}
			s = s[len(a.text):]
			continue
		}
		n, ok, known := a.take(s)
		if !ok {
			return false, known
		}
		s = s[n:]
	}
	return !w.end || s == "", true
}

// take says how many bytes of s the class takes; not ok if it cannot.
func (a *atom) take(s string) (n int, ok, known bool) {
	least, most := a.least, len(s)
	if a.rest >= 0 {
		least = max(least, len(s)-a.rest)
		most = least
	}
	if a.most >= 0 {
		most = min(most, a.most)
	}
	for n < len(s) && n < most && s[n] < 0x80 && a.class.has(s[n]) {
		n++
	}
	switch {
	case n < len(s) && n < most && s[n] >= 0x80:
		return n, false, false
	case n >= least:
		return n, true, true
	}
	return n, false, a.rest < 0 || isASCII(s)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
