package ledger

import (
	"net/http"
	"net/textproto"
	"sync"
)

// Estimates of what queued things weigh beside their strings.
const (
	itemCost  = 512
	fieldCost = 96
	maxSpare  = 4096 // items of a spare slice that are kept for reuse
)

// item is one thing that waits for the worker.
type item struct {
	seen Sighting
	note *Event // set for a Note
	size int64
}

type putResult uint8

const (
	queued putResult = iota
	queueFull
	queueClosed
)

// queue holds items, bounded in bytes. Bytes that the worker has taken count
// until it says that they are done.
type queue struct {
	mu     sync.Mutex
	items  []item
	spare  []item
	count  int // put and not yet done with
	bytes  int64
	max    int64
	shut   bool
	wakeup chan struct{} // holds one token while there may be items
}

func newQueue(max int64) *queue {
	return &queue{max: max, wakeup: make(chan struct{}, 1)}
}

func (q *queue) put(it item) putResult {
	q.mu.Lock()
	switch {
	case q.shut:
		q.mu.Unlock()
		return queueClosed
	case q.bytes+it.size > q.max:
		q.mu.Unlock()
		return queueFull
	}
	q.items = append(q.items, it)
	q.bytes += it.size
	q.count++
	first := len(q.items) == 1
	q.mu.Unlock()
	if first {
		q.wake()
	}
	return queued
}

// wake sees to it that the worker looks.
func (q *queue) wake() {
	select {
	case q.wakeup <- struct{}{}:
	default:
	}
}

// take returns all items; the caller gives the slice back by give.
func (q *queue) take() []item {
	q.mu.Lock()
	defer q.mu.Unlock()
	items := q.items
	q.items, q.spare = q.spare[:0], nil
	return items
}

// give returns a taken slice.
func (q *queue) give(items []item) {
	clear(items)
	if cap(items) > maxSpare {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.spare = items[:0]
}

// free says that so many items of so many bytes are done with.
func (q *queue) free(items int, bytes int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.count -= items
	q.bytes -= bytes
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.shut = true
}

func (q *queue) state() (items int, bytes int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.count, q.bytes
}

func sizeOfSighting(s *Sighting) int64 {
	n := itemCost + len(s.Seen.Report) + len(s.Door) + len(s.Client)
	if r := s.Seen.Request; r != nil {
		n += len(r.URL) + len(r.Host) + len(r.Page) + len(r.Body) + sizeOfHeader(r.Header)
	}
	if r := s.Seen.Response; r != nil {
		n += len(r.Head) + sizeOfHeader(r.Header)
	}
	for _, name := range s.Seen.Chain {
		n += len(name) + 16
	}
	return int64(n)
}

// sizeOfHeader weighs a header; a kind it cannot look into is taken for 2 KiB.
func sizeOfHeader(h any) int {
	var m map[string][]string
	switch h := h.(type) {
	case nil:
		return 0
	case http.Header:
		m = h
	case textproto.MIMEHeader:
		m = h
	default:
		return 2 << 10
	}
	n := 0
	for k, vs := range m {
		n += len(k) + 48
		for _, v := range vs {
			n += len(v) + 16
		}
	}
	return n
}

func sizeOfEvent(e *Event) int64 {
	n := itemCost + len(e.Request.URL) + len(e.Request.Page) + len(e.Request.Host) + len(e.Sentence)
	for i := range e.Disclosed {
		n += fieldCost + len(e.Disclosed[i].Value) + len(e.Disclosed[i].Label)
	}
	for i := range e.Evidence {
		n += fieldCost + len(e.Evidence[i].Detail) + len(e.Evidence[i].Source)
	}
	return int64(n)
}
