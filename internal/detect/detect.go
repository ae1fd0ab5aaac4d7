// Package detect holds the words that every door of Quench shares: what a
// Request is, what is decided about it, and how the decision is explained.
//
// It is types and small pure functions only. Nothing below internal/detect
// opens a socket or a file, reads a clock or writes a log: time, client state
// and learned endpoints come in as values.
//
//   - Request: one reference to a host or URL.
//   - Decision: made on the data path, small and free of pointers.
//   - Verdict: the Decision explained, made off the data path.
//   - Policy: what is in force for one client, an immutable value.
package detect

// Header reads request or response header fields. Names are matched without
// regard to case. http.Header and textproto.MIMEHeader satisfy it.
type Header interface {
	// Get returns the first value of the field, "" if there is none.
	Get(name string) string
	// Values returns all values of the field; the caller must not change them.
	Values(name string) []string
}

// Type says what a request is for, in the words of filter lists.
type Type uint8

// The request types. TypeOther is the zero value: nothing is known.
const (
	TypeOther Type = iota
	TypeDocument
	TypeSubdocument
	TypeStylesheet
	TypeScript
	TypeImage
	TypeFont
	TypeMedia
	TypeXHR
	TypePing
	TypeWebSocket
	TypeObject
)

var typeNames = [...]string{
	TypeOther: "other", TypeDocument: "document", TypeSubdocument: "subdocument",
	TypeStylesheet: "stylesheet", TypeScript: "script", TypeImage: "image", TypeFont: "font",
	TypeMedia: "media", TypeXHR: "xmlhttprequest", TypePing: "ping",
	TypeWebSocket: "websocket", TypeObject: "object",
}

// String returns the filter-list word for t, "other" for a value out of range.
func (t Type) String() string { return word(typeNames[:], int(t), "other") }

// ParseType returns the type with this filter-list word; ok is false if there
// is none.
func ParseType(s string) (t Type, ok bool) {
	i := index(typeNames[:], s)
	if i < 0 {
		return TypeOther, false
	}
	return Type(i), true
}

// PageFrom says how the page of a Request is known.
type PageFrom uint8

// The ways a page is known. PageUnknown is the zero value. A PageGuess is
// shown to people but never used to call a request third-party.
const (
	PageUnknown PageFrom = iota
	PageReferer
	PageOrigin
	PageFetchSite
	PageDocument
	PageGuess
)

var pageFromNames = [...]string{"", "referer", "origin", "fetch-site", "document", "guess"}

// String returns the word used in JSON, "" for PageUnknown.
func (p PageFrom) String() string { return word(pageFromNames[:], int(p), "") }

// Party says whether a request leaves the site it was made from.
type Party uint8

// The parties. PartyUnknown is the zero value: neither page nor browser said.
const (
	PartyUnknown Party = iota
	FirstParty
	ThirdParty
)

func word(names []string, i int, none string) string {
	if i < 0 || i >= len(names) {
		return none
	}
	return names[i]
}

func index(names []string, s string) int {
	for i, n := range names {
		if n == s {
			return i
		}
	}
	return -1
}
