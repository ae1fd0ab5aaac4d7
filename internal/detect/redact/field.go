package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/quench-proxy/quench/internal/detect"
)

// kind says how a field is kept.
type kind uint8

const (
	kindText  kind = iota // words; what looks like an identifier is elided
	kindID                // short form and link
	kindTyped             // what the person typed: elided unless full
	kindBag               // several values: elided unless full and each has its name
	kindReach             // e-mail and telephone in clear: elided unless full, with link
	kindURL
	kindTrait // a trait of the hit or machine: kept, bounded
)

func kindOf(f *detect.Field) kind {
	switch f.Name {
	case "visitor_id", "tp_cookie", "user_id", "recipient", "click_id", "session_id", "order_id",
		"dedupe_id", "device_fp", "consent_string", "email_hash", "phone_hash", "name_hash",
		"address_hash", "birth_hash", "gender_hash":
		return kindID
	case "email_plain", "phone_plain":
		return kindReach
	case "name_plain", "search", "address_plain", "birth_plain", "gender_plain":
		return kindTyped
	case "form_data", "custom", "page_data":
		return kindBag
	case "page_url", "referrer":
		return kindURL
	case "account", "value", "currency", "quantity", "screen", "viewport", "color_depth", "language", "timezone",
		"platform", "ua_hints", "engaged_ms", "hit_no", "lib", "via", "sync_partner", "event":
		return kindTrait
	}
	return unknownKind(f)
}

// unknownKind judges a field that a rule added: in doubt it is private.
func unknownKind(f *detect.Field) kind {
	for _, end := range []string{"_id", "_hash", "_cookie", "_number"} {
		if strings.HasSuffix(f.Name, end) {
			return kindID
		}
	}
	if f.Sensitive {
		return kindTyped
	}
	return kindText
}

func field(level Level, key []byte, f detect.Field) detect.Field {
	out := detect.Field{Name: clean(f.Name), Label: cut(clean(f.Label), maxTrait), Made: day(f.Made), Sensitive: f.Sensitive}
	v := strings.ToValidUTF8(head(f.Value, maxInput), "")
	if v == "" {
		return out
	}
	switch kindOf(&f) {
	case kindID:
		out.Value, out.Link = identifier(key, v)
	case kindReach:
		out.Value, out.Link = Elided, Link(key, v)
		if level == Full {
			out.Value = cut(clean(v), maxValue)
		}
	case kindTyped:
		out.Value = Elided
		if level == Full {
			out.Value = cut(clean(v), maxValue)
		}
	case kindBag:
		out.Value = Elided
		if level == Full && allNamed(v) {
			out.Value = cut(clean(v), maxValue)
		}
	case kindURL:
		out.Value = URL(level, v)
	case kindTrait:
		out.Value = cut(clean(v), maxTrait)
	default:
		out.Value = text(level, v)
	}
	return out
}

// allNamed reports whether every value in v stands under a name: a JSON object
// or an encoded form. A value whose name is lost may be a password.
func allNamed(v string) bool {
	if strings.HasPrefix(v, "{") {
		return json.Valid([]byte(v))
	}
	if strings.ContainsAny(v, " ,;\t\r\n") {
		return false
	}
	for part := range strings.SplitSeq(v, "&") {
		if strings.IndexByte(part, '=') <= 0 {
			return false
		}
	}
	return true
}

// Text returns what may be kept of a text that is not known to be anything in
// particular: without secrets and, below Full, without what looks like an
// identifier, an address or a telephone number. The result is bounded.
func Text(level Level, s string) string { return text(level, strings.ToValidUTF8(s, "")) }

func text(level Level, s string) string {
	s = clean(head(s, maxInput))
	if level != Full {
		s = words(s)
	}
	return cut(s, maxValue)
}

// identifier returns the short form and the link of an identifier. What is a
// secret by its shape gets neither; an address in clear gets only the link.
func identifier(key []byte, v string) (short, link string) {
	if clean(v) != v || v == Elided { // what was never read links nothing
		return Elided, ""
	}
	if strings.Contains(v, "@") || strings.Contains(v, "%40") {
		return Elided, Link(key, v)
	}
	return Short(v), Link(key, v)
}

// Short returns the first and last characters of an identifier, together at
// most a third of it and at most seven; of one under twelve characters nothing.
func Short(v string) string {
	r := []rune(strings.TrimSpace(v))
	keep := min(len(r)/3, 7)
	if keep < 4 {
		return Elided
	}
	first, last := r[:keep-keep/2], r[len(r)-keep/2:]
	for _, c := range append(append([]rune(nil), first...), last...) {
		if c == utf8.RuneError || !unicode.IsPrint(c) {
			return Elided
		}
	}
	return string(first) + Elided + string(last)
}

// Link returns the link of a value: equal values have equal links whatever
// field they came in, and without the key nothing can be told from one. E-mail
// addresses, telephone numbers and hex digests are compared without regard to
// case and spacing. It is "" for an empty value or an empty key.
func Link(key []byte, v string) string {
	v = normal(v)
	if v == "" || len(key) == 0 {
		return ""
	}
	m := hmac.New(sha256.New, key)
	m.Write([]byte(v))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))[:16]
}

func normal(v string) string {
	v = strings.TrimSpace(v)
	if strings.Contains(v, "@") || len(v) >= 32 && isHex(v) {
		return strings.ToLower(v)
	}
	if v != "" && strings.Trim(v, "0123456789+-() ./") == "" && (v[0] == '+' || strings.ContainsAny(v, "-() /")) {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, v)
	}
	return v
}

func head(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
