package score

import (
	"bytes"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
)

// maxFields bounds the fields of one report.
const maxFields = 32

// Fields says what a request for which Worth holds would have told, as far as
// its names and values show it. Labels are left to the caller. It is meant for
// explaining, off the data path.
func Fields(r *detect.Request) []detect.Field {
	var out []detect.Field
	j := judge{r: r, page: detect.HostOf(r.Page), out: &out}
	j.Read = r.Type == detect.TypeXHR
	j.all()
	return out
}

// note adds a field, once for each name.
func (j *judge) note(name string, value []byte) {
	if j.out == nil || len(*j.out) >= maxFields || len(value) == 0 {
		return
	}
	for _, f := range *j.out {
		if f.Name == name {
			return
		}
	}
	*j.out = append(*j.out, detect.Field{Name: name, Value: strings.ToValidUTF8(string(value), "")})
}

// noteID adds a number for a browser. That of a visit may open an account, so
// that its value is left out.
func (j *judge) noteID(key *name, part []byte) {
	switch {
	case j.out == nil:
	case bytes.Contains(key.bytes(), []byte("ses")), string(key.bytes()) == "sid":
		j.note("session_id", []byte("…"))
	default:
		j.note("visitor_id", part)
	}
}

// noteTrait adds what a value of class c tells of the machine or page.
func (j *judge) noteTrait(p *pair, c class, before traits) {
	if j.out == nil || j.traits == before {
		return
	}
	switch c {
	case classLanguage:
		j.note("language", p.value())
	case classZone:
		j.note("timezone", p.value())
	case classDepth:
		j.note("color_depth", p.value())
	case classView:
		j.note("viewport", p.value())
	case classTitle:
		j.note("page_title", p.value())
	default:
		j.note("screen", p.value())
	}
}

// noteYou adds what a value tells of the person: addresses in clear, or as
// fingerprints under their names, and what is only ever typed. A secret's value
// is left out.
func (j *judge) noteYou(p *pair) {
	if j.out == nil {
		return
	}
	v, key := p.value(), string(p.key.bytes())
	switch {
	case isMail(v):
		j.note("email_plain", v)
	case strings.HasSuffix(key, "email"), strings.HasSuffix(key, "mail"), key == "em", strings.HasPrefix(key, "email"):
		if isDigest(v) {
			j.note("email_hash", v)
		}
	case isPhoneName(key):
		if isDigest(v) {
			j.note("phone_hash", v)
		} else if isPhone(v) {
			j.note("phone_plain", v)
		}
	case strings.Contains(key, "passw"), key == "pwd", strings.Contains(key, "cardnumber"), strings.Contains(key, "creditcard"), key == "ccnum", key == "cardno", key == "iban":
		j.note("form_data", []byte("…"))
	}
}

func isPhoneName(key string) bool {
	return strings.Contains(key, "phone") || key == "tel" || key == "mobile" || key == "ph"
}

// isMail: one "@" with a name before and a host after it, and nothing else.
func isMail(v []byte) bool {
	name, host, ok := bytes.Cut(v, []byte("@"))
	dot := bytes.LastIndexByte(host, '.')
	return ok && len(name) > 0 && len(name) <= 64 && dot > 0 && dot < len(host)-2 && len(host) <= 253 &&
		!bytes.ContainsAny(v, " /?&=:;,<>\"\\") && bytes.IndexByte(host, '@') < 0
}

// isDigest: the hexadecimal of an MD5, SHA-1 or SHA-256.
func isDigest(v []byte) bool {
	return (len(v) == 32 || len(v) == 40 || len(v) == 64) && len(bytes.Trim(v, "0123456789abcdefABCDEF")) == 0
}

// isPhone: seven to fifteen digits (E.164), written as people do.
func isPhone(v []byte) bool {
	digits := 0
	for i, c := range v {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c == '+' && i == 0, c == ' ', c == '-', c == '(', c == ')', c == '.', c == '/':
		default:
			return false
		}
	}
	return digits >= 7 && digits <= 15
}

// Partner returns whose number a request carries to somebody else, "" if it
// carries none that is remembered. It is also for requests that rules know.
func Partner(r *detect.Request) string {
	if r.Past == nil || len(r.Past.Others) == 0 || r.Party() != detect.ThirdParty {
		return ""
	}
	j := judge{r: r, page: detect.HostOf(r.Page)}
	j.all()
	return j.Result.Partner
}

// ID is a value in a request that could tell one visitor from another.
type ID struct {
	// Name is the parameter's or cookie's, in lower case letters and digits.
	Name, Value string
	Cookie      bool
}

// maxFound bounds the identifiers of one request.
const maxFound = 24

// IDs finds the identifiers in the query, path and cookies of a request. Values
// under names of sessions, tokens and the like are never among them.
func IDs(r *detect.Request) []ID {
	path, query := detect.Split(r.URL)
	var out []ID
	var w pairs
	var p pair
	for _, part := range [...]string{query, matrix(path)} {
		w.start(part)
		for w.next(&p) && len(out) < maxFound {
			if c := classOf(&p.key); c == classSecret || c == classFile || c == classBuster || c == classSize || c == classAccount {
				continue
			}
			out = found(out, string(p.key.bytes()), p.value(), false)
		}
	}
	return CookieIDs(out, cookieOf(r))
}

// matrix is the part of a path that carries parameters, "" if none does.
func matrix(path string) string {
	i := strings.IndexByte(path, '=')
	if i < 0 {
		return ""
	}
	return path[strings.LastIndexAny(path[:i], "/;:")+1:]
}

// CookieIDs appends the identifiers in a Cookie field to out.
func CookieIDs(out []ID, field string) []ID {
	c := cookies{rest: field}
	for n := 0; n < maxPairs && len(out) < maxFound; n++ {
		name, value, ok := c.next()
		if !ok {
			break
		}
		if len(value) > maxID || Secret(name) {
			continue
		}
		out = found(out, name, []byte(value), true)
	}
	return out
}

func found(out []ID, name string, value []byte, cookie bool) []ID {
	if len(value) < minID || value[0] == 'e' && value[1] == 'y' {
		return out
	}
	parts := pieces{v: value}
	for len(out) < maxFound {
		part, _, ok := parts.next()
		if !ok {
			break
		}
		out = append(out, ID{Name: name, Value: string(part), Cookie: cookie})
	}
	return out
}

// LongLived reports whether a Set-Cookie field gives an identifier that lives
// for more than 90 days, counted from the answer's own words.
func LongLived(field string) bool {
	first, attrs, _ := strings.Cut(field, ";")
	name, value, ok := strings.Cut(first, "=")
	if !ok || len(found(nil, name, []byte(strings.TrimSpace(value)), true)) == 0 || Secret(name) {
		return false
	}
	for a := range strings.SplitSeq(attrs, ";") {
		k, v, _ := strings.Cut(strings.TrimSpace(a), "=")
		switch {
		case strings.EqualFold(k, "max-age"):
			v = strings.TrimSpace(v)
			return allDigits([]byte(v)) && (len(v) > 7 || number([]byte(v)) > 90*86400)
		case strings.EqualFold(k, "expires"):
			// Without a clock: a year that an answer of today cannot mean to be
			// soon. What it leaves out is only one sign less.
			return strings.Contains(v, "203") || strings.Contains(v, "202") && len(v) > 20
		}
	}
	return false
}

// Mask writes as many "0" in place of the letters and digits of each identifier
// in a query, and says whether it found any. Values under names that mean an
// account, a file or a signature stay, for with them the request would fail.
func Mask(query string) (masked string, changed bool) {
	b := []byte(query)
	for start := 0; start < len(b); {
		end := start
		for end < len(b) && b[end] != '&' && b[end] != ';' {
			end++
		}
		eq := start
		for eq < end && b[eq] != '=' {
			eq++
		}
		if eq < end && maskable(query[start:eq], query[eq+1:end]) {
			changed = true
			maskValue(b[eq+1 : end])
			if maskable(query[start:eq], string(b[eq+1:end])) { // an escape stood within it
				zero(b[eq+1 : end])
			}
		}
		start = end + 1
	}
	return string(b), changed
}

func maskable(rawName, rawValue string) bool {
	var p pair
	setName(&p.key, rawName)
	switch classOf(&p.key) {
	case classSecret, classFile, classAccount, classBuster, classSize:
		return false
	}
	p.unescape(rawValue)
	if len(p.value()) < minID {
		return false
	}
	if host, whole := hostIn(p.value()); whole && host != nil {
		return false
	}
	parts := pieces{v: p.value()}
	_, _, ok := parts.next()
	return ok
}

// maskValue masks the identifiers in a value as it was written, or all of it if
// none can be told from the rest.
func maskValue(b []byte) {
	found := false
	for start := 0; start < len(b); {
		end := start
		for end < len(b) && inID(b[end]) {
			end++
		}
		if KindOf(b[start:end]) != KindNone {
			zero(b[start:end])
			found = true
		}
		if start = end + 1; end < len(b) && b[end] == '%' {
			start += 2 // an escape is no part of an identifier
		}
	}
	if !found {
		zero(b)
	}
}

func inID(c byte) bool {
	return alnum(c) || c == '-' || c == '_' || c == '.'
}

// zero writes "0" for letters and digits, escaped ones too; separators stay.
func zero(b []byte) {
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c == '%' && i+2 < len(b) && unhex(b[i+1]) < 16 && unhex(b[i+2]) < 16 {
			if c = unhex(b[i+1])<<4 | unhex(b[i+2]); alnum(c) {
				b[i+1], b[i+2] = '3', '0'
			}
			i += 2
			continue
		}
		if alnum(c) {
			b[i] = '0'
		}
	}
}

func alnum(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}
