package filter

import (
	"net/http"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/pixel"
	"github.com/quench-proxy/quench/internal/proxy/answer"
)

// maxImage is the longest declared body that is looked at: no beacon is longer.
const maxImage = 16 << 10

// Response decides about the response to a request that was sent and returns
// the one to pass on; if that is another one, resp.Body has been closed. The
// header of resp may lose cookies. A document loses hidden pixels; every other
// body passes byte for byte.
func (f *Filter) Response(resp *http.Response, ex *Exchange) *http.Response {
	if resp == nil || ex == nil || ex.set == nil || ex.over {
		return resp
	}
	f.document(resp, ex)
	f.unlearn(resp, ex)
	head := &detect.ResponseHead{Status: resp.StatusCode, Header: resp.Header, Length: resp.ContentLength}
	if ex.d.Need&detect.NeedHead != 0 && imageLike(resp, ex) {
		f.lookAt(resp, head)
	}
	f.answeredBy(ex, head)
	if ex.d.Need&(detect.NeedResponse|detect.NeedHead) == 0 && ex.d.Step == detect.StepNone {
		return resp
	}
	for _, policy := range ex.csp {
		resp.Header.Add("Content-Security-Policy", policy)
	}
	if ex.d.Need&(detect.NeedResponse|detect.NeedHead) != 0 {
		sent := ex.d
		ex.d = ex.set.Response(&ex.req, head, ex.d, ex.policy)
		switch {
		case ex.d.Action == detect.Strip && ex.d.Told:
			return f.blank(resp, head, ex)
		case ex.d.Action == detect.Block:
			return f.instead(resp, head, ex)
		}
		if sent.Action == detect.Strip {
			stripSetCookies(resp.Header, ex.set.Strip(sent))
		}
	} else if ex.d.Action == detect.Strip {
		stripSetCookies(resp.Header, ex.set.Strip(ex.d))
	}
	head.Header = pick(resp.Header, answered[:])
	ex.d.Told = ex.d.Told || ex.bodyTold()
	f.record(ex, detect.ReplyAuto, head)
	return resp
}

// bodyTold: what the score judged went out without its cookies and the numbers
// in its address, and with a body that nobody touched.
func (ex *Exchange) bodyTold() bool {
	return ex.d.Step == detect.StepScore && ex.d.Action == detect.Strip && ex.hasBody()
}

// blank takes the place of a pixel that has been told already: it keeps
// nothing that would let the tracker know the browser again.
func (f *Filter) blank(resp *http.Response, head *detect.ResponseHead, ex *Exchange) *http.Response {
	resp.Body.Close()
	head.Header = pick(resp.Header, answered[:])
	var out *http.Response
	reply := detect.ReplyNoContent
	if resp.StatusCode == http.StatusNoContent {
		out = answer.Make(ex.r, reply)
	} else {
		out, reply = answer.Image(ex.r, formatOf(head))
	}
	f.record(ex, reply, head)
	if f.History != nil {
		f.History.Proved(&ex.req)
	}
	if f.Learn != nil {
		f.Learn(ex.req.Host, ex.req.URL, f.now())
	}
	return out
}

// instead takes the place of an answer that a list keeps from the page.
func (f *Filter) instead(resp *http.Response, head *detect.ResponseHead, ex *Exchange) *http.Response {
	resp.Body.Close()
	head.Header = pick(resp.Header, answered[:])
	out, reply := f.answer(ex)
	f.record(ex, reply, head)
	return out
}

// formatOf is the kind of image that a response is, by its bytes, or else by
// what it says.
func formatOf(head *detect.ResponseHead) pixel.Format {
	if f := pixel.Look(head.Head, head.Complete).Format; f != pixel.None {
		return f
	}
	switch mediaType(head.Header.Get("Content-Type")) {
	case "image/png":
		return pixel.PNG
	case "image/webp":
		return pixel.WebP
	case "image/svg+xml":
		return pixel.SVG
	}
	return pixel.GIF
}

// imageLike reports whether the first bytes of a response are worth a look: it
// is a whole and short answer, and an image by its type or by what it was
// asked for. Streams never are.
func imageLike(resp *http.Response, ex *Exchange) bool {
	if resp.StatusCode != http.StatusOK || ex.r.Method == http.MethodHead ||
		resp.ContentLength > maxImage || resp.ContentLength == 0 || resp.Body == nil {
		return false
	}
	mt := mediaType(resp.Header.Get("Content-Type"))
	if strings.HasPrefix(mt, "image/") {
		return true
	}
	return ex.req.Type == detect.TypeImage && (mt == "" || mt == "application/octet-stream")
}

// lookAt reads the beginning of the body into head and puts it back. What does
// not come at once is not waited for.
func (f *Filter) lookAt(resp *http.Response, head *detect.ResponseHead) {
	t := newTap(resp.Body, pixel.MaxHead)
	read, whole := t.wait(maxWait)
	resp.Body = t
	codings := strings.Join(resp.Header.Values("Content-Encoding"), ",")
	bytes, all := decode(&f.coders, codings, read, pixel.MaxHead)
	head.Head, head.Complete = bytes, whole && all
}

func mediaType(s string) string {
	mt, _, _ := strings.Cut(s, ";")
	return strings.ToLower(strings.TrimSpace(mt))
}
