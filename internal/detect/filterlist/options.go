package filterlist

import "strings"

// splitOptions parts a rule at the "$" that begins its options. Patterns,
// regular expressions and values hold "$" too: it is the last one that a known
// option follows. If there is none but the last looks like options, they are
// unknown ones.
func splitOptions(s string) (pattern, options string, f fault) {
	unknown := -1
	for end := len(s); ; {
		i := strings.LastIndexByte(s[:end], '$')
		if i < 0 {
			break
		}
		name, looks := optionName(s[i+1:])
		if looks {
			if _, known := lookup(name); known {
				return s[:i], s[i+1:], fault{}
			}
			if unknown < 0 {
				unknown = i
			}
		}
		end = i
	}
	if unknown >= 0 {
		name, _ := optionName(s[unknown+1:])
		return "", "", fault{reasonUnknown, name}
	}
	return s, "", fault{}
}

// maxOption bounds an option's name.
const maxOption = 32

// optionName returns the name that s begins with, if what follows it is "=",
// "," or nothing.
func optionName(s string) (name string, ok bool) {
	from := 0
	if s != "" && s[0] == '~' {
		from = 1
	}
	n := from
	for n < len(s) && n-from < maxOption && s[n] != '.' && classOf[s[n]]&(className|classUpper) != 0 {
		n++
	}
	return s[from:n], n > from && (n == len(s) || s[n] == '=' || s[n] == ',')
}

// option is one option of a rule as written.
type option struct {
	name, value string
	negated     bool
	valued      bool // there is a "="
}

// nextOption takes the first option off s.
func nextOption(s string) (o option, rest string) {
	if s != "" && s[0] == '~' {
		o.negated, s = true, s[1:]
	}
	n := strings.IndexAny(s, "=,")
	if n < 0 {
		o.name = trim(s)
		return o, ""
	}
	o.name = trim(s[:n])
	rest = s[n+1:]
	if s[n] == ',' {
		return o, rest
	}
	o.valued = true
	end := valueEnd(rest, o.name == "header")
	o.value = trim(rest[:end])
	if end < len(rest) {
		end++
	}
	return o, rest[end:]
}

// valueEnd returns where a value ends: at the first comma that is neither
// escaped nor inside a regular expression. One begins at the value's start,
// after "|", or after a header's name.
func valueEnd(s string, header bool) int {
	starts, open := true, true
	for i := 0; i < len(s); i++ {
		if starts && open {
			if n := regexpEnd(s[i:]); n > 0 {
				i += n
				if i == len(s) {
					return i
				}
			} else if n < 0 {
				open = false
			}
		}
		starts = false
		switch s[i] {
		case '\\':
			i++
		case ',':
			return i
		case '|':
			starts = true
		case ':':
			starts, header = header, false
		}
	}
	return len(s)
}

// regexpEnd returns how long the regular expression is that s begins with: from
// "/" or "~/" to the next unescaped "/" or "/i" that the value or entry ends
// with. It is 0 if s begins with none, -1 if it has no end.
func regexpEnd(s string) int {
	i := 0
	if s != "" && s[0] == '~' {
		i++
	}
	if i >= len(s) || s[i] != '/' {
		return 0
	}
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '/':
			end := i + 1
			if end < len(s) && s[end] == 'i' {
				end++
			}
			if end == len(s) || s[end] == ',' || s[end] == '|' {
				return end
			}
		}
	}
	return -1
}

// optionState gathers what options say together before it is settled.
type optionState struct {
	only, not   Types
	document    bool // by that name, not by $all
	party       [WantStrictFirst + 1]bool
	kind        string // the modifier's name, "" for none
	meaningless string // a type that no request has here
}

// options reads all options of a rule.
func (p *parser) options(s string) fault {
	for s != "" {
		o, rest := nextOption(s)
		s = rest
		if f := p.option(o); f.reason != "" {
			return f
		}
	}
	return fault{}
}

func (p *parser) option(o option) fault {
	spec, ok := lookup(o.name)
	switch {
	case !ok:
		return fault{reasonUnknown, o.name}
	case spec.apply == nil:
		return fault{reasonUnsupported, o.name}
	case o.negated && !spec.negatable:
		return fault{reasonNegated, o.name}
	case o.valued && spec.value == valueNever:
		return fault{reasonNoValue, o.name}
	case o.value == "" && (spec.value == valueAlways || spec.value == valueExcept && !p.rule.Exception):
		return fault{reasonValue, o.name}
	case strings.HasSuffix(o.value, `\`):
		return fault{reasonBadValue, o.name}
	}
	f := spec.apply(p, spec, o)
	if f.reason != "" && f.detail == "" {
		f.detail = o.name
	}
	return f
}

// settle makes of what the options said the rule's types, party and pages.
func (st *optionState) settle(r *Rule) fault {
	want, f := st.partyWant()
	if f.reason != "" {
		return f
	}
	r.Where.Party = want
	if r.Where.Types, f = st.types(r); f.reason != "" {
		return f
	}
	if r.Exception && r.Kind == KindBlock && st.document {
		r.Page |= PageDocument
	}
	switch {
	case r.Page != 0 && !r.Exception:
		return fault{reason: reasonPage}
	case r.Page != 0 && r.Kind != KindBlock:
		return fault{reason: reasonTwo}
	}
	return fault{}
}

func (st *optionState) types(r *Rule) (Types, fault) {
	all, spelled := AllTypes, false
	switch r.Kind {
	case KindRemoveParam:
		all, spelled = all|BitDocument, true
	case KindCSP:
		all, spelled = BitDocument|BitSubdocument, true
	}
	types := all
	if st.only != 0 {
		types = st.only
	} else if st.meaningless != "" {
		return 0, fault{reasonType, st.meaningless}
	}
	types &^= st.not
	switch {
	case types == 0:
		return 0, fault{reasonBadValue, "the types exclude each other"}
	case types == AllTypes && !spelled, r.Page != 0 && st.only|st.not == 0:
		return 0, fault{}
	}
	return types, fault{}
}

// partyWant settles the party. Two of a kind are either of them; the strict
// ones compare hosts, the others registrable domains, and both must hold.
func (st *optionState) partyWant() (PartyWant, fault) {
	third, first := st.party[WantThird], st.party[WantFirst]
	strict3, strict1 := st.party[WantStrictThird], st.party[WantStrictFirst]
	if third && first {
		third, first = false, false
	}
	if strict3 && strict1 {
		strict3, strict1 = false, false
	}
	switch {
	case third && strict1:
		return AnyParty, fault{reasonBadValue, "the parties exclude each other"}
	case first && strict3:
		return WantSibling, fault{}
	case third:
		return WantThird, fault{}
	case strict3:
		return WantStrictThird, fault{}
	case strict1:
		return WantStrictFirst, fault{}
	case first:
		return WantFirst, fault{}
	}
	return AnyParty, fault{}
}
