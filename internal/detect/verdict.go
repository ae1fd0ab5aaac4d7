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
