package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/quench-proxy/quench/internal/detect"
)

const (
	// profilePage is how many events a profile reads at a time. No read
	// transaction outlives a page.
	profilePage = 4000
	// maxSaid bounds the distinct verdicts that are remembered as read.
	maxSaid = 20_000
	// looksLike is how a sentence names what only looks like a tracker.
	looksLike = " what looks like "
)

// told is an event as a profile needs it.
type told struct {
	id, time int64
	client   string
	count    int64
	action   detect.Action
	told     bool
	link     bool // of a link that was cleaned, not of a tracker
	likely   bool
	host     string
	page     string // address without query, "" if only the site is known
	site     string
	said     *said
	product  string
	partner  string
	fields   []sent // the sensitive ones
}

// sent is a sensitive field of an event.
type sent struct{ field, label, value, link, made string }

// said is the part of a verdict that many events share.
type said struct {
	tracker *detect.Tracker
	act     *detect.Activity
	refused bool // the hit itself says that consent was refused
	sync    bool
	from    string // whose number it carried, "" if nobody says
	listed  bool
}

// profile sums up. One goroutine reads events, this one their fields.
func (s *store) profile(ctx context.Context, q ProfileQuery) (*Profile, error) {
	g, ctx := errgroup.WithContext(ctx)
	pages := make(chan []told, 1)
	g.Go(func() error {
		defer close(pages)
		return s.toldPages(ctx, &q, pages)
	})
	sum := newProfileSum(&q)
	g.Go(func() error {
		for page := range pages {
			if err := s.toldFields(ctx, page); err != nil {
				return err
			}
			for i := range page {
				sum.add(&page[i])
			}
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("summing up the ledger: %w", err)
	}
	return sum.profile(), nil
}

func (s *store) toldPages(ctx context.Context, q *ProfileQuery, out chan<- []told) error {
	f := Filter{Since: q.Since, Until: q.Until, Site: q.Site}
	where, args := f.where()
	// Words that are numbers here cost nothing to read. A page that was guessed
	// is none: only the hit itself may then say where it came from.
	query := `SELECT id, time, client, count, CASE action WHEN 'block' THEN 3 WHEN 'strip' THEN 2 WHEN 'observe' THEN 1 ELSE 0 END,
		action = 'strip' AND reply = 'redirect', told, host, CASE page_from WHEN 'guess' THEN '' ELSE page END,
		CASE page_from WHEN 'guess' THEN '' ELSE site END, doc FROM events WHERE ` + where +
		` AND (time, id) > (?, ?) ORDER BY time, id LIMIT ?`
	stmt, err := s.r.PrepareContext(ctx, query)
	if err != nil {
		return err
	}
	defer stmt.Close()
	docs := saidCache{}
	var time, id int64 = -1 << 62, 0
	for {
		rows, err := stmt.QueryContext(ctx, append(args[:len(args):len(args)], time, id, profilePage)...)
		if err != nil {
			return err
		}
		page, err := scanTold(rows, docs)
		if err != nil || len(page) == 0 {
			return err
		}
		time, id = page[len(page)-1].time, page[len(page)-1].id
		select {
		case out <- page:
		case <-ctx.Done():
			return ctx.Err()
		}
		if len(page) < profilePage {
			return nil
		}
	}
}

func scanTold(rows *sql.Rows, docs saidCache) ([]told, error) {
	defer rows.Close()
	page := make([]told, 0, profilePage)
	for rows.Next() {
		var e told
		var url, doc string
		if err := rows.Scan(&e.id, &e.time, &e.client, &e.count, &e.action, &e.link, &e.told, &e.host, &url, &e.site, &doc); err != nil {
			return nil, err
		}
		if path, _ := detect.Split(url); path != "/" {
			e.page = pageKey(url)
		}
		var err error
		if e.said, err = docs.get(doc); err != nil {
			return nil, fmt.Errorf("event %d: %w", e.id, err)
		}
		e.likely = e.said.tracker != nil && strings.Contains(doc[sentenceAt(doc):], looksLike)
		page = append(page, e)
	}
	return page, rows.Err()
}

// saidCache remembers what the documents say but for their sentences, which
// are the last thing in them and the only one that is rarely the same.
type saidCache map[string]*said

// sentenceAt is where the sentence of a document begins, its length if it has
// none. Within JSON's texts no quote stands bare, and nothing else has that name.
func sentenceAt(text string) int {
	if i := strings.Index(text, `,"sentence":"`); i >= 0 {
		return i
	}
	return len(text)
}

func (c saidCache) get(text string) (*said, error) {
	key := text[:sentenceAt(text)]
	if s, ok := c[key]; ok {
		return s, nil
	}
	var d doc
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return nil, err
	}
	s := &said{tracker: d.Tracker, act: d.Activity, refused: d.Consent != nil && d.Consent.State == "denied"}
	for _, e := range d.Evidence {
		if e.Kind == "sync" {
			s.sync = true
			s.from = cmp.Or(s.from, numberOf(e.Detail))
		}
		s.listed = s.listed || e.Kind == "list"
	}
	if len(c) >= maxSaid {
		clear(c)
	}
	c[strings.Clone(key)] = s
	return s, nil
}

// numberOf reads whose number a request carried out of its evidence.
func numberOf(detail string) string {
	rest, ok := strings.CutPrefix(detail, "carries the number that ")
	from, ok2 := strings.CutSuffix(rest, " uses for you")
	if !ok || !ok2 {
		return ""
	}
	return from
}

// toldFields reads the fields of a page of events that a profile looks at.
func (s *store) toldFields(ctx context.Context, page []told) error {
	const wanted = ` AND (sensitive OR field IN ('page_url', 'products', 'sync_partner')) ORDER BY event, n`
	at := make(map[int64]*told, len(page))
	low, high := page[0].id, page[0].id
	for i := range page {
		id := page[i].id
		at[id] = &page[i]
		low, high = min(low, id), max(high, id)
	}
	where, args := "event BETWEEN ? AND ?", []any{low, high}
	if high-low > int64(2*len(page)) { // a filter left most of them out
		where, args = "event IN (?"+strings.Repeat(",?", len(page)-1)+")", nil
		for i := range page {
			args = append(args, page[i].id)
		}
	}
	rows, err := s.r.QueryContext(ctx, `SELECT event, field, label, value, link, made FROM disclosed WHERE `+where+wanted, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var last int64
	var e *told
	for rows.Next() {
		var id int64
		var f sent
		if err := rows.Scan(&id, &f.field, &f.label, &f.value, &f.link, &f.made); err != nil {
			return err
		}
		if id != last {
			e, last = at[id], id
		}
		if e != nil {
			e.take(f)
		}
	}
	return rows.Err()
}

func (e *told) take(f sent) {
	switch f.field {
	case "page_url":
		if key := pageKey(f.value); key != "" {
			e.page = key
			if e.site == "" {
				e.site = detect.Registrable(detect.HostOf(f.value))
			}
		} else if strings.HasPrefix(f.value, "/") && e.site != "" {
			path, _ := detect.Split(f.value)
			e.page = e.site + path
		}
	case "products":
		e.product = f.value
	case "sync_partner":
		e.partner = f.value
	default:
		e.fields = append(e.fields, f)
	}
}

// pageKey is the address of a page without query, fragment and "www.", "" if it is none.
func pageKey(url string) string {
	host := detect.HostOf(url)
	if host == "" {
		return ""
	}
	path, _ := detect.Split(url)
	return strings.TrimPrefix(host, "www.") + path
}

// openToRead opens a store's file without making or changing it.
func openToRead(file string) (*sql.DB, error) {
	if _, err := os.Stat(file); err != nil {
		return nil, err
	}
	uri, err := fileURI(file)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", uri+"?mode=rw&"+readerPragmas)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(maxReaders)
	return db, nil
}

// events is Ledger.Events of an open store.
func (s *store) events(ctx context.Context, f Filter) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		var last *Event
		for {
			page, err := s.page(ctx, &f, last, pageSize)
			if err != nil {
				yield(Event{}, err)
				return
			}
			for i := range page {
				if !yield(page[i], nil) {
					return
				}
			}
			if len(page) < pageSize {
				return
			}
			last = &page[len(page)-1]
		}
	}
}
