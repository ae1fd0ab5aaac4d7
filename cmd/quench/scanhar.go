package main

import (
	"bytes"
	"io"
	"net/http"
	"net/netip"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/proxy/filter"
	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/har"
)

// replay puts an entry of an archive through the proxy's own filter, request
// and answer, so that a scan decides as the proxy does.
func (j *judge) replay(e *har.Entry) scan.Replayed {
	var got sightings
	f := &filter.Filter{
		Set:      func() *engine.Set { return j.rules.set },
		Policy:   func(filter.Client) *detect.Policy { return j.policy },
		Recorder: &got,
		Now:      func() time.Time { return e.Started },
	}
	s, ok := j.exchange(f, &got, e)
	if !ok {
		s = j.byText(e.Request.Method, e.Request.URL, e.Request.Header, detect.TypeOther, e.Request.Body)
	}
	out := scan.Replayed{Request: *s.Seen.Request, Decision: s.Decision}
	if s.Set != nil {
		out.Verdicts = s.Set.Explain(s.Seen, s.Decision)
	}
	return out
}

// exchange runs one entry through f; ok is false if HTTP could not carry it.
func (j *judge) exchange(f *filter.Filter, got *sightings, e *har.Entry) (s ledger.Sighting, ok bool) {
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
	_, answer, ex := f.Request(r, filter.Client{Addr: netip.IPv6Loopback(), Loopback: true})
	switch {
	case answer != nil:
		_ = answer.Body.Close()
	case e.Response.Status == 0:
		f.Failed(ex, errNotSent)
	default:
		if resp := f.Response(answered(r, e), ex); resp != nil {
			_ = resp.Body.Close()
		}
	}
	if got.first == nil { // nothing matched
		return j.unmatched(e, ex), true
	}
	return *got.first, true
}

// unmatched is the sighting of an entry that no rule speaks of.
func (j *judge) unmatched(e *har.Entry, ex *filter.Exchange) ledger.Sighting {
	s := j.byText(e.Request.Method, e.Request.URL, e.Request.Header, detect.TypeOther, nil)
	s.Set, s.Decision = nil, ex.Decision()
	return s
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
