package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/detect/intake"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/proxy/filter"
)

// checked is the answer to one request: the first event, and the others that
// the same hit carries.
type checked struct {
	ledger.Event
	Also []also `json:"also,omitempty"`
	// Others are the lists' rules that hold too, blocks and exceptions, beside
	// those that decided.
	Others []detect.Evidence `json:"others,omitempty"`
}

// also is a further event of the same hit.
type also struct {
	Activity  *detect.Activity `json:"activity,omitempty"`
	Disclosed []detect.Field   `json:"disclosed,omitempty"`
	Sentence  string           `json:"sentence,omitempty"`
}

func (j *judge) checkLine(line []byte) (*checked, error) {
	in, err := parseInput(line)
	if err != nil {
		return nil, err
	}
	return j.check(in)
}

// check judges a request. The error says what is wrong with the input.
func (j *judge) check(in *checkInput) (*checked, error) {
	url, err := in.target()
	if err != nil {
		return nil, err
	}
	h, t, err := in.header()
	if err != nil {
		return nil, err
	}
	if t == detect.TypeDocument && h.Get("Sec-Fetch-Site") == "" {
		h.Set("Sec-Fetch-Site", cameFrom(url, in.Page))
	}
	method := strings.ToUpper(in.Method)
	if method == "" {
		method = http.MethodGet
	}
	s, note, ok := j.asProxy(method, url, h, in.body)
	switch {
	case !ok:
		s = j.byText(method, url, h, t, in.body)
	case note != nil:
		return noted(in, note, h), nil
	}
	return j.event(in, s), nil
}

// cameFrom is what a browser says of somebody who opens url from a page.
func cameFrom(url, page string) string {
	switch {
	case page == "":
		return "none"
	case detect.PartyOf(detect.HostOf(url), detect.HostOf(pageURL(page))) == detect.ThirdParty:
		return "cross-site"
	}
	return "same-site"
}

// noted is the answer where what the proxy does comes from no rule of a vendor
// or list: a link that is cleaned, a frame that waits for a click.
func noted(in *checkInput, e *ledger.Event, h http.Header) *checked {
	c := &checked{Event: *e}
	c.Time, c.Door, c.Request.URL = e.Time.UTC(), "check", strings.TrimSpace(in.URL)
	r := intake.Request(e.Request.Method, c.Request.URL, h)
	c.Request.Page, c.Request.PageFrom = r.Page, r.PageFrom.String()
	return c
}

// sightings catches what the filter records, and what it notes.
type sightings struct {
	first *ledger.Sighting
	note  *ledger.Event
}

// Record implements ledger.Recorder.
func (s *sightings) Record(g ledger.Sighting) {
	if s.first == nil {
		s.first = &g
	}
}

// Note implements ledger.Recorder.
func (s *sightings) Note(e ledger.Event) {
	if s.note == nil {
		s.note = &e
	}
}

// errNotSent stands for the answer that a check never gets.
var errNotSent = errors.New("a check sends nothing")

// asProxy puts the request through the proxy's own filter; ok is false if it is
// none that HTTP could carry. What it only noted is returned if nothing else was
// recorded.
func (j *judge) asProxy(method, url string, h http.Header, body []byte) (s ledger.Sighting, note *ledger.Event, ok bool) {
	var in io.Reader
	if len(body) > 0 {
		in = bytes.NewReader(body)
	}
	r, err := http.NewRequest(method, url, in)
	if err != nil || r.URL.Host == "" || r.URL.Scheme != "http" && r.URL.Scheme != "https" {
		return s, nil, false
	}
	r.Header = h
	var got sightings
	f := &filter.Filter{
		Set:      func() *engine.Set { return j.rules.set },
		Policy:   func(filter.Client) *detect.Policy { return j.policy },
		Recorder: &got, Now: j.now, KeepLinks: j.keepLinks, KeepWidgets: j.keepWidgets, History: j.history,
	}
	_, resp, ex := f.Request(r, filter.Client{Addr: netip.IPv6Loopback(), Loopback: true})
	if resp != nil {
		_ = resp.Body.Close()
	} else {
		f.Failed(ex, errNotSent)
	}
	if got.first == nil { // nothing matched
		req := intake.Request(method, url, h)
		return ledger.Sighting{Seen: detect.Seen{Request: &req, At: j.now()}, Decision: ex.Decision()}, got.note, true
	}
	return *got.first, nil, true
}

// byText judges a URL that no parser takes, by what its text says.
func (j *judge) byText(method, url string, h http.Header, t detect.Type, body []byte) ledger.Sighting {
	r := intake.Request(method, url, h)
	if t != detect.TypeOther {
		r.Type = t
	}
	d := j.rules.set.Request(&r, j.policy)
	r.Body = body
	if d.Need&detect.NeedBody != 0 && d.Action < detect.Block {
		d = j.rules.set.Body(&r, d, j.policy)
	}
	return ledger.Sighting{
		Set: j.rules.set, Decision: d,
		Seen: detect.Seen{Request: &r, Policy: j.policy, Reply: d.Reply, At: j.now()},
	}
}

// event explains a sighting.
func (j *judge) event(in *checkInput, s ledger.Sighting) *checked {
	r := s.Seen.Request
	c := &checked{Event: ledger.Event{
		Schema: ledger.Schema, Time: j.now().UTC(), Door: "check", Count: 1,
		Request: ledger.Request{Method: r.Method, Host: r.Host, URL: strings.TrimSpace(in.URL), Type: r.Type.String(),
			Page: r.Page, PageFrom: r.PageFrom.String()},
	}}
	if s.Set == nil {
		c.Action = s.Decision.Action
		return c
	}
	for i, v := range s.Set.Explain(s.Seen, s.Decision) {
		if i == 0 {
			c.Verdict = v
			continue
		}
		c.Also = append(c.Also, also{Activity: v.Activity, Disclosed: v.Disclosed, Sentence: v.Sentence})
	}
	c.Others = s.Set.Agreeing(r, j.policy, &c.Verdict)
	return c
}

// text writes the answer for a person.
func (c *checked) text(w io.Writer) {
	head := c.Action.String()
	if t := c.Tracker; t != nil {
		head += ": " + t.Name + " (" + t.Company + ")"
		if t.Category != "" {
			head += ", " + t.Category
		}
	}
	fmt.Fprintln(w, head)
	if c.Sentence == "" && len(c.Evidence) == 0 {
		fmt.Fprintf(w, "No rule applies to this request to %s; only its answer could show more.\n", printable(c.Request.Host))
	}
	event(w, c.Sentence, c.Disclosed)
	for _, a := range c.Also {
		event(w, a.Sentence, a.Disclosed)
	}
	if c.Reply != detect.ReplyAuto {
		fmt.Fprintf(w, "\nThe page gets in its place: %s\n", c.Reply)
	}
	for i, e := range c.Evidence {
		if i == 0 {
			fmt.Fprint(w, "\nWhy:\n")
		}
		reason(w, e)
	}
	if c.Exception != nil {
		fmt.Fprint(w, "\nBut:\n")
		reason(w, *c.Exception)
	}
	if len(c.Others) > 0 {
		fmt.Fprint(w, "\nThese hold too:\n")
	}
	for _, e := range c.Others {
		reason(w, e)
	}
}

func event(w io.Writer, sentence string, fields []detect.Field) {
	if sentence != "" {
		fmt.Fprintf(w, "\n%s\n", printable(sentence))
	}
	for _, f := range fields {
		mark := " "
		if f.Sensitive {
			mark = "!"
		}
		made := ""
		if f.Made != "" {
			made = " (since " + f.Made + ")"
		}
		fmt.Fprintf(w, " %s %s: %s%s\n", mark, f.Label, printable(f.Value), made)
	}
}

func reason(w io.Writer, e detect.Evidence) {
	fmt.Fprintf(w, "  %s: %s", e.Kind, printable(e.Detail))
	if e.Source != "" {
		fmt.Fprintf(w, " (%s)", printable(e.Source))
	}
	fmt.Fprintln(w)
}

// printable keeps a stranger's value from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '�'
		}
		return r
	}, s)
}
