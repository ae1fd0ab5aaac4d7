// Package ledger keeps what was seen and decided: one Event for one verdict at
// one time through one door.
//
// In flow Sightings from the doors, over a queue bounded in bytes that never
// makes a door wait; they are explained, redacted, folded and written by one
// worker. Out flow Events: live to followers and from the store by query. The
// ledger never holds a secret, and it never holds what its detail setting does
// not allow.
package ledger

import (
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
)

// Schema is the version of the JSON shape of Event.
const Schema = 1

// Event is one verdict at one time through one door, as JSON shows it.
type Event struct {
	Schema  int       `json:"schema"`
	ID      int64     `json:"id,omitempty"` // the store's number, 0 outside it
	Time    time.Time `json:"time"`         // UTC; the store keeps milliseconds
	Door    string    `json:"door"`         // proxy, dns, scan or check
	Client  string    `json:"client,omitempty"`
	Count   int       `json:"count"` // how often within the fold time, at least 1
	Request Request   `json:"request"`
	detect.Verdict
	// Missed is set by Follow only: how many events this follower lost just
	// before this one because it was slow.
	Missed int64 `json:"missed,omitempty"`
}

// Request is the part of a request that an Event keeps.
type Request struct {
	Method   string `json:"method,omitempty"`
	Host     string `json:"host"`
	URL      string `json:"url,omitempty"`
	Type     string `json:"type,omitempty"`
	Page     string `json:"page,omitempty"`
	PageFrom string `json:"page_from,omitempty"`
}

// Sighting is what a door hands over: all that is needed to explain later.
// The Seen must own what it points to.
type Sighting struct {
	Set      *engine.Set
	Seen     detect.Seen
	Decision detect.Decision
	Door     string
	Client   string // label, "" for this machine
}

// Recorder takes what doors saw. Both methods return at once, whatever the
// state of the store; what does not fit is counted as lost.
type Recorder interface {
	// Record queues a sighting to be explained and kept.
	Record(Sighting)
	// Note queues an event that explains itself: a splice, a refusal.
	Note(Event)
}
