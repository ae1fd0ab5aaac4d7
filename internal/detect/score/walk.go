package score

import (
	"bytes"

	"github.com/quench-proxy/quench/internal/detect"
)

const (
	// maxPairs bounds the parameters of one request that are looked at.
	maxPairs = 96
	// maxValue bounds the bytes of a value that are looked at.
	maxValue = 400
	// maxKey bounds the bytes of a name: longer ones are nobody's parameter.
	maxKey = 48
	// maxIDs bounds the values of one request that are hashed.
	maxIDs = 10
	// maxPath bounds the bytes of a path in which words are looked for.
	maxPath = 1 << 10
	// maxBody bounds the bytes of a body that are looked at.
	maxBody = 16 << 10
)

// name is the name of a parameter in the form that the tables have: lower case
// letters and digits, all else left out.
type name struct {
	buf  [maxKey]byte
	n    int
	tail int // where the part behind the last separator begins
}

// setName reads a name as it was written.
func setName[T string | []byte](k *name, raw T) {
	k.n, k.tail = 0, 0
	for i := 0; i < len(raw) && k.n < maxKey; i++ {
		c := raw[i]
		switch {
		case c == '%' && i+2 < len(raw): // brackets and the like
			i += 2
			if i+1 < len(raw) {
				k.tail = k.n
			}
			continue
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
		default:
			if i+1 < len(raw) && c != ']' {
				k.tail = k.n
			}
			continue
		}
		k.buf[k.n] = c
		k.n++
	}
}

func (k *name) bytes() []byte { return k.buf[:k.n] }

func (k *name) ends(s string) bool {
	return k.n > len(s) && string(k.buf[k.n-len(s):k.n]) == s
}

// unescape takes a value of a query: %XX is decoded, and + is a space.
func (p *pair) unescape(raw string) {
	buf, n := &p.buf, 0
	for i := 0; i < len(raw) && n < len(buf); i++ {
		c := raw[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(raw) && unhex(raw[i+1]) < 16 && unhex(raw[i+2]) < 16:
			c = unhex(raw[i+1])<<4 | unhex(raw[i+2])
			i += 2
		}
		buf[n] = c
		n++
	}
	p.n = n
}

func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 255
}

// pair is one named value.
type pair struct {
	key name
	buf [maxValue]byte
	n   int
}

// value is valid until the next pair is read.
func (p *pair) value() []byte { return p.buf[:p.n] }

// set takes a value as it is.
func (p *pair) set(v []byte) { p.n = copy(p.buf[:], v) }

// pairs goes through the named values of a query or path: k=v, between & or ;.
type pairs struct {
	rest string
	left int
}

func (w *pairs) start(s string) { w.rest, w.left = s, maxPairs }

// next gives the next pair; false at the end.
func (w *pairs) next(p *pair) bool {
	if w.rest == "" || w.left == 0 {
		return false
	}
	w.left--
	s, i := w.rest, 0
	for i < len(s) && s[i] != '&' && s[i] != ';' {
		i++
	}
	item := s[:i]
	if i < len(s) {
		i++
	}
	w.rest = s[i:]
	eq := 0
	for eq < len(item) && item[eq] != '=' {
		eq++
	}
	if eq == len(item) { // a value without a name
		p.key.n = 0
		p.unescape(item)
		return true
	}
	setName(&p.key, item[:eq])
	p.unescape(item[eq+1:])
	return true
}

// fields goes through the named values of JSON, whole or broken off, without
// regard to how deep they stand: "key": "value" and "key": number. What is no
// JSON has none.
type fields struct {
	all  []byte
	rest []byte // the end of all
	left int
}

func (w *fields) start(b []byte) {
	w.all = b[:min(len(b), maxBody)]
	w.rest, w.left = w.all, 2*maxPairs
}

// quote returns rest with the quote before it.
func (w *fields) quote(rest []byte) []byte { return w.all[len(w.all)-len(rest)-1:] }

func (w *fields) next(p *pair) bool {
	for w.left > 0 {
		key, ok := w.text()
		if !ok {
			return false
		}
		after := w.rest
		w.space()
		if len(w.rest) == 0 || w.rest[0] != ':' {
			// It was no name: what closed it may open one.
			w.rest = w.quote(after)
			continue
		}
		w.rest = w.rest[1:]
		w.space()
		if len(w.rest) == 0 {
			return false
		}
		var value []byte
		switch c := w.rest[0]; {
		case c == '"':
			if value, ok = w.text(); !ok {
				return false
			}
		case c == '-' || c >= '0' && c <= '9':
			n := 1
			for n < len(w.rest) && (w.rest[n] >= '0' && w.rest[n] <= '9' || w.rest[n] == '.') {
				n++
			}
			value, w.rest = w.rest[:n], w.rest[n:]
		case c == '[' || c == '{':
			value = w.rest[:1] // that there is a list or more of them
		default:
			continue
		}
		w.left--
		setName(&p.key, key)
		p.set(value)
		return true
	}
	return false
}

// text takes the next text between quotes; its escapes stay as they are. A
// quote that is escaped, as in JSON within JSON, opens and closes texts too.
func (w *fields) text() ([]byte, bool) {
	i := bytes.IndexByte(w.rest, '"')
	if i < 0 {
		return nil, false
	}
	at := len(w.all) - len(w.rest) + i
	within := at > 0 && w.all[at-1] == '\\'
	w.rest = w.rest[i+1:]
	i = bytes.IndexByte(w.rest, '"')
	if i < 0 {
		return nil, false
	}
	t := w.rest[:i]
	w.rest = w.rest[i+1:]
	if i > 0 && t[i-1] == '\\' {
		if t = t[:i-1]; !within { // JSON begins in this text
			w.rest = w.quote(w.rest)
		}
	}
	return t, true
}

func (w *fields) space() {
	for len(w.rest) > 0 && (w.rest[0] == '\\' || w.rest[0] == ' ' || w.rest[0] == '\n' || w.rest[0] == '\t' || w.rest[0] == '\r') {
		w.rest = w.rest[1:]
	}
}

// pieces goes through the parts of a value that could be an identifier of
// their own: the whole, what stands between separators, and a number with the
// time beside it.
type pieces struct {
	v    []byte
	at   int
	step uint8
}

func (p *pieces) next() (piece []byte, k Kind, ok bool) {
	if p.step == 0 {
		p.step = 1
		if k := KindOf(p.v); k != KindNone && k != KindStamped {
			return p.v, k, true
		}
		if s := stamped(p.v); s != nil {
			return s, KindStamped, true
		}
	}
	for p.at < len(p.v) && p.step < 8 {
		end := p.at
		for end < len(p.v) && !splits(p.v[end]) {
			end++
		}
		part := p.v[p.at:end]
		whole := p.at == 0 && end == len(p.v)
		p.at = end + 1
		if whole {
			return nil, KindNone, false
		}
		if k := KindOf(part); k != KindNone {
			p.step++
			return part, k, true
		}
	}
	return nil, KindNone, false
}

func splits(c byte) bool {
	switch c {
	case '.', '|', ':', '!', '~', ',', ';', '/', '&', '=', '$', '*', ' ', '[', ']', '"', '?', '#':
		return true
	}
	return false
}

// stamped returns the last two parts of a value between dots, if they are a
// number and its time: of GA1.1.444444444.1763805600 what _ga tells.
func stamped(v []byte) []byte {
	last := bytes.LastIndexByte(v, '.')
	if last <= 0 {
		return nil
	}
	start := bytes.LastIndexByte(v[:last], '.') + 1
	if beside(v[start:last], v[last+1:]) {
		return v[start:]
	}
	return nil
}

// cookies goes through the cookies of a request.
type cookies struct{ rest string }

func (c *cookies) next() (name, value string, ok bool) {
	for c.rest != "" {
		s, i := c.rest, 0
		for i < len(s) && s[i] != ';' {
			i++
		}
		item := s[:i]
		if i < len(s) {
			i++
		}
		c.rest = s[i:]
		for item != "" && item[0] == ' ' {
			item = item[1:]
		}
		for j := range len(item) {
			if item[j] == '=' {
				return item[:j], item[j+1:], true
			}
		}
	}
	return "", "", false
}

// cookieOf returns the Cookie field of a request.
func cookieOf(r *detect.Request) string {
	if r.Header == nil {
		return ""
	}
	return r.Header.Get("Cookie")
}
