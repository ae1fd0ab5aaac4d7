package score

import (
	"bytes"
	"math/bits"
	"strings"
)

// traits are the classes of properties of a machine or page that were sent.
type traits uint8

func (t traits) count() int { return bits.OnesCount8(uint8(t)) }

// see notes what a value of class c tells of the machine or page.
func (t *traits) see(p *pair, c class) {
	v := p.value()
	switch c {
	case classScreen:
		if isSize(v) || isPixels(v) {
			*t |= 1
		}
	case classLanguage:
		if isLanguage(v) {
			*t |= 2
		}
	case classZone:
		if isZone(v) {
			*t |= 4
		}
	case classDepth:
		if isDepth(v) {
			*t |= 8
		}
	case classView:
		if isSize(v) || isPixels(v) {
			*t |= 16
		}
	case classTitle:
		if len(v) >= 3 && !allDigits(v) {
			*t |= 32
		}
	case classPlain:
		if isScreen(v) {
			*t |= 1
		}
	}
}

// isPixels reports whether v is a number of pixels that a screen can have.
func isPixels(v []byte) bool { return len(v) >= 3 && len(v) <= 5 && allDigits(v) && v[0] != '0' }

// isSize reports whether v begins as 1920x1080 does.
func isSize(v []byte) bool {
	i := bytes.IndexAny(v, "x,X*")
	if i < 3 || i > 4 || !allDigits(v[:i]) {
		return false
	}
	rest, n := v[i+1:], 0
	for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
		n++
	}
	return n >= 3 && n <= 4
}

// isScreen reports whether v is the size of a common screen. Under a name that
// says nothing any other size may be that of a picture.
func isScreen(v []byte) bool {
	if len(v) < 7 || !isSize(v) {
		return false
	}
	i := bytes.IndexByte(v, 'x')
	if i < 0 {
		return false
	}
	rest := v[i+1:]
	n := 0
	for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
		n++
	}
	switch string(v[:i+1+n]) {
	case "1920x1080", "1366x768", "1536x864", "1440x900", "2560x1440", "1280x720", "1600x900", "1280x800", "1680x1050",
		"3840x2160", "1920x1200", "390x844", "393x873", "412x915", "360x800", "414x896", "375x812", "430x932":
		return true
	}
	return false
}

// isLanguage reports whether v begins with a language tag: de, en-US, zh_Hant.
func isLanguage(v []byte) bool {
	n := 0
	for n < len(v) && v[n]|0x20 >= 'a' && v[n]|0x20 <= 'z' {
		n++
	}
	return (n == 2 || n == 3) && (n == len(v) || v[n] == '-' || v[n] == '_' || v[n] == ',') && len(v) <= 40
}

// isZone reports whether v is a time zone: Europe/Berlin, or minutes or hours
// from UTC.
func isZone(v []byte) bool {
	if i := bytes.IndexByte(v, '/'); i > 0 && i < len(v)-1 && len(v) < 40 {
		return v[0] >= 'A' && v[0] <= 'Z' && v[i+1] >= 'A' && v[i+1] <= 'Z'
	}
	if len(v) > 0 && (v[0] == '-' || v[0] == '+' || v[0] == ' ') {
		v = v[1:]
	}
	return len(v) > 0 && len(v) <= 3 && allDigits(v)
}

// isDepth reports whether v is a colour depth or the ratio of pixels.
func isDepth(v []byte) bool {
	switch string(bytes.TrimSuffix(v, []byte("-bit"))) {
	case "8", "15", "16", "24", "30", "32", "36", "48", "1", "1.25", "1.5", "2", "3":
		return true
	}
	return false
}

// isBuster reports whether a value is there only so that no cache answers: a
// time, or a random number under a name that says so.
func isBuster(p *pair, c class) bool {
	v := p.value()
	if c != classBuster {
		return p.key.n == 0 && len(v) >= 6 && allDigits(v) // ?1763805600123
	}
	if len(v) > 2 && v[1] == '.' && v[0] == '0' {
		v = v[2:]
	}
	return len(v) >= 5 && allDigits(v)
}

var macros = [...]string{"$UID", "${", "[UID", "@USERID", "@@", "{UUID", "{{", "%%", "$USER", "[USER", "##", "<UID", "$$", "%UID", "{USER", "{uid", "[VX", "$ADNXS", "$TF_USER", "{PUB", "[sas_uid", "$!{", "%m"}

// isMacro reports whether a value has a place where another company's number
// is to be put in.
func isMacro(v []byte) bool {
	if !bytes.ContainsAny(v, "$[{@%#<") {
		return false
	}
	for _, m := range macros {
		if bytes.Contains(v, []byte(m)) {
			return true
		}
	}
	return false
}

// hostIn returns the host of a value that is a URL (whole) or a bare host; nil
// if it is neither.
func hostIn(v []byte) (host []byte, whole bool) {
	if i := bytes.Index(v, []byte("//")); i >= 0 && (i == 0 || i <= 6 && v[i-1] == ':') {
		v, whole = v[i+2:], true
	}
	n := 0
	for n < len(v) && (v[n]|0x20 >= 'a' && v[n]|0x20 <= 'z' || v[n] >= '0' && v[n] <= '9' || v[n] == '.' || v[n] == '-') {
		n++
	}
	if n < 4 || n < len(v) && v[n] != '/' && v[n] != '?' && v[n] != '#' && v[n] != ':' {
		return nil, false
	}
	host = v[:n]
	if dot := bytes.LastIndexByte(host, '.'); dot <= 0 || n-dot < 3 || !letters(host[dot+1:]) {
		return nil, false
	}
	return host, whole
}

func letters(v []byte) bool {
	for _, c := range v {
		if c|0x20 < 'a' || c|0x20 > 'z' {
			return false
		}
	}
	return true
}

func trimWWW(host []byte) []byte { return bytes.TrimPrefix(host, []byte("www.")) }

// Secret reports whether a cookie or parameter of this name may open an
// account: it is never compared with anything.
func Secret(cookie string) bool {
	var k name
	setName(&k, cookie)
	for _, s := range [...]string{"sess", "token", "auth", "csrf", "xsrf", "jwt", "login", "secret", "passw", "remember", "sso", "saml", "nonce", "oauth", "cart", "credential"} {
		if bytes.Contains(k.bytes(), []byte(s)) {
			return true
		}
	}
	return classOf(&k) == classSecret && k.n > 3
}

// words looks for words of trackers in the host's labels and the path.
func (j *judge) words(path string) {
	// Of a host all but the last two labels counts, which name who it belongs
	// to; the Public Suffix List would say it better and takes longer.
	host := j.r.Host
	if i := strings.LastIndexByte(host, '.'); i > 0 {
		if i = strings.LastIndexByte(host[:i], '.'); i > 0 {
			host = host[:i]
		}
	}
	j.split(host)
	j.split(path[:min(len(path), maxPath)])
}

// split looks at each word between separators. In a segment with capitals, "-"
// and "_" separate nothing: it may be random text.
func (j *judge) split(s string) {
	var buf [maxWord]byte
	capitals, end := false, 0
	for start, i := 0, 0; i <= len(s); i++ {
		if i >= end {
			capitals, end = segment(s, i)
		}
		if i < len(s) && (s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z' || s[i] >= '0' && s[i] <= '9' || capitals && (s[i] == '-' || s[i] == '_')) {
			continue
		}
		if n := i - start; n >= 2 && n <= maxWord {
			j.word(buf[:copy(buf[:], s[start:i])])
		}
		start = i + 1
	}
}

// segment says where the segment of a path that begins at i ends, and whether
// it has capitals.
func segment(s string, i int) (capitals bool, end int) {
	for end = i + 1; end < len(s) && s[end] != '/'; end++ {
		capitals = capitals || s[end] >= 'A' && s[end] <= 'Z'
	}
	return capitals, end
}

func (j *judge) word(w []byte) {
	for i, c := range w {
		if c >= 'A' && c <= 'Z' {
			w[i] = c + 'a' - 'A'
		}
	}
	if _, ok := syncWords[string(w)]; ok {
		j.syncs = true
	}
	if _, ok := pathWords[string(w)]; !ok {
		return
	}
	if j.has(signWord) {
		j.add(signWords)
	}
	j.add(signWord)
}

// isStatic reports whether a path names a stored file: a picture or other file
// with a hash, version or numbers in its name, as tiles and pictures have.
func isStatic(path string) bool {
	dot := -1
	for i := len(path) - 1; i >= 0 && path[i] != '/' && len(path)-i <= 6; i-- {
		if path[i] == '.' {
			dot = i
			break
		}
	}
	if dot < 0 {
		return false
	}
	switch strings.ToLower(path[dot+1:]) {
	case "jpg", "jpeg", "webp", "avif", "svg", "ico", "mp4", "m4s", "ts", "woff2", "pbf", "mvt", "pdf", "m3u8":
		return true
	case "png", "json", "js", "css":
		return hasToken(path) || numbered(path[:dot])
	}
	return false
}

// numbered reports whether the name of a file has a hash, or it and the two
// folders above are numbers, as in a map's tiles.
func numbered(path string) bool {
	runs, digits := 0, 0
	for i := 0; i < len(path); i++ {
		if c := path[i]; c >= '0' && c <= '9' {
			digits++
			if i == 0 || path[i-1] == '/' {
				runs++
			}
		}
	}
	return runs >= 2 || digits >= 5
}

// isAccount reports whether a value could be the number of an account: it has
// digits or is in upper case, and is short.
func isAccount(v []byte) bool {
	if len(v) < 3 || len(v) > 40 {
		return false
	}
	digits := 0
	for _, c := range v {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	return digits >= 3
}

// isPicture reports whether a path ends as the names of pictures do; of a GIF
// that says nothing.
func isPicture(path string) bool {
	for _, end := range [...]string{".jpg", ".jpeg", ".png", ".webp", ".avif", ".svg", ".ico", ".bmp"} {
		if n := len(path) - len(end); n >= 0 && strings.EqualFold(path[n:], end) {
			return true
		}
	}
	return false
}
