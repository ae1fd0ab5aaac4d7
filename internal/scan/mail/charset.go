package mail

import (
	"bytes"
	"io"
	"mime"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// charset is one way of writing characters as bytes.
type charset struct {
	name string
	// enc is nil for UTF-8, ASCII and UTF-7.
	enc encoding.Encoding
	// unit is how many bytes an ASCII character has.
	unit int
	// big: the first byte of a unit is the high one.
	big bool
	// ascii: an ASCII byte always is that character, so that a body without
	// other bytes need not be decoded.
	ascii bool
	// shift is a byte that a stateful charset cannot do without; 0 for others.
	shift byte
}

var (
	utf8Charset    = charset{name: "utf-8", unit: 1, ascii: true}
	windows1252    = charset{name: "windows-1252", enc: charmap.Windows1252, unit: 1, ascii: true}
	utf16le        = charset{name: "utf-16le", enc: unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), unit: 2}
	utf16be        = charset{name: "utf-16be", enc: unicode.UTF16(unicode.BigEndian, unicode.UseBOM), unit: 2, big: true}
	utf32le        = charset{name: "utf-32le", enc: utf32.UTF32(utf32.LittleEndian, utf32.UseBOM), unit: 4}
	utf32be        = charset{name: "utf-32be", enc: utf32.UTF32(utf32.BigEndian, utf32.UseBOM), unit: 4, big: true}
	utf7           = charset{name: "utf-7", unit: 1, shift: '+'}
	charsetAliases = map[string]string{
		"ansi_x3.4-1968": "us-ascii", "ascii": "us-ascii", "646": "us-ascii", "7bit": "us-ascii", "8bit": "windows-1252",
		"utf8": "utf-8", "utf_8": "utf-8", "unicode-1-1-utf-8": "utf-8", "cp65001": "utf-8", "unicode-1-1-utf-7": "utf-7", "x-unicode-2-0-utf-7": "utf-7", "utf7": "utf-7",
		"iso-8559-1": "iso-8859-1", "iso_8859-1": "iso-8859-1", "iso8859-1": "iso-8859-1", "latin-1": "iso-8859-1", "windows-latin-1": "iso-8859-1",
		"cp1250": "windows-1250", "cp1251": "windows-1251", "win-1251": "windows-1251", "cp1252": "windows-1252", "cp1254": "windows-1254",
		"cp936": "gbk", "x-gbk": "gbk", "gb_2312-80": "gbk", "gb2312_charset": "gbk", "cp950": "big5", "cp949": "euc-kr", "ms949": "euc-kr", "ks_c_5601-1987": "euc-kr",
		"cp932": "shift_jis", "ms932": "shift_jis", "shift-jis": "shift_jis", "iso-2022-jp-2": "iso-2022-jp", "cp50220": "iso-2022-jp", "hz": "hz-gb-2312",
		"utf16": "utf-16", "ucs-2": "utf-16", "iso-10646-ucs-2": "utf-16", "unicode": "utf-16", "unicodefffe": "utf-16be", "ucs-4": "utf-32", "utf32": "utf-32",
	}
)

// lookupCharset finds a charset by any of its names. ok is false for names that
// stand for none.
func lookupCharset(name string) (c charset, ok bool) {
	name = strings.ToLower(strings.Trim(name, " \t\r\n\"'`;,"))
	name = strings.TrimPrefix(name, "charset=")
	if a, is := charsetAliases[name]; is {
		name = a
	}
	switch name {
	case "":
		return c, false
	case "utf-8", "us-ascii":
		return charset{name: name, unit: 1, ascii: true}, true
	case "utf-7":
		return utf7, true
	case "utf-16", "utf-16le":
		return utf16le, true
	case "utf-16be":
		return utf16be, true
	case "utf-32", "utf-32le":
		return utf32le, true
	case "utf-32be":
		return utf32be, true
	case "iso-2022-jp":
		c.shift = 0x1b
	case "hz-gb-2312":
		return charset{name: name, enc: simplifiedchinese.HZGB2312, unit: 1, shift: '~'}, true
	}
	enc, err := htmlindex.Get(name)
	if err != nil || enc == encoding.Replacement {
		if enc, err = ianaindex.MIME.Encoding(name); err != nil || enc == nil {
			return c, false
		}
	}
	return charset{name: name, enc: enc, unit: 1, ascii: c.shift == 0, shift: c.shift}, true
}

// plain reports whether b reads the same in c and in ASCII.
func (c *charset) plain(b []byte) bool {
	switch {
	case c.unit != 1:
		return false
	case c.shift != 0:
		return bytes.IndexByte(b, c.shift) < 0 && isASCII(b)
	case c.enc == nil:
		return true
	}
	return isASCII(b)
}

func isASCII(b []byte) bool {
	for len(b) >= 8 {
		if (b[0]|b[1]|b[2]|b[3]|b[4]|b[5]|b[6]|b[7])&0x80 != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// decode gives b in UTF-8. Bytes that mean nothing become U+FFFD.
func (c *charset) decode(b []byte) []byte {
	if c.name == utf7.name {
		out, _ := decodeUTF7(b, false)
		return out
	}
	if c.enc == nil {
		return b
	}
	out, err := c.enc.NewDecoder().Bytes(b)
	if err != nil {
		return b
	}
	return out
}

// toUTF8 decodes a header's text.
func toUTF8(name, s string) string {
	if c, ok := lookupCharset(name); ok && c.enc != nil && c.unit == 1 {
		return string(c.decode([]byte(s)))
	}
	if utf8.ValidString(s) {
		return s
	}
	return string(windows1252.decode([]byte(s)))
}

// decodeValue unfolds and decodes a field's value.
func decodeValue(s string) string {
	s = unfold(s)
	if strings.Contains(s, "=?") {
		d := mime.WordDecoder{CharsetReader: charsetReader}
		if out, err := d.DecodeHeader(s); err == nil {
			s = out
		}
	}
	if utf8.ValidString(s) {
		return s
	}
	return toUTF8("", s)
}

func charsetReader(name string, r io.Reader) (io.Reader, error) {
	c, ok := lookupCharset(name)
	if !ok {
		c = windows1252
	}
	b, err := io.ReadAll(io.LimitReader(r, MaxValue))
	if err != nil {
		return nil, err
	}
	return bytes.NewReader(c.decode(b)), nil
}
