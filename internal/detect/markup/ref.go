package markup

// Range is a half-open span of bytes in the outermost document given to the
// walk: document[Start:End]. In a stream, offsets count from its first byte.
type Range struct {
	Start, End int
}

// Len is the number of bytes in r.
func (r Range) Len() int { return r.End - r.Start }

// When says what makes a client use a reference.
type When uint8

const (
	// Inert: no known client fetches it as it stands (a lazy-loading attribute,
	// content of a template, a canonical link, a base).
	Inert When = iota
	// Opening: fetched when the document is shown.
	Opening
	// Click: fetched when the reader follows, submits or pings it.
	Click
	// DNS: only its name is looked up, or a connection opened.
	DNS
	// Legacy: fetched on opening by old engines, by Office's, or by a reading
	// of broken markup that today's browsers do not share.
	Legacy
	// Header: asked for by a mail header, not by markup. The walk never gives
	// it; scan does, for its own findings.
	Header
	// Print: fetched when the document is printed, or shown as it would be.
	Print
	// Hover: fetched when the reader points at an element, presses it or moves
	// the focus to it.
	Hover
)

// String is the word used in reports.
func (w When) String() string {
	return [...]string{"inert", "opening", "click", "dns", "legacy", "header", "print", "hover"}[min(int(w), 7)]
}

// Reach says where a URL leads.
type Reach uint8

const (
	// Local stays on the machine or in the message (cid:, data:, mailto:, tel:).
	Local Reach = iota
	// Relative has no base to resolve against: what it reaches depends on where
	// the document came from.
	Relative
	// Remote leaves the machine.
	Remote
)

// String is the word used in reports.
func (r Reach) String() string {
	return [...]string{"local", "relative", "remote"}[min(int(r), 2)]
}

// StepKind names one layer between the document and a reference.
type StepKind string

// The layers the walk looks through.
const (
	StepSrcdoc      StepKind = "srcdoc"      // iframe srcdoc attribute
	StepData        StepKind = "data"        // data: URI holding HTML, SVG, XML or CSS
	StepComment     StepKind = "comment"     // comment, unclosed or asked for by Options.Comments
	StepConditional StepKind = "conditional" // <!--[if ...]> comment
	StepNoscript    StepKind = "noscript"    // noscript content
	StepRawText     StepKind = "rawtext"     // textarea, title, xmp, noembed, noframes, iframe content, plaintext, style read as markup
	StepCDATA       StepKind = "cdata"       // CDATA section
	StepUnclosed    StepKind = "unclosed"    // tag cut off by the end of the document
	StepScript      StepKind = "script"      // javascript: URL, or script data
	StepMeta        StepKind = "meta"        // markup inside meta content
)

// Step is one layer and the bytes of the outermost document that it covers.
type Step struct {
	Kind StepKind
	At   Range
}

// Context is what stands around a reference. All fields may be empty.
type Context struct {
	// InLink: inside an a element with an href.
	InLink bool
	// HasAlt: the element has an alt attribute; Alt is its decoded value, cut at MaxAlt bytes.
	HasAlt bool
	Alt    string
	// Property is the CSS property or at-rule name, lower case, that holds the URL.
	Property string
	// Selector is the raw selector of the CSS rule, cut at MaxAlt bytes.
	Selector string
	// Media is the raw prelude of the enclosing @media, or the media attribute of the element.
	Media string
	// Condition is the expression of the enclosing conditional comment.
	Condition string
}

// Ref is one reference found. The walk reuses the Ref it passes to emit: copy
// the struct to keep it; nothing it points to changes afterwards.
type Ref struct {
	// Vector is the place the reference sits in.
	Vector Vector
	// Tricks are further vectors that apply: how the URL was written, what
	// gates it, what it is nested in.
	Tricks Vectors
	When   When
	Reach  Reach
	// URL is decoded (entities, CSS escapes, control characters and white
	// space that clients drop) and resolved if there is a base. Never empty.
	// At most MaxURL bytes; what follows is cut.
	URL string
	// Raw is the source text the URL came from, cut at MaxURL bytes.
	Raw string
	// Value covers exactly the URL's bytes: one srcset candidate, the inside of
	// url(), the quoted identifier of a doctype. With Exact false an encoding
	// that cannot be patched in place (base64) stands between, and Value is the
	// outermost attribute value or url() content.
	Value Range
	// Element covers the whole start tag, comment, doctype, or in CSS the
	// declaration or at-rule.
	Element Range
	// Tag and Attr are lower case; Attr is empty for CSS in a style element,
	// comments and text.
	Tag, Attr string
	// Path lists the layers from outermost to innermost; nil at the top.
	Path  []Step
	Exact bool
	// Hidden says whether a reader could see the element. For CSS in an
	// attribute it speaks of the element that carries it; else it is zero.
	Hidden Hidden
	// Named says that the element of an image has an id, a name or an event
	// handler: a script may look for it or wait for it.
	Named bool
	// Width and Height are declared CSS pixels; -1 is unknown.
	Width, Height int
	Context       Context

	name    Range // the attribute's name, zero if there is none
	whole   Range // what Remove may take away: attribute, declaration
	void    bool  // the element has no content: its tag may go
	percent bool  // inside a percent-encoded data: URI
}

// Active reports whether some client could go to the network for r.
func (r *Ref) Active() bool { return r.When != Inert && r.Reach == Remote }

// Has reports whether v is r's vector or one of its tricks.
func (r *Ref) Has(v Vector) bool { return r.Vector == v || r.Tricks.Has(v) }

// Host is the name r's URL leads to: lower case, ASCII, without user, port or
// trailing dot, percent escapes decoded and numeric forms of IPv4 made dotted.
// Empty if the URL names none.
func (r *Ref) Host() string { return hostOf(r.URL) }

// Sure grades how certain it is that an element cannot be seen.
type Sure uint8

// The grades of Hidden.
const (
	Visible Sure = iota // nothing says it is hidden
	Weak                // could be: undeclared size, only under some media
	Likely              // placed or coloured so that nobody sees it
	Certain             // no size, or taken out of display
)

// String is the word used in reports.
func (s Sure) String() string {
	return [...]string{"visible", "weak", "likely", "certain"}[min(int(s), 3)]
}

// Why is a set of reasons an element may not be seen.
type Why uint32

// The reasons. Each names what was declared, on the element or as the
// modifiers say.
const (
	ZeroSize         Why = 1 << iota // width or height 0, or max-width or max-height 0
	TinySize                         // both sides at most TinyPixels
	DisplayNone                      // display:none, or the hidden attribute
	VisibilityHidden                 // visibility:hidden or collapse
	Transparent                      // opacity 0
	OffScreen                        // pushed out by position, margin, indent, transform or clip
	FontSizeZero                     // inside text of size 0 with no size of its own
	Clipped                          // inside a box of no size that hides overflow
	SameColour                       // text coloured like its background
	MsoHide                          // mso-hide:all
	LastInBody                       // nothing to see follows before the end of the body
	NoSize                           // no size declared at all
	EmptyAlt                         // alt="" or no alt, on an image outside any link
	ByRule                           // modifier: a style element's rule says so
	ByParent                         // modifier: an enclosing element says so
	ByMedia                          // modifier: only under a media query
)

// String lists the reasons, joined by commas.
func (w Why) String() string {
	names := [...]string{"zero-size", "tiny", "display-none", "visibility-hidden", "transparent",
		"off-screen", "font-size-0", "clipped", "same-colour", "mso-hide", "last-in-body", "no-size",
		"empty-alt", "by-rule", "by-parent", "by-media"}
	s := ""
	for i, n := range names {
		if w&(1<<i) != 0 {
			if s != "" {
				s += ","
			}
			s += n
		}
	}
	return s
}

// Hidden is the judgement on an element's visibility and its grounds.
type Hidden struct {
	Why  Why
	Sure Sure
}
