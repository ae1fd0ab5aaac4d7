package detect

import (
	"crypto/sha256"
	"slices"
)

// PastKey keys the hashes of a Past.
type PastKey [32]byte

// maxHashed bounds the bytes of one text that Sum reads; the rest of a longer
// one does not count.
const maxHashed = 160

// Sum hashes up to three texts under the key, so that neither the texts nor
// equal texts under another key can be told from it. kind keeps hashes of
// different things apart. Nothing is allocated.
func (k *PastKey) Sum(kind byte, a, b, c []byte) uint64 {
	var buf [len(PastKey{}) + 1 + 3*(maxHashed+1)]byte
	n := copy(buf[:], k[:])
	buf[n] = kind
	n++
	for _, part := range [...][]byte{a, b, c} {
		part = part[:min(len(part), maxHashed)]
		buf[n] = byte(len(part)) // no two triples give the same bytes
		n++
		n += copy(buf[n:], part)
	}
	// The key comes first and most of the result is left out, so that nobody
	// can lengthen a text whose hash is known.
	sum := sha256.Sum256(buf[:n])
	var h uint64
	for _, c := range sum[:8] {
		h = h<<8 | uint64(c)
	}
	return h
}

// The kinds of hashes in a Past.
const (
	PastID    = 'i' // a value that tells people apart
	PastCross = 'c' // such a value under a name, sent to a site
	PastName  = 'n' // a name of values, for one client
	PastHost  = 'h' // a host
	PastSite  = 's' // a site on which something was seen
)

// Past is what is remembered that helps to judge one Request: numbers that tell
// this client from others, and how hosts behaved. It holds keyed hashes only.
// It is immutable; a nil Past remembers nothing.
type Past struct {
	Key *PastKey
	// Site has the hashes (PastID) of the numbers that the page's own site keeps
	// in its cookies for this client; sorted.
	Site []uint64
	// Others are numbers that third parties keep for this client; sorted by Sum.
	Others []ForeignID
	// World is what holds for all clients; nil means nothing.
	World *World
}

// ForeignID is the hash (PastID) of a number that a third party keeps for a
// client. Owner is that party's registrable domain.
type ForeignID struct {
	Sum   uint64
	Owner string
}

// OwnID reports whether the page's own site keeps a number with this hash.
func (p *Past) OwnID(sum uint64) bool {
	if p == nil {
		return false
	}
	_, ok := slices.BinarySearch(p.Site, sum)
	return ok
}

// Owner returns who keeps a number with this hash, "" if nobody is known to.
func (p *Past) Owner(sum uint64) string {
	if p == nil {
		return ""
	}
	i, ok := slices.BinarySearchFunc(p.Others, sum, func(f ForeignID, sum uint64) int {
		switch {
		case f.Sum < sum:
			return -1
		case f.Sum > sum:
			return 1
		}
		return 0
	})
	if !ok {
		return ""
	}
	return p.Others[i].Owner
}

// HostTraits is what is known of how a host behaves.
type HostTraits uint8

const (
	// HostTracks: it was told numbers and traits of visitors on three sites or more.
	HostTracks HostTraits = 1 << iota
	// HostGivesIDs: it answered an image or an empty answer with a cookie that
	// tells people apart and lives for long.
	HostGivesIDs
	// HostContent: more than a fifth of its answers are content.
	HostContent
)

// World is what time taught about hosts and names of values. It is immutable
// once it is part of a Past; the maps may be nil.
type World struct {
	// Crossed has the hashes (PastCross) of values seen on two sites or more.
	Crossed map[uint64]struct{}
	// Varies has the hashes (PastName) of names that take another value again
	// and again: they tell nobody apart.
	Varies map[uint64]struct{}
	// Hosts is keyed by hashes of kind PastHost.
	Hosts map[uint64]HostTraits
}

// HasWorld reports whether anything at all is known of hosts and names.
func (p *Past) HasWorld() bool { return p != nil && p.World != nil }
