package memory

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// restore takes what state returned, without what is too old or too much.
func (h *History) restore(data []byte) error {
	var s savedHistory
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	key, err := hex.DecodeString(s.Key)
	if err != nil || len(key) != len(h.key) {
		return fmt.Errorf("key of %d characters, want %d", len(s.Key), 2*len(h.key))
	}
	now := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clear()
	copy(h.key[:], key)
	for k, unix := range s.Crossed {
		if t, ok := lately(unix, now); ok && len(h.crossed) < maxCrossed {
			h.crossed[k] = t
		}
	}
	for _, f := range s.Hosts {
		t, ok := lately(f.Seen, now)
		if !ok || len(h.hosts) >= maxHosts {
			continue
		}
		if len(f.Sites) > tracksOn {
			f.Sites = f.Sites[:tracksOn]
		}
		h.hosts[f.Sum] = &hostFacts{Sites: f.Sites, Answers: f.Answers, Content: min(f.Content, f.Answers), GivesID: f.GivesID, Seen: t}
	}
	h.publish(now)
	return nil
}

// lately returns a time that was kept, if it is not too old. A clock that once
// ran ahead must not make it last for ever.
func lately(unix int64, now time.Time) (time.Time, bool) {
	t := time.Unix(unix, 0)
	if t.After(now) {
		t = now
	}
	return t, now.Sub(t) < historyLife
}
