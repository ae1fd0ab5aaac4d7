package vendor

// Canonical describes a canonical field.
type Canonical struct {
	Name string
	// Label is the default wording; it completes "it carried …".
	Label string
	// Sensitive fields identify the person or tell of their body, money or
	// account; they come first in the sentence.
	Sensitive bool
	// Said fields appear in the list of the sentence; the others are part of
	// the clause before it (page, value …) or only of the record.
	Said bool
}

// Canonicals lists the canonical fields in the order in which a sentence and a
// record name them. The caller must not change the result.
func Canonicals() []Canonical { return canonicals }

var canonicals = []Canonical{
	{"account", "the account that receives it", false, false},
	{"event", "what you did", false, false},
	{"page_url", "the page you were on", false, false},
	{"page_title", "the title of the page", false, true},
	{"referrer", "the page you came from", false, true},
	{"email_plain", "your e-mail address, in clear", true, true},
	{"phone_plain", "your telephone number, in clear", true, true},
	{"name_plain", "your name, in clear", true, true},
	{"user_id", "your account number on that site", true, true},
	{"recipient", "the number by which the sender knows your address", true, true},
	{"visitor_id", "the number that recognises this browser", true, true},
	{"tp_cookie", "the company's own cookie for this browser", true, true},
	{"email_hash", "a fingerprint of your e-mail address", true, true},
	{"phone_hash", "a fingerprint of your telephone number", true, true},
	{"name_hash", "a fingerprint of your name", true, true},
	{"address_hash", "a fingerprint of where you live", true, true},
	{"birth_hash", "a fingerprint of your date of birth", true, true},
	{"gender_hash", "a fingerprint of your gender", true, true},
	{"form_data", "what you typed into a form", true, true},
	{"click_id", "the number of the ad click that brought you", true, true},
	{"device_fp", "a bundle of traits that fingerprints your device", true, true},
	{"session_id", "the number of this visit", false, true},
	{"search", "what you searched for", true, false},
	{"value", "the amount", false, false},
	{"currency", "the currency", false, false},
	{"order_id", "the order number", false, true},
	{"products", "the products", false, true},
	{"category", "the kind of product", false, true},
	{"quantity", "how many", false, false},
	{"campaign", "the campaign or mailing", false, true},
	{"label", "the advertiser's label for it", false, false},
	{"content", "what you clicked on", false, true},
	{"custom", "further details the site chose", false, true},
	{"page_data", "a copy of the page's product data", false, true},
	{"screen", "your screen size", false, true},
	{"viewport", "your window size", false, true},
	{"color_depth", "your colour depth", false, true},
	{"language", "your language", false, true},
	{"timezone", "your time zone", false, true},
	{"platform", "your operating system", false, true},
	{"ua_hints", "details of your browser and computer", false, true},
	{"engaged_ms", "how long you looked", false, true},
	{"hit_no", "the count of events in this visit", false, false},
	{"dedupe_id", "a number that lets the site's server send the same event again", false, false},
	{"consent_string", "what the page says you agreed to", false, false},
	{"lib", "the version of the script", false, false},
	{"via", "how the script was installed", false, false},
	{"sync_partner", "the company it is shared with", false, true},
}
