package judge

import "github.com/quench-proxy/quench/internal/detect"

// maxKept is for how many references of one message room is kept for the next.
const maxKept = 4096

// Room is memory in which one message after the other is judged: most of what
// judging needs is needed again at once. Nothing of a message stays in it but
// what Findings holds. The zero value is ready. Not for concurrent use.
type Room struct {
	// Findings are those of a Result that nobody reads any more, or nil: the
	// next Result takes them over.
	Findings []Finding

	bench bench
}

// begin makes b ready for m.
func (b *bench) begin(j *Judge, m *Message) {
	n := len(m.Refs)
	b.judge, b.m = j, m
	if b.urls == nil {
		b.urls, b.tokens, b.origins.all = make(map[string]*facts, n), make(map[string]int, n), map[string]*origin{}
	}
	if cap(b.of) < n {
		b.of = make([]*facts, n)
	}
	b.of = b.of[:n]
	b.evidence = make([]detect.Evidence, 0, n) // goes out with the findings
}

// end forgets the message.
func (b *bench) end() {
	if len(b.m.Refs) > maxKept {
		*b = bench{}
		return
	}
	b.judge, b.m, b.evidence = nil, nil, nil
	clear(b.urls)
	clear(b.tokens)
	clear(b.of)
	clear(b.origins.all)
	b.origins.last = nil
	for i := range b.rooms {
		clear(b.rooms[i])
		b.rooms[i] = b.rooms[i][:0]
	}
	b.uses, b.values = emptied(b.uses), emptied(b.values)
	b.at = 0
}

// emptied is list without what it held.
func emptied[T any](list []T) []T {
	clear(list)
	return list[:0]
}

// perRoom is how many facts are made at once: they stay where they are.
const perRoom = 64

// fresh is a zero facts that stays in its place until end.
func (b *bench) fresh() *facts {
	if b.at < len(b.rooms) && len(b.rooms[b.at]) == cap(b.rooms[b.at]) {
		b.at++
	}
	if b.at == len(b.rooms) {
		b.rooms = append(b.rooms, make([]facts, 0, min(perRoom, max(4, len(b.m.Refs)-len(b.urls)))))
	}
	room := &b.rooms[b.at]
	*room = append(*room, facts{})
	return &(*room)[len(*room)-1]
}
