package identity

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/quench-proxy/quench/internal/detect/markup"
)

// Find returns where url holds one of the person's addresses, in the order
// found, at most MaxProofs. The URL may be any text; it need not parse.
func (s *Set) Find(url string) []Proof {
	mine, _ := s.Search(url)
	return mine
}

// Search is Find, and also returns addresses of other people that stand there
// in clear or in an encoding that can be taken off. It works on a nil Set.
func (s *Set) Search(url string) (mine, others []Proof) {
	if len(url) > MaxURL {
		url = url[:MaxURL]
	}
	if s == nil {
		s = nobody
	}
	if s.quiet(url, 0) {
		return nil, nil
	}
	return s.search(url)
}

// search is Search for what quiet does not clear.
func (s *Set) search(url string) (mine, others []Proof) {
	f := finder{set: s, url: url, budget: 32<<10 + 48*len(url), parts: split(url)}
	f.explore(&view{b: []byte(url)})
	f.twoParts()
	return f.mine, f.others
}

type finder struct {
	set          *Set
	url          string
	parts        parts
	budget       int // bytes that views may still have
	mine, others []Proof
	views        [MaxDepth]view // see room
}

// explore searches v and everything encoded in it.
func (f *finder) explore(v *view) {
	if f.budget -= len(v.b); f.budget < 0 {
		return
	}
	if v.binary() {
		f.digests(v)
		if v.depth < MaxDepth {
			inflated(v, f.explore)
		}
		if !hasText(v.b) {
			return
		}
	}
	f.addresses(v)
	f.verps(v)
	f.locals(v)
	if v.depth >= MaxDepth {
		return
	}
	if d := unescape(v); d != nil && v.step != Escaped {
		f.explore(d)
	}
	// What percent encoding leaves alone stands in the decoded text as well, so
	// runs are decoded there only.
	if d := unpercent(v); d != nil {
		f.explore(d)
		return
	}
	f.tokens(v)
}

// minText is how many readable bytes in a row make decoded bytes worth reading.
const minText = 8

// hasText reports whether b holds text: most tokens decode to noise.
func hasText(b []byte) bool {
	n, want := 0, min(minText, len(b))
	for _, c := range b {
		if c-0x20 >= 0x5f {
			n = 0
			continue
		}
		if n++; n == want {
			return true
		}
	}
	return false
}

// tokens decodes every run of v that may be base64, hexadecimal or base32.
func (f *finder) tokens(v *view) {
	wordy := !v.binary() || v.exact
	runs(v.b, classHex, minHex, func(i, j int) {
		d := f.hexAt(v, i, j)
		d.exact = true
		f.explore(d)
		if j-i > 2*minHex {
			f.explore(f.hexAt(v, i+1, j))
		}
	})
	runs(v.b, classB64, minB64, func(i, j int) {
		if plainWord(v.b[i:j]) {
			return
		}
		for k := range min(4, j-i-minB64+1) {
			d := f.base64At(v, i+k, j)
			d.exact = k == 0 && wordy
			f.explore(d)
		}
	})
	f.slashed(v)
	runs(v.b, classB32, minB32, func(i, j int) {
		if oneCase(v.b[i:j]) {
			f.explore(f.base32At(v, i, j))
		}
	})
}

// slashed decodes runs that hold a slash, which belongs to the standard
// alphabet of base64 and also parts a path.
func (f *finder) slashed(v *view) {
	start, slashes := -1, 0
	for i := 0; i <= len(v.b); i++ {
		switch {
		case i < len(v.b) && (v.b[i] == '/' || classes[v.b[i]]&classB64 != 0):
			if start < 0 {
				start = i
			}
			if v.b[i] == '/' {
				slashes++
			}
			continue
		case start >= 0 && slashes > 0 && i-start >= minB64+4:
			for k := range 4 {
				f.explore(f.base64At(v, start+k, i))
			}
		}
		start, slashes = -1, 0
	}
}

// plainWord reports whether b is of small letters or of digits only: such runs
// are words and numbers, base64 of text mixes more.
func plainWord(b []byte) bool {
	letters, digits := 0, 0
	for _, c := range b {
		switch {
		case c >= 'a' && c <= 'z':
			letters++
		case c >= '0' && c <= '9':
			digits++
		case c == '-' || c == '_':
		default:
			return false
		}
	}
	return letters == 0 || digits == 0
}

func oneCase(b []byte) bool {
	var lower, upper, digit bool
	for _, c := range b {
		lower, upper, digit = lower || c >= 'a', upper || c >= 'A' && c <= 'Z', digit || c <= '9'
	}
	return lower != upper && (digit || len(b) >= 26)
}

// maxSigns is how many "@" of one view are looked at.
const maxSigns = 256

// addresses looks at what stands around each "@".
func (f *finder) addresses(v *view) {
	for i, n := 0, 0; n < maxSigns; n++ {
		j := bytes.IndexByte(v.b[i:], '@')
		if j < 0 {
			return
		}
		i += j
		f.around(v, i)
		i++
	}
}

func (f *finder) around(v *view, at int) {
	start, end := at, at+1
	for start > 0 && at-start < MaxAddress && f.set.localByte[v.b[start-1]] {
		start--
	}
	for end < len(v.b) && end-at < MaxAddress && (isAlnum(v.b[end]) || v.b[end] == '.' || v.b[end] == '-') {
		end++
	}
	left, right := string(v.b[start:at]), string(v.b[at+1:end])
	if f.mail(v, start, at, left, right, "") || f.mail(v, start, at, rot13(left), rot13(right), Rot13) || f.backwards(v, start, at) {
		return
	}
	// A length byte may stand before it, as in protocol buffers.
	if start < at-1 && v.binary() && f.mail(v, start+1, at, left[1:], right, "") {
		return
	}
	f.stranger(v, start, at, left, right)
}

// mail reports whether left@right is the person's, and keeps the proof.
func (f *finder) mail(v *view, start, at int, left, right string, step Step) bool {
	right = strings.ToLower(right)
	for right != "" && left != "" {
		if n, form := f.set.own(left, right); form != "" {
			f.keep(v, start, at+1+len(right), Proof{Address: f.set.given[n], Form: form}, step)
			return true
		}
		right = f.shorten(v, at+1, right)
	}
	return false
}

// backwards is mail for text that runs the other way. More may stand on both
// sides, so both are shortened.
func (f *finder) backwards(v *view, start, at int) bool {
	stop := at + 1
	for stop < len(v.b) && stop-at < MaxAddress && f.set.localByte[v.b[stop]] {
		stop++
	}
	for stop > at+1 {
		local := reversed(string(v.b[at+1 : stop]))
		for domain := strings.ToLower(reversed(string(v.b[start:at]))); domain != ""; {
			if n, form := f.set.own(local, domain); form != "" {
				f.keep(v, at-len(domain), stop, Proof{Address: f.set.given[n], Form: form}, Reversed)
				return true
			}
			domain = domain[:max(0, strings.LastIndexByte(domain, '.'))]
		}
		rest := f.shorten(v, at+1, string(v.b[at+1:stop]))
		stop = at + 1 + len(rest)
	}
	return false
}

// extensions may follow a name that is used as a file name.
var extensions = []string{"gif", "png", "jpg", "jpeg", "webp", "svg", "bmp", "ico", "php", "html", "htm", "css", "js", "asp", "aspx", "jsp", "json", "xml", "txt"}

// shorten cuts the last label off a domain where more than a domain may stand:
// a file extension behind it, or the rest of a host name. "" if it may not.
func (f *finder) shorten(v *view, at int, right string) string {
	right = strings.TrimRight(right, ".-")
	i := strings.LastIndexByte(right, '.')
	if i < 0 {
		return ""
	}
	from, _ := v.origin(at, at)
	if f.parts.in(from) == Subdomain || f.parts.in(from) == User || slices.Contains(extensions, right[i+1:]) {
		return right[:i]
	}
	return ""
}

// stranger keeps left@right as somebody else's address if it looks like one.
func (f *finder) stranger(v *view, start, at int, left, right string) {
	right = strings.ToLower(strings.TrimRight(right, ".-"))
	suffix, icann := publicsuffix.PublicSuffix(right)
	if left == "" || len(left) > 64 || !icann || len(suffix) >= len(right) || !isAlnum(left[0]) || strings.Contains(right, "..") {
		return
	}
	from, _ := v.origin(start, at)
	if w := f.parts.in(from); v.binary() && !readable(v.b, start, at+1+len(right)) || w == Subdomain || w == User || len(f.others) >= MaxProofs {
		return
	}
	p := f.proof(v, start, at+1+len(right), Proof{Address: left + "@" + right, Form: Other}, "")
	if !slices.ContainsFunc(f.others, func(o Proof) bool { return strings.EqualFold(o.Address, p.Address) }) {
		f.others = append(f.others, p)
	}
}

// readable reports whether what stands right around b[i:j] is text, too: chance
// makes an "@" between two letters, but rarely among readable neighbours.
func readable(b []byte, i, j int) bool {
	for _, c := range b[max(0, i-2):min(len(b), j+2)] {
		if c < 0x20 || c >= 0x7f {
			return false
		}
	}
	return j-i >= 8
}

// keep adds a proof for v.b[i:j], unless the same bytes already gave one for
// the same address.
func (f *finder) keep(v *view, i, j int, p Proof, step Step) {
	p = f.proof(v, i, j, p, step)
	for k := range f.mine {
		o := &f.mine[k]
		if o.Range.Start >= p.Range.End || p.Range.Start >= o.Range.End {
			continue
		}
		if o.Form == LocalPart && p.Form != LocalPart { // the same, seen whole
			*o = p
			return
		}
		if o.Form == p.Form || p.Form == LocalPart || o.Range == p.Range {
			return
		}
	}
	if len(f.mine) < MaxProofs {
		f.mine = append(f.mine, p)
	}
}

func (f *finder) proof(v *view, i, j int, p Proof, step Step) Proof {
	from, to := v.origin(i, min(j, len(v.b)))
	p.Range = markup.Range{Start: from, End: to}
	p.Where, p.Param = f.parts.locate(f.url, from)
	p.Encoding = label(v)
	if step != "" {
		p.Encoding = append(p.Encoding, step)
	}
	if p.Encoding.Digest() {
		p.Decoded = hex.EncodeToString(v.b[i:j])
	} else {
		p.Decoded = quote(v.b, i, j, v.up != nil && v.step != Percent && v.step != Escaped)
	}
	p.Shared = shared(p.Address[:strings.LastIndexByte(p.Address, '@')])
	p.Weak = p.Form == LocalPart && !p.Encoding.Digest() && (!v.binary() || j-i < minLocal+2)
	return p
}

// label is v's steps with what the decoded text shows: JSON, or a part of a JWT.
func label(v *view) Encoding {
	e := v.steps()
	text := bytes.TrimSpace(v.b)
	if len(text) < 2 || text[0] != '{' && text[0] != '[' || v.up == nil {
		return e
	}
	if n := len(e); (v.step == Base64 || v.step == Base64URL) && v.at > 0 && v.up.b[v.at-1] == '.' && bytes.Contains(v.up.b[:v.at], []byte("eyJ")) {
		e[n-1] = JWT
		return e
	}
	return append(e, JSON)
}

// quote gives b[i:j], with what is readable around it if around is set.
func quote(b []byte, i, j int, around bool) string {
	if around {
		for n := (MaxDecoded - (j - i)) / 2; n > 0 && i > 0 && b[i-1] >= 0x20 && b[i-1] < 0x7f; n-- {
			i--
		}
		for j < len(b) && j-i < MaxDecoded && b[j] >= 0x20 && b[j] < 0x7f {
			j++
		}
	}
	return strings.ToValidUTF8(string(b[i:min(j, i+MaxDecoded)]), "")
}
