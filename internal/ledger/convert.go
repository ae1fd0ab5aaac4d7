package ledger

import (
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/redact"
)

const (
	maxLabel = 64 // bytes of a client's label or a door's name
	maxWord  = 24 // bytes of a method, a type, a page_from
)

// eventOf makes the event of one verdict, with whole values.
func eventOf(s *Sighting, v *detect.Verdict) Event {
	e := Event{Time: s.Seen.At, Door: s.Door, Client: s.Client, Count: 1, Verdict: *v}
	if e.Reply == detect.ReplyAuto {
		e.Reply = s.Seen.Reply
	}
	r := s.Seen.Request
	if r == nil {
		return e
	}
	e.Request = Request{Method: orElse(r.Method, "GET"), Host: r.Host, URL: r.URL, Type: r.Type.String(),
		Page: r.Page, PageFrom: r.PageFrom.String()}
	if s.Seen.Report != nil { // the URL is ours, made up, and carries the stub's token
		e.Request.URL = redact.URL(redact.Counts, r.URL)
	}
	return e
}

// redacted returns e as it may be kept. At redact.Counts only who asked whom
// is left: no URL, no page, no field.
func redacted(level redact.Level, key []byte, e Event) Event {
	e.Schema, e.ID, e.Missed = Schema, 0, 0
	e.Count = max(e.Count, 1)
	e.Door, e.Client = bounded(e.Door, maxLabel), bounded(e.Client, maxLabel)
	q := &e.Request
	q.Method, q.Type, q.PageFrom = plainWord(q.Method), plainWord(q.Type), plainWord(q.PageFrom)
	q.Host = redact.Host(level, q.Host)
	v := redact.Verdict(level, key, &e.Verdict, compose)
	if level == redact.Counts {
		if v.Say == nil && (q.URL != "" || q.Page != "") {
			v.Sentence = "" // a door wrote it and may have named the page
		}
		q.URL, q.Page, q.PageFrom = "", "", ""
	} else {
		q.URL, q.Page = redact.URL(level, q.URL), redact.URL(level, q.Page)
	}
	e.Verdict = *v
	e.Say = nil
	return e
}

func bounded(s string, n int) string {
	s = strings.ToValidUTF8(s, "")
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// plainWord lets through words of letters, as methods and types are; a client
// may send anything in their place.
func plainWord(s string) string {
	if len(s) <= maxWord && strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz-") == "" {
		return s
	}
	return "other"
}
