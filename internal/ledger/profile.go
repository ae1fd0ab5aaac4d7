package ledger

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

// ProfileQuery chooses the events of a Profile. The zero value is all.
type ProfileQuery struct {
	// Since and Until bound the time: Since <= time < Until. Zero is no bound.
	Since, Until time.Time
	// Company is part of the name of a company or tracker, or a tracker's id,
	// without regard to case.
	Company string
	// Site is the site of the page, by any host of it.
	Site string
}

// Counts are requests, repetitions counted, by what became of them.
type Counts struct {
	Requests int64 `json:"requests"`
	// Stopped: nothing left. Stripped: passed on without what tells people apart.
	Stopped  int64 `json:"stopped"`
	Stripped int64 `json:"stripped"`
	// Told: something had left before it was known, or was let through.
	Told int64 `json:"told"`
}

// Profile is what the events of a time have told, or would have told, each
// company. Lists are sorted, the most telling first.
type Profile struct {
	First time.Time `json:"first,omitzero"` // of the events below, UTC
	Last  time.Time `json:"last,omitzero"`
	// Counts are those of requests to companies that rules know.
	Counts
	// Sites from which a known company was asked, and pages whose address it
	// was, or would have been, told.
	Sites int `json:"sites"`
	Pages int `json:"pages"`
	// Devices that the events come from.
	Devices   int       `json:"devices"`
	Companies []Company `json:"companies"`
	Days      []Day     `json:"days,omitempty"`
	Chains    []Chain   `json:"chains,omitempty"`
	Syncs     []Sync    `json:"syncs,omitempty"`
	// Unknown are places that no rule knows; nobody knows whose they are.
	Unknown []Unknown `json:"unknown,omitempty"`
	// Links that were freed of what marks the reader, or led past a recorder of
	// clicks.
	Links int64 `json:"links,omitempty"`
	// Banners are requests of consent banners, which are never stopped: they carry
	// the refusal. They are counted nowhere else, unless the query names them.
	Banners int64 `json:"banners,omitempty"`
	// Partial says that there was more than may be held in memory: numbers of
	// sites, pages and identifiers are then the least that it was.
	Partial bool `json:"partial,omitempty"`
}

// Company is what one company was, or would have been, told.
type Company struct {
	Company string `json:"company"`
	Counts
	// Likely are those of its requests of which only the looks are known: the
	// sentence said "looks like".
	Likely int64 `json:"likely,omitempty"`
	// ByName are those known by the name of the host alone, from no page.
	ByName int64 `json:"by_name,omitempty"`
	// Refused are those that went although the hit itself said no.
	Refused    int64         `json:"refused,omitempty"`
	First      time.Time     `json:"first"`
	Last       time.Time     `json:"last"`
	Categories []string      `json:"categories,omitempty"`
	Purposes   []string      `json:"purposes,omitempty"`
	Trackers   []TrackerSeen `json:"trackers"`
	Sites      []SiteSeen    `json:"sites,omitempty"`
	Pages      int           `json:"pages"`
	// Linked is the greatest number of sites that one value joins, 0 if none
	// joins two; LinkedTold counts only what the company was really told.
	Linked      int             `json:"linked"`
	LinkedTold  int             `json:"linked_told,omitempty"`
	Identifiers []Identifier    `json:"identifiers,omitempty"`
	Activities  []ActivityCount `json:"activities,omitempty"`
	Sensitive   []FieldCount    `json:"sensitive,omitempty"`
}

// TrackerSeen is one product of a company.
type TrackerSeen struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Likely bool   `json:"likely,omitempty"` // every time only by its looks
	Counts
}

// SiteSeen is one site from which a company was asked.
type SiteSeen struct {
	Site  string    `json:"site"`
	Pages int       `json:"pages"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	// Linked says that the value that joins the most sites was sent from here.
	Linked bool `json:"linked,omitempty"`
	Counts
}

// Identifier is one value by which a company knows a person again.
type Identifier struct {
	Field string `json:"field"`
	Label string `json:"label"`
	Value string `json:"value"` // the short form that is kept
	Link  string `json:"link"`
	Made  string `json:"made,omitempty"` // the earliest day the value itself names
	Sites int    `json:"sites"`
	Told  int    `json:"told,omitempty"` // sites from which it really left
	Count int64  `json:"count"`
}

// ActivityCount is how often something that a person did was reported.
type ActivityCount struct {
	Says      string `json:"says"`
	Automatic bool   `json:"automatic,omitempty"`
	Counts
}

// FieldCount is how often a sensitive field was sent.
type FieldCount struct {
	Field string `json:"field"`
	Label string `json:"label"`
	Counts
}

// Day counts the requests of one UTC day (2006-01-02).
type Day struct {
	Day string `json:"day"`
	Counts
}

// Chain is a thing that a person showed interest in on one site and, by one
// value, could have been followed with to others.
type Chain struct {
	Company string    `json:"company"`
	Site    string    `json:"site"`
	Says    string    `json:"says"`
	What    string    `json:"what,omitempty"` // the product, as the site named it
	Time    time.Time `json:"time"`
	Label   string    `json:"label"` // of the value
	Link    string    `json:"link"`
	// Later are sites from which the same company was sent the same value
	// afterwards, the first maxLater of Count.
	Later []string `json:"later"`
	Count int      `json:"count"`
	Told  bool     `json:"told,omitempty"` // the interest itself was told
}

// Sync is a number that one company handed, or would have handed, to another.
type Sync struct {
	From string `json:"from,omitempty"` // whose number it is, "" if nobody knows
	To   string `json:"to"`             // a company, its number among the other's partners, or a host
	// Both says that which of them told the other is not known.
	Both  bool `json:"both,omitempty"`
	Sites int  `json:"sites"`
	Counts
}

// Unknown is a place that behaved like a tracker, or that a list names.
type Unknown struct {
	Host   string `json:"host"`             // registrable domain
	Listed bool   `json:"listed,omitempty"` // a public list names it
	Sites  int    `json:"sites"`
	Counts
}

// Profile reads what the events that q chooses have told, or would have told,
// each company. It reads in pieces, in bounded memory: events written meanwhile
// may count or not.
func (l *Ledger) Profile(ctx context.Context, q ProfileQuery) (*Profile, error) {
	s, err := l.current()
	if err != nil {
		return nil, err
	}
	p, err := s.profile(ctx, q)
	if err != nil {
		l.suspect(err)
	}
	return p, err
}

// Reader reads a ledger beside the service that writes it. It changes nothing
// and keeps nobody waiting. All methods are safe for concurrent use.
type Reader struct{ s *store }

// OpenReader opens the ledger of a data directory for reading. The error wraps
// fs.ErrNotExist if there is none.
func OpenReader(dir string) (*Reader, error) {
	r, err := openToRead(filepath.Join(dir, dirName, fileName))
	if err != nil {
		return nil, fmt.Errorf("opening the ledger for reading: %w", err)
	}
	return &Reader{s: &store{r: r}}, nil
}

// Profile is that of Ledger.
func (r *Reader) Profile(ctx context.Context, q ProfileQuery) (*Profile, error) {
	return r.s.profile(ctx, q)
}

// Events is that of Ledger.
func (r *Reader) Events(ctx context.Context, f Filter, yield func(Event) error) error {
	for e, err := range r.s.events(ctx, f) {
		if err != nil {
			return err
		}
		if err := yield(e); err != nil {
			return err
		}
	}
	return nil
}

// Close ends reading.
func (r *Reader) Close() error { return r.s.close() }

// add counts n requests by what became of them.
func (c *Counts) add(action detect.Action, told bool, n int64) {
	c.Requests += n
	switch {
	case told || action <= detect.Observe:
		c.Told += n
	case action == detect.Strip:
		c.Stripped += n
	default:
		c.Stopped += n
	}
}
