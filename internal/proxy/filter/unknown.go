package filter

import (
	"net/http"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/pixel"
	"github.com/quench-proxy/quench/internal/detect/score"
)

// recall adds to the Request what is remembered that helps to judge it.
func (f *Filter) recall(ex *Exchange) {
	if f.History != nil {
		ex.req.Past = f.History.Past(ex.client.key(), &ex.req)
	}
}

// remember notes what the Request showed, once it is judged.
func (f *Filter) remember(ex *Exchange) {
	if f.History == nil {
		return
	}
	d := ex.d
	tracked := max(d.Action, d.Would) >= detect.Strip && (d.Step == detect.StepScore || d.Step == detect.StepLearned)
	f.History.Asked(ex.client.key(), &ex.req, tracked)
}

// answeredBy notes how a host answered.
func (f *Filter) answeredBy(ex *Exchange, head *detect.ResponseHead) {
	if f.History != nil {
		f.History.Answered(ex.client.key(), &ex.req, head)
	}
}

// unlearn forgets an endpoint that once looked like a pixel's, now that it
// answers with something to look at.
func (f *Filter) unlearn(resp *http.Response, ex *Exchange) {
	if f.Unlearn == nil || ex.policy == nil || ex.policy.Learned.Len() == 0 || resp.StatusCode != http.StatusOK ||
		!ex.policy.Learned.Has(detect.EndpointKey(ex.req.Host, ex.req.URL)) {
		return
	}
	if !strings.HasPrefix(mediaType(resp.Header.Get("Content-Type")), "image/") || resp.Body == nil {
		return
	}
	if resp.ContentLength > maxImage {
		f.Unlearn(ex.req.Host, ex.req.URL)
		return
	}
	if !imageLike(resp, ex) {
		return
	}
	var head detect.ResponseHead
	f.lookAt(resp, &head)
	if seen := pixel.Look(head.Head, head.Complete); seen.Format != pixel.None && !seen.Tiny {
		f.Unlearn(ex.req.Host, ex.req.URL)
	}
}

// stripUnknown takes out of a request whose vocabulary nobody knows what tells
// people apart: identifiers give way to as many other characters, so that what
// counts them finds them, and the Referer keeps only its origin.
func stripUnknown(r *http.Request) {
	if q, changed := score.Mask(r.URL.RawQuery); changed {
		r.URL.RawQuery = q
	}
	ref := r.Header.Get("Referer")
	if host := strings.Index(ref, "//"); host > 0 {
		if i := strings.IndexAny(ref[host+2:], "/?#"); i >= 0 {
			r.Header.Set("Referer", ref[:host+2+i]+"/")
		}
	}
}
