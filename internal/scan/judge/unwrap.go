package judge

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
)

// Bounds on unwrapping.
const (
	// MaxUnwrap is how many wrappers may lie around one another.
	MaxUnwrap = 5
	// maxWrapped is how many bytes of a URL are looked at.
	maxWrapped = 16 << 10
)

// imageProxy is a service that fetches the pictures of a mail for its reader.
type imageProxy struct {
	host  string // with everything below
	path  string // prefix; "" for any
	by    string // who runs it
	inner func(*link) string
}

var imageProxies = []imageProxy{
	{"googleusercontent.com", "", "Google", fragmentURL},
	{"yusercontent.com", "/mail", "Yahoo", paramURL},
	{"yimg.com", "/", "Yahoo", paramURL},
	{"outlook.com", "/", "Microsoft", paramURL},
	{"outlook.live.com", "/", "Microsoft", paramURL},
	{"office.com", "/", "Microsoft", paramURL},
	{"office365.com", "/", "Microsoft", paramURL},
	{"office.net", "/", "Microsoft", paramURL},
	{"protonmail.com", "/api/", "Proton", paramURL},
	{"proton.me", "/api/", "Proton", paramURL},
	{"fastmailusercontent.com", "/", "Fastmail", hexURL},
	{"messagingengine.com", "/", "Fastmail", hexURL},
	{"yandex.net", "/mailservice", "Yandex", paramURL},
	{"imgsmail.ru", "/", "Mail.ru", paramURL},
	{"mail.ru", "/", "Mail.ru", paramURL},
	{"camo.githubusercontent.com", "/", "GitHub", hexURL},
	{"slack-imgs.com", "/", "Slack", paramURL},
	{"external-content.duckduckgo.com", "/iu/", "DuckDuckGo", paramURL},
	{"wsrv.nl", "/", "wsrv.nl", paramURL},
	{"images.weserv.nl", "/", "wsrv.nl", paramURL},
	{"wp.com", "/", "Automattic", pathHost},
}

// Unproxy takes the image proxies of mail services off u: original is the
// address behind them, via who runs the outermost. Both are "" if there is none.
func Unproxy(u string) (original, via string) {
	l := linkOf(u)
	return unproxyAll(&l)
}

func unproxyAll(l *link) (original, via string) {
	for range MaxUnwrap {
		inner, by := unproxy(l)
		if inner == "" {
			break
		}
		if via == "" {
			via = by
		}
		original = inner
		next := linkOf(inner)
		l = &next
	}
	return original, via
}

func unproxy(l *link) (inner, by string) {
	if l.origin.proxies == 0 || len(l.url) > maxWrapped {
		return "", ""
	}
	for i := range imageProxies {
		p := &imageProxies[i]
		if l.origin.proxies>>i&1 != 0 && strings.HasPrefix(l.path, p.path) {
			if inner = p.inner(l); inner != "" {
				return inner, p.by
			}
		}
	}
	return "", ""
}

// Target follows the redirects whose goal stands in the link itself: "" if it
// says none. Nothing is asked of the network.
func Target(u string) string {
	l := linkOf(u)
	return targetOf(&l)
}

func targetOf(l *link) (target string) {
	for range MaxUnwrap {
		inner := unredirect(l)
		if inner == "" || inner == l.url {
			break
		}
		target = inner
		next := linkOf(inner)
		l = &next
	}
	return target
}

func unredirect(l *link) string {
	if len(l.url) > maxWrapped {
		return ""
	}
	for _, f := range [...]func(*link) string{rewritten, paramURL, pathURL, encodedURL, fragmentURL} {
		if inner := f(l); inner != "" {
			return inner
		}
	}
	return ""
}

// mayBe reports whether s starts as a URL may, or white space or an escape
// before one.
func mayBe(s string) bool {
	return len(s) >= 11 && (s[0] == '%' || leads(s[0]))
}

// leads reports whether a URL starts with c, or white space that may stand
// before one.
func leads(c byte) bool {
	return c|0x20 == 'h' || c == ' ' || c >= '\t' && c <= '\r' || c == 0xc2 || c >= 0xe1 && c <= 0xe3
}

// absolute returns s as a URL if it is one of the web, else "".
func absolute(s string) string {
	if !mayBe(s) {
		return ""
	}
	s = strings.TrimSpace(s)
	for range 3 {
		if len(s) < 11 {
			return ""
		}
		if strings.EqualFold(s[:7], "http://") || strings.EqualFold(s[:8], "https://") {
			if h := detect.HostOf(s); !strings.Contains(h, ".") && h != "localhost" {
				return ""
			}
			return s
		}
		d, err := url.PathUnescape(s)
		if err != nil || d == s {
			return ""
		}
		s = d
	}
	return ""
}

func fragmentURL(l *link) string { return absolute(l.fragment()) }

// paramURL finds the parameter whose value is a URL, in clear or base64.
func paramURL(l *link) string {
	for query := l.query; query != ""; {
		var p string
		p, query = cutParam(query)
		name, value, ok := strings.Cut(p, "=")
		if !ok || len(value) < 11 || strings.EqualFold(name, "referer") || strings.EqualFold(name, "referrer") {
			continue
		}
		if a := absolute(value); a != "" {
			if d, err := url.QueryUnescape(value); err == nil && absolute(d) != "" {
				a = d
			}
			return a
		}
		if a := sealed(value); a != "" {
			return a
		}
	}
	return ""
}

// sealed reads a URL out of base64, of it alone or of JSON that holds one; of a
// JWT, the middle.
func sealed(value string) string {
	if strings.IndexByte(value, '%') >= 0 {
		if d, err := url.PathUnescape(value); err == nil {
			value = d
		}
	}
	for part := range strings.SplitSeq(value, ".") {
		if len(part) < 12 || !opensURL(part) {
			continue
		}
		text, err := unbase64(part)
		if err != nil {
			continue
		}
		if a := absolute(text); a != "" {
			return a
		}
		if strings.HasPrefix(text, "{") {
			if a := inJSON(text); a != "" {
				return a
			}
		}
	}
	return ""
}

// opensURL reports whether base64 s starts with what absolute or inJSON reads.
func opensURL(s string) bool {
	hi, lo := sextet(s[0]), sextet(s[1])
	c := hi<<2 | lo>>4
	return hi|lo < 64 && (c == '%' || c == '{' || leads(c))
}

// sextet is the value of a letter of base64, of both alphabets; 64 if it is none.
func sextet(c byte) byte {
	switch {
	case c >= 'A' && c <= 'Z':
		return c - 'A'
	case c >= 'a' && c <= 'z':
		return c - 'a' + 26
	case c >= '0' && c <= '9':
		return c - '0' + 52
	case c == '+' || c == '-':
		return 62
	case c == '/' || c == '_':
		return 63
	}
	return 64
}

func unbase64(s string) (string, error) {
	s = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(s), "=")
	b, err := base64.RawStdEncoding.DecodeString(s)
	return string(b), err
}

// inJSON finds the first value of JSON text, or of JSON inside it, that is a URL.
func inJSON(text string) string {
	text = strings.NewReplacer(`\\\/`, "/", `\/`, "/", `\"`, `"`, `\\`, `\`, `\u0026`, "&").Replace(text)
	for _, start := range []string{`"http://`, `"https://`} {
		if _, rest, ok := strings.Cut(text, start); ok {
			value, _, _ := strings.Cut(rest, `"`)
			return absolute(start[1:] + value)
		}
	}
	return ""
}

// pathURL finds a URL in the path: whole, or percent-encoded as one segment.
func pathURL(l *link) string {
	u, path := l.url, l.path
	if strings.IndexByte(path, ':') < 0 && strings.IndexByte(path, '%') < 0 {
		return ""
	}
	start := max(0, strings.Index(u, "://")+3)
	start += max(0, strings.IndexByte(u[min(start, len(u)):], '/'))
	if start >= len(u) {
		return ""
	}
	lower := lowerASCII(u)
	for _, mark := range []string{"https:/", "http:/", "https%3a", "http%3a", "https%253a", "http%253a", "https:%2f", "http:%2f"} {
		i := strings.Index(lower[start:], mark)
		if i < 0 || i+start >= start+len(path) || i == 0 {
			continue
		}
		s := u[start+i:]
		if !strings.HasSuffix(mark, "/") { // one segment holds it all
			s, _, _ = strings.Cut(s, "/")
			s, _, _ = strings.Cut(s, "?")
		} else if !strings.HasPrefix(s[len(mark):], "/") {
			s = s[:len(mark)] + "/" + s[len(mark):] // a slash was folded away
		}
		if a := absolute(s); a != "" {
			return a
		}
	}
	return ""
}

// encodedURL finds a path segment that is a URL in base64, or a host and path
// percent-encoded as one.
func encodedURL(l *link) string {
	for s := range strings.SplitSeq(l.path, "/") {
		if len(s) >= 12 {
			if a := sealed(s); a != "" {
				return a
			}
		}
		if strings.IndexByte(s, '%') < 0 {
			continue
		}
		if host, _, ok := strings.Cut(strings.ToLower(s), "%2f"); ok && hostLike(host) {
			if d, err := url.PathUnescape(s); err == nil {
				return absolute("https://" + d)
			}
		}
	}
	return ""
}

func hostLike(s string) bool {
	i := strings.LastIndexByte(s, '.')
	return i > 0 && len(s)-i >= 3 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789.-") == ""
}

// hexURL finds a URL in hexadecimal, with the halves of each byte in either order.
func hexURL(l *link) string {
	for s := range strings.SplitSeq(l.path, "/") {
		if len(s) < 20 {
			continue
		}
		b, err := hex.DecodeString(s[:len(s)&^1])
		if err != nil {
			continue
		}
		if a := absolute(string(b)); a != "" {
			return a
		}
		for i := range b {
			b[i] = b[i]<<4 | b[i]>>4
		}
		if a := absolute(string(b)); a != "" {
			return a
		}
	}
	return ""
}

// pathHost reads /host/path, the original without its scheme.
func pathHost(l *link) string {
	host, rest, ok := strings.Cut(strings.TrimPrefix(l.path, "/"), "/")
	if !ok || !hostLike(strings.ToLower(host)) {
		return ""
	}
	return absolute("https://" + host + "/" + rest)
}

// rewritten reads the links that gateways rewrite with alphabets of their own.
func rewritten(l *link) string {
	if l.origin.gateway == "" || !strings.HasPrefix(l.origin.gateway, "Proofpoint") {
		return ""
	}
	if _, rest, ok := strings.Cut(l.url, "/__"); ok { // version 3
		inner, _, _ := strings.Cut(rest, "__;")
		return absolute(inner)
	}
	if strings.HasPrefix(l.path, "/v2/") {
		for p := range strings.SplitSeq(l.query, "&") {
			if value, ok := strings.CutPrefix(p, "u="); ok {
				return absolute(strings.NewReplacer("-", "%", "_", "/").Replace(value))
			}
		}
	}
	return ""
}

// lowerASCII lowers letters of ASCII alone, so that every byte keeps its place.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}
