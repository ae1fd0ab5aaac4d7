package outlook

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"
)

// dictionary is what the window of compressed RTF begins with (MS-OXRTFCP 2.1.2.1).
const dictionary = "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"

// Decompress undoes the compression of PidTagRtfCompressed. What could be read
// is given with the error.
func Decompress(b []byte) ([]byte, error) {
	if len(b) < 16 {
		return nil, fmt.Errorf("open compressed RTF: %w", ErrFormat)
	}
	raw := int(binary.LittleEndian.Uint32(b[4:]))
	kind, data := string(b[8:12]), b[16:]
	switch {
	case kind == "MELA":
		return data[:min(raw, len(data))], nil
	case kind != "LZFu":
		return nil, fmt.Errorf("open compressed RTF: kind %q: %w", kind, ErrFormat)
	case raw > MaxRTF:
		return nil, fmt.Errorf("open compressed RTF: %d bytes: longer than %d", raw, MaxRTF)
	}
	out := make([]byte, 0, min(raw, 8*len(data)))
	var window [4096]byte
	at := copy(window[:], dictionary)
	put := func(c byte) {
		out = append(out, c)
		window[at] = c
		at = (at + 1) % len(window)
	}
	for i := 0; i < len(data); {
		flags := data[i]
		i++
		for bit := 0; bit < 8 && i < len(data); bit++ {
			if flags>>bit&1 == 0 {
				put(data[i])
				i++
				continue
			}
			if i+1 >= len(data) {
				return out, fmt.Errorf("open compressed RTF: cut off: %w", ErrFormat)
			}
			ref := int(data[i])<<8 | int(data[i+1])
			i += 2
			from, n := ref>>4, ref&15+2
			if from == at || len(out)+n > MaxRTF {
				return out, nil
			}
			for k := range n {
				put(window[(from+k)%len(window)])
			}
		}
	}
	return out, nil
}

// FromRTF gives the HTML that Outlook wrapped in RTF (MS-OXRTFEX), in UTF-8; ok
// is false if rtf was not made from HTML.
func FromRTF(rtf []byte) (html []byte, ok bool) {
	if !bytes.Contains(rtf[:min(len(rtf), 4096)], []byte(`\fromhtml`)) {
		return nil, false
	}
	d := &unwrapper{src: rtf, skip: 1}
	d.run()
	return d.out, true
}

// rtfState is what a group inherits.
type rtfState struct {
	hidden  bool // \htmlrtf: for readers of RTF only
	ignored bool // a destination that is no text
	tag     bool // inside \*\htmltag
}

type unwrapper struct {
	src   []byte
	i     int
	out   []byte
	st    rtfState
	stack []rtfState
	page  string // charset of \'hh
	skip  int    // \ucN
	left  int    // characters to pass over after \u
	bytes []byte // \'hh waiting to be decoded together
	star  bool
}

// maxGroups is how deep RTF groups are remembered.
const maxGroups = 10_000

func (d *unwrapper) run() {
	for d.i < len(d.src) {
		c := d.src[d.i]
		d.i++
		switch c {
		case '{':
			d.flush()
			if len(d.stack) < maxGroups {
				d.stack = append(d.stack, d.st)
			}
		case '}':
			d.flush()
			if n := len(d.stack); n > 0 {
				d.st, d.stack = d.stack[n-1], d.stack[:n-1]
			}
		case '\\':
			d.control()
		case '\r', '\n', 0:
		default:
			d.text(c)
		}
	}
	d.flush()
}

func (d *unwrapper) text(c byte) {
	if d.left > 0 {
		d.left--
		return
	}
	d.flush()
	d.emit(string([]byte{c}))
}

func (d *unwrapper) emit(c string) {
	if !d.st.hidden && !d.st.ignored {
		d.out = append(d.out, c...)
	}
}

// flush decodes what \'hh collected: two-byte characters need both.
func (d *unwrapper) flush() {
	if len(d.bytes) == 0 {
		return
	}
	b := d.bytes
	if enc, err := htmlindex.Get(d.page); err == nil {
		if u, err := enc.NewDecoder().Bytes(b); err == nil {
			b = u
		}
	}
	d.emit(string(b))
	d.bytes = d.bytes[:0]
}

// control reads what follows a backslash.
func (d *unwrapper) control() {
	if d.i >= len(d.src) {
		return
	}
	c := d.src[d.i]
	if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
		d.flush()
		d.word()
		return
	}
	d.i++
	switch c {
	case '\'':
		if d.i+2 <= len(d.src) {
			v, err := strconv.ParseUint(string(d.src[d.i:d.i+2]), 16, 8)
			d.i += 2
			if d.left > 0 {
				d.left--
			} else if err == nil && !d.st.hidden && !d.st.ignored {
				d.bytes = append(d.bytes, byte(v))
			}
		}
	case '*':
		d.star = true
	case '~':
		d.emit("&nbsp;")
	case '_':
		d.emit("&shy;")
	case '{', '}', '\\':
		d.text(c)
	}
}

// word reads a control word, its number and the space after it.
func (d *unwrapper) word() {
	start := d.i
	for d.i < len(d.src) && (d.src[d.i]|0x20 >= 'a' && d.src[d.i]|0x20 <= 'z') {
		d.i++
	}
	name := string(d.src[start:min(d.i, start+32)])
	num, has := 0, false
	sign := d.i
	if d.i < len(d.src) && d.src[d.i] == '-' {
		d.i++
	}
	for d.i < len(d.src) && d.i-sign < 11 && d.src[d.i] >= '0' && d.src[d.i] <= '9' {
		d.i, has = d.i+1, true
	}
	if has {
		num, _ = strconv.Atoi(string(d.src[sign:d.i]))
	}
	if d.i < len(d.src) && d.src[d.i] == ' ' {
		d.i++
	}
	star := d.star
	d.star = false
	d.act(name, num, has, star)
}

func (d *unwrapper) act(name string, num int, has, star bool) {
	switch name {
	case "htmltag":
		d.st.tag, d.st.ignored, d.st.hidden = true, false, false
		return
	case "htmlrtf":
		d.st.hidden = !has || num != 0
		return
	case "ansicpg":
		d.page = codepage(uint32(max(num, 0)))
	case "uc":
		d.skip = max(min(num, 16), 0)
	case "u":
		d.emit(string(utf8.AppendRune(nil, rune(uint16(num)))))
		d.left = d.skip
	case "par", "line":
		d.emit("\r\n")
	case "tab":
		d.emit("\t")
	case "lquote", "rquote":
		d.emit("'")
	case "ldblquote", "rdblquote":
		d.emit("\"")
	case "bullet":
		d.emit("&bull;")
	case "endash":
		d.emit("&ndash;")
	case "emdash":
		d.emit("&mdash;")
	case "fonttbl", "colortbl", "stylesheet", "info", "pntext", "pict", "header", "footer":
		d.st.ignored = true
	}
	if star {
		d.st.ignored = true
	}
}
