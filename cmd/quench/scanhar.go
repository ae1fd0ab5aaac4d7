package main

import (
	"bytes"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/detect/intake"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/memory"
	"github.com/quench-proxy/quench/internal/proxy/filter"
	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/har"
)

const (
	// maxLessons is how many endpoints one archive teaches.
	maxLessons = 10_000
	// maxFlights is how many entries of one archive wait for their answers'
	// time; past it the one that waits least is decided.
	maxFlights = 256
)

// replay is one archive going through the proxy's own filter, requests and
// answers in the order of their times, so that a scan decides as the proxy
// does: what an answer teaches holds for the requests that come after it.
type replay struct {
	judge   *judge
	filter  filter.Filter
	policy  *detect.Policy
	got     sightings
	now     time.Time
	lessons int
	stubs   stubs
	flights []flight
}

// flight is an entry that was sent and not yet answered.
type flight struct {
	at      time.Time // of the answer
	e       *har.Entry
	r       *http.Request
	ex      *filter.Exchange
	first   *ledger.Sighting // from when it was sent
	decided func(scan.Replayed)
}

// newReplay makes what decides about one archive.
func (j *judge) newReplay() scan.Replay {
	p := &replay{judge: j, policy: j.policy}
	now := func() time.Time { return p.now }
	p.filter = filter.Filter{
		Set:      func() *engine.Set { return j.rules.set },
		Policy:   func(filter.Client) *detect.Policy { return p.policy },
		Recorder: &p.got,
		Learn:    p.learn,
		// A session's own: what is known of hosts from before is not in it.
		History:   memory.NewHistory(now, nil),
		KeepLinks: j.keepLinks, KeepWidgets: j.keepWidgets,
		Now: now,
	}
	return p
}

// learn puts what an answer taught into force.
func (p *replay) learn(host, url string, _ time.Time) {
	key := detect.EndpointKey(host, url)
	if host == "" || p.lessons == maxLessons || p.policy != nil && p.policy.Learned.Has(key) {
		return
	}
	p.lessons++
	var next detect.Policy
	if p.policy != nil {
		next = *p.policy
	}
	next.Learned = next.Learned.With(key)
	p.policy = &next
}

// Entry implements scan.Replay.
func (p *replay) Entry(e *har.Entry, decided func(scan.Replayed)) {
	for p.next() >= 0 && !p.flights[p.next()].at.After(e.Started) {
		p.land(p.next())
	}
	if out, ours := p.stubs.report(e); ours {
		decided(out)
		return
	}
	p.now, p.got = e.Started, sightings{}
	r, ok := requestOf(e)
	if !ok {
		s := p.judge.byText(e.Request.Method, e.Request.URL, e.Request.Header, detect.TypeOther, e.Request.Body)
		decided(p.explained(e, s))
		return
	}
	_, answer, ex := p.filter.Request(r, filter.Client{Addr: netip.IPv6Loopback(), Loopback: true})
	f := flight{e.Started.Add(e.Took), e, r, ex, p.got.first, decided}
	switch {
	case answer != nil:
		_ = answer.Body.Close()
		p.over(&f)
	case e.Response.Status == 0:
		p.filter.Failed(ex, errNotSent)
		p.over(&f)
	default:
		if p.flights = append(p.flights, f); len(p.flights) > maxFlights {
			p.land(p.next())
		}
	}
}

// End implements scan.Replay.
func (p *replay) End() {
	for len(p.flights) > 0 {
		p.land(p.next())
	}
}

// next is the flight that is answered first, -1 if there is none.
func (p *replay) next() int {
	first := -1
	for i := range p.flights {
		if first < 0 || p.flights[i].at.Before(p.flights[first].at) {
			first = i
		}
	}
	return first
}

// land puts the answer of a flight through the filter.
func (p *replay) land(i int) {
	f := p.flights[i]
	p.flights = slices.Delete(p.flights, i, i+1)
	p.now, p.got = f.at, sightings{first: f.first}
	if resp := p.filter.Response(answered(f.r, f.e), f.ex); resp != nil {
		_ = resp.Body.Close()
	}
	p.over(&f)
}

// over tells of an exchange that is done.
func (p *replay) over(f *flight) {
	if p.got.first != nil {
		f.decided(p.explained(f.e, *p.got.first))
		return
	}
	q := intake.Request(f.e.Request.Method, f.e.Request.URL, f.e.Request.Header) // nothing matched
	f.decided(p.explained(f.e, ledger.Sighting{Seen: detect.Seen{Request: &q, At: f.e.Started}, Decision: f.ex.Decision()}))
}

func (p *replay) explained(e *har.Entry, s ledger.Sighting) scan.Replayed {
	p.stubs.see(e, s)
	out := scan.Replayed{Request: *s.Seen.Request, Decision: s.Decision}
	if s.Set != nil {
		out.Verdicts = s.Set.Explain(s.Seen, s.Decision)
	}
	return out
}

// requestOf is the request of an entry; ok is false if HTTP could not carry it.
func requestOf(e *har.Entry) (r *http.Request, ok bool) {
	var body io.Reader
	if len(e.Request.Body) > 0 {
		body = bytes.NewReader(e.Request.Body)
	}
	r, err := http.NewRequest(e.Request.Method, e.Request.URL, body)
	if err != nil || r.URL.Host == "" || r.URL.Scheme != "http" && r.URL.Scheme != "https" {
		return nil, false
	}
	r.Header = e.Request.Header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	return r, true
}

// answered is the answer of an entry. Archives hold bodies decoded.
func answered(r *http.Request, e *har.Entry) *http.Response {
	h := e.Response.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	h.Del("Content-Encoding")
	length := e.Response.Size
	if int64(len(e.Response.Start)) > length {
		length = int64(len(e.Response.Start))
	}
	return &http.Response{
		StatusCode: e.Response.Status, Header: h, Body: io.NopCloser(bytes.NewReader(e.Response.Start)), ContentLength: length,
		Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}
