package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

// pageSize is how many events a query reads at a time. No read transaction
// outlives a page, so that a slow reader never keeps the WAL from being cut.
const pageSize = 200

// Filter chooses events. The zero Filter is all of them, oldest first.
type Filter struct {
	// Since and Until bound the time: Since <= time < Until. Zero is no bound.
	Since, Until time.Time
	// Company and Tracker (its id) match without regard to case.
	Company, Tracker string
	// Site is the site of the page: any host of it, compared by registrable domain.
	Site string
	// Host is where the request went, subdomains included.
	Host string
	// Client is a client's label.
	Client string
	// After leaves out events whose ID is not greater.
	After int64
	// Limit bounds the number of events, 0 is no bound.
	Limit int
	// Newest yields the newest first, so that Limit keeps the newest.
	Newest bool
}

func (f *Filter) site() string {
	return detect.Registrable(strings.ToLower(strings.Trim(f.Site, ". ")))
}
func (f *Filter) host() string { return strings.ToLower(strings.Trim(f.Host, ". ")) }

// matches is the filter without time, place and number, for followers.
func (f *Filter) matches(e *Event) bool {
	var tracker, company string
	if e.Tracker != nil {
		tracker, company = e.Tracker.ID, e.Tracker.Company
	}
	return (f.Company == "" || strings.EqualFold(f.Company, company)) &&
		(f.Tracker == "" || strings.EqualFold(f.Tracker, tracker)) &&
		(f.Site == "" || f.site() == siteOf(e)) &&
		(f.Host == "" || detect.UnderDomain(e.Request.Host, f.host())) &&
		(f.Client == "" || f.Client == e.Client)
}

// where returns the filter as SQL. The text holds no value.
func (f *Filter) where() (string, []any) {
	terms, args := []string{"1"}, []any(nil)
	add := func(use bool, term string, a ...any) {
		if use {
			terms, args = append(terms, term), append(args, a...)
		}
	}
	add(!f.Since.IsZero(), "time >= ?", f.Since.UnixMilli())
	add(!f.Until.IsZero(), "time < ?", f.Until.UnixMilli())
	add(f.Company != "", "company = ?", f.Company)
	add(f.Tracker != "", "tracker = ?", f.Tracker)
	add(f.Site != "", "site = ?", f.site())
	add(f.Host != "", "(host = ? OR substr(host, -length(?)) = ?)", f.host(), "."+f.host(), "."+f.host())
	add(f.Client != "", "client = ?", f.Client)
	add(f.After > 0, "id > ?", f.After)
	return strings.Join(terms, " AND "), args
}

const eventColumns = `id, time, door, client, count, action, reply, told, method, host, url, type, page, page_from, doc`

// Events yields the events that f chooses, by time. It reads in pages: events
// written meanwhile may come or not. After an error it ends.
func (l *Ledger) Events(ctx context.Context, f Filter) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		s, err := l.current()
		if err != nil {
			yield(Event{}, err)
			return
		}
		left := f.Limit
		var last *Event
		for {
			n := pageSize
			if f.Limit > 0 {
				n = min(n, left)
			}
			page, err := s.page(ctx, &f, last, n)
			if err != nil {
				l.suspect(err)
				yield(Event{}, err)
				return
			}
			for i := range page {
				if !yield(page[i], nil) {
					return
				}
			}
			if left -= len(page); len(page) < n || f.Limit > 0 && left <= 0 {
				return
			}
			last = &page[len(page)-1]
		}
	}
}

// page reads the up to n events that follow last, nil for the first.
func (s *store) page(ctx context.Context, f *Filter, last *Event, n int) ([]Event, error) {
	where, args := f.where()
	order, than := "time, id", ">"
	if f.Newest {
		order, than = "time DESC, id DESC", "<"
	}
	if last != nil {
		where += " AND (time, id) " + than + " (?, ?)"
		args = append(args, last.Time.UnixMilli(), last.ID)
	}
	rows, err := s.r.QueryContext(ctx, "SELECT "+eventColumns+" FROM events WHERE "+where+" ORDER BY "+order+" LIMIT ?", append(args, n)...)
	if err != nil {
		return nil, fmt.Errorf("reading events: %w", err)
	}
	defer rows.Close()
	var out []Event
	for rows.Next() {
		e, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("reading an event: %w", err)
		}
		out = append(out, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading events: %w", err)
	}
	rows.Close()
	return out, s.fields(ctx, out)
}

func scan(rows interface{ Scan(...any) error }) (Event, error) {
	e := Event{Schema: Schema}
	q := &e.Request
	var at int64
	var action, reply string
	var rest []byte
	err := rows.Scan(&e.ID, &at, &e.Door, &e.Client, &e.Count, &action, &reply, &e.Told, &q.Method, &q.Host, &q.URL,
		&q.Type, &q.Page, &q.PageFrom, &rest)
	if err != nil {
		return e, err
	}
	e.Time = time.UnixMilli(at).UTC()
	_ = e.Action.UnmarshalText([]byte(action)) // unknown words are read as allow
	e.Reply, _ = detect.ParseReply(reply)
	var d doc
	if err := json.Unmarshal(rest, &d); err != nil {
		return e, fmt.Errorf("event %d: %w", e.ID, err)
	}
	e.Tracker, e.Evidence, e.Exception, e.Activity = d.Tracker, d.Evidence, d.Exception, d.Activity
	e.Consent, e.Sentence = d.Consent, d.Sentence
	return e, nil
}

// fields reads the disclosed fields of events.
func (s *store) fields(ctx context.Context, events []Event) error {
	if len(events) == 0 {
		return nil
	}
	at := make(map[int64]*Event, len(events))
	args := make([]any, len(events))
	for i := range events {
		at[events[i].ID], args[i] = &events[i], events[i].ID
	}
	rows, err := s.r.QueryContext(ctx, "SELECT event, field, label, value, link, made, sensitive FROM disclosed WHERE event IN (?"+
		strings.Repeat(",?", len(args)-1)+") ORDER BY event, n", args...)
	if err != nil {
		return fmt.Errorf("reading disclosed fields: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var f detect.Field
		if err := rows.Scan(&id, &f.Name, &f.Label, &f.Value, &f.Link, &f.Made, &f.Sensitive); err != nil {
			return fmt.Errorf("reading a disclosed field: %w", err)
		}
		e := at[id]
		e.Disclosed = append(e.Disclosed, f)
	}
	return rows.Err()
}

// ErrDamaged says that the store is not sound.
var ErrDamaged = errors.New("the ledger's file is damaged")

// Check looks through the whole store, as far as ctx lets it, for damage that
// queries and writes may not have met yet. The error wraps ErrDamaged and says
// what was found first, or says why the store could not be read. The worker looks
// at a store found damaged when it next tidies, and moves it aside if it is.
func (l *Ledger) Check(ctx context.Context) error {
	s, err := l.current()
	if err != nil {
		return err
	}
	var found string
	err = s.r.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("looking through the ledger: %w", ctx.Err())
	case damaged(err):
		l.suspect(err)
		return ErrDamaged
	case err != nil:
		return fmt.Errorf("looking through the ledger: %w", err)
	case found != "ok":
		l.counts.suspect.Store(true)
		return fmt.Errorf("%w: %s", ErrDamaged, found)
	}
	return nil
}

// suspect has the worker look at a store that a reader found damaged.
func (l *Ledger) suspect(err error) {
	if damaged(err) {
		l.counts.suspect.Store(true)
	}
}
