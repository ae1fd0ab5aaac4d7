package detect

import "time"

// Verdict is a Decision explained. Values in it are whole: what may be kept of
// them is decided by package redact, not here.
type Verdict struct {
	Action    Action     `json:"action"`
	Reply     Reply      `json:"reply,omitempty"`
	Told      bool       `json:"told"`
	Tracker   *Tracker   `json:"tracker,omitempty"`
	Evidence  []Evidence `json:"evidence,omitempty"`
	Exception *Evidence  `json:"exception"`
	Activity  *Activity  `json:"activity,omitempty"`
	Consent   *Consent   `json:"consent,omitempty"`
	Disclosed []Field    `json:"disclosed,omitempty"`
	Sentence  string     `json:"sentence,omitempty"`
	// Rewritten is the URL as it was sent, if a rule took parameters out of it.
	Rewritten string `json:"rewritten,omitempty"`

	// Say is what the sentence is composed from beside the fields above; see
	// package say. nil means that Sentence cannot be composed anew.
	Say *Saying `json:"-"`
	// Dedupe is the key under which the same hit sent twice counts once; ""
	// if the hit has none. It may hold identifiers and is never stored as is.
	Dedupe string `json:"-"`
}

// Tracker says who would have learned something.
type Tracker struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Company  string   `json:"company"`
	Category string   `json:"category,omitempty"`
	Purposes []string `json:"purposes,omitempty"`
}

// Evidence is one reason. Kind is one of: vendor list pixel markup heuristic
// cname sync recipient header user. Detail holds the rule's own pattern, never
// a value of the request. Source names the file or list.
type Evidence struct {
	Kind   string `json:"kind"`
	Detail string `json:"detail"`
	Source string `json:"source,omitempty"`
}

// Activity is what the person did, as the tracker would have learned it.
type Activity struct {
	// Name is the vendor's word, Says ours ("you bought something").
	Name string `json:"name"`
	Says string `json:"says"`
	// Automatic: nobody coded this event, the vendor's script made it itself.
	Automatic bool `json:"automatic"`
}

// Consent is what the hit itself claims about consent. State is one of:
// unknown granted denied partial.
type Consent struct {
	State  string `json:"state"`
	Detail string `json:"detail,omitempty"`
}

// Field is one thing that was, or would have been, disclosed.
type Field struct {
	// Name is the canonical field (page_url, visitor_id, email_hash …), Label
	// the words for people.
	Name  string `json:"field"`
	Label string `json:"label"`
	Value string `json:"value"`
	// Link is a keyed hash that lets reports say "the same number" without
	// keeping it; set by the ledger only.
	Link string `json:"link,omitempty"`
	// Made is the day (2006-01-02, UTC) the identifier itself says it was
	// made, "" if it does not say.
	Made      string `json:"made,omitempty"`
	Sensitive bool   `json:"sensitive"`
}

// Seen is all that Explain may look at. It is queued off the data path and
// owns what it points to: the Request must not be changed afterwards.
type Seen struct {
	Request  *Request
	Policy   *Policy
	Chain    []string      // CNAME chain of the host, nearest first
	Response *ResponseHead // nil if nothing came back
	// Report is what a stub told us in place of the vendor: a query string in
	// the vocabulary of the vendor's own hits. nil for anything else.
	Report []byte
	Reply  Reply // the reply the door chose
	At     time.Time
}

// Form says which sentence a verdict wants.
type Form uint8

// The forms. FormHit is the zero value.
const (
	// FormHit: something was, or would have been, told.
	FormHit Form = iota
	// FormLoader: the page asked for a vendor's script.
	FormLoader
	// FormUnknown: a pixel of a company that no rule knows.
	FormUnknown
	// FormName: only a name is known to have been asked for.
	FormName
	// FormPlain: a page asked for a host, and the user's word decided.
	FormPlain
	// FormLooks: something went to a host that no rule knows and that looks like
	// a tracker.
	FormLooks
)

// Saying holds the parts of a sentence that are neither tracker nor field.
type Saying struct {
	Form Form
	// Site is the host of the page, "" if unknown; Guess says it is one.
	Site  string
	Guess bool
	// Direct: the address was opened itself, so that no page sent the hit.
	Direct bool
	// Path is the page's path without query, "" if unknown.
	Path string
	// Host is where the request went.
	Host string
	// Likely: the rule is general knowledge, so the sentence says "looks like".
	Likely bool
	// Why completes "Let through: …" or explains an unknown pixel; "" if there is nothing to say.
	Why string
	// Listed is the title of the list that names the host or address, "" if
	// none decided.
	Listed string
	// Did is what was done in place of an Action's usual words, as a whole
	// sentence; "" for the usual ones.
	Did string
	// ByUser: the user's own allow or block decided.
	ByUser bool
	// Because lists what makes an unknown host look like a tracker, with "; "
	// between; it holds no value of the request.
	Because string
	// Sync is whose number the request carried to somebody else, as a domain;
	// "" if it carried no other's.
	Sync string
}
