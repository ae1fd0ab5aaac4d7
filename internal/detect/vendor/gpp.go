package vendor

import "strings"

// maxSections is the number of sections of a GPP string that are looked at.
const maxSections = 32

// usSection says where a section of the United States has its answers, counted
// in pairs of bits behind the six of the version; 0 is none.
type usSection struct {
	place                    string
	sale, sharing, targeting int
}

// The sections of the IAB's Global Privacy Platform that are read: what they
// are of, and the fields of their core by their number there.
var usSections = map[int]usSection{
	7:  {"the United States", 7, 8, 9},
	8:  {"California", 4, 5, 0},
	9:  {"Virginia", 4, 0, 5},
	10: {"Colorado", 4, 0, 5},
	11: {"Utah", 5, 0, 6},
	12: {"Connecticut", 4, 0, 5},
	13: {"Florida", 4, 0, 5},
	14: {"Montana", 4, 0, 5},
	15: {"Oregon", 4, 0, 5},
	16: {"Texas", 4, 0, 5},
	17: {"Delaware", 4, 0, 5},
	18: {"Iowa", 5, 0, 6},
	19: {"Nebraska", 4, 0, 5},
	20: {"New Hampshire", 4, 0, 5},
	21: {"New Jersey", 4, 0, 5},
	22: {"Tennessee", 4, 0, 5},
}

// gpp reads a string of the Global Privacy Platform: a head that numbers the
// sections, then the sections, each behind a "~". A refusal in one of them is a
// refusal; what is agreed to counts where nothing is refused. A section that is
// not known here says nothing.
func gpp(v string, vendor int) (state, detail string) {
	head, rest, _ := strings.Cut(v, "~")
	for _, id := range gppSections(head) {
		var section string
		section, rest, _ = strings.Cut(rest, "~")
		s, d := gppSection(id, section, vendor)
		if worse(s, state) {
			state, detail = s, d
		}
	}
	return state, detail
}

// worse reports whether consent state a says more of a refusal than b.
func worse(a, b string) bool {
	rank := map[string]int{"": 0, "granted": 1, "partial": 2, "denied": 3}
	return rank[a] > rank[b]
}

// gppSections gives the numbers of the sections in their order, none if the
// head is not one.
func gppSections(head string) []int {
	b := &bits{text: strings.TrimRight(head, "=")}
	if b.number(6) != 3 || b.number(6) != 1 {
		return nil
	}
	var ids []int
	last := 0
	for range b.number(12) {
		isRange := b.bool()
		from := last + b.fibonacci()
		to := from
		if isRange {
			to += b.fibonacci()
		}
		if b.over || len(ids)+to-from >= maxSections {
			return ids
		}
		for id := from; id <= to; id++ {
			ids = append(ids, id)
		}
		last = to
	}
	return ids
}

func gppSection(id int, section string, vendor int) (state, detail string) {
	switch id {
	case 2: // the European Union
		return tcf(section, vendor)
	case 6:
		return usPrivacy(section)
	}
	us, ok := usSections[id]
	if !ok {
		return "", ""
	}
	return us.read(section)
}

// read gives what one of these sections says: 1 stands for opted out, 2 for not,
// 0 for not asked. The browser's own signal, in a segment of its own, opts out.
func (u *usSection) read(section string) (state, detail string) {
	core, more, _ := strings.Cut(section, ".")
	var out, in []string
	for _, f := range []struct {
		at   int
		what string
	}{{u.sale, "sale"}, {u.sharing, "sharing"}, {u.targeting, "advertising made for you"}} {
		b := &bits{text: core, at: 6 + 2*(f.at-1)}
		if f.at == 0 {
			continue
		}
		switch answer := b.number(2); {
		case b.over:
		case answer == 1:
			out = append(out, f.what)
		case answer == 2:
			in = append(in, f.what)
		}
	}
	switch {
	case len(out) > 0:
		return "denied", "opted out of " + strings.Join(out, " and ") + " in " + u.place
	case gpc(more):
		return "denied", "the browser asked not to be tracked, in " + u.place
	case len(in) > 0:
		return "granted", "not opted out of " + strings.Join(in, " and ") + " in " + u.place
	}
	return "", ""
}

// gpc reports whether one of the segments behind a section's core is that of
// the Global Privacy Control, and is set.
func gpc(segments string) bool {
	for s := range strings.SplitSeq(segments, ".") {
		b := &bits{text: s}
		if b.number(2) == 1 && b.bool() && !b.over {
			return true
		}
	}
	return false
}
