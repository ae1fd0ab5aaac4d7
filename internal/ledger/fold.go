package ledger

import (
	"strings"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

const (
	foldTime   = 2 * time.Second // equal events within it are one, with a count
	dedupeTime = 5 * time.Second // the same hit again within it is not told again
	maxWindow  = 4096            // keys that a window remembers at most
)

// window remembers keys for a time. It is bounded: the oldest keys go first.
type window[V any] struct {
	keep  time.Duration
	byKey map[string]remembered[V]
	order []remembered[V] // oldest first, from head on
	head  int
}

type remembered[V any] struct {
	key string
	at  time.Time
	v   V
}

func newWindow[V any](keep time.Duration) *window[V] {
	return &window[V]{keep: keep, byKey: map[string]remembered[V]{}}
}

// get returns what is remembered of key at a time.
func (w *window[V]) get(key string, at time.Time) (v V, ok bool) {
	r, ok := w.byKey[key]
	if !ok || at.Sub(r.at).Abs() > w.keep {
		return v, false
	}
	return r.v, true
}

// put remembers key from a time on.
func (w *window[V]) put(key string, at time.Time, v V) {
	r := remembered[V]{key, at, v}
	w.byKey[key] = r
	w.order = append(w.order, r)
	w.expire(at)
}

// expire forgets what is too old at a time, and the oldest above the bound.
func (w *window[V]) expire(at time.Time) {
	for w.head < len(w.order) {
		r := w.order[w.head]
		if at.Sub(r.at) <= w.keep && len(w.order)-w.head <= maxWindow {
			break
		}
		if w.byKey[r.key].at.Equal(r.at) {
			delete(w.byKey, r.key)
		}
		w.order[w.head] = remembered[V]{}
		w.head++
	}
	if w.head > len(w.order)/2 {
		n := copy(w.order, w.order[w.head:])
		clear(w.order[n:])
		w.order, w.head = w.order[:n], 0
	}
}

// reset forgets everything.
func (w *window[V]) reset() {
	clear(w.byKey)
	clear(w.order)
	w.order, w.head = w.order[:0], 0
}

// folded is the event that equal ones are folded into.
type folded struct {
	row   *row  // until it is written
	id    int64 // from then on
	count int
}

// first is what is remembered of a hit that may come again.
type first struct {
	action detect.Action
	told   bool
}

// again reports whether e is a hit that was already told, and remembers it if
// not. One that got further than the first is not the same.
func again(w *window[first], dedupe string, e *Event) bool {
	if dedupe == "" {
		return false
	}
	key := e.Client + "\x00" + dedupe
	if f, ok := w.get(key, e.Time); ok && e.Action >= f.action && (f.told || !e.Told) {
		return true
	}
	w.put(key, e.Time, first{e.Action, e.Told})
	return false
}

// foldKey is equal for events that differ in nothing a reader would see but
// the query of their URL.
func foldKey(e *Event) string {
	var b strings.Builder
	add := func(parts ...string) {
		for _, p := range parts {
			b.WriteString(p)
			b.WriteByte(0)
		}
	}
	add(e.Door, e.Client, e.Request.Host, e.Request.Page, e.Request.Type, e.Action.String(), e.Reply.String(), e.Sentence)
	if e.Told {
		add("told")
	}
	if e.Tracker != nil {
		add(e.Tracker.ID)
	}
	if e.Activity != nil {
		add(e.Activity.Name)
	}
	for i := range e.Disclosed {
		add(e.Disclosed[i].Link)
	}
	return b.String()
}
