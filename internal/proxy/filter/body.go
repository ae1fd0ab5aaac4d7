package filter

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/proxy/coding"
)

const (
	// maxBody is the longest request body that is held.
	maxBody = 64 << 10
	// maxWait is how long is waited for a body that does not say how long it
	// is, and for any body of which only the record profits.
	maxWait = 200 * time.Millisecond
	// maxDeclaredWait is how long is waited for a body that says that it is
	// short. Its sender is then taken for a stream.
	maxDeclaredWait = 5 * time.Second
)

// hold reads the body into the Request if it is short, ends soon and is not of
// a kind that streams; otherwise it passes as it is.
func (ex *Exchange) hold(c *coding.Coders) {
	if ex.r.ContentLength > maxBody || streams(ex.r.Header) {
		ex.unread = true
		return
	}
	ex.read = true
	wait := maxWait
	if ex.r.ContentLength >= 0 {
		wait = maxDeclaredWait
	}
	t := newTap(ex.r.Body, maxBody)
	held, whole := t.wait(wait)
	out := ex.r.WithContext(ex.r.Context())
	ex.out = out
	if !whole {
		ex.unread = true
		out.Body = t
		return
	}
	out.Body = io.NopCloser(bytes.NewReader(held))
	out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(held)), nil }
	setBody(c, &ex.req, ex.r.Header, held, true)
}

// drain reads of the body of a request that is blocked what the record needs.
// What has not come by then is not waited for.
func (ex *Exchange) drain(c *coding.Coders) {
	if streams(ex.r.Header) {
		ex.unread = true
		return
	}
	ex.read = true
	held, whole := newTap(ex.r.Body, maxBody).wait(maxWait)
	ex.unread = !whole
	setBody(c, &ex.req, ex.r.Header, held, whole)
}

// setBody gives the Request its body without content coding.
func setBody(c *coding.Coders, req *detect.Request, h http.Header, held []byte, whole bool) {
	body, all := decode(c, strings.Join(h.Values("Content-Encoding"), ","), held, maxDecoded)
	req.Body, req.BodyCut = body, !whole || !all
}

// streams reports whether a body is of a kind that is never held: calls that
// go on in both directions, uploads, and files.
func streams(h http.Header) bool {
	mt, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	mt = strings.ToLower(strings.TrimSpace(mt))
	return mt == "application/grpc" || strings.HasPrefix(mt, "application/grpc+") ||
		strings.HasPrefix(mt, "application/grpc-web") || strings.HasPrefix(mt, "multipart/") ||
		mt == "application/octet-stream"
}
