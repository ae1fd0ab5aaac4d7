package markup

// Edit replaces the bytes of one range of a document. Replacement may be of
// any length; Neutralise gives one of the same length.
type Edit struct {
	Range       Range
	Replacement []byte
}

// Neutralise plans edits after which none of refs is active: each URL is
// overwritten in place by one of the same length that no client fetches. Refs
// that are not Active need no edit and get none. The edits are sorted and do
// not overlap.
func Neutralise(refs []Ref) []Edit { return nil }

// Remove plans edits that take refs out: the tag of an element without
// content, else the attribute, else the CSS declaration or rule. Where nothing
// can be taken out safely it neutralises. Sorted, not overlapping.
func Remove(refs []Ref) []Edit { return nil }

// Apply gives src with edits carried out; src itself is not changed. Edits must
// be sorted, not overlap, and lie inside src, as Neutralise and Remove make
// them; Apply panics if they do not.
func Apply(src []byte, edits []Edit) []byte { return nil }

// Patch is Apply(src, Neutralise(refs)).
func Patch(src []byte, refs []Ref) []byte { return Apply(src, Neutralise(refs)) }
