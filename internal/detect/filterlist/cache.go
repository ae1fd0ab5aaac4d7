package filterlist

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"slices"

	"golang.org/x/net/publicsuffix"
)

// A cache file is, all little-endian: the magic and version; the CRC-32C of
// all that follows it; the caller's key; a few numbers; where each section
// lies; the sections, each from a multiple of sectionAlign on. The sections
// are the arrays of the Set as they are in memory.
const (
	cacheMagic   = "qnch-fl\n"
	cacheVersion = 1
	sectionAlign = 64
	sections     = 17
	numbers      = 9
	crcFrom      = len(cacheMagic) + 4 + 4
	headerSize   = crcFrom + 32 + 4*numbers + 16*sections
)

// Key says what a cache was made of; it is the caller's own. KeyOf makes one.
type Key [32]byte

// KeyOf returns a key of everything in sources that a Set depends on, but what
// their Include functions return: a caller with includes hashes those in. It
// takes a few milliseconds for the usual lists.
func KeyOf(sources []Source) Key {
	h := sha256.New()
	for _, s := range sources {
		fmt.Fprintf(h, "%d %d\n", s.Format, len(s.Text))
		h.Write(s.Text)
		for _, word := range slices.Sorted(maps.Keys(s.Env)) {
			fmt.Fprintf(h, "%q %v\n", word, s.Env[word])
		}
	}
	return Key(h.Sum(nil))
}

// Why a cache cannot be used. Whoever gets one of these compiles anew.
var (
	ErrCacheFormat  = errors.New("it is no cache of this version")
	ErrCacheKey     = errors.New("it was made of other lists")
	ErrCacheDamaged = errors.New("it is damaged")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Save writes the Set as a cache for Open. It is for the caller to write to a
// new file and to rename that into place: a file that Open has mapped must
// never be changed.
func (s *Set) Save(w io.Writer, key Key) error {
	secs := s.sections()
	head := make([]byte, headerSize)
	copy(head, cacheMagic)
	binary.LittleEndian.PutUint32(head[len(cacheMagic):], cacheVersion)
	copy(head[crcFrom:], key[:])
	at := head[crcFrom+32:]
	for i, n := range s.numbers() {
		binary.LittleEndian.PutUint32(at[4*i:], n)
	}
	at = at[4*numbers:]
	off := align(headerSize)
	for i, b := range secs {
		binary.LittleEndian.PutUint64(at[16*i:], uint64(off))
		binary.LittleEndian.PutUint64(at[16*i+8:], uint64(len(b)))
		off = align(off + len(b))
	}
	parts := [][]byte{head, make([]byte, align(headerSize)-headerSize)}
	for _, b := range secs {
		parts = append(parts, b, make([]byte, align(len(b))-len(b)))
	}
	sum := crc32.Checksum(head[crcFrom:], castagnoli)
	for _, p := range parts[1:] {
		sum = crc32.Update(sum, castagnoli, p)
	}
	binary.LittleEndian.PutUint32(head[crcFrom-4:], sum)
	for _, p := range parts {
		if _, err := w.Write(p); err != nil {
			return fmt.Errorf("write list cache: %w", err)
		}
	}
	return nil
}

func align(n int) int { return (n + sectionAlign - 1) &^ (sectionAlign - 1) }

// numbers are the Set's fields that are no arrays.
func (s *Set) numbers() [numbers]uint32 {
	return [numbers]uint32{uint32(s.seed), uint32(s.seed >> 32), s.lists, s.count, s.realms,
		uint32(s.shift), s.hosts.depths, s.names.depths, suffixListSum()}
}

// suffixListSum stands for the version of the Public Suffix List.
func suffixListSum() uint32 {
	return crc32.Checksum([]byte(publicsuffix.List.String()), castagnoli)
}

func (s *Set) sections() [sections][]byte {
	return [sections][]byte{
		[]byte(s.hosts.arena), wordBytes(s.hosts.offs), wordBytes(s.marks),
		[]byte(s.names.arena), wordBytes(s.names.offs),
		wordBytes(s.rules), []byte(s.pats), wordBytes(s.shapes), []byte(s.strs), wordBytes(s.sets),
		wordBytes(s.regexes), wordBytes(s.bitmap), wordBytes(s.slots),
		wordBytes(s.entities), entryBytes(s), wordBytes(s.hosts.tags), wordBytes(s.names.tags),
	}
}

// entryBytes joins the three arrays of entries: their lengths, then they.
func entryBytes(s *Set) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(s.buckets)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(s.byPage)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(s.rest)))
	for _, e := range [][]entry{s.buckets, s.byPage, s.rest} {
		b = append(b, wordBytes(e)...)
	}
	return b
}

// Open makes a Set of what Save wrote. The Set lies in data where the machine
// is little-endian, which must stay as it is, and there, for as long as the
// Set is in use; keep is kept alive that long (a mapped file, say; nil for
// none). What Info and Clean return is copied out.
//
// The checksum guards against what happens to files by accident: a torn write,
// a cut, a bad block. It does not guard against a forger: who can write the
// file can write its checksum. Even then every offset is checked here or where
// it is read, so that a forged cache makes wrong answers and nothing worse.
func Open(data []byte, key Key, keep any) (*Set, error) {
	s, err := open(data, key)
	if err != nil {
		return nil, fmt.Errorf("open list cache: %w", err)
	}
	s.keep = keep
	s.ready()
	return s, nil
}

func open(data []byte, key Key) (*Set, error) {
	if len(data) < headerSize || string(data[:len(cacheMagic)]) != cacheMagic ||
		binary.LittleEndian.Uint32(data[len(cacheMagic):]) != cacheVersion {
		return nil, ErrCacheFormat
	}
	if !bytes.Equal(data[crcFrom:crcFrom+32], key[:]) {
		return nil, ErrCacheKey
	}
	if crc32.Checksum(data[crcFrom:], castagnoli) != binary.LittleEndian.Uint32(data[crcFrom-4:]) {
		return nil, ErrCacheDamaged
	}
	at := data[crcFrom+32:]
	var n [numbers]uint32
	for i := range n {
		n[i] = binary.LittleEndian.Uint32(at[4*i:])
	}
	if n[8] != suffixListSum() {
		return nil, ErrCacheKey
	}
	at = at[4*numbers:]
	var secs [sections][]byte
	for i := range secs {
		off, size := binary.LittleEndian.Uint64(at[16*i:]), binary.LittleEndian.Uint64(at[16*i+8:])
		if off%sectionAlign != 0 || off > uint64(len(data)) || size > uint64(len(data))-off {
			return nil, ErrCacheDamaged
		}
		secs[i] = data[off : off+size : off+size]
	}
	s := &Set{seed: uint64(n[0]) | uint64(n[1])<<32, lists: n[2], count: n[3], realms: n[4], shift: uint8(n[5])}
	s.hosts.depths, s.names.depths = n[6], n[7]
	if !s.take(&secs) || !s.valid() {
		return nil, ErrCacheDamaged
	}
	return s, nil
}

// take sets the arrays from the sections.
func (s *Set) take(b *[sections][]byte) bool {
	s.hosts.arena, s.names.arena, s.pats, s.strs = bytesString(b[0]), bytesString(b[3]), bytesString(b[6]), bytesString(b[8])
	ok := true
	s.hosts.offs = fromBytes[uint32](b[1], 1, &ok)
	s.hosts.tags = fromBytes[uint32](b[15], 1, &ok)
	s.names.tags = fromBytes[uint32](b[16], 1, &ok)
	s.marks = fromBytes[uint32](b[2], 1, &ok)
	s.names.offs = fromBytes[uint32](b[4], 1, &ok)
	s.rules = fromBytes[rule](b[5], ruleWords, &ok)
	s.shapes = fromBytes[shape](b[7], shapeWords, &ok)
	s.sets = fromBytes[uint32](b[9], 1, &ok)
	s.regexes = fromBytes[regex](b[10], regexWords, &ok)
	s.bitmap = fromBytes[uint32](b[11], 1, &ok)
	s.slots = fromBytes[uint32](b[12], 1, &ok)
	s.entities = fromBytes[uint32](b[13], 1, &ok)
	if len(b[14]) < 12 {
		return false
	}
	var n [3]int
	for i := range n {
		n[i] = int(binary.LittleEndian.Uint32(b[14][4*i:]))
	}
	all := fromBytes[entry](b[14][12:], entryWords, &ok)
	if !ok || n[0]+n[1]+n[2] != len(all) {
		return false
	}
	s.buckets, s.byPage, s.rest = all[:n[0]], all[n[0]:n[0]+n[1]], all[n[0]+n[1]:]
	return true
}
