package cache

import (
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// answer is an entry with two TTLs, of 300 and of 60 s.
func answer(size int) Entry {
	wire := make([]byte, max(size, 12))
	binary.BigEndian.PutUint32(wire[4:], 300)
	binary.BigEndian.PutUint32(wire[8:], 60)
	return Entry{Wire: wire, TTLs: []uint16{4, 8}, Lifetime: time.Minute, Code: -1}
}

func ttls(wire []byte) [2]uint32 {
	return [2]uint32{binary.BigEndian.Uint32(wire[4:]), binary.BigEndian.Uint32(wire[8:])}
}

func key(name string) []byte { return AppendKey(nil, []byte(name), 1, 1, false, false) }

func TestLife(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		stale time.Duration
		after time.Duration
		want  State
		ttls  [2]uint32
		left  uint32
	}{
		{"at once", 0, 0, Fresh, [2]uint32{300, 60}, 60},
		{"the clock went back", 0, -time.Hour, Fresh, [2]uint32{300, 60}, 60},
		{"part of a second", 0, 1500 * time.Millisecond, Fresh, [2]uint32{299, 59}, 58},
		{"the last second", 0, 59 * time.Second, Fresh, [2]uint32{241, 1}, 1},
		{"ended", 0, time.Minute, Stale, [2]uint32{StaleTTL, StaleTTL}, StaleTTL},
		{"long ended", 0, time.Minute + DefaultStale, Stale, [2]uint32{StaleTTL, StaleTTL}, StaleTTL},
		{"too long", 0, time.Minute + DefaultStale + 1, Miss, [2]uint32{}, 0},
		{"never stale", -1, time.Minute + 1, Miss, [2]uint32{}, 0},
	}
	for _, tt := range tests {
		c := New(Options{Stale: tt.stale})
		c.Put(key("a"), answer(0), start)
		h, got := c.Get([]byte("before"), key("a"), start.Add(tt.after))
		if got != tt.want || h.TTL != tt.left {
			t.Errorf("%s: state %d, %d s left; want %d, %d", tt.name, got, h.TTL, tt.want, tt.left)
			continue
		}
		if got == Miss {
			if st := c.Stats(); st.Entries != 0 || st.Bytes != 0 || st.Misses != 1 {
				t.Errorf("%s: %+v", tt.name, st)
			}
			continue
		}
		if string(h.Wire[:6]) != "before" || ttls(h.Wire[6:]) != tt.ttls {
			t.Errorf("%s: TTLs %v, want %v", tt.name, ttls(h.Wire[6:]), tt.ttls)
		}
		if again, _ := c.Get(nil, key("a"), start); ttls(again.Wire) != [2]uint32{300, 60} {
			t.Errorf("%s: counting down changed what is kept: %v", tt.name, ttls(again.Wire))
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	same := [2][]byte{AppendKey(nil, []byte("\x03WwW\x01A\x00"), 1, 1, false, false), AppendKey(nil, []byte("\x03www\x01a\x00"), 1, 1, false, false)}
	if string(same[0]) != string(same[1]) {
		t.Errorf("letters make a difference: %q, %q", same[0], same[1])
	}
	seen := map[string]bool{}
	for _, qtype := range []uint16{1, 28} {
		for _, class := range []uint16{1, 3} {
			for bits := range 4 {
				seen[string(AppendKey(nil, []byte("\x01a\x00"), qtype, class, bits&1 > 0, bits&2 > 0))] = true
			}
		}
	}
	if len(seen) != 16 {
		t.Errorf("%d keys of 16 questions", len(seen))
	}
}

// TestDue wants a popular answer asked for again once, near its end.
func TestDue(t *testing.T) {
	t.Parallel()
	c := New(Options{})
	c.Put(key("a"), answer(0), start)
	near := start.Add(55 * time.Second)
	var due []int
	for i := range 8 {
		if _, s := c.Get(nil, key("a"), near); s == Due {
			due = append(due, i)
		}
	}
	if fmt.Sprint(due) != fmt.Sprint([]int{popular}) {
		t.Errorf("due at uses %v, want %v", due, []int{popular})
	}
	c.Put(key("b"), answer(0), start)
	for range 8 {
		if _, s := c.Get(nil, key("b"), start.Add(30*time.Second)); s != Fresh {
			t.Errorf("state %d half way", s)
		}
	}
}

// TestBound puts in more than there is room for: what was used last stays.
func TestBound(t *testing.T) {
	t.Parallel()
	const size, n = 1000, 50
	c := New(Options{Bytes: 20 * (size + overhead + 20)})
	for i := range n {
		c.Put(key(fmt.Sprint("n", i)), answer(size), start)
		c.Get(nil, key("n0"), start)
	}
	st := c.Stats()
	if st.Bytes > 20*(size+overhead+20) || st.Entries != int64(n)-st.Evicted || st.Evicted < n-21 {
		t.Errorf("%+v", st)
	}
	for name, want := range map[string]State{"n0": Fresh, "n1": Miss, fmt.Sprint("n", n-1): Fresh} {
		if _, s := c.Get(nil, key(name), start); s != want {
			t.Errorf("%s: state %d, want %d", name, s, want)
		}
	}
	c.Flush()
	if st := c.Stats(); st.Entries != 0 || st.Bytes != 0 {
		t.Errorf("after a flush: %+v", st)
	}
}

func TestNotKept(t *testing.T) {
	t.Parallel()
	short := answer(0)
	short.Lifetime = time.Second - 1
	for name, e := range map[string]Entry{"too large": answer(MaxEntry + 1), "ends at once": short} {
		c := New(Options{})
		c.Put(key("a"), e, start)
		if st := c.Stats(); st.Entries != 0 || st.Bytes != 0 {
			t.Errorf("%s: %+v", name, st)
		}
	}
	c := New(Options{})
	c.Put(key("a"), answer(MaxEntry), start)
	c.Put(key("a"), answer(0), start)
	if st := c.Stats(); st.Entries != 1 || st.Bytes >= MaxEntry {
		t.Errorf("replaced: %+v", st)
	}
}

// TestTogether has many put, get and flush; the race detector looks on.
func TestTogether(t *testing.T) {
	t.Parallel()
	c := New(Options{Bytes: 8 << 10})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			buf := make([]byte, 0, 64)
			for i := range 500 {
				k := key(fmt.Sprint("n", (i*7+w)%40))
				c.Put(k, answer(0), start)
				if h, s := c.Get(buf, k, start); s != Miss && ttls(h.Wire)[0] != 300 {
					t.Errorf("TTLs %v", ttls(h.Wire))
				}
				if i%200 == 199 {
					c.Flush()
				}
			}
		})
	}
	wg.Wait()
	if st := c.Stats(); st.Bytes > 8<<10 || st.Bytes < 0 {
		t.Errorf("%+v", st)
	}
}
