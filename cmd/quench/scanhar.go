package main

import (
	"bytes"
	"io"
	"net/http"
	"net/netip"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/detect/intake"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/proxy/filter"
	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/har"
)

// maxLesson is how many endpoints one archive teaches.
const maxLesson = 10_000

// replay is one archive going through the proxy's own filter, request and
// answer, so that a scan decides as the proxy does: an endpoint that proved to
// be a pixel is blocked before sending from then on.
type replay struct {
	judge  *judge
	filter filter.Filter
	policy *detect.Policy
	got    sightings
	now    *har.Entry
	due    []lesson
	known  int
	stubs  stubs
}

// lesson is an endpoint that is known once the answer was there.
type lesson struct {
	key uint64
	at  time.Time
}

// newReplay makes what decides about one archive.
func (j *judge) newReplay() scan.Replay {
	p := &replay{judge: j, policy: j.policy}
	p.filter = filter.Filter{
		Set:      func() *engine.Set { return j.rules.set },
		Policy:   func(filter.Client) *detect.Policy { return p.policy },
		Recorder: &p.got,
		Learn:    p.learn,
		Now:      func() time.Time { return p.now.Started },
	}
	return p.entry
}

// learn keeps what the answer of the present entry taught.
func (p *replay) learn(host, url string, _ time.Time) {
	if host != "" && p.known < maxLesson {
		p.known++
		p.due = append(p.due, lesson{detect.EndpointKey(host, url), p.now.Started.Add(p.now.Took)})
	}
}

// taught puts into force what was known before e was sent.
func (p *replay) taught(e *har.Entry) {
	later := p.due[:0]
	for _, l := range p.due {
		switch {
		case l.at.After(e.Started):
			later = append(later, l)
		case p.policy == nil:
			p.policy = &detect.Policy{Learned: detect.NewEndpoints([]uint64{l.key})}
		case !p.policy.Learned.Has(l.key):
			now := *p.policy
			now.Learned = now.Learned.With(l.key)
			p.policy = &now
		}
	}
	p.due = later
}

// entry is a scan.Replay.
func (p *replay) entry(e *har.Entry) scan.Replayed {
	if out, ours := p.stubs.report(e); ours {
		return out
	}
	p.now, p.got = e, sightings{}
	p.taught(e)
	s, ok := p.exchange(e)
	if !ok {
		s = p.judge.byText(e.Request.Method, e.Request.URL, e.Request.Header, detect.TypeOther, e.Request.Body)
	}
	p.stubs.see(e, s)
	out := scan.Replayed{Request: *s.Seen.Request, Decision: s.Decision}
	if s.Set != nil {
		out.Verdicts = s.Set.Explain(s.Seen, s.Decision)
	}
	return out
}

// exchange runs one entry through the filter; ok is false if HTTP could not
// carry it.
func (p *replay) exchange(e *har.Entry) (s ledger.Sighting, ok bool) {
	var body io.Reader
	if len(e.Request.Body) > 0 {
		body = bytes.NewReader(e.Request.Body)
	}
	r, err := http.NewRequest(e.Request.Method, e.Request.URL, body)
	if err != nil || r.URL.Host == "" || r.URL.Scheme != "http" && r.URL.Scheme != "https" {
		return s, false
	}
	r.Header = e.Request.Header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	_, answer, ex := p.filter.Request(r, filter.Client{Addr: netip.IPv6Loopback(), Loopback: true})
	switch {
	case answer != nil:
		_ = answer.Body.Close()
	case e.Response.Status == 0:
		p.filter.Failed(ex, errNotSent)
	default:
		if resp := p.filter.Response(answered(r, e), ex); resp != nil {
			_ = resp.Body.Close()
		}
	}
	if p.got.first == nil { // nothing matched
		q := intake.Request(e.Request.Method, e.Request.URL, e.Request.Header)
		return ledger.Sighting{Seen: detect.Seen{Request: &q, At: e.Started}, Decision: ex.Decision()}, true
	}
	return *p.got.first, true
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
