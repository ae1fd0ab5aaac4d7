// Package pack writes values to bytes and reads them again, for data that is
// compiled when the program is built and read whenever it starts.
//
// In flow pointers to values, field by field; out flow bytes, or the values. One
// function for each type serves both ways, so that what is written and what is
// read cannot differ. Texts stand once, in a table, and what is read shares the
// bytes it was read from: reading copies no text. Equal values give equal bytes.
//
// It is for data that is part of the program. Whatever is wrong with the bytes
// is found and said, but nothing is checked for its meaning.
package pack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// magic begins all packed data.
const magic = "quench packed 1\n"

// errCut is what Unpack says of bytes that end too early or name what is not there.
var errCut = errors.New("the packed data are damaged")

// Coder goes over a value, to write it or to read it. It belongs to one
// goroutine, and is made by Pack and Unpack only.
type Coder struct {
	reading bool
	texts   []string

	out   []byte            // what was written
	index map[string]uint64 // of texts, by text
	lists uint64            // texts in all lists together

	in    string   // what is left to read
	arena []string // room for lists of texts
	err   error
}

// Pack gives the bytes of what code goes over.
func Pack(code func(*Coder)) []byte {
	c := &Coder{index: map[string]uint64{"": 0}, texts: []string{""}}
	code(c)
	out := binary.AppendUvarint([]byte(magic), uint64(len(c.texts)))
	for _, t := range c.texts {
		out = binary.AppendUvarint(out, uint64(len(t)))
	}
	for _, t := range c.texts {
		out = append(out, t...)
	}
	out = binary.AppendUvarint(out, c.lists)
	return append(out, c.out...)
}

// Unpack has code fill in what Pack wrote. The texts share data's bytes. It
// fails if data were not written by the same code; what was filled in is of no
// use then.
func Unpack(data string, code func(*Coder)) error {
	rest, ok := strings.CutPrefix(data, magic)
	if !ok {
		return fmt.Errorf("%w: they do not begin as such data do", errCut)
	}
	c := &Coder{reading: true, in: rest}
	if c.table(); c.err == nil {
		code(c)
	}
	if c.err == nil && c.in != "" {
		c.err = fmt.Errorf("%w: %d bytes are left over", errCut, len(c.in))
	}
	return c.err
}

// table reads the texts.
func (c *Coder) table() {
	n := c.count()
	lengths := c.in
	total := 0
	for range n {
		total += int(c.next())
		if total < 0 || total > len(c.in) {
			c.fail()
			return
		}
	}
	blob := c.in[:total]
	after := c.in[total:]
	c.in = lengths
	c.texts = make([]string, n)
	for i := range c.texts {
		l := int(c.next())
		c.texts[i], blob = blob[:l], blob[l:]
	}
	c.in = after
	c.arena = make([]string, c.count())
}

func (c *Coder) fail() {
	c.in = ""
	if c.err == nil {
		c.err = errCut
	}
}

// next reads one number; 0 after a failure.
func (c *Coder) next() uint64 {
	if c.in == "" {
		c.fail()
		return 0
	}
	if b := c.in[0]; b < 0x80 {
		c.in = c.in[1:]
		return uint64(b)
	}
	var v uint64
	for i := 0; i < len(c.in) && i < binary.MaxVarintLen64; i++ {
		b := c.in[i]
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			c.in = c.in[i+1:]
			return v
		}
	}
	c.fail()
	return 0
}

// count reads how many follow, none of which takes less than a byte.
func (c *Coder) count() int {
	n := c.next()
	if n > uint64(len(c.in)) {
		c.fail()
		return 0
	}
	return int(n)
}

func (c *Coder) put(n uint64) { c.out = binary.AppendUvarint(c.out, n) }

// String goes over a text.
func (c *Coder) String(s *string) {
	if c.reading {
		n := c.next()
		if n >= uint64(len(c.texts)) {
			c.fail()
			return
		}
		*s = c.texts[n]
		return
	}
	n, ok := c.index[*s]
	if !ok {
		n = uint64(len(c.texts))
		c.index[*s] = n
		c.texts = append(c.texts, *s)
	}
	c.put(n)
}

// Int goes over a number that is not negative.
func (c *Coder) Int(n *int) {
	if c.reading {
		*n = int(c.next())
		return
	}
	c.put(uint64(*n))
}

// Bools goes over up to 64 truths, which take one number together.
func (c *Coder) Bools(all ...*bool) {
	if c.reading {
		bits := c.next()
		for i, b := range all {
			*b = bits>>i&1 != 0
		}
		return
	}
	var bits uint64
	for i, b := range all {
		if *b {
			bits |= 1 << i
		}
	}
	c.put(bits)
}

// Strings goes over a list of texts; an empty one is read as nil.
func (c *Coder) Strings(list *[]string) {
	if !c.reading {
		c.put(uint64(len(*list)))
		c.lists += uint64(len(*list))
		for i := range *list {
			c.String(&(*list)[i])
		}
		return
	}
	n := c.count()
	if n == 0 {
		*list = nil
		return
	}
	if n > len(c.arena) {
		c.fail()
		return
	}
	*list, c.arena = c.arena[:n:n], c.arena[n:]
	for i := range *list {
		c.String(&(*list)[i])
	}
}

// Slice goes over a list, each of its values with each; an empty one is read as
// nil.
func Slice[T any](c *Coder, list *[]T, each func(*Coder, *T)) {
	if !c.reading {
		c.put(uint64(len(*list)))
	} else if n := c.count(); n > 0 {
		*list = make([]T, n)
	} else {
		*list = nil
	}
	for i := range *list {
		each(c, &(*list)[i])
	}
}

// Map goes over a map in the order of its keys; an empty one is read as nil.
func Map[T any](c *Coder, m *map[string]T, each func(*Coder, *T)) {
	if !c.reading {
		c.put(uint64(len(*m)))
		for _, k := range slices.Sorted(maps.Keys(*m)) {
			v := (*m)[k]
			c.String(&k)
			each(c, &v)
		}
		return
	}
	*m = nil
	n := c.count()
	if n > 0 {
		*m = make(map[string]T, n)
	}
	for range n {
		var k string
		var v T
		c.String(&k)
		each(c, &v)
		(*m)[k] = v
	}
}
