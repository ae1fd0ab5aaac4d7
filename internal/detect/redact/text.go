package redact

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"html"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/quench-proxy/quench/internal/detect"
)

const (
	maxRounds = 6        // how often a value is decoded before it is elided unread
	maxDepth  = 2        // base64 inside base64
	maxGunzip = 64 << 10 // bytes of a compressed value that are looked at
)

// clean returns s without the secrets in it. What only decoding brings to light
// (percent signs, JSON and HTML escapes, base64, gzip) elides all of s.
func clean(s string) string { return cleanDepth(s, 0) }

func cleanDepth(s string, depth int) string {
	if len(s) < 2 {
		return s
	}
	s = cleanPlain(s)
	d := s
	for range maxRounds {
		next := unescape(d)
		if next == d {
			return cleanPacked(s, d, depth)
		}
		if d = next; cleanPlain(d) != d {
			return Elided
		}
	}
	return Elided
}

func cleanPlain(s string) string {
	if strings.ContainsAny(s, "=:") {
		s = elidePEM(s)
		s = elidePairs(s)
		s = elideUserinfo(s)
	} else if strings.Contains(s, "-----BEGIN") {
		s = elidePEM(s)
	}
	if strings.Contains(s, "//") {
		s = elideUserinfo(s)
	}
	if len(s) < 12 {
		return s
	}
	if strings.IndexByte(s, ' ') >= 0 {
		s = elideSchemes(s)
	}
	return elideNumbers(elideKeys(s))
}

// cleanPacked looks into the base64 runs of d, the decoded s.
func cleanPacked(s, d string, depth int) string {
	if depth >= maxDepth {
		return s
	}
	for len(d) > 0 {
		n := 0
		for n < len(d) && (class(d[n]) != '.' || strings.IndexByte("+/_-", d[n]) >= 0) {
			n++
		}
		if n >= 16 {
			if t, ok := unpack(d[:n]); ok && cleanDepth(t, depth+1) != t {
				return Elided
			}
		}
		d = d[min(n+1, len(d)):]
	}
	return s
}

// unpack decodes base64, and gzip inside it, if the result is text.
func unpack(s string) (string, bool) {
	s = strings.NewReplacer("-", "+", "_", "/").Replace(s)
	b, err := base64.RawStdEncoding.DecodeString(s[:len(s)-btoi(len(s)%4 == 1)])
	if err != nil {
		return "", false
	}
	if bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return "", false
		}
		b, _ = io.ReadAll(io.LimitReader(z, maxGunzip))
	}
	odd := 0
	for _, c := range b {
		if c < 0x20 && c != '\n' && c != '\r' && c != '\t' {
			odd++
		}
	}
	if !utf8.Valid(b) || odd*10 > len(b) {
		return "", false
	}
	return string(b), true
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// decode undoes escapes until nothing changes or the bound is met.
func decode(s string) string {
	for range maxRounds {
		next := unescape(s)
		if next == s {
			return s
		}
		s = next
	}
	return s
}

// unescape undoes one layer of percent, JSON and HTML escapes; "+" is a space.
// A faulty escape stays as it is.
func unescape(s string) string {
	if !strings.ContainsAny(s, "%+\\&") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '%' && i+2 < len(s) && isHex(s[i+1:i+3]):
			n, _ := strconv.ParseUint(s[i+1:i+3], 16, 8)
			b.WriteByte(byte(n))
			i += 2
		case c == '\\' && i+5 < len(s) && s[i+1] == 'u' && isHex(s[i+2:i+6]):
			n, _ := strconv.ParseUint(s[i+2:i+6], 16, 32)
			b.WriteRune(rune(n))
			i += 5
		case c == '\\' && i+3 < len(s) && s[i+1] == 'x' && isHex(s[i+2:i+4]):
			n, _ := strconv.ParseUint(s[i+2:i+4], 16, 8)
			b.WriteByte(byte(n))
			i += 3
		case c == '\\' && i+1 < len(s) && strings.IndexByte(`"'\/`, s[i+1]) >= 0:
			b.WriteByte(s[i+1])
			i++
		case c == '+':
			b.WriteByte(' ')
		default:
			b.WriteByte(c)
		}
	}
	return html.UnescapeString(b.String())
}

// words keeps the words of a text and elides what looks like an identifier, an
// address or a telephone number.
func words(s string) string {
	fields := strings.Fields(s)
	for i, w := range fields {
		t := strings.Trim(w, ".,;:!?()[]{}<>\"'“”‘’#|")
		if identifying(t) || strings.Contains(t, "@") || digits(t) >= 6 || strings.Contains(t, "//") || strings.ContainsAny(t, "=%") && detect.TokenLike(decode(t)) {
			fields[i] = strings.Replace(w, t, Elided, 1) // the brackets around it stay
		}
	}
	// A number in groups: +49 170 123 45 67.
	for i := 0; i < len(fields); i++ {
		n, j := 0, i
		for j < len(fields) && numeric(fields[j]) {
			n += digits(fields[j])
			j++
		}
		if n >= 7 {
			for k := i; k < j; k++ {
				fields[k] = Elided
			}
		}
		i = max(i, j)
	}
	return strings.Join(fields, " ")
}

func numeric(w string) bool {
	return digits(w) > 0 && strings.Trim(w, "0123456789+-()/.") == ""
}

func digits(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		if class(s[i]) == '0' {
			n++
		}
	}
	return n
}
