package filterlist

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decodeUTF16 makes UTF-8 of UTF-16 text after its byte order mark. What is no
// character becomes U+FFFD.
func decodeUTF16(s string, big bool) string {
	unit := func(i int) rune {
		if big {
			return rune(s[i])<<8 | rune(s[i+1])
		}
		return rune(s[i+1])<<8 | rune(s[i])
	}
	var b strings.Builder
	b.Grow(len(s)/2 + len(s)/8)
	for i := 0; i+1 < len(s); i += 2 {
		r := unit(i)
		if utf16.IsSurrogate(r) {
			next := rune(utf8.RuneError)
			if i+3 < len(s) {
				next = unit(i + 2)
			}
			if r = utf16.DecodeRune(r, next); r != utf8.RuneError {
				i += 2
			}
		}
		b.WriteRune(r)
	}
	return b.String()
}

// formatSample is how many lines that are no comments detectFormat looks at.
const formatSample = 400

// detectFormat guesses how the lines of a list are to be read: as most of the
// first ones can only be read. Names alone are EasyList's language too, but
// with nothing else beside them they are a list of domains.
func detectFormat(text string) Format {
	adblock, hosts, names := 0, 0, 0
	for n := 0; n < formatSample && text != ""; {
		line := text
		if i := strings.IndexByte(text, '\n'); i >= 0 {
			line, text = text[:i], text[i+1:]
		} else {
			text = ""
		}
		line = trim(firstBytes(line, MaxLine))
		switch {
		case line == "" || line[0] == '!' || line[0] == '#' && !cosmetic(line):
			continue
		case line[0] == '[' && strings.Contains(line, "Adblock"):
			return FormatAdblock
		case startsWithAddress(line):
			hosts++
		case domainLine(line):
			names++
		default:
			adblock++
		}
		n++
	}
	switch {
	case adblock > 0 && adblock*4 >= hosts+names:
		return FormatAdblock
	case hosts > names:
		return FormatHosts
	}
	return FormatDomains
}
