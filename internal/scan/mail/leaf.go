package mail

import (
	"bytes"
	"strings"
	"unicode/utf8"

	htmlcharset "golang.org/x/net/html/charset"
)

// leaf reads a part that holds no parts by itself.
func (s *splitter) leaf(p *Part, params map[string]string) {
	content := s.raw[p.Content.Start:p.Content.End]
	switch p.Type {
	case "message/partial":
		s.report(PartialMessage, p.Path, p.Content.Start, "")
		if params["number"] == "1" {
			p.Container = true
			s.entity(entityAt{start: p.Content.Start, end: p.Content.End, parent: p, path: p.Path})
			return
		}
	case "message/external-body":
		s.report(ExternalBody, p.Path, p.Content.Start, "")
	}
	s.decodeLeaf(p, content)
	if p.Seal&Encrypted != 0 && p.Type != "application/pgp-encrypted" {
		s.report(EncryptedBody, p.Path, p.Content.Start, "")
	}
	if !s.shallow {
		s.open(p)
	}
}

// decodeLeaf fills in p.Body from its raw content.
func (s *splitter) decodeLeaf(p *Part, content []byte) {
	body := s.transfer(p, content)
	if s.m.decoded+len(body) > s.m.most {
		s.report(TooMuch, p.Path, p.Content.Start, "")
		body = body[:max(0, s.m.most-s.m.decoded)]
		p.cut = true
	}
	s.m.decoded += len(body)
	if p.isText() {
		s.text(p, body)
		return
	}
	p.Body = body
}

// isText: the charset matters.
func (p *Part) isText() bool {
	return strings.HasPrefix(p.Type, "text/") || p.Charset != "" || p.Type == "application/xhtml+xml" || p.Type == "image/svg+xml"
}

// transfer undoes the transfer encoding.
func (s *splitter) transfer(p *Part, content []byte) []byte {
	var out []byte
	ok := true
	switch p.Encoding {
	case QuotedPrintable:
		if out, ok = decodeQuoted(content); !ok {
			s.report(BadQuoted, p.Path, p.Content.Start, "")
		}
	case Base64:
		if out, ok = decodeBase64(content); !ok {
			out = s.looseBase64(p, content, out)
		}
	default:
		return content
	}
	return out
}

// looseBase64 decides how a body is read that is said to be base64 and is not,
// or not all of it. Some clients show what stands there in clear, others what
// out, its decoding, makes of it: read is what the first line is, and if the
// other reading is markup too, that is told.
func (s *splitter) looseBase64(p *Part, content, out []byte) []byte {
	clear := (p.isText() || p.IsPage()) && !base64Line(content)
	read, other := out, content
	if clear {
		read, other = content, out
		p.Encoding = Identity
		s.report(ClearBase64, p.Path, p.Content.Start, "")
	} else {
		s.report(BadBase64, p.Path, p.Content.Start, "")
	}
	if looksLikeHTML(other) {
		s.report(TwoReadings, p.Path, p.Content.Start, "")
	}
	return read
}

// base64Line reports whether the first line of b that says anything may be
// base64: no line of a page, and no words.
func base64Line(b []byte) bool {
	b = bytes.TrimSpace(b)
	if n := bytes.IndexAny(b, "\r\n"); n >= 0 {
		b = b[:n]
	}
	return !bytes.ContainsAny(b, "<: ")
}

// text brings a body to UTF-8.
func (s *splitter) text(p *Part, body []byte) {
	c, lies := s.chooseCharset(p, body)
	if lies {
		s.report(CharsetLies, p.Path, p.Content.Start, p.Charset)
	}
	p.Body = body
	if !c.plain(body) {
		p.Body, p.Decoded = c.decode(body), c.name
		p.charset = c
		s.m.decoded += max(0, len(p.Body)-len(body))
	}
	if holdsFile(body) {
		s.report(Encoded, p.Path, p.Content.Start, "")
	}
	switch {
	case !bytes.Contains(body, []byte("BEGIN PGP ")):
	case bytes.Contains(body, []byte("-----BEGIN PGP MESSAGE-----")):
		p.Seal |= Encrypted
		s.report(EncryptedBody, p.Path, p.Content.Start, "")
	case bytes.Contains(body, []byte("-----BEGIN PGP SIGNED MESSAGE-----")):
		p.Seal |= SignedPGP
	}
}

// holdsFile reports whether a line of b begins a file in the manner of uuencode
// or yEnc.
func holdsFile(b []byte) bool {
	for i := 0; ; {
		if line := b[i:]; bytes.HasPrefix(line, []byte("begin 6")) || bytes.HasPrefix(line, []byte("=ybegin ")) {
			return true
		}
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			return false
		}
		i += n + 1
	}
}

// chooseCharset decides how body is read: a byte order mark, what the header
// says unless the bytes contradict it, what the page says, UTF-8 if it is
// that, windows-1252.
func (s *splitter) chooseCharset(p *Part, body []byte) (c charset, lies bool) {
	if c, ok := bom(body); ok {
		return c, false
	}
	c, known := lookupCharset(p.Charset)
	if p.Charset != "" && !known {
		s.report(BadCharset, p.Path, p.Head.Start, p.Charset)
	}
	wide, isWide := wideText(body)
	switch {
	case isWide: // zeros do not lie about the order of bytes
		return wide, known && wide.name != c.name && (c.unit != wide.unit || p.Charset != "utf-16" && p.Charset != "utf-32")
	case known && c.unit > 1:
		if isASCII(body) && bytes.IndexByte(body, 0) < 0 && len(body) > 0 {
			return utf8Charset, true
		}
		return c, false
	case known && c.name == "utf-8":
		return c, !utf8.Valid(body)
	case known && c.name != "us-ascii" && c.name != "windows-1252":
		return c, false
	case isASCII(body):
		return utf8Charset, false
	case utf8.Valid(body):
		return utf8Charset, known
	case known:
		return windows1252, c.name == "us-ascii"
	case p.Type == "text/html":
		_, name, _ := htmlcharset.DetermineEncoding(body[:min(len(body), 1024)], "")
		if c, ok := lookupCharset(name); ok && c.unit == 1 && c.enc != nil {
			return c, false
		}
	}
	return windows1252, false
}

func bom(b []byte) (charset, bool) {
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		return utf8Charset, true
	case bytes.HasPrefix(b, []byte("\xff\xfe\x00\x00")) && (len(b) < 8 || b[7] == 0 && b[6] <= 0x10):
		return utf32le, true
	case bytes.HasPrefix(b, []byte("\x00\x00\xfe\xff")):
		return utf32be, true
	case bytes.HasPrefix(b, []byte("\xff\xfe")):
		return utf16le, true
	case bytes.HasPrefix(b, []byte("\xfe\xff")):
		return utf16be, true
	}
	return charset{}, false
}

// wideText recognises UTF-16 and UTF-32 by the zero bytes of their ASCII
// characters.
func wideText(b []byte) (charset, bool) {
	b = b[:min(len(b), 512)&^3]
	if len(b) < 8 {
		return charset{}, false
	}
	var zero [4]int
	for i, c := range b {
		if c == 0 {
			zero[i&3]++
		}
	}
	n := len(b) / 4
	most, few := n*6/10, n/10
	full := func(i int) bool { return zero[i] > most }
	bare := func(i int) bool { return zero[i] <= few }
	switch {
	case full(1) && full(2) && full(3) && bare(0):
		return utf32le, true
	case full(0) && full(1) && full(2) && bare(3):
		return utf32be, true
	case full(1) && full(3) && bare(0) && bare(2):
		return utf16le, true
	case full(0) && full(2) && bare(1) && bare(3):
		return utf16be, true
	}
	return charset{}, false
}
