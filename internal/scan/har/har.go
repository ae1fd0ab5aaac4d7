// Package har reads HTTP archives (HAR 1.2) entry by entry. It holds one entry
// at a time; an entry that is broken or too long is reported and the rest is
// read on.
package har

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Bounds on what is read.
const (
	// MaxEntry is how many bytes of JSON one entry or page may have.
	MaxEntry = 64 << 20
	// MaxBody is how many bytes of a request's body are kept.
	MaxBody = 1 << 20
	// MaxStart is how many bytes of a response's body are kept: enough to see
	// what an image is.
	MaxStart = 64 << 10
	// MaxPages is how many pages are remembered.
	MaxPages = 10_000
	// MaxHeaders is how many header fields of a message are kept.
	MaxHeaders = 1000
)

// maxTook is the longest that an entry can have taken.
const maxTook = 24 * time.Hour

// Entry is one request and its answer.
type Entry struct {
	// Index counts the entries from 0; Offset is where the entry's JSON starts.
	Index  int
	Offset int64
	// Started is when, zero if the archive does not say; Took is how long it took
	// until the answer was there, 0 if the archive does not say.
	Started time.Time
	Took    time.Duration
	// Page is the address, or where there is none the title, of the page that
	// the entry belongs to; may be empty.
	Page string
	// Type is what the browser fetched it as ("image", "ping", "xhr" …), lower
	// case, "" if the archive does not say. Initiator is the script or page.
	Type, Initiator string
	Request         Request
	Response        Response
	// WebSocket: frames were exchanged.
	WebSocket bool
	// Cached: the answer came from the browser's cache, and nothing was sent.
	Cached bool
}

// Request is what was sent.
type Request struct {
	Method, URL string
	// Header has canonical names; pseudo-fields of HTTP/2 are left out.
	Header http.Header
	// Body is cut at MaxBody; Size is what it had, -1 if unknown.
	Body []byte
	Size int64
}

// Response is what came back. Status is 0 if nothing did.
type Response struct {
	Status int
	Header http.Header
	// Type is the media type of the body, Redirect where it led.
	Type, Redirect string
	// Start is the beginning of the body, cut at MaxStart, nil if the archive
	// does not hold it; Size is the body's length, -1 if unknown.
	Start []byte
	Size  int64
}

// EntryError is one entry that could not be read.
type EntryError struct {
	Index  int
	Offset int64
	Err    error
}

// Error says which entry and why.
func (e *EntryError) Error() string {
	return fmt.Sprintf("read HAR entry %d at byte %d: %v", e.Index, e.Offset, e.Err)
}

// Unwrap gives the reason.
func (e *EntryError) Unwrap() error { return e.Err }

// Errors of Read.
var (
	// ErrNotHAR: there is no log with entries.
	ErrNotHAR = errors.New("no log.entries in this JSON")
	// ErrTooLong: an entry passes MaxEntry; it was skipped.
	ErrTooLong = errors.New("entry too long, skipped")
)

// Read gives the entries of a HAR file in order. An *EntryError is one entry
// lost; any other error is the last.
func Read(r io.Reader) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		s := newScanner(r)
		pages := map[string]string{}
		index := 0
		for {
			v, err := s.next()
			switch {
			case err == io.EOF:
				return
			case err != nil && !errors.Is(err, ErrTooLong):
				yield(nil, err)
				return
			case v.list == "pages":
				addPage(pages, v.json)
				continue
			}
			var e *Entry
			if err == nil {
				e, err = decode(v.json, pages)
			}
			if err != nil {
				err = &EntryError{index, v.offset, err}
			} else {
				e.Index, e.Offset = index, v.offset
			}
			index++
			if !yield(e, err) {
				return
			}
		}
	}
}

func addPage(pages map[string]string, raw []byte) {
	var p struct {
		ID    string `json:"id"`
		Title string `json:"title"`
		URL   string `json:"_URL"`
	}
	if json.Unmarshal(raw, &p) != nil || len(pages) >= MaxPages {
		return
	}
	if pages[p.ID] = p.Title; p.URL != "" {
		pages[p.ID] = p.URL
	}
}

type nameValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// wire is an entry as it is written. Numbers are any: some writers quote them.
type wire struct {
	Started   string `json:"startedDateTime"`
	Time      any    `json:"time"` // milliseconds
	Pageref   string `json:"pageref"`
	Type      string `json:"_resourceType"`
	Initiator struct {
		URL string `json:"url"`
	} `json:"_initiator"`
	WebSocket []json.RawMessage `json:"_webSocketMessages"`
	Cache     any               `json:"_fromCache"`
	Request   struct {
		Method   string      `json:"method"`
		URL      string      `json:"url"`
		Headers  []nameValue `json:"headers"`
		BodySize any         `json:"bodySize"`
		PostData *struct {
			MimeType string      `json:"mimeType"`
			Text     string      `json:"text"`
			Encoding string      `json:"encoding"`
			Params   []nameValue `json:"params"`
		} `json:"postData"`
	} `json:"request"`
	Response struct {
		Status   any         `json:"status"`
		Headers  []nameValue `json:"headers"`
		Redirect string      `json:"redirectURL"`
		Content  struct {
			Size     any    `json:"size"`
			MimeType string `json:"mimeType"`
			Text     string `json:"text"`
			Encoding string `json:"encoding"`
		} `json:"content"`
	} `json:"response"`
}

func decode(raw []byte, pages map[string]string) (*Entry, error) {
	var w wire
	var kind *json.UnmarshalTypeError
	if err := json.Unmarshal(raw, &w); err != nil && !errors.As(err, &kind) {
		return nil, err
	} else if w.Request.URL == "" && kind != nil {
		return nil, fmt.Errorf("entry with a %s where none can be, in %q", kind.Value, kind.Field)
	}
	if w.Request.URL == "" {
		return nil, errors.New("entry without a request URL")
	}
	e := &Entry{Page: pages[w.Pageref], Type: strings.ToLower(w.Type), Initiator: w.Initiator.URL, WebSocket: len(w.WebSocket) > 0, Cached: w.Cache != nil && w.Cache != false && w.Cache != ""}
	e.Started, _ = time.Parse(time.RFC3339Nano, w.Started)
	if ms, ok := w.Time.(float64); ok && ms > 0 && ms < float64(maxTook/time.Millisecond) {
		e.Took = time.Duration(ms * float64(time.Millisecond))
	}
	e.Request = Request{Method: w.Request.Method, URL: w.Request.URL, Header: header(w.Request.Headers), Size: number(w.Request.BodySize)}
	if e.Request.Method == "" {
		e.Request.Method = "GET"
	}
	if d := w.Request.PostData; d != nil {
		body := text(d.Text, d.Encoding, MaxBody)
		if d.Text == "" && len(d.Params) > 0 {
			v := url.Values{}
			for _, p := range d.Params[:min(len(d.Params), MaxHeaders)] {
				v.Add(p.Name, p.Value)
			}
			body = []byte(v.Encode())
		}
		e.Request.Body = body[:min(len(body), MaxBody)]
		if e.Request.Header.Get("Content-Type") == "" && d.MimeType != "" {
			e.Request.Header.Set("Content-Type", d.MimeType)
		}
	}
	c := &w.Response.Content
	e.Response = Response{Status: int(max(number(w.Response.Status), 0)), Header: header(w.Response.Headers), Type: c.MimeType,
		Redirect: w.Response.Redirect, Start: text(c.Text, c.Encoding, MaxStart), Size: number(c.Size)}
	return e, nil
}

func header(list []nameValue) http.Header {
	h := http.Header{}
	for _, f := range list[:min(len(list), MaxHeaders)] {
		if f.Name != "" && f.Name[0] != ':' {
			h.Add(f.Name, f.Value)
		}
	}
	return h
}

func number(v any) int64 {
	if f, ok := v.(float64); ok && f >= -1 && f < 1<<53 {
		return int64(f)
	}
	return -1
}

// text is the first limit bytes of a body; nil if there is none.
func text(s, encoding string, limit int) []byte {
	if s == "" {
		return nil
	}
	if !strings.EqualFold(encoding, "base64") {
		return []byte(s[:min(len(s), limit)])
	}
	s = s[:min(len(s), (limit+2)/3*4)]
	out, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		out, _ = io.ReadAll(base64.NewDecoder(base64.StdEncoding, bytes.NewReader([]byte(s))))
	}
	return out[:min(len(out), limit)]
}
