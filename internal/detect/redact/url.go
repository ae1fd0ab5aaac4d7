package redact

import (
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
)

// URL returns what may be kept of a URL: at Counts scheme, host and port, at
// Redacted also the path without its token-like parts, at Full everything.
// Secrets and userinfo become "…" at every level. It takes URLs that no parser
// takes; what it cannot tell apart it elides.
func URL(level Level, raw string) string {
	raw = strings.ToValidUTF8(head(strings.TrimSpace(raw), maxInput), "")
	if raw == "" {
		return ""
	}
	scheme, rest, ok := cutScheme(raw)
	if !ok {
		return scheme + rest
	}
	authority, rest := rest, ""
	if i := strings.IndexAny(authority, "/?#\\"); i >= 0 {
		authority, rest = authority[:i], authority[i:]
	}
	base, broken := origin(level, authority, rest)
	out := clean(scheme) + base
	if level != Redacted && level != Full {
		return out
	}
	if broken {
		return out + "/" + Elided
	}
	return cut(out+tail(level, rest), MaxURL)
}

// cutScheme splits raw behind "//". Without one ok is false: scheme and rest
// are then all that is kept, as of "data:" and "mailto:".
func cutScheme(raw string) (scheme, rest string, ok bool) {
	i := strings.Index(raw, "//")
	c := strings.IndexByte(raw, ':')
	if i >= 0 && (i == 0 || c == i-1) && isScheme(raw[:max(c, 0)]) {
		return raw[:i+2], raw[i+2:], true
	}
	if raw == "about:blank" || raw == "about:srcdoc" {
		return raw, "", false
	}
	if c > 0 && isScheme(raw[:c]) && c <= 16 {
		return raw[:c+1], Elided, false
	}
	return "", Elided, false
}

func isScheme(s string) bool {
	return len(s) <= 16 && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789+-.") == ""
}

// origin redacts host and port. broken says that userinfo with a raw slash in
// it reached into the path, which is then not to be kept.
func origin(level Level, authority, rest string) (out string, broken bool) {
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		return Elided + "@" + hostPort(level, authority[i+1:]), false
	}
	p, _, _ := strings.Cut(rest, "?")
	if strings.Contains(authority, ":") && !strings.HasPrefix(authority, "[") && strings.Contains(p, "@") {
		return Elided, true
	}
	return hostPort(level, authority), false
}

func hostPort(level Level, s string) string {
	if strings.HasPrefix(s, "[") {
		if i := strings.IndexByte(s, ']'); i > 0 && strings.Trim(s[1:i], "0123456789abcdefABCDEF:.") == "" {
			return s[:i+1] + port(s[i+1:])
		}
		return Elided
	}
	host, p := s, ""
	if i := strings.IndexByte(s, ':'); i >= 0 {
		host, p = s[:i], s[i:]
	}
	return Host(level, host) + port(p)
}

func port(s string) string {
	if s == "" || len(s) <= 6 && s[0] == ':' && strings.Trim(s[1:], "0123456789") == "" {
		return s
	}
	return ":" + Elided
}

// Host returns a host name without labels that are secrets; below Full also
// without labels that are long hexadecimal numbers or UUIDs.
func Host(level Level, host string) string {
	host = strings.ToValidUTF8(head(host, 255), "")
	if host == "" || strings.Contains(host, ":") && strings.Trim(host, "0123456789abcdefABCDEF:.%") == "" {
		return host
	}
	labels := strings.Split(host, ".")
	for i, l := range labels {
		if clean(l) != l || strings.ContainsAny(l, "@= \t\r\n\"'<>") ||
			level != Full && (isUUID(l) || len(l) >= 24 && isHex(l)) {
			labels[i] = Elided
		}
	}
	return strings.Join(labels, ".")
}

// tail redacts path, query and fragment.
func tail(level Level, s string) string {
	rest, fragment, hasFragment := strings.Cut(s, "#")
	p, query, hasQuery := strings.Cut(rest, "?")
	out := path(level, p)
	if level != Full {
		return out
	}
	if hasQuery {
		out += "?" + params(query)
	}
	if hasFragment {
		out += "#" + params(fragment)
	}
	return out
}

func path(level Level, p string) string {
	p = strings.ToValidUTF8(head(p, maxInput), "")
	if i := strings.IndexAny(p, "?#"); i >= 0 {
		p = p[:i]
	}
	if clean(p) == Elided {
		return "/" + Elided
	}
	segs := strings.Split(strings.ReplaceAll(p, "\\", "/"), "/")
	before := ""
	for i, s := range segs {
		if s == "" {
			continue
		}
		segs[i] = segment(level, before, s)
		before = s
	}
	if out := strings.Join(segs, "/"); clean(out) == out {
		return out
	}
	return "/" + Elided // a secret that spans segments
}

func segment(level Level, before, s string) string {
	d := decode(s)
	if before != "" && (secretName(decode(before)) || leadsToSecret[strings.ToLower(before)] && identifying(d)) {
		return Elided
	}
	if c := strings.IndexByte(d, ':'); c >= 0 && strings.Contains(d[c:], "@") {
		return Elided // userinfo in the wrong place
	}
	if level != Full && (identifying(d) || identifying(s)) {
		return Elided
	}
	name, pairs, ok := strings.Cut(s, ";")
	if ok && level != Full {
		return clean(name) // matrix parameters are a query in the path
	}
	if ok {
		return clean(name) + ";" + params(pairs)
	}
	return clean(s)
}

// leadsToSecret holds path words after which an identifier opens a door.
var leadsToSecret = map[string]bool{"reset": true, "verify": true, "verification": true, "activate": true,
	"activation": true, "confirm": true, "magic": true, "magic-link": true, "invite": true, "invitation": true,
	"login": true, "signin": true, "sso": true, "callback": true, "recover": true, "unlock": true}

// params redacts a query or fragment, parameter by parameter.
func params(q string) string {
	var b strings.Builder
	for len(q) > 0 {
		i := strings.IndexAny(q, "&;?")
		part, sep := q, ""
		if i >= 0 {
			part, sep = q[:i], q[i:i+1]
		}
		p, named := param(part)
		if named { // name=password&value=…: nothing after it can be told apart
			return Elided
		}
		b.WriteString(p + sep)
		q = q[len(part)+len(sep):]
	}
	if out := b.String(); clean(out) == out {
		return out
	}
	return Elided
}

func param(part string) (out string, named bool) {
	name, value, ok := strings.Cut(part, "=")
	if !ok {
		return clean(part), false
	}
	n, v := decode(name), decode(value)
	switch {
	case naming[strings.ToLower(n)] && secretName(v):
		return "", true
	case value == "":
		return clean(name) + "=", false
	case Secret(n, v) || Secret(name, value):
		return clean(name) + "=" + Elided, false
	}
	return clean(name) + "=" + clean(value), false
}

// identifying reports whether a path segment names a person, a machine or a
// session rather than a thing.
func identifying(s string) bool {
	if strings.Contains(s, "@") && len(s) > 1 && s[0] != '@' {
		return true
	}
	t := s
	if i := strings.LastIndexByte(t, '.'); i > 0 && len(t)-i <= 6 {
		t = t[:i]
	}
	return detect.TokenLike(s) || len(t) >= 16 && isHex(t) || isUUID(t) || strings.HasPrefix(t, "eyJ") && len(t) >= 16 || mixed(t)
}

// mixed reports whether s looks like base64: long, without a word break, with
// upper and lower case changing often.
func mixed(s string) bool {
	if len(s) < 20 || strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789+/=_-~.") != "" {
		return false
	}
	turns := 0
	for i := 1; i < len(s); i++ {
		if class(s[i]) != class(s[i-1]) {
			turns++
		}
	}
	return turns*3 >= len(s)
}

func class(c byte) byte {
	switch {
	case c >= 'a' && c <= 'z':
		return 'a'
	case c >= 'A' && c <= 'Z':
		return 'A'
	case c >= '0' && c <= '9':
		return '0'
	}
	return '.'
}

func isHex(s string) bool {
	return s != "" && strings.Trim(strings.ToLower(s), "0123456789abcdef") == ""
}

func isUUID(s string) bool {
	return len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' && isHex(strings.ReplaceAll(s, "-", ""))
}
