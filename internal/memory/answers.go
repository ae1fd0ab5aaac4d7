package memory

import (
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/pixel"
	"github.com/quench-proxy/quench/internal/detect/score"
)

// contentSize is the size from which an answer is content, in bytes.
const contentSize = 2 << 10

// Answered notes how a host answered a client: the numbers it gave, and whether
// it was with content, or with nothing but a cookie that tells people apart.
func (h *History) Answered(client string, r *detect.Request, head *detect.ResponseHead) {
	if h.frozen || !judged(r) || r.Party() != detect.ThirdParty {
		return
	}
	h.given(client, r, head)
	if head.Status < 200 || head.Status > 299 {
		return
	}
	content := isContent(head)
	gives := !content && (r.Type == detect.TypeImage || head.Status == 204 || head.Length == 0) && givesID(head)
	now := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.host(r.Host, now)
	before := f.traits()
	if f.Answers++; f.Answers > 1000 { // what it did lately counts most
		f.Answers, f.Content = f.Answers/2, f.Content/2
	}
	if content {
		f.Content++
	}
	f.GivesID = f.GivesID || gives
	if f.traits() != before {
		f.Seen = now
		h.learned(now)
		h.changed()
	}
}

// maxGiven bounds the Set-Cookie fields of one answer that are looked at.
const maxGiven = 8

// given remembers the numbers that a third party gives a client: a redirect may
// hand them on at once.
func (h *History) given(client string, r *detect.Request, head *detect.ResponseHead) {
	var ids []score.ID
	for i, c := range head.Header.Values("Set-Cookie") {
		if i >= maxGiven {
			break
		}
		first, _, _ := strings.Cut(c, ";")
		ids = score.CookieIDs(ids, first)
	}
	if len(ids) == 0 {
		return
	}
	now := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.browser(client, now).addOthers(h.sums(ids), detect.Registrable(r.Host))
}

// isContent reports whether an answer is something that a page shows or works
// with.
func isContent(head *detect.ResponseHead) bool {
	if seen := pixel.Look(head.Head, head.Complete); seen.Format != pixel.None {
		return !seen.Tiny
	}
	if head.Length >= contentSize {
		return true
	}
	if head.Length >= 0 {
		return false
	}
	t, _, _ := strings.Cut(head.Header.Get("Content-Type"), "/") // of a stream only the kind is known
	return t == "video" || t == "audio" || t == "font"
}

func givesID(head *detect.ResponseHead) bool {
	for i, c := range head.Header.Values("Set-Cookie") {
		if i >= maxGiven {
			break
		}
		if score.LongLived(c) {
			return true
		}
	}
	return false
}

// savedHistory is what is kept of a History: hashes, and how hosts behave.
type savedHistory struct {
	Key     string           `json:"key"`
	Crossed map[uint64]int64 `json:"crossed,omitempty"` // to Unix seconds
	Hosts   []savedHost      `json:"hosts,omitempty"`
}

type savedHost struct {
	Sum     uint64   `json:"sum"`
	Sites   []uint64 `json:"sites,omitempty"`
	Answers uint32   `json:"answers,omitempty"`
	Content uint32   `json:"content,omitempty"`
	GivesID bool     `json:"gives_id,omitempty"`
	Seen    int64    `json:"seen"`
}

// state returns what is to be kept.
func (h *History) state() json.RawMessage {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := savedHistory{Key: hex.EncodeToString(h.key[:]), Crossed: map[uint64]int64{}}
	for k, t := range h.crossed {
		s.Crossed[k] = t.Unix()
	}
	for k, f := range h.hosts {
		if f.traits() == 0 && len(f.Sites) == 0 {
			continue
		}
		s.Hosts = append(s.Hosts, savedHost{Sum: k, Sites: f.Sites, Answers: f.Answers, Content: f.Content, GivesID: f.GivesID, Seen: f.Seen.Unix()})
	}
	data, err := json.Marshal(s)
	if err != nil {
		return nil // there is nothing in it that could not be written
	}
	return data
}
