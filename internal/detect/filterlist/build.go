package filterlist

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
)

// MaxText is how many bytes of a rule's text an explanation gives.
const MaxText = 4096

// maxPattern is the longest pattern: a longer one could match no URL.
const maxPattern = maxURL

// maxArena bounds the host rules' bytes, so that RuleIDs fit their 28 bits.
const maxArena = MaxRuleID - 1<<24

// maxRules bounds the rules that are no mere host, and the shapes.
const maxRules = 1 << 22

var (
	errPatternLong = errors.New("the pattern is longer than any URL that is read")
	errFull        = errors.New("there are too many rules")
)

// builder gathers rules for a Set. It keeps no Rule: what it keeps is as small
// as the Set itself.
type builder struct {
	plainKey, plainShape uint32 // of the last rule that plain knows

	s     *Set
	hosts hostBuilder
	names nameBuilder
	strs  interner
	sets  interner32
	pats  []byte

	uses  map[uint32]uint32 // how many rules have a token
	cands []candidate       // scratch space of addPattern
	found []found           // the tokens of all rules, each rule's together
	ends  []uint32          // for each rule, where in found its tokens end

	shapes  map[shape]uint32
	regexes map[regex]uint32
	bad     map[string][]badfilter
}

// found is a token by which a rule can be found.
type found struct {
	hash uint32
	cost uint32 // without that of the rules that share it
	at   uint16 // its offset in the pattern
	len  uint16
	// exact is candidate's.
	exact bool
}

// badfilter is a rule that cancels those with the same canonical text.
type badfilter struct {
	canonical string
	list      uint16
}

// newBuilder makes a builder for lists of so many bytes together: a name takes
// about as much room in it as its line.
func newBuilder(seed uint64, lists, size, lines int) *builder {
	b := &builder{
		s: &Set{seed: seed, lists: uint32(lists)}, uses: map[uint32]uint32{},
		shapes: map[shape]uint32{}, regexes: map[regex]uint32{}, bad: map[string][]badfilter{},
	}
	b.strs.add("")
	b.sets.words = []uint32{0}
	b.hosts.seed = seed
	b.hosts.tmp = make([]byte, 0, min(size+13*lines, maxArena))
	b.hosts.slots = make([]uint64, 4*lines/3+1)
	b.hosts.realms = func(sh uint32) uint8 { return b.s.shapes[sh].realms() }
	return b
}

// cancel notes a badfilter rule. All must be known before the first add.
func (b *builder) cancel(r *Rule) {
	key := badKey(r)
	b.bad[key] = append(b.bad[key], badfilter{Canonical(r), r.List})
}

// badKey is a part of the rule that its canonical text surely contains: it
// spares making that for rules that nothing cancels.
func badKey(r *Rule) string { return r.Pattern.Text + r.Pattern.Regexp }

// add takes one rule in.
func (b *builder) add(r *Rule) error {
	if r.BadFilter {
		return nil
	}
	hosted := inHostTable(&r.Pattern, r.HostOnly)
	if !hosted && len(r.Pattern.Text) > maxPattern {
		return errPatternLong
	}
	if len(b.hosts.tmp) > maxArena || len(b.s.rules) >= maxRules || len(b.s.shapes) >= maxRules {
		return errFull
	}
	sh, err := b.shape(r, hosted)
	if err != nil {
		return err
	}
	b.s.count++
	b.note(&b.s.shapes[sh])
	if hosted {
		b.hosts.add(r.Pattern.Host, sh, r.Line)
		return nil
	}
	if b.s.shapes[sh].is(flagNames) {
		b.s.realms |= hasNamePattern
	}
	b.addPattern(r, sh)
	if r.Pattern.Host != "" && len(r.Pattern.Host) <= maxName {
		mention := b.intern(shape{list: uint32(r.List) << 16, flags: flagMention})
		b.hosts.mention(r.Pattern.Host, mention)
	}
	return nil
}

// note remembers what kinds of rules there are at all.
func (b *builder) note(sh *shape) {
	b.s.realms |= uint32(sh.realms())
	if sh.header != 0 {
		b.s.realms |= hasHeader
	}
	if sh.is(flagException) && sh.is(flagImportant) {
		b.s.realms |= hasImportantException
	}
}

func (b *builder) addPattern(r *Rule, sh uint32) {
	p, flags := normal(r.Pattern)
	c := rule{shape: sh, line: r.Line}
	if r.Pattern.Regexp != "" {
		flags = patRegexp
		c.pat = b.regex(r.Pattern.Regexp, r.Pattern.MatchCase)
	} else {
		if p == "" && r.Kind == KindRemoveParam && plainParam(r.Value) {
			p, flags = r.Value, patParam|patMatchCase
		}
		c.pat = uint32(len(b.pats))
		b.pats = append(b.pats, p...)
	}
	c.form = uint32(len(p))<<8 | uint32(flags)
	b.s.rules = append(b.s.rules, c)
	b.cands = b.tokens(b.cands[:0], r, p, flags)
	for i := range b.cands {
		t := &b.cands[i]
		b.uses[t.hash]++
		b.found = append(b.found, found{t.hash, t.cost(), t.at, uint16(len(t.text)), t.exact})
	}
	b.ends = append(b.ends, uint32(len(b.found)))
}

// paramRegexp returns the expression of a removeparam value that is "/re/",
// "/re/i" or either after "~", and whether case does not matter.
func paramRegexp(value string) (source string, fold, ok bool) {
	value, fold = strings.CutSuffix(strings.TrimPrefix(value, "~"), "/i")
	if fold {
		value += "/"
	}
	if len(value) < 3 || value[0] != '/' || value[len(value)-1] != '/' {
		return "", false, false
	}
	return value[1 : len(value)-1], fold, true
}

// plainParam reports whether a removeparam value is a mere name.
func plainParam(v string) bool {
	return v != "" && v[0] != '~' && v[0] != '/' && len(v) <= maxPattern
}

// tokens appends to out the tokens that a rule with pattern p can be found by;
// for a regular expression all of them are needed, otherwise any one is enough.
func (b *builder) tokens(out []candidate, r *Rule, p string, flags uint8) []candidate {
	switch {
	case flags&patRegexp != 0:
		return append(out, regexpTokens(r.Pattern.Regexp, b.s.seed)...)
	case flags&patParam != 0:
		return candidates(out, p, patStart|patEnd, b.s.seed)
	}
	return candidates(out, p, flags, b.s.seed)
}

// foundBy returns the tokens of rule i.
func (b *builder) foundBy(i uint32) []found {
	from := uint32(0)
	if i > 0 {
		from = b.ends[i-1]
	}
	return b.found[from:b.ends[i]]
}

// finish makes the Set.
func (b *builder) finish() *Set {
	s := b.s
	s.pats = string(b.pats)
	place(b)
	s.hosts, s.marks = b.hosts.finish()
	s.names = b.names.finish(s.seed)
	b.entities()
	s.strs, s.sets = string(b.strs.bytes), fit(b.sets.words)
	s.rules, s.shapes, s.regexes = fit(s.rules), fit(s.shapes), fit(s.regexes)
	s.ready()
	return s
}

// fit copies what has grown into as much memory as it takes: a slice that is
// grown has up to a quarter more.
func fit[T any](grown []T) []T {
	return append(make([]T, 0, len(grown)), grown...)
}

// shape interns everything about a rule but its pattern and line.
func (b *builder) shape(r *Rule, hosted bool) (uint32, error) {
	key := b.plain(r, hosted)
	if key != 0 && key == b.plainKey {
		return b.plainShape, nil
	}
	sh, err := b.newShape(r, hosted)
	if key != 0 && err == nil {
		b.plainKey, b.plainShape = key, sh
	}
	return sh, err
}

// plain returns what is the same for all rules of one shape whose text is a name
// alone, or ||name^: of such a rule the list and the form say all but the name.
// Of another it returns 0.
func (b *builder) plain(r *Rule, hosted bool) uint32 {
	name, text := r.Pattern.Host, r.Text
	switch {
	case !hosted || len(b.bad) > 0:
	case r.HostOnly && text == name:
		return uint32(r.List)<<1 | 1
	case !r.HostOnly && len(text) == len(name)+3 && text[:2] == "||" && text[len(text)-1] == '^' && text[2:len(text)-1] == name:
		return uint32(r.List) << 1
	}
	return 0
}

// newShape is shape for a rule that is not as the one before it.
func (b *builder) newShape(r *Rule, hosted bool) (uint32, error) {
	w := &r.Where
	names := actsOnNames(r)
	sh := shape{
		list:    uint32(r.List)<<16 | uint32(realmsOf(r, names))<<8 | uint32(r.Kind),
		flags:   uint32(w.Party)<<partyShift | uint32(r.Page)<<pageShift,
		types:   uint32(w.Types),
		methods: uint32(w.Methods) | uint32(w.NotMethods)<<16,
		value:   b.strs.add(r.Value),
		cancel:  b.cancelled(r),
		dns:     b.dns(w),
		header:  b.header(w.Header),
	}
	if r.Kind == KindRemoveParam {
		if source, fold, ok := paramRegexp(r.Value); ok {
			sh.regex = b.regex(source, !fold) + 1
		}
	}
	if w.Types == 0 {
		sh.types = uint32(AllTypes)
	}
	if r.HostOnly {
		sh.types = 1<<24 - 1
	}
	for _, f := range []struct {
		on   bool
		flag uint32
	}{
		{r.Exception, flagException}, {r.Important, flagImportant}, {names, flagNames},
		{len(w.Domains.Include) == 0, flagGeneric},
	} {
		if f.on {
			sh.flags |= f.flag
		}
	}
	var err [3]error
	sh.domains, err[0] = b.nameSet(w.Domains)
	sh.to, err[1] = b.nameSet(w.To)
	sh.deny, err[2] = b.nameSet(Names{Include: w.DenyAllow})
	b.template(r, hosted, &sh)
	return b.intern(sh), cmp.Or(err[:]...)
}

func (b *builder) intern(sh shape) uint32 {
	n, ok := b.shapes[sh]
	if !ok {
		n = uint32(len(b.s.shapes))
		b.shapes[sh] = n
		b.s.shapes = append(b.s.shapes, sh)
	}
	return n
}

// maxPrefix bounds what is kept before a name of a hosts line: an address. A
// line with several names would make a shape for each.
const maxPrefix = 40

// template keeps what a rule's text has around its pattern, so that the text
// can be put together again.
func (b *builder) template(r *Rule, hosted bool, sh *shape) {
	core := r.Pattern.Text + r.Pattern.Regexp
	if hosted {
		core = r.Pattern.Host
	}
	text := r.Text
	if len(text) > MaxText {
		text = text[:MaxText]
	}
	prefix, suffix, ok := strings.Cut(text, core)
	switch {
	case r.HostOnly && strings.HasPrefix(strings.TrimLeft(suffix, " \t"), "#") && len(prefix) <= maxPrefix:
		suffix = ""
	case r.HostOnly && hosted && (suffix != "" || len(prefix) > maxPrefix || !ok):
		prefix, suffix = "", ""
	case !ok:
		sh.flags |= flagWhole
		prefix, suffix = text, ""
	}
	sh.prefix, sh.suffix = b.strs.add(prefix), b.strs.add(suffix)
}

// cancelled returns the set of lists whose badfilter rules cancel r.
func (b *builder) cancelled(r *Rule) uint32 {
	same := b.bad[badKey(r)]
	if len(same) == 0 {
		return 0
	}
	var lists []uint32
	for text := Canonical(r); len(same) > 0; same = same[1:] {
		if same[0].canonical == text {
			lists = append(lists, uint32(same[0].list))
		}
	}
	if lists == nil {
		return 0
	}
	slices.Sort(lists)
	lists = slices.Compact(lists)
	return b.sets.add(append([]uint32{uint32(len(lists))}, lists...))
}

func (b *builder) regex(source string, exact bool) uint32 {
	key := regex{source: b.strs.add(source)}
	if exact {
		key.exact = 1
	}
	n, ok := b.regexes[key]
	if !ok {
		n = uint32(len(b.s.regexes))
		b.regexes[key] = n
		b.s.regexes = append(b.s.regexes, key)
	}
	return n
}

// interner keeps each string once: a length, then the bytes.
type interner struct {
	bytes []byte
	seen  map[string]uint32
}

func (in *interner) add(s string) uint32 {
	if off, ok := in.seen[s]; ok {
		return off
	}
	if in.seen == nil {
		in.seen = map[string]uint32{}
	}
	off := uint32(len(in.bytes))
	in.bytes = binary.AppendUvarint(in.bytes, uint64(len(s)))
	in.bytes = append(in.bytes, s...)
	in.seen[strings.Clone(s)] = off
	return off
}

func (in *interner) at(off uint32) string {
	n, k := binary.Uvarint(in.bytes[off:])
	from := off + uint32(k)
	return string(in.bytes[from : from+uint32(n)])
}

// interner32 keeps each run of words once.
type interner32 struct {
	words []uint32
	seen  map[string]uint32
}

func (in *interner32) add(w []uint32) uint32 {
	key := make([]byte, 0, 4*len(w))
	for _, x := range w {
		key = binary.LittleEndian.AppendUint32(key, x)
	}
	if off, ok := in.seen[string(key)]; ok {
		return off
	}
	if in.seen == nil {
		in.seen = map[string]uint32{}
	}
	off := uint32(len(in.words))
	in.words = append(in.words, w...)
	in.seen[string(key)] = off
	return off
}
