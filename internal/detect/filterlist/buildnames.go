package filterlist

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
)

var errNameLong = errors.New("a name is longer than 255 bytes")

// nameBuilder gathers the names that domain=, to= and denyallow= use. Its
// records have, after the name, where the rules begin that are looked for by
// this name as page, plus one.
type nameBuilder struct {
	arena []byte
	seen  map[string]uint32
	offs  []uint32
}

const nameTail = 4

func (n *nameBuilder) add(name string) uint32 {
	if off, ok := n.seen[name]; ok {
		return off
	}
	if n.seen == nil {
		n.seen = map[string]uint32{}
	}
	off := uint32(len(n.arena))
	n.arena = append(append(n.arena, byte(len(name)), 0), name...)
	n.arena = append(n.arena, 0, 0, 0, 0)
	n.seen[strings.Clone(name)] = off
	n.offs = append(n.offs, off)
	return off
}

// source sets where the rules of the name at off begin.
func (n *nameBuilder) source(off, start uint32) {
	binary.LittleEndian.PutUint32(n.arena[off+recordHead+uint32(n.arena[off]):], start+1)
}

func (n *nameBuilder) finish(seed uint64) table { return newTable(string(n.arena), n.offs, seed) }

// entities marks the labels before the stars, 16 bits a name.
func (b *builder) entities() {
	s := b.s
	var labels []string
	for _, off := range b.names.offs {
		if stem, ok := strings.CutSuffix(s.names.name(off), ".*"); ok {
			labels = append(labels, stem[strings.LastIndexByte(stem, '.')+1:])
		}
	}
	s.entities = make([]uint32, len(labels)/2+1)
	for _, l := range labels {
		bit := s.entityBit(l)
		s.entities[bit>>5] |= 1 << (bit & 31)
	}
}

// A name set in sets is: how many names with two flags, how many regular
// expressions, then for each its offset (names, sorted) or number <<1 | 1 if
// it excludes.
const (
	setIncludes = 1 << 31
	setEntities = 1 << 30
	setCount    = setEntities - 1
)

func (b *builder) nameSet(n Names) (uint32, error) {
	if len(n.Include)+len(n.Exclude) == 0 {
		return 0, nil
	}
	var flags uint32
	var plain, regexes []uint32
	put := func(name string, exclude uint32) error {
		switch {
		case len(name) > 1 && name[0] == '/' && name[len(name)-1] == '/':
			regexes = append(regexes, b.regex(name[1:len(name)-1], false)<<1|exclude)
			return nil
		case len(name) > maxName:
			return errNameLong
		case strings.HasSuffix(name, ".*"):
			flags |= setEntities
			b.s.realms |= hasEntity
		}
		plain = append(plain, b.names.add(name)<<1|exclude)
		return nil
	}
	for _, name := range n.Include {
		flags |= setIncludes
		if err := put(name, 0); err != nil {
			return 0, err
		}
	}
	for _, name := range n.Exclude {
		if err := put(name, 1); err != nil {
			return 0, err
		}
	}
	slices.Sort(plain)
	plain = slices.Compact(plain)
	words := append([]uint32{flags | uint32(len(plain)), uint32(len(regexes))}, plain...)
	return b.sets.add(append(words, regexes...)), nil
}

// dns keeps the conditions of DNS questions: six counted runs.
func (b *builder) dns(w *Conditions) uint32 {
	if !dnsOnly(w) {
		return 0
	}
	var words []uint32
	for _, types := range [][]uint16{w.DNSTypes, w.NotDNSTypes} {
		words = append(words, uint32(len(types)))
		for _, t := range types {
			words = append(words, uint32(t))
		}
	}
	for _, names := range [][]string{w.Clients.Include, w.Clients.Exclude, w.Tags.Include, w.Tags.Exclude} {
		words = append(words, uint32(len(names)))
		for _, n := range names {
			words = append(words, b.strs.add(n))
		}
	}
	return b.sets.add(words)
}

// The ways a header condition looks at a value.
const (
	headerThere = iota
	headerIs
	headerMatches
)

// header keeps a header condition: the name, how to look, what for.
func (b *builder) header(h string) uint32 {
	if h == "" {
		return 0
	}
	name, value, ok := strings.Cut(h, ":")
	value = strings.TrimSpace(value)
	words := []uint32{b.strs.add(strings.TrimSpace(name)), headerThere, 0}
	if ok && value != "" {
		words[1], words[2] = headerIs, b.strs.add(value)
		if len(value) > 1 && value[0] == '/' && value[len(value)-1] == '/' {
			words[1], words[2] = headerMatches, b.regex(value[1:len(value)-1], false)
		}
	}
	return b.sets.add(words)
}
