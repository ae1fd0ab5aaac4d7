package outlook

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
	"unicode/utf16"
)

// entry is a stream or, with children, a storage of a compound file.
type entry struct {
	name     string
	data     []byte
	children []entry
}

const (
	cfbSector = 512
	cfbEnd    = 0xFFFFFFFE
	cfbFree   = 0xFFFFFFFF
	cfbLong   = 4096 // streams below that would lie in a stream of their own
)

// compound is a compound file (MS-CFB) with these entries in its root. Streams
// are filled up to cfbLong with zeros.
func compound(entries ...entry) []byte {
	var dir, sectors []byte
	fat := []uint32{}
	chain := func(b []byte) uint32 {
		first := uint32(len(fat))
		for i := 0; i < len(b); i += cfbSector {
			sectors = append(sectors, b[i:min(i+cfbSector, len(b))]...)
			sectors = append(sectors, make([]byte, (cfbSector-len(sectors)%cfbSector)%cfbSector)...)
			fat = append(fat, uint32(len(fat)+1))
		}
		fat[len(fat)-1] = cfbEnd
		return first
	}
	add := func(name string, kind byte, child, start uint32, size int) uint32 {
		e := make([]byte, 128)
		for i, u := range utf16.Encode([]rune(name)) {
			binary.LittleEndian.PutUint16(e[2*i:], u)
		}
		binary.LittleEndian.PutUint16(e[64:], uint16(2*len(name)+2))
		e[66], e[67] = kind, 1
		binary.LittleEndian.PutUint32(e[68:], cfbFree)
		binary.LittleEndian.PutUint32(e[72:], cfbFree)
		binary.LittleEndian.PutUint32(e[76:], child)
		binary.LittleEndian.PutUint32(e[116:], start)
		binary.LittleEndian.PutUint64(e[120:], uint64(size))
		dir = append(dir, e...)
		return uint32(len(dir)/128 - 1)
	}
	var list func(entries []entry) uint32
	list = func(entries []entry) uint32 { // siblings hang on each other's right
		first := uint32(cfbFree)
		for i := len(entries) - 1; i >= 0; i-- {
			e := entries[i]
			var at uint32
			if e.children != nil {
				at = add(e.name, 1, list(e.children), 0, 0)
			} else {
				data := append(bytes.Clone(e.data), make([]byte, max(0, cfbLong-len(e.data)))...)
				at = add(e.name, 2, cfbFree, chain(data), len(data))
			}
			binary.LittleEndian.PutUint32(dir[128*at+72:], first)
			first = at
		}
		return first
	}
	root := add("Root Entry", 5, cfbFree, cfbEnd, 0)
	first := list(entries)
	binary.LittleEndian.PutUint32(dir[128*root+76:], first)
	dirAt := chain(append(dir, make([]byte, (cfbSector-len(dir)%cfbSector)%cfbSector)...))
	fatAt, fats := len(fat), 0
	for fats*cfbSector/4 < len(fat)+fats {
		fats++
	}
	head := make([]byte, cfbSector)
	copy(head, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
	for at, v := range map[int]uint16{24: 0x3e, 26: 3, 28: 0xfffe, 30: 9, 32: 6} {
		binary.LittleEndian.PutUint16(head[at:], v)
	}
	for at, v := range map[int]uint32{44: uint32(fats), 48: dirAt, 56: cfbLong, 60: cfbEnd, 68: cfbEnd} {
		binary.LittleEndian.PutUint32(head[at:], v)
	}
	for i := range 109 {
		v := uint32(cfbFree)
		if i < fats {
			v = uint32(fatAt + i)
			fat = append(fat, 0xFFFFFFFD)
		}
		binary.LittleEndian.PutUint32(head[76+4*i:], v)
	}
	for len(fat)%(cfbSector/4) != 0 {
		fat = append(fat, cfbFree)
	}
	out := append(head, sectors...)
	for _, v := range fat {
		out = binary.LittleEndian.AppendUint32(out, v)
	}
	return out
}

func html(text string) entry { return entry{name: substg + "10130102", data: []byte(text)} }

// nested is a message with n messages inside each other.
func nested(n int) entry {
	e := entry{name: substg + "3701000D", children: []entry{html(fmt.Sprint("<b>", n))}}
	if n > 0 {
		e.children = append(e.children, entry{name: attach + "#00000000", children: []entry{nested(n - 1)}})
	}
	return e
}

func depth(it *Item) int {
	if len(it.Attachments) == 0 || it.Attachments[0].Item == nil {
		return 0
	}
	return 1 + depth(it.Attachments[0].Item)
}

// TestMSGBounds passes MaxNesting, and the bounds on bytes and streams that MSG
// sets to MaxBytes and MaxProperties.
func TestMSGBounds(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, MaxNesting, MaxNesting + 3} {
		it, err := MSG(compound(nested(n).children...))
		if got, want := depth(it), min(n, MaxNesting); err != nil || got != want || it.Cut != (n > MaxNesting) || !bytes.HasPrefix(it.HTML, []byte("<b>")) {
			t.Errorf("%d messages inside each other: %d read, cut %v, error %v; want %d", n, got, it.Cut, err, want)
		}
	}
	many := []entry{html("<b>")}
	for i := range 50 {
		many = append(many, entry{name: fmt.Sprintf("%s%04X001F", substg, 0x1100+i), data: []byte("x")})
	}
	for _, c := range []struct {
		left    int64
		streams int
		cut     bool
	}{{MaxBytes, MaxProperties, false}, {MaxBytes, 20, true}, {cfbLong - 1, MaxProperties, true}, {cfbLong, MaxProperties, false}} {
		it, _ := msg(compound(many...), c.left, c.streams)
		if read := len(it.HTML) > 0; it.Cut != c.cut || read != (c.left >= cfbLong) {
			t.Errorf("%d bytes, %d streams: cut %v, %d bytes of HTML; want cut %v", c.left, c.streams, it.Cut, len(it.HTML), c.cut)
		}
	}
}

// TestTNEFBounds passes MaxNesting and MaxProperties, the latter for attributes
// and for the properties of one.
func TestTNEFBounds(t *testing.T) {
	t.Parallel()
	file := tnefOf(attr(1, attProps, append(le32(1), prop(propHTML, typeBinary, []byte("<b>"))...)))
	for n := 1; n <= MaxNesting+3; n++ {
		file = tnefOf(attr(2, attRendData, make([]byte, 14)), attr(2, attAttachment, append(le32(1), prop(propData, typeObject, append(make([]byte, 16), file...))...)))
		it, err := TNEF(file)
		if got, want := depth(it), min(n, MaxNesting); err != nil || got != want || it.Cut != (n > MaxNesting) {
			t.Errorf("%d messages inside each other: %d read, cut %v, error %v; want %d", n, got, it.Cut, err, want)
		}
	}
	body := attr(1, attBody, []byte("text"))
	if it, err := TNEF(tnefOf(bytes.Repeat(attr(1, attSubject, nil), MaxProperties), body)); err == nil || it.Text != nil {
		t.Errorf("%d attributes: text %q, error %v", MaxProperties+1, it.Text, err)
	}
	list := append(le32(MaxProperties+1), bytes.Repeat(append(le32(0x0001<<16|typeInt32), 0, 0, 0, 0), MaxProperties)...)
	list = append(list, prop(propHTML, typeBinary, []byte("<b>"))...)
	if it, err := TNEF(tnefOf(attr(1, attProps, list), body)); err != nil || !it.Cut || it.HTML != nil || string(it.Text) != "text" {
		t.Errorf("%d properties: HTML %q, text %q, cut %v, error %v; want the text alone, and cut", MaxProperties+1, it.HTML, it.Text, it.Cut, err)
	}
}
