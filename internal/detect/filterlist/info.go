package filterlist

import (
	"runtime"
	"strings"
)

// ListOf returns the number of the rule's list, 0 for no rule of this Set. It
// takes some tens of nanoseconds.
func (s *Set) ListOf(id RuleID) uint16 {
	n := s.shapeOf(id).number()
	runtime.KeepAlive(s)
	return n
}

// Info explains a rule; the zero Info for an id that is not of this Set. Its
// strings are copies. It allocates, and is meant for off the data path.
func (s *Set) Info(id RuleID) Info {
	sh, line, core := s.find(id)
	if sh == &noShape {
		return Info{}
	}
	info := Info{
		List: sh.number(), Line: line, Kind: sh.kind(),
		Exception: sh.is(flagException), Important: sh.is(flagImportant),
		Value: strings.Clone(s.str(sh.value)),
	}
	if sh.is(flagWhole) {
		info.Text = strings.Clone(s.str(sh.prefix))
		runtime.KeepAlive(s)
		return info
	}
	info.Text = s.str(sh.prefix) + core + s.str(sh.suffix)
	runtime.KeepAlive(s) // what it lies in may go with it
	return info
}
