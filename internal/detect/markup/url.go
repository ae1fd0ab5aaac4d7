package markup

import (
	"bytes"
	"net/url"
	"strings"
)

// target is a URL as clients understand it.
type target struct {
	url    string
	scheme string // lower case, empty if there is none
	reach  Reach
	tricks Vectors
}

// maxWrap is how many wrapping schemes (view-source:, mhtml:, feed:) are taken off.
const maxWrap = 4

// parseURL reads raw, already free of entities and escapes, as lenient clients
// do. base may be empty. Nothing is refused: what cannot be understood keeps
// its text.
func parseURL(raw []byte, base string) target {
	var t target
	b := cleanURL(raw, &t.tricks)
	if len(b) > MaxURL {
		b = b[:MaxURL]
	}
	t.read(b, base, 0)
	return t
}

// cleanURL drops what URL parsers drop: white space and controls around it,
// tabs, newlines and NULs inside. Quotes that surround the whole go as well.
func cleanURL(b []byte, tricks *Vectors) []byte {
	b = span{b: b}.trim().b
	if n := len(b); n > 1 && b[0] == b[n-1] && (b[0] == '`' || b[0] == '\'' || b[0] == '"') {
		tricks.add(106)
		b = b[1 : n-1]
	} else if n > 0 && b[0] == '`' {
		tricks.add(106)
		b = b[1:]
	}
	i := 0
	for i < len(b) && b[i] != '\t' && b[i] != '\n' && b[i] != '\r' && b[i] != 0 {
		i++
	}
	if i == len(b) {
		return b
	}
	tricks.add(107)
	out := append(make([]byte, 0, len(b)), b[:i]...)
	for _, c := range b[i:] {
		if c != '\t' && c != '\n' && c != '\r' && c != 0 {
			out = append(out, c)
		}
	}
	return out
}

func schemeLen(b []byte) int {
	if len(b) == 0 || !isAlpha(b[0]) {
		return 0
	}
	for i, c := range b {
		switch {
		case c == ':':
			return i
		case !isAlpha(c) && !isDigit(c) && c != '+' && c != '-' && c != '.':
			return 0
		}
	}
	return 0
}

func isSlash(c byte) bool { return c == '/' || c == '\\' }

func (t *target) read(b []byte, base string, depth int) {
	n := schemeLen(b)
	if n == 0 {
		t.schemeless(b, base)
		return
	}
	t.scheme = asciiLower(b[:n])
	if t.scheme != string(b[:n]) {
		t.tricks.add(112)
	}
	rest := b[n+1:]
	switch t.scheme {
	case "http", "https":
		t.special(b, rest)
	case "ws", "wss", "ftp":
		t.tricks.add(114)
		t.special(b, rest)
	case "file", "smb", "cifs":
		t.tricks.add(113)
		t.file(rest)
	case "view-source", "mhtml", "feed", "jar", "its", "ms-its", "mk", "wyciwyg", "pcast":
		t.wrapped(rest, base, depth)
	case "blob", "filesystem":
		t.tricks.add(111)
		t.url = string(b)
	case "cid", "mid":
		t.tricks.add(115)
		t.url = string(b)
	default:
		t.other(b, rest)
	}
}

// other keeps a URL of any other scheme; one with an authority goes to the
// network by some program.
func (t *target) other(b, rest []byte) {
	t.url = string(b)
	switch t.scheme {
	case "data", "about", "javascript", "vbscript", "mailto", "tel", "sms", "urn", "geo", "callto", "skype", "res", "chrome", "resource":
		return
	}
	if len(rest) > 2 && rest[0] == '/' && rest[1] == '/' && len(t.scheme) > 1 {
		t.tricks.add(114)
		t.reach = Remote
	}
}

func asciiLower(b []byte) string {
	for _, c := range b {
		if c >= 'A' && c <= 'Z' {
			return strings.ToLower(string(b))
		}
	}
	switch string(b) { // the usual ones cost nothing
	case "http":
		return "http"
	case "https":
		return "https"
	}
	return string(b)
}

// special reads what follows "http:" and its like: any number of slashes of
// either kind may introduce the host.
func (t *target) special(b, rest []byte) {
	n := 0
	for n < len(rest) && isSlash(rest[n]) {
		n++
	}
	end := queryAt(rest)
	odd := n != 2 || bytes.IndexByte(rest[:end], '\\') >= 0
	if odd {
		t.tricks.add(109)
	}
	t.reach = Remote
	if n >= len(rest) {
		t.reach = Local
	}
	plain := n == 2 && plainHost(rest[2:])
	if !odd && string(b[:len(t.scheme)]) == t.scheme {
		t.url = string(b)
	} else {
		t.url = t.scheme + "://" + slashed(rest[n:max(n, end)]) + string(rest[max(n, end):])
	}
	if !plain {
		t.oddHost()
	}
}

// queryAt is where the query or fragment begins, or the end.
func queryAt(b []byte) int {
	if i := bytes.IndexByte(b, '?'); i >= 0 {
		b = b[:i]
	}
	if i := bytes.IndexByte(b, '#'); i >= 0 {
		return i
	}
	return len(b)
}

func slashed(b []byte) string {
	if bytes.IndexByte(b, '\\') < 0 {
		return string(b)
	}
	return strings.ReplaceAll(string(b), `\`, "/")
}

// file reads what follows "file:": with a host, opening it logs in there.
func (t *target) file(rest []byte) {
	n := 0
	for n < len(rest) && isSlash(rest[n]) {
		n++
	}
	t.url = t.scheme + ":" + slashed(rest)
	if n == 2 || n >= 4 {
		t.url = t.scheme + "://" + slashed(rest[n:])
		switch h := authority(t.url); {
		case h == "", h == "localhost", len(h) == 1, strings.HasSuffix(h, "|"):
		default:
			t.reach = Remote
		}
	}
}

// wrapped takes off a scheme whose content is another URL.
func (t *target) wrapped(rest []byte, base string, depth int) {
	own := t.scheme
	if own == "mhtml" || own == "its" || own == "ms-its" || own == "mk" {
		t.tricks.add(115)
		rest = bytes.TrimPrefix(rest, []byte("@MSITStore:"))
	} else {
		t.tricks.add(27)
	}
	if depth == maxWrap {
		t.url = own + ":" + string(rest)
		return
	}
	if i := bytes.IndexByte(rest, '!'); i > 0 && t.tricks.Has(115) {
		rest = rest[:i]
	}
	t.read(rest, base, depth+1)
	if t.reach == Relative {
		t.reach = Local
	}
}

// schemeless resolves a reference without a scheme.
func (t *target) schemeless(b []byte, base string) {
	t.url = string(b)
	if len(b) == 0 || b[0] == '#' {
		return
	}
	if len(b) > 1 && isSlash(b[0]) && isSlash(b[1]) {
		t.tricks.add(108)
		if b[0] == '\\' && b[1] == '\\' {
			t.tricks.add(113)
		}
		scheme := base[:max(0, strings.IndexByte(base, ':'))]
		end := queryAt(b)
		n := 2
		for n < end && isSlash(b[n]) {
			n++
		}
		t.url = "//" + slashed(b[n:end]) + string(b[end:])
		if scheme == "http" || scheme == "https" {
			t.url = scheme + ":" + t.url
		}
		if n < end {
			t.reach = Remote
			t.oddHost()
		}
		return
	}
	t.reach = Relative
	if base != "" {
		t.join(b, base)
	}
}

// join resolves a relative reference; net/url does it unless the reference is
// too odd for it.
func (t *target) join(b []byte, base string) {
	ref := slashed(b)
	root, err := url.Parse(base)
	if err != nil || root.Opaque != "" {
		return
	}
	if u, err := root.Parse(ref); err == nil {
		t.url = u.String()
	} else {
		dir := base[:len(base)-len(root.RawQuery)]
		t.url = dir[:strings.LastIndexByte(dir, '/')+1] + strings.TrimLeft(ref, "/")
	}
	if root.Host != "" {
		t.reach = Remote
	}
}
