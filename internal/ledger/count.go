package ledger

import (
	"context"
	"fmt"
	"time"
)

// CompanyCount sums up what one company asked for.
type CompanyCount struct {
	Company string    `json:"company"` // "" for what no rule knows
	Events  int64     `json:"events"`  // repetitions counted
	Told    int64     `json:"told"`
	Sites   int64     `json:"sites"` // known sites it was asked from
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
}

// Companies sums up the events that f chooses by company, the busiest first.
// After, Limit and Newest of f are not used.
func (l *Ledger) Companies(ctx context.Context, f Filter) ([]CompanyCount, error) {
	s, err := l.current()
	if err != nil {
		return nil, err
	}
	f.After = 0
	where, args := f.where()
	rows, err := s.r.QueryContext(ctx, `SELECT company, sum(count), sum(count * told), count(DISTINCT nullif(site, '')), min(time), max(time)
		FROM events WHERE `+where+` GROUP BY company ORDER BY 2 DESC, 1`, args...)
	if err != nil {
		l.suspect(err)
		return nil, fmt.Errorf("counting by company: %w", err)
	}
	defer rows.Close()
	var out []CompanyCount
	for rows.Next() {
		var c CompanyCount
		var from, to int64
		if err := rows.Scan(&c.Company, &c.Events, &c.Told, &c.Sites, &from, &to); err != nil {
			return nil, fmt.Errorf("counting by company: %w", err)
		}
		c.First, c.Last = time.UnixMilli(from).UTC(), time.UnixMilli(to).UTC()
		out = append(out, c)
	}
	return out, rows.Err()
}

// LinkCount says how many sites one company could connect by one value.
type LinkCount struct {
	Company string `json:"company"`
	Field   string `json:"field"`
	Link    string `json:"link"`
	Sites   int64  `json:"sites"`
	Events  int64  `json:"events"`
	Made    string `json:"made,omitempty"` // the earliest day the value itself names
}

// Links returns for each company and linked value how many sites it would have
// connected, the most sites first. Limit bounds the result; After and Newest
// of f are not used.
func (l *Ledger) Links(ctx context.Context, f Filter) ([]LinkCount, error) {
	s, err := l.current()
	if err != nil {
		return nil, err
	}
	f.After = 0
	where, args := f.where()
	limit := -1
	if f.Limit > 0 {
		limit = f.Limit
	}
	rows, err := s.r.QueryContext(ctx, `SELECT company, min(field), link, count(DISTINCT nullif(site, '')), sum(count),
		coalesce(min(nullif(made, '')), '') FROM events JOIN disclosed ON event = id AND link <> ''
		WHERE `+where+` GROUP BY company, link ORDER BY 4 DESC, 5 DESC, 1, 3 LIMIT ?`, append(args, limit)...)
	if err != nil {
		l.suspect(err)
		return nil, fmt.Errorf("counting by link: %w", err)
	}
	defer rows.Close()
	var out []LinkCount
	for rows.Next() {
		var c LinkCount
		if err := rows.Scan(&c.Company, &c.Field, &c.Link, &c.Sites, &c.Events, &c.Made); err != nil {
			return nil, fmt.Errorf("counting by link: %w", err)
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// Count returns how many events f chooses, without repetitions.
func (l *Ledger) Count(ctx context.Context, f Filter) (int64, error) {
	s, err := l.current()
	if err != nil {
		return 0, err
	}
	where, args := f.where()
	var n int64
	if err := s.r.QueryRowContext(ctx, "SELECT count(*) FROM events WHERE "+where, args...).Scan(&n); err != nil {
		l.suspect(err)
		return 0, fmt.Errorf("counting events: %w", err)
	}
	return n, nil
}
