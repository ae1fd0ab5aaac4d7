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
	inner func(u string) string
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
	for range MaxUnwrap {
		inner, by := unproxy(u)
		if inner == "" {
			break
		}
		if via == "" {
			via = by
		}
		original, u = inner, inner
	}
	return original, via
}

func unproxy(u string) (inner, by string) {
	if len(u) > maxWrapped {
		return "", ""
	}
	host := detect.HostOf(u)
	path, _ := detect.Split(u)
	for i := range imageProxies {
		p := &imageProxies[i]
		if detect.UnderDomain(host, p.host) && strings.HasPrefix(path, p.path) {
			if inner = p.inner(u); inner != "" {
				return inner, p.by
			}
		}
	}
	return "", ""
}

// Target follows the redirects whose goal stands in the link itself: "" if it
// says none. Nothing is asked of the network.
func Target(u string) string {
	target := ""
	for range MaxUnwrap {
		inner := unredirect(u)
		if inner == "" || inner == u {
			break
		}
		target, u = inner, inner
	}
	return target
}

func unredirect(u string) string {
	if len(u) > maxWrapped {
		return ""
	}
	for _, f := range []func(string) string{rewritten, paramURL, pathURL, encodedURL, fragmentURL} {
		if inner := f(u); inner != "" {
			return inner
		}
	}
	return ""
}

// absolute returns s as a URL if it is one of the web, else "".
func absolute(s string) string {
	s = strings.TrimSpace(s)
	for range 3 {
		if len(s) < 11 {
			return ""
		}
		if l := strings.ToLower(s[:min(len(s), 12)]); strings.HasPrefix(l, "http://") || strings.HasPrefix(l, "https://") {
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

func fragmentURL(u string) string {
	_, fragment, _ := strings.Cut(u, "#")
	return absolute(fragment)
}

// paramURL finds the parameter whose value is a URL, in clear or base64.
func paramURL(u string) string {
	_, query := detect.Split(u)
	for p := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, value, ok := strings.Cut(p, "=")
		if !ok || strings.EqualFold(name, "referer") || strings.EqualFold(name, "referrer") {
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
	if d, err := url.PathUnescape(value); err == nil {
		value = d
	}
	for part := range strings.SplitSeq(value, ".") {
		if len(part) < 12 {
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
func pathURL(u string) string {
	path, _ := detect.Split(u)
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
func encodedURL(u string) string {
	path, _ := detect.Split(u)
	for s := range strings.SplitSeq(path, "/") {
		if a := sealed(s); a != "" {
			return a
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
func hexURL(u string) string {
	path, _ := detect.Split(u)
	for s := range strings.SplitSeq(path, "/") {
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
func pathHost(u string) string {
	path, _ := detect.Split(u)
	host, rest, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !ok || !hostLike(strings.ToLower(host)) {
		return ""
	}
	return absolute("https://" + host + "/" + rest)
}

// rewritten reads the links that mail gateways rewrite with alphabets of their own.
func rewritten(u string) string {
	path, query := detect.Split(u)
	switch host := detect.HostOf(u); {
	case detect.UnderDomain(host, "proofpoint.com"), detect.UnderDomain(host, "urldefense.com"), detect.UnderDomain(host, "urldefense.us"):
		if _, rest, ok := strings.Cut(u, "/__"); ok { // version 3
			inner, _, _ := strings.Cut(rest, "__;")
			return absolute(inner)
		}
		if strings.HasPrefix(path, "/v2/") {
			for p := range strings.SplitSeq(query, "&") {
				if value, ok := strings.CutPrefix(p, "u="); ok {
					return absolute(strings.NewReplacer("-", "%", "_", "/").Replace(value))
				}
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
