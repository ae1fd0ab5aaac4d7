package filterlist

import "github.com/quench-proxy/quench/internal/detect"

// Rule is one parsed line of a list: what Parse makes and Compile reads.
// Nothing of it survives compilation but what an index needs. Parse uses one
// Rule for all: it and its slices are the receiver's only until emit returns,
// its strings stay good (most are parts of the source's text).
type Rule struct {
	// List is the 1-based number of its list, Line its 1-based line there.
	List uint16
	Line uint32
	// Text is the line as its author wrote it, without surrounding space.
	Text string

	// Exception is set for @@ rules.
	Exception bool
	// Kind says what the rule does if it holds.
	Kind Kind
	// Value is the modifier's value: the name or pattern of removeparam, the
	// policy of csp, the resource of redirect and redirect-rule, the answer of
	// dnsrewrite. "" with Exception means: all of this kind. A removeparam may
	// be "name", "~name" (all others), "/re/", "/re/i" or "~/re/", a regular
	// expression being held against "name=value"; "" without Exception is the
	// whole query. A redirect may end in ":priority".
	Value string
	// Page says what a KindPage rule switches off. If the line named other
	// request types too, or document, it is emitted a second time as KindBlock
	// with the same Page and Types, so that both have one Canonical text; Page
	// means nothing in that one, and Types means nothing in a KindPage rule.
	Page Pages

	Pattern Pattern
	Where   Conditions

	// Important is the modifier of that name; an exception with it lifts
	// important blocks too. BadFilter rules cancel the rules
	// whose Canonical text equals theirs and do nothing else.
	Important, BadFilter bool
	// HostOnly is set for rules that hosts files and domain lists make: they
	// match by name alone, the name itself and every name below it, whatever is
	// asked for, documents included. Pattern.Text equals Pattern.Host then.
	HostOnly bool
}

// Kind is what a rule does.
type Kind uint8

// The kinds of rules.
const (
	// KindBlock blocks, or as an exception lifts a block.
	KindBlock Kind = iota
	// KindRedirect blocks and names the resource that answers; KindRedirectRule
	// only names it, if another rule blocks.
	KindRedirect
	KindRedirectRule
	// KindRemoveParam takes parameters out of the query.
	KindRemoveParam
	// KindCSP adds a Content-Security-Policy to documents.
	KindCSP
	// KindDNSRewrite answers a DNS question.
	KindDNSRewrite
	// KindPage are exceptions for whole pages, by the page's URL: document, and
	// the generichide, elemhide, specifichide, genericblock class. Only document
	// and genericblock change what is decided here.
	KindPage
	kinds
)

// Pages is a set of what an exception switches off on a page.
type Pages uint8

// The bits of Pages. PageGenericBlock switches off blocking rules that name no
// page in domain=; the last three are about hiding elements.
const (
	PageDocument Pages = 1 << iota
	PageGenericBlock
	PageGenericHide
	PageSpecificHide
	PageElemHide
)

// Anchor says where a pattern must begin.
type Anchor uint8

// The anchors of a pattern's beginning.
const (
	AnchorNone Anchor = iota
	// AnchorStart is "|": the beginning of the URL.
	AnchorStart
	// AnchorHost is "||": the beginning of the host or of any label of it.
	AnchorHost
)

// Pattern is what the URL must look like.
type Pattern struct {
	Anchor Anchor
	// End is a trailing "|": the URL must end there.
	End bool
	// Host is the host after "||" up to the first of "/^*?:|" or the end, lower
	// case, or the name of a hosts or domain list; "" if there is none or it
	// has a wildcard: also if a wildcard follows it directly. It is matched on label boundaries at its left, and on its right
	// as Text says.
	Host string
	// Text is what follows: literal bytes, "*" for anything, "^" for a
	// separator or the end. A separator is any ASCII byte but letters, digits
	// and "_-.%". Lower case unless MatchCase. It begins with Host if there is
	// one. "" matches everything. No "*" stands at its beginning, its end or
	// beside another.
	Text string
	// Regexp is the source of a regular expression between slashes; Text is ""
	// then.
	Regexp string
	// MatchCase is the modifier of that name.
	MatchCase bool
}

// Types is a set of request types, one bit for each detect.Type, and above
// them the types that only lists know.
type Types uint32

// The bits of Types. A request has exactly one of those below BitPopup.
const (
	BitOther       = Types(1) << detect.TypeOther
	BitDocument    = Types(1) << detect.TypeDocument
	BitSubdocument = Types(1) << detect.TypeSubdocument
	BitStylesheet  = Types(1) << detect.TypeStylesheet
	BitScript      = Types(1) << detect.TypeScript
	BitImage       = Types(1) << detect.TypeImage
	BitFont        = Types(1) << detect.TypeFont
	BitMedia       = Types(1) << detect.TypeMedia
	BitXHR         = Types(1) << detect.TypeXHR
	BitPing        = Types(1) << detect.TypePing
	BitWebSocket   = Types(1) << detect.TypeWebSocket
	BitObject      = Types(1) << detect.TypeObject
	// BitPopup is a new window: no door sees one, such rules never match.
	BitPopup = Types(1) << 24

	// AllTypes is every type that a request can have but documents: what a rule
	// without a type option matches. $all adds documents and popups.
	AllTypes = BitOther | BitSubdocument | BitStylesheet | BitScript | BitImage | BitFont |
		BitMedia | BitXHR | BitPing | BitWebSocket | BitObject
)

// Methods is a set of request methods.
type Methods uint16

// The methods that a rule can name.
const (
	MethodGet Methods = 1 << iota
	MethodHead
	MethodPost
	MethodPut
	MethodDelete
	MethodOptions
	MethodPatch
	MethodConnect
	MethodOther // any method without a bit of its own; no rule names it
)

// PartyWant is what a rule says of the party.
type PartyWant uint8

// The wants. Strict compares whole host names, not registrable domains.
const (
	AnyParty PartyWant = iota
	WantThird
	WantFirst
	WantStrictThird
	WantStrictFirst
	// WantSibling is first-party and strict third-party: another host of the
	// same registrable domain.
	WantSibling
)

// Names is a list of names that a rule includes and excludes. Subdomains are
// meant too. An entry "name.*" means any public suffix; a longer, more special
// entry wins over a shorter. A name between slashes is a regular expression.
type Names struct {
	Include, Exclude []string
}

// Conditions is what else must hold for a rule to match.
type Conditions struct {
	// Types is 0 for AllTypes. A removeparam or csp rule always says which.
	Types   Types
	Methods Methods
	// NotMethods are those negated.
	NotMethods Methods
	Party      PartyWant
	// Domains are the page's (domain=, from=), To the request's host (to=),
	// DenyAllow hosts that the rule does not match.
	Domains, To Names
	DenyAllow   []string
	// Header is a response header, "name" or "name:value" (value may be a
	// regular expression between slashes); "" means no condition.
	Header string
	// DNSTypes (query type numbers), Clients (addresses, CIDRs, names), Tags hold for DNS
	// questions only; a rule with one of them matches nothing else. Clients' names
	// are without the quotes and backslashes they were written with.
	DNSTypes, NotDNSTypes []uint16
	Clients, Tags         Names
}
