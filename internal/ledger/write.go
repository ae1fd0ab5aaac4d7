package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

const (
	insertEvent = `INSERT INTO events (time, door, client, count, action, reply, told, method, host, url, type, page,
		page_from, site, tracker, company, doc) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`
	insertField = `INSERT INTO disclosed (event, n, field, label, value, link, made, sensitive) VALUES (?,?,?,?,?,?,?,?)`
	updateCount = `UPDATE events SET count = ? WHERE id = ?`
)

// doc is what of a verdict is kept as JSON.
type doc struct {
	Tracker   *detect.Tracker   `json:"tracker,omitempty"`
	Evidence  []detect.Evidence `json:"evidence,omitempty"`
	Exception *detect.Evidence  `json:"exception,omitempty"`
	Activity  *detect.Activity  `json:"activity,omitempty"`
	Consent   *detect.Consent   `json:"consent,omitempty"`
	Sentence  string            `json:"sentence,omitempty"`
}

// row is an event on its way into the store.
type row struct {
	event Event
	fold  *folded // to be told the id, nil if nothing folds into it
}

// write puts rows and raised counts into the store in one transaction. Only
// when it returns nil have the rows their ids.
func (s *store) write(rows []*row, raised map[int64]int) error {
	ctx := context.Background() // bounded by the busy timeout
	tx, err := s.w.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("beginning to write: %w", err)
	}
	defer tx.Rollback()
	ids := make([]int64, len(rows))
	addEvent, addField := tx.StmtContext(ctx, s.addEvent), tx.StmtContext(ctx, s.addField)
	for i, r := range rows {
		if ids[i], err = insert(ctx, addEvent, addField, &r.event); err != nil {
			return fmt.Errorf("writing an event: %w", err)
		}
	}
	setCount := tx.StmtContext(ctx, s.setCount)
	for id, n := range raised {
		if _, err := setCount.ExecContext(ctx, n, id); err != nil {
			return fmt.Errorf("raising a count: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("committing events: %w", err)
	}
	for i, r := range rows {
		r.event.ID = ids[i]
	}
	return nil
}

func insert(ctx context.Context, addEvent, addField *sql.Stmt, e *Event) (int64, error) {
	rest, err := json.Marshal(doc{e.Tracker, e.Evidence, e.Exception, e.Activity, e.Consent, e.Sentence})
	if err != nil {
		return 0, err
	}
	var tracker, company string
	if e.Tracker != nil {
		tracker, company = e.Tracker.ID, e.Tracker.Company
	}
	q := &e.Request
	res, err := addEvent.ExecContext(ctx, e.Time.UnixMilli(), e.Door, e.Client, e.Count, e.Action.String(), e.Reply.String(),
		e.Told, q.Method, q.Host, q.URL, q.Type, q.Page, q.PageFrom, siteOf(e), tracker, company, string(rest))
	if err != nil {
		return 0, err
	}
	id, err := res.LastInsertId()
	if err != nil {
		return 0, err
	}
	for n := range e.Disclosed {
		f := &e.Disclosed[n]
		if _, err := addField.ExecContext(ctx, id, n, f.Name, f.Label, f.Value, f.Link, f.Made, f.Sensitive); err != nil {
			return 0, err
		}
	}
	return id, nil
}

// siteOf returns the registrable domain of the event's page, "" if unknown.
func siteOf(e *Event) string { return detect.Registrable(detect.HostOf(e.Request.Page)) }

// stamp is the time as the store keeps it.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
