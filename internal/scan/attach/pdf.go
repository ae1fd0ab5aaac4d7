package attach

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"io"
	"unicode/utf16"

	"github.com/quench-proxy/quench/internal/detect/markup"
)

// PDF finds the actions of a PDF that leave it: URI and SubmitForm on a click,
// or on opening where the document says so, Launch and remote GoTo on a click.
// Compressed streams are looked into, encrypted ones are not.
func PDF(b []byte) ([]Ref, error) {
	var l list
	if !bytes.Contains(b[:min(len(b), 1024)], []byte("%PDF-")) {
		return l.done("PDF", ErrFormat)
	}
	l.objects(b)
	left := MaxInflated
	for i := 0; i < len(b); {
		n := bytes.Index(b[i:], []byte("stream"))
		if n < 0 {
			break
		}
		i += n + len("stream")
		if bytes.HasSuffix(b[:i-len("stream")], []byte("end")) {
			continue
		}
		data := bytes.TrimLeft(b[i:], "\r\n")
		if len(data) < 2 || data[0]&0x0f != 8 {
			continue
		}
		z, err := zlib.NewReader(bytes.NewReader(data))
		if err != nil {
			continue
		}
		text, _ := io.ReadAll(io.LimitReader(z, int64(left)+1))
		if left -= len(text); left < 0 {
			l.cut = true
			break
		}
		l.objects(text)
	}
	if bytes.Contains(b, []byte("/Encrypt")) {
		l.cut = true
	}
	return l.done("PDF", nil)
}

// objects looks for actions in plain PDF text.
func (l *list) objects(b []byte) {
	for _, key := range [...]string{"/URI", "/F", "/UF"} {
		tries := 0
		for i := 0; i < len(b); {
			n := bytes.Index(b[i:], []byte(key))
			if n < 0 {
				break
			}
			i += n + len(key)
			value := bytes.TrimLeft(b[i:min(len(b), i+MaxURL)], " \r\n\t")
			if len(value) < 2 || value[0] != '(' && value[0] != '<' || value[1] == '<' {
				continue
			}
			if tries++; tries > MaxRefs {
				l.cut = true
				break
			}
			u, ok := pdfString(value)
			if !ok {
				continue
			}
			// The dictionary around says what the string is for.
			around := b[max(0, i-300):min(len(b), i+300)]
			r := Ref{141, markup.Click, u, "URI"}
			switch {
			case key == "/URI":
				if bytes.Contains(around, []byte("/OpenAction")) || bytes.Contains(around, []byte("/AA")) {
					r.When = markup.Opening
				}
			case bytes.Contains(around, []byte("/SubmitForm")):
				r.Field = "SubmitForm"
			case bytes.Contains(around, []byte("/Launch")):
				r.Field = "Launch"
			case bytes.Contains(around, []byte("/GoToR")):
				r.Field = "GoToR"
			default:
				continue
			}
			l.add(r)
		}
	}
}

// pdfString reads the string in brackets of either kind that b starts with.
func pdfString(b []byte) (string, bool) {
	if b[0] == '(' {
		return literal(b[1:])
	}
	n := bytes.IndexByte(b, '>')
	if n < 0 {
		return "", false
	}
	digits := bytes.Join(bytes.Fields(b[1:n]), nil)
	raw, err := hex.DecodeString(string(digits[:len(digits)&^1]))
	return wide(raw), err == nil
}

// literal reads up to the bracket that closes.
func literal(b []byte) (string, bool) {
	var out []byte
	depth := 1
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			if i++; i >= len(b) {
				return "", false
			}
			c, used := escape(b[i:])
			i += used - 1
			out = append(out, c...)
			continue
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return wide(out), true
			}
		}
		out = append(out, b[i])
	}
	return "", false
}

// escape reads what follows a backslash.
func escape(b []byte) (out []byte, used int) {
	switch c := b[0]; {
	case c >= '0' && c <= '7':
		v := 0
		for used < 3 && used < len(b) && b[used] >= '0' && b[used] <= '7' {
			v = v*8 + int(b[used]-'0')
			used++
		}
		return []byte{byte(v)}, used
	case c == '\r' && len(b) > 1 && b[1] == '\n':
		return nil, 2
	case c == '\r' || c == '\n':
		return nil, 1
	case c == 'n' || c == 'r' || c == 't' || c == 'b' || c == 'f':
		return []byte{' '}, 1
	default:
		return []byte{c}, 1
	}
}

// wide decodes a string that starts as UTF-16 does.
func wide(b []byte) string {
	if len(b) < 2 || b[0] != 0xfe || b[1] != 0xff {
		return string(b)
	}
	u := make([]uint16, 0, len(b)/2)
	for i := 2; i+1 < len(b); i += 2 {
		u = append(u, uint16(b[i])<<8|uint16(b[i+1]))
	}
	return string(utf16.Decode(u))
}
