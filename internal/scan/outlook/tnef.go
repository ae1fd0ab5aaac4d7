package outlook

import (
	"encoding/binary"
	"fmt"
)

// tnefMagic starts every TNEF stream (MS-OXTNEF).
const tnefMagic = 0x223E9F78

// The attributes that matter.
const (
	attSubject    = 0x00018004
	attBody       = 0x0002800C
	attRendData   = 0x00069002
	attTitle      = 0x00018010
	attData       = 0x0006800F
	attProps      = 0x00069003
	attAttachment = 0x00069005
)

// TNEF opens winmail.dat. What was read before an error is given with it.
func TNEF(b []byte) (*Item, error) {
	return tnef(b, 0)
}

func tnef(b []byte, depth int) (*Item, error) {
	it := &Item{}
	if len(b) < 6 || binary.LittleEndian.Uint32(b) != tnefMagic {
		return it, fmt.Errorf("open TNEF: %w", ErrFormat)
	}
	b = b[6:]
	for n := 0; len(b) > 0; n++ {
		if len(b) < 11 || n == MaxProperties {
			return it, fmt.Errorf("open TNEF: attribute cut off: %w", ErrFormat)
		}
		id, size := binary.LittleEndian.Uint32(b[1:]), int64(binary.LittleEndian.Uint32(b[5:]))
		if size+11 > int64(len(b)) {
			return it, fmt.Errorf("open TNEF: attribute %#x longer than the file: %w", id, ErrFormat)
		}
		value := b[9 : 9+size]
		b = b[11+size:]
		if !it.attribute(id, value, depth) {
			it.Cut = true
		}
	}
	return it, nil
}

func (it *Item) attribute(id uint32, value []byte, depth int) bool {
	var a *Attachment
	if n := len(it.Attachments); n > 0 {
		a = &it.Attachments[n-1]
	}
	switch id {
	case attSubject:
		it.Subject = str(typeString8, value)
	case attBody:
		it.Text = []byte(str(typeString8, value))
	case attProps:
		return properties(value, func(id, kind uint16, v []byte) { it.set(id, kind, v) })
	case attRendData:
		if len(it.Attachments) == MaxAttachments {
			return false
		}
		it.Attachments = append(it.Attachments, Attachment{})
	case attTitle:
		if a != nil && a.Name == "" {
			a.Name = str(typeString8, value)
		}
	case attData:
		if a != nil {
			a.Data = value
		}
	case attAttachment:
		if a == nil {
			return true
		}
		whole := true
		return properties(value, func(id, kind uint16, v []byte) { whole = a.property(id, kind, v, depth) && whole }) && whole
	}
	return true
}

// property takes one property of an attachment; an object is a message as TNEF
// behind its class id. False: it lies past MaxNesting, or past a bound inside.
func (a *Attachment) property(id, kind uint16, v []byte, depth int) bool {
	switch {
	case id != propData || kind != typeObject:
		a.set(id, kind, v)
	case len(v) <= 16:
	case depth >= MaxNesting:
		return false
	default:
		if inner, err := tnef(v[16:], depth+1); err == nil || inner.HTML != nil {
			a.Item, a.Data = inner, nil
			return !inner.Cut
		}
	}
	return true
}

// cursor reads numbers off b; bad is set when b ends before.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) take(n int) []byte {
	if c.bad || n < 0 || n > len(c.b) {
		c.bad = true
		return nil
	}
	out := c.b[:n]
	c.b = c.b[n:]
	return out
}

func (c *cursor) u32() int {
	v := c.take(4)
	if c.bad {
		return 0
	}
	return int(binary.LittleEndian.Uint32(v))
}

// padded takes n bytes and what fills them up to four.
func (c *cursor) padded(n int) []byte {
	v := c.take(n)
	c.take(min((4-n%4)%4, len(c.b)))
	return v
}

// properties reads a property list as TNEF has it; false if it is cut off.
func properties(b []byte, set func(id, kind uint16, value []byte)) bool {
	c := &cursor{b: b}
	count := c.u32()
	for i := 0; i < count && !c.bad; i++ {
		if i == MaxProperties {
			return false
		}
		tag := c.u32()
		kind, id := uint16(tag), uint16(tag>>16)
		if id >= 0x8000 {
			c.named()
		}
		n := 1
		variable := kind&^typeMultiple == typeString8 || kind&^typeMultiple == typeUnicode || kind&^typeMultiple == typeBinary || kind&^typeMultiple == typeObject
		if variable || kind&typeMultiple != 0 {
			n = c.u32()
		}
		for k := 0; k < n && !c.bad; k++ {
			v := c.value(kind&^typeMultiple, variable)
			if !c.bad && k == 0 {
				set(id, kind&^typeMultiple, v)
			}
		}
	}
	return !c.bad
}

// named passes over the name of a named property.
func (c *cursor) named() {
	c.take(16)
	if c.u32() == 0 {
		c.take(4)
		return
	}
	c.padded(c.u32())
}

func (c *cursor) value(kind uint16, variable bool) []byte {
	if variable {
		return c.padded(c.u32())
	}
	switch kind {
	case typeInt16, typeInt32, typeFloat32, typeBool, 0x000A:
		return c.take(4)
	case typeCLSID:
		return c.take(16)
	}
	return c.take(8)
}
