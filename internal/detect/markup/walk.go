package markup

// Bounds of a walk. What lies past them is counted in Summary, not hidden.
const (
	// MaxRefs is how many references one walk emits.
	MaxRefs = 100_000
	// MaxNesting is how many layers (srcdoc, data:, comments) are entered.
	MaxNesting = 8
	// MaxURL is how many bytes of a URL are kept in Ref.URL and Ref.Raw.
	MaxURL = 64 << 10
	// MaxAlt is how many bytes of alt text, selector and media query are kept.
	MaxAlt = 256
	// MaxElements is how many open elements are remembered for Hidden.
	MaxElements = 512
	// MaxAttrs is how many attributes of one tag are looked at.
	MaxAttrs = 4096
	// MaxToken is how many bytes of one token a Rewriter holds.
	MaxToken = 1 << 20
	// TinyPixels is the longest side of an image too small to see.
	TinyPixels = 3
)

// Options of a walk. The zero value suits mail.
type Options struct {
	// Base resolves relative references; a base element overrides it (itself
	// resolved against Base). Empty: relative references stay Relative.
	Base string
	// Scripting: the reader runs scripts, so noscript content is Inert.
	Scripting bool
	// Comments: ordinary comments are walked too, their references Inert.
	Comments bool
	// LocalRefs: also emit references that stay local (data: without markup,
	// mailto:, tel:, about:, fragments). cid: and mid: are emitted always.
	LocalRefs bool
}

// Summary says what a walk did.
type Summary struct {
	Refs    int // emitted
	Active  int // of those, Active
	Dropped int // found past MaxRefs
	Cut     int // layers past MaxNesting, tags past MaxAttrs, tokens past MaxToken: not looked into
	// Charset is what a meta element declares, lower case; Base what a base element does.
	Charset, Base string
}

// Walk finds every reference in an HTML document held in memory. src is UTF-8
// or another ASCII-compatible encoding; whoever holds UTF-16 or UTF-7 decodes
// it first and maps the offsets back. Emit is called in document order, in the
// caller's goroutine. src is not changed or kept. Linear in len(src).
func Walk(src []byte, o Options, emit func(*Ref)) Summary { return Summary{} }

// WalkCSS does the same for a style sheet.
func WalkCSS(src []byte, o Options, emit func(*Ref)) Summary { return Summary{} }

// WalkText finds URLs in plain text that clients make links of. v is V176 for
// a body and V175 for a header's value.
func WalkText(src []byte, v Vector, o Options, emit func(*Ref)) Summary { return Summary{} }
