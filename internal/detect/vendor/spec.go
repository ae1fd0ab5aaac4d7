// Package vendor compiles the rules of rules/vendors: which endpoints belong
// to which company, how their payloads decode, and what a hit says in plain
// words. A vendor is data: nothing in this package knows one by name.
//
// Match answers on the data path, without allocation. Explain decodes a hit
// off the data path. Specs come from YAML (Parse) or from the compiled form
// that ships with the program (Unmarshal); both give the same Rules.
package vendor

// Spec is one rule file: one company and its trackers.
type Spec struct {
	// File is the file's name, for messages and evidence. Not part of the YAML.
	File string `yaml:"-" json:"file"`
	// Company is the name people know, Legal the entity, Country ISO 3166.
	Company string `yaml:"company" json:"company"`
	Legal   string `yaml:"legal" json:"legal,omitempty"`
	Country string `yaml:"country" json:"country,omitempty"`
	Privacy string `yaml:"privacy" json:"privacy,omitempty"`
	// Sites are the company's own registrable domains: a rule with party
	// "third" does not hold for a page on one of them.
	Sites    []string      `yaml:"sites" json:"sites,omitempty"`
	Trackers []TrackerSpec `yaml:"trackers" json:"trackers,omitempty"`
	// Mail is what the company puts into mail.
	Mail []MailSpec `yaml:"mail" json:"mail,omitempty"`
}

// TrackerSpec is one product that tracks.
type TrackerSpec struct {
	ID       string   `yaml:"id" json:"id"`
	Name     string   `yaml:"name" json:"name"`
	Category string   `yaml:"category" json:"category,omitempty"`
	Purposes []string `yaml:"purposes" json:"purposes,omitempty"`
	// Confidence is captured, decoded or known: seen on the wire, taken from a
	// maintained decoder, or general knowledge (the sentence says "looks like").
	Confidence string `yaml:"confidence" json:"confidence,omitempty"`
	OptOut     string `yaml:"opt_out" json:"opt_out,omitempty"`
	// ByName says what may be done with a host when only its name is known.
	ByName ByName `yaml:"by_name" json:"by_name,omitzero"`
	// Cookies are the vendor's cookies worth naming.
	Cookies []CookieSpec `yaml:"cookies" json:"cookies,omitempty"`
	Loaders []LoaderSpec `yaml:"loaders" json:"loaders,omitempty"`
	Hits    []HitSpec    `yaml:"hits" json:"hits,omitempty"`
	// Fields maps canonical fields to payload keys, for all hits.
	Fields map[string]FieldSpec `yaml:"fields" json:"fields,omitempty"`
	// Events is the dictionary from the vendor's event name to an activity.
	// The key "*" is for names not listed; {event} in says is the name.
	Events map[string]EventSpec `yaml:"events" json:"events,omitempty"`
	// Automatic lists payload conditions (key: regexp) that mark an event as
	// made by the vendor's script itself, whatever its name.
	Automatic map[string]string `yaml:"automatic" json:"automatic,omitempty"`
	Consent   []ConsentSpec     `yaml:"consent" json:"consent,omitempty"`
	// Dedupe lists payload keys that, with account, page and activity, name one
	// event.
	Dedupe   []string      `yaml:"dedupe" json:"dedupe,omitempty"`
	Examples []ExampleSpec `yaml:"examples" json:"-"`
}

// ByName: Refuse lists hosts ("name" or ".domain" with all below) that do
// nothing but track and never serve a page, so they may be refused by name.
type ByName struct {
	Refuse []string `yaml:"refuse" json:"refuse,omitempty"`
}

// CookieSpec names a cookie of the vendor. The value of a Secret one is never
// read; others become field Field ("" = tp_cookie) with Label.
type CookieSpec struct {
	// Name may end in "*", which stands for any text; a name given in full
	// comes before that, and a longer beginning before a shorter one.
	Name      string `yaml:"name" json:"name"`
	Label     string `yaml:"label" json:"label,omitempty"`
	Field     string `yaml:"field" json:"field,omitempty"`
	Made      string `yaml:"made" json:"made,omitempty"`
	Life      string `yaml:"life" json:"life,omitempty"`
	Secret    bool   `yaml:"secret" json:"secret,omitempty"`
	Sensitive bool   `yaml:"sensitive" json:"sensitive,omitempty"`
}

// MatchSpec says which requests a rule is about. All that is set must hold.
type MatchSpec struct {
	// Hosts: "name" exactly; ".domain" for it and all below; "name.*" for name
	// under any public suffix; "*" for any host (then Query, PathRE or
	// Payload must be set: a signature).
	Hosts []string `yaml:"hosts" json:"hosts,omitempty"`
	// NotHosts: names, or ".domain" with all below, for which the rule does not
	// hold although Hosts or HostRE fit.
	NotHosts []string `yaml:"not_hosts" json:"not_hosts,omitempty"`
	// HostRE is a regexp (RE2) on the host, for names with a number in them. It
	// stands without Hosts, or narrows "*". Give a path too: it is what such
	// rules are found by.
	HostRE string `yaml:"host_re" json:"host_re,omitempty"`
	// Paths: exact; a leading or trailing "*" makes a suffix or prefix.
	Paths []string `yaml:"paths" json:"paths,omitempty"`
	// PathRE is a regexp (RE2) on the path as written. Named groups become
	// payload keys "path.NAME". With Paths, either may hold.
	PathRE string `yaml:"path_re" json:"path_re,omitempty"`
	// Methods: empty means any but OPTIONS and HEAD.
	Methods []string `yaml:"methods" json:"methods,omitempty"`
	// Query: parameters that must be present; the value is a regexp that the
	// value as written must match, "" for any.
	Query map[string]string `yaml:"query" json:"query,omitempty"`
	// Types: request types in filter-list words; empty means any. A request
	// of unknown type ("other") always passes this test.
	Types []string `yaml:"types" json:"types,omitempty"`
	// Party "third": not on the vendor's own host's site or the company's sites.
	Party string `yaml:"party" json:"party,omitempty"`
}

// LoaderSpec is a script that fetches or holds the vendor's code. Blocking it
// leaves nothing to explain, so by default it is answered with a stub.
type LoaderSpec struct {
	ID        string `yaml:"id" json:"id"`
	MatchSpec `yaml:",inline"`
	// Mode is stub (default if Stub is set), pass or block.
	Mode string `yaml:"mode" json:"mode,omitempty"`
	// Stub names a script in rules/stubs, without ".js".
	Stub string `yaml:"stub" json:"stub,omitempty"`
	// Report names the hit whose vocabulary the stub's reports speak.
	Report string `yaml:"report" json:"report,omitempty"`
	// TagManager: passes, its children are filtered; strict mode uses Stub.
	TagManager bool `yaml:"tag_manager" json:"tag_manager,omitempty"`
	// MustFail: without a stub the load must fail, an empty script would throw.
	MustFail bool `yaml:"must_fail" json:"must_fail,omitempty"`
}

// HitSpec is an endpoint that is told something.
type HitSpec struct {
	ID        string `yaml:"id" json:"id"`
	MatchSpec `yaml:",inline"`
	// Payload: decoded payload keys that must match (regexp, "" for present);
	// the body is held before the rule decides.
	Payload map[string]string `yaml:"payload" json:"payload,omitempty"`
	// Confidence "known" makes this hit less sure than its tracker.
	Confidence string `yaml:"confidence" json:"confidence,omitempty"`
	// Action is block (default), strip or observe.
	Action string `yaml:"action" json:"action,omitempty"`
	// Strip says what goes when Action is strip.
	Strip StripSpec `yaml:"strip" json:"strip,omitzero"`
	// Reply is the word of the answer, "" to choose by what the client expects.
	Reply string `yaml:"reply" json:"reply,omitempty"`
	// Body is the codec of the request body, see Codecs; "" = auto (sniffed).
	Body string `yaml:"body" json:"body,omitempty"`
	// Matrix: ";key=value" parameters in the path are payload too.
	Matrix bool `yaml:"matrix" json:"matrix,omitempty"`
	// Params: payload keys whose value is decoded again: key -> codec. The
	// results get the key and a dot as prefix. Before the codec, or without
	// one, may stand what changes the value itself: unescape (percent signs
	// once more), b64 (base64 of text): "unescape json".
	Params map[string]string `yaml:"params" json:"params,omitempty"`
	// Split is the payload key of a JSON list whose items are one event each
	// ("." = the body itself is the list). Of several keys, separated by
	// spaces, the first that holds a list is taken; if none does, the body is
	// one event. ga4-lines, json-lines and envelope split by themselves. Keys
	// of an item are added without prefix.
	Split string `yaml:"split" json:"split,omitempty"`
	// Event is the event's name where the payload has none.
	Event string `yaml:"event" json:"event,omitempty"`
	// Fields adds to or replaces the tracker's fields; unset takes one away.
	Fields map[string]FieldSpec `yaml:"fields" json:"fields,omitempty"`
	Dedupe []string             `yaml:"dedupe" json:"dedupe,omitempty"`
}

// StripSpec: cookies and query parameters that a strip removes; "*" removes all.
type StripSpec struct {
	Cookies []string `yaml:"cookies" json:"cookies,omitempty"`
	Params  []string `yaml:"params" json:"params,omitempty"`
}

// FieldSpec says where a canonical field comes from. In YAML a text or a list
// of texts is short for From.
type FieldSpec struct {
	// From: payload keys, the first with a value wins. Brackets are written
	// as dots: cd[value] is "cd.value". One "*" stands for any text without a
	// dot: all values are joined with ", "; in the field custom without
	// the keys that a field of the rule names outright. custom, page_data and
	// form_data are written name=value&…. "cookie.NAME" is a cookie listed
	// under cookies, "path.NAME" a group of path_re.
	From []string `yaml:"from" json:"from"`
	// Join: the values of all keys of From are joined with this text; all
	// must be there.
	Join string `yaml:"join" json:"join,omitempty"`
	// Part: a regexp whose first group is the value.
	Part string `yaml:"part" json:"part,omitempty"`
	// Label overrides the canonical words for people.
	Label string `yaml:"label" json:"label,omitempty"`
	// Made reads the day the identifier was made out of it: fb (fb.1.<ms>.x),
	// ga (x.<seconds>), dash-ms (x-<ms>), uuid1, ms, s.
	Made string `yaml:"made" json:"made,omitempty"`
	// Ignore lists values (regexp) that mean "nothing".
	Ignore string `yaml:"ignore" json:"ignore,omitempty"`
	// Unset: in a hit's fields, the tracker's field of this name does not hold
	// for the hit. Nothing else is set then.
	Unset bool `yaml:"unset" json:"unset,omitempty"`
}

// EventSpec is an entry of the event dictionary.
type EventSpec struct {
	// Says completes "that …": "you bought something". {event} is the name;
	// {field} any canonical field.
	Says string `yaml:"says" json:"says"`
	// Name replaces the vendor's word, "" keeps it.
	Name string `yaml:"name" json:"name,omitempty"`
	// Automatic: nobody coded this event.
	Automatic bool `yaml:"automatic" json:"automatic,omitempty"`
	// Skip: a signal of the script about itself; it is blocked but makes no event
	// when another event of the same request says more.
	Skip bool `yaml:"skip" json:"skip,omitempty"`
}

// ConsentSpec: From is a payload key, As the way to read it: gcs, gcd, tcf,
// us_privacy, gpp, ldu (present = limited data use) or flag (Granted and Denied
// are regexps on the value).
type ConsentSpec struct {
	// Vendor is the company's number in the IAB's list of vendors: with tcf and
	// gpp, what was said of this company counts too. 0 is unknown.
	Vendor  int    `yaml:"vendor" json:"vendor,omitempty"`
	From    string `yaml:"from" json:"from"`
	As      string `yaml:"as" json:"as"`
	Granted string `yaml:"granted" json:"granted,omitempty"`
	Denied  string `yaml:"denied" json:"denied,omitempty"`
}

// ExampleSpec is a request and what must come of it: the rule's own proof.
type ExampleSpec struct {
	Name    string            `yaml:"name" json:"name"`
	Tracker string            `yaml:"tracker" json:"tracker,omitempty"` // only in rules/examples
	Row     string            `yaml:"row" json:"row,omitempty"`         // only of mail: the kind of address it proves
	URL     string            `yaml:"url" json:"url"`
	Method  string            `yaml:"method" json:"method,omitempty"`
	Type    string            `yaml:"type" json:"type,omitempty"`
	Page    string            `yaml:"page" json:"page,omitempty"`
	Headers map[string]string `yaml:"headers" json:"headers,omitempty"`
	Body    string            `yaml:"body" json:"body,omitempty"`
	// BodyBase64 and BodyGzipBase64JSON are for bodies that are not text: the
	// second is JSON text which the test gzips and base64s (as LinkedIn does).
	BodyBase64         string   `yaml:"body_base64" json:"body_base64,omitempty"`
	BodyGzipBase64JSON string   `yaml:"body_gzip_base64_json" json:"body_gzip_base64_json,omitempty"`
	Want               WantSpec `yaml:"want" json:"want"`
}

// WantSpec is the wanted verdict. Empty means not checked, but for Sentence of
// a block, which is required in a rule's own examples.
type WantSpec struct {
	Action string `yaml:"action" json:"action"`
	// Rule is the rule that must match, "tracker/rule"; with action allow one
	// of Rules.Mail. Goal is what such a link must say of where it leads.
	Rule     string            `yaml:"rule" json:"rule,omitempty"`
	Goal     string            `yaml:"goal" json:"goal,omitempty"`
	Reply    string            `yaml:"reply" json:"reply,omitempty"`
	Activity string            `yaml:"activity" json:"activity,omitempty"`
	Consent  string            `yaml:"consent" json:"consent,omitempty"`
	Fields   map[string]string `yaml:"fields" json:"fields,omitempty"`
	Made     map[string]string `yaml:"made" json:"made,omitempty"`
	Sentence string            `yaml:"sentence" json:"sentence,omitempty"`
	// Also are the sentences of the other events of a batch, in order.
	Also []string `yaml:"also" json:"also,omitempty"`
}
