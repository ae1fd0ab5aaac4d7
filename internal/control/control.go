// Package control is the running service's local API: a small HTTP API on a
// unix socket that only the user who runs the service (and root) can reach.
//
// In flow commands of the command line; out flow the service's state, its
// events and the answers to what was asked. Listen settles which process owns a
// data directory, Server answers there, Client asks. docs/control-api.md
// describes the API.
//
// On Windows the socket is a unix socket too (Windows 10 and later); it is
// guarded by the rights of the directory alone, so the directory must be in
// the user's profile. That has been built but never run.
package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/memory"
	"github.com/quench-proxy/quench/internal/strictyaml"
)

// Schema is the version of the API's JSON.
const Schema = 1

const (
	maxBody   = 64 << 10 // a request's body
	maxHeader = 16 << 10 // a request's header
	maxConns  = 64       // connections at once, streams included
	maxName   = 253      // a host, company or client in a query
	maxLimit  = 10_000
	// maxAllowFor bounds how far ahead an allow may end; zero is for ever.
	maxAllowFor = 10 * 365 * 24 * time.Hour
)

// Status is the state of the service.
type Status struct {
	Schema    int        `json:"schema"`
	Kind      string     `json:"kind"` // serve or browse
	Version   string     `json:"version"`
	PID       int        `json:"pid"`
	Started   time.Time  `json:"started"`
	Mode      string     `json:"mode"` // block or observe
	Listeners []Listener `json:"listeners"`
	Rules     Rules      `json:"rules"`
	// Stats are counters by part and name; readers must accept new ones.
	Stats map[string]any `json:"stats,omitempty"`
}

// Listener is an address that the service listens on.
type Listener struct {
	Name    string `json:"name"` // proxy, browse …
	Address string `json:"address"`
}

// Rules says which rules are in force.
type Rules struct {
	Source   string    `json:"source"` // built-in, off or a directory
	Trackers int       `json:"trackers"`
	Loaded   time.Time `json:"loaded"`
}

// Query selects events. The zero value selects all.
type Query struct {
	Since   time.Time // zero is the beginning
	Company string    // part of the name of the company or tracker, without regard to case
	Site    string    // the site of the page, by any host of it
	Limit   int       // the newest so many; 0 is all
}

// Erase says which events go. What is set must all hold; All alone means all.
type Erase struct {
	Before time.Time `json:"before,omitzero"`
	Site   string    `json:"site,omitempty"`
	Client string    `json:"client,omitempty"`
	All    bool      `json:"all,omitempty"`
}

// AllowRequest asks for an allow.
type AllowRequest struct {
	detect.Override
	Client string `json:"client,omitempty"`
	// Seconds is how long; 0 is for ever.
	Seconds int64 `json:"seconds,omitempty"`
}

// RemoveRequest names allows to remove: one by ID, or all that say exactly
// what the Override says.
type RemoveRequest struct {
	ID memory.ID `json:"id,omitempty"`
	detect.Override
}

// BrowseRequest asks for a listener that intercepts always, until the request
// ends.
type BrowseRequest struct {
	// NoRecord keeps what passes there out of the ledger.
	NoRecord bool `json:"no_record,omitempty"`
}

// Check is one line of the doctor. State is ok, warn or fail.
type Check struct {
	Name  string `json:"name"`
	State string `json:"state"`
	Says  string `json:"says"`
	Fix   string `json:"fix,omitempty"`
}

// BadRequest is an error that the asker made.
type BadRequest struct{ Err error }

// Error gives the text of the cause.
func (e *BadRequest) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *BadRequest) Unwrap() error { return e.Err }

// Service is what the API speaks for. A nil function answers 501: this version
// or this process does not have it. Functions are called concurrently; their
// context ends with the request or the server.
type Service struct {
	Status func() Status
	// Events calls yield for each stored event, oldest first, until it fails.
	Events func(ctx context.Context, q Query, yield func(ledger.Event) error) error
	// Follow calls yield for each event that the query's Since or Limit selects
	// among the stored, and for each new one until the context ends, which is
	// not an error.
	Follow func(ctx context.Context, q Query, yield func(ledger.Event) error) error
	Erase  func(ctx context.Context, e Erase) (int64, error)

	Allows      func() []memory.Allow
	Allow       func(AllowRequest) (memory.Allow, error)
	RemoveAllow func(RemoveRequest) (int, error)

	// Browse opens a listener and says where it is; release closes it.
	Browse func(ctx context.Context, r BrowseRequest) (addr string, release func(), err error)
	Reload func(ctx context.Context) error
	// ResetTrust forgets which clients trust or refuse our certificates.
	ResetTrust func() error
	Doctor     func(ctx context.Context) []Check

	Lists  ListService
	Pauses PauseService

	// Metrics answers with counters in Prometheus' text form.
	Metrics http.Handler
}

// ParseQuery reads a Query from the parameters of a URL. Unknown parameters
// and such given twice are errors.
func ParseQuery(v url.Values) (Query, error) {
	var q Query
	known := []string{"since", "company", "site", "limit"}
	for name, values := range v {
		switch {
		case !slices.Contains(known, name):
			return q, unknownParam(name, known)
		case len(values) != 1:
			return q, fmt.Errorf("parameter %q is given %d times", name, len(values))
		case len(values[0]) > maxName:
			return q, fmt.Errorf("parameter %q is longer than %d bytes", name, maxName)
		}
		if err := q.set(name, values[0]); err != nil {
			return q, err
		}
	}
	return q, nil
}

func unknownParam(name string, known []string) error {
	if len(name) > 40 {
		name = name[:40]
	}
	if n := strictyaml.Nearest(name, known); n != "" {
		return fmt.Errorf("unknown parameter %q; did you mean %q?", name, n)
	}
	return fmt.Errorf("unknown parameter %q; known: %s", name, strings.Join(known, ", "))
}

func (q *Query) set(name, value string) error {
	var err error
	switch name {
	case "since":
		if q.Since, err = time.Parse(time.RFC3339Nano, value); err != nil {
			return errors.New("since is not a time as in RFC 3339")
		}
	case "company":
		q.Company = value
	case "site":
		q.Site = strings.ToLower(value)
	case "limit":
		if q.Limit, err = strconv.Atoi(value); err != nil || q.Limit < 0 || q.Limit > maxLimit {
			return fmt.Errorf("limit is not a number from 0 to %d", maxLimit)
		}
	}
	return nil
}

// Values returns the parameters that ParseQuery reads as q.
func (q Query) Values() url.Values {
	v := url.Values{}
	if !q.Since.IsZero() {
		v.Set("since", q.Since.UTC().Format(time.RFC3339Nano))
	}
	if q.Company != "" {
		v.Set("company", q.Company)
	}
	if q.Site != "" {
		v.Set("site", q.Site)
	}
	if q.Limit != 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return v
}

func (e Erase) check() error {
	switch {
	case e.All && (!e.Before.IsZero() || e.Site != "" || e.Client != ""):
		return errors.New("all stands alone")
	case !e.All && e.Before.IsZero() && e.Site == "" && e.Client == "":
		return errors.New("say what to erase: before, site, client or all")
	case len(e.Site) > maxName || len(e.Client) > maxName:
		return fmt.Errorf("a name is longer than %d bytes", maxName)
	}
	return nil
}

func (r AllowRequest) check() error {
	if r.Seconds < 0 || r.Seconds > int64(maxAllowFor/time.Second) {
		return fmt.Errorf("seconds is not a number from 0 to %d", int64(maxAllowFor/time.Second))
	}
	return nil
}

func (r RemoveRequest) check() error {
	if (r.ID != 0) == (r.To != "" || r.On != "") {
		return errors.New("name an allow by its id, or by to and on")
	}
	return nil
}
