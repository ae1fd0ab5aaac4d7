package mail

import (
	"net/url"
	"strconv"
	"strings"
)

// maxParams is how many parameters of one field are read.
const maxParams = 100

// parseParams reads "value; name=value" as Content-Type and
// Content-Disposition have it, forgiving what senders do: no semicolon, no
// closing quote, "=" inside an unquoted boundary. Names and the value are lower
// case, RFC 2231 continuations joined and decoded; of two equal names the
// first counts.
func parseParams(s string) (string, map[string]string) {
	n := strings.IndexAny(s, "; \t")
	if n < 0 {
		n = len(s)
	}
	value, rest := strings.ToLower(strings.Trim(s[:n], `"' `)), s[n:]
	if strings.IndexByte(rest, '=') < 0 {
		return value, nil
	}
	params := map[string]string{}
	starred := false
	for range maxParams {
		var name, v string
		name, v, rest = nextParam(rest)
		if name == "" && rest == "" {
			break
		}
		if _, dup := params[name]; name != "" && !dup {
			params[name] = v
			starred = starred || strings.IndexByte(name, '*') >= 0
		}
	}
	if starred {
		joinParams(params)
	}
	return value, params
}

// nextParam takes one parameter off s.
func nextParam(s string) (name, value, rest string) {
	s = strings.TrimLeft(s, "; \t,")
	eq := strings.IndexAny(s, "=;")
	if eq < 0 {
		return "", "", ""
	}
	if s[eq] == ';' {
		return "", "", s[eq:]
	}
	name = strings.ToLower(strings.TrimSpace(s[:eq]))
	if i := strings.LastIndexAny(name, " \t"); i >= 0 {
		name = name[i+1:]
	}
	s = strings.TrimLeft(s[eq+1:], " \t")
	if strings.HasPrefix(s, `"`) {
		value, rest = quoted(s[1:])
		return name, value, rest
	}
	end := strings.IndexByte(s, ';')
	if end < 0 {
		end = len(s)
	}
	value, rest = s[:end], s[end:]
	if i := strings.IndexAny(value, " \t"); i >= 0 && name != "name" && name != "filename" {
		value, rest = s[:i], s[i:]
	}
	return name, strings.Trim(value, " \t"), rest
}

// quoted reads up to the closing quote, or where there is none up to the next
// semicolon.
func quoted(s string) (value, rest string) {
	var b []byte
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			if b == nil {
				return s[:i], s[i+1:]
			}
			return string(b), s[i+1:]
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			if b == nil {
				b = append(make([]byte, 0, len(s)), s[:i]...)
			}
			i++
			b = append(b, s[i])
		case b != nil:
			b = append(b, s[i])
		}
	}
	if n := strings.IndexByte(s, ';'); n >= 0 {
		return s[:n], s[n:]
	}
	return s, ""
}

// joinParams replaces name*, name*0, name*0* by what they say (RFC 2231).
func joinParams(params map[string]string) {
	done := map[string]string{}
	for name := range params {
		base, _, starred := strings.Cut(name, "*")
		if starred && base != "" && done[base] == "" {
			done[base] = joinParam(params, base)
		}
	}
	for base, v := range done {
		params[base] = v
	}
}

func joinParam(params map[string]string, base string) string {
	if v, ok := params[base+"*"]; ok {
		return extended(v, true)
	}
	var b strings.Builder
	charset := ""
	for i := range maxParams {
		key := base + "*" + strconv.Itoa(i)
		if v, ok := params[key+"*"]; ok {
			if i == 0 {
				charset, _, _ = strings.Cut(v, "'")
			}
			b.WriteString(unpercent(v, i == 0))
		} else if v, ok := params[key]; ok {
			b.WriteString(v)
		} else {
			break
		}
	}
	return toUTF8(charset, b.String())
}

// extended decodes charset'language'percent-encoded.
func extended(v string, first bool) string {
	charset, _, ok := strings.Cut(v, "'")
	if !ok {
		charset = ""
	}
	return toUTF8(charset, unpercent(v, first))
}

func unpercent(v string, first bool) string {
	if p := strings.SplitN(v, "'", 3); first && len(p) == 3 {
		v = p[2]
	}
	if u, err := url.PathUnescape(v); err == nil {
		return u
	}
	return v
}
