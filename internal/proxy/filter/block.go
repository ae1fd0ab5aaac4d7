package filter

import (
	"net/http"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/proxy/answer"
)

// block answers and records a request that is not forwarded.
func (f *Filter) block(ex *Exchange) *http.Response {
	ex.own()
	resp, reply := f.answer(ex)
	if ex.unread && ex.r.ProtoMajor < 2 {
		// The rest of the body is not read, so nothing can follow it (RFC 9112, 9.3).
		resp.Close = true
		resp.Header.Set("Connection", "close")
	}
	f.record(ex, reply, nil)
	return resp
}

func (f *Filter) answer(ex *Exchange) (*http.Response, detect.Reply) {
	reply := answer.Choose(ex.r, ex.req.Type, ex.d.Reply)
	switch reply {
	case detect.ReplyPage:
		return f.page(ex), reply
	case detect.ReplyStub:
		if script, ok := f.stub(ex); ok {
			return answer.Script(ex.r, script), reply
		}
		reply = detect.ReplyEmptyJS
	}
	if res := ex.set.Resource(ex.d); res != nil && answer.Takes(reply) {
		return answer.Resource(ex.r, res.Type, res.Body)
	}
	return answer.Make(ex.r, reply), reply
}

// stub returns the script for a loader, with a token of its own. A script
// fetched with CORS may be under subresource integrity, which no stub passes.
func (f *Filter) stub(ex *Exchange) (string, bool) {
	if ex.r.Header.Get("Sec-Fetch-Mode") == "cors" || ex.r.Header.Get("Sec-Fetch-Mode") == "" && ex.r.Header.Get("Origin") != "" {
		return "", false
	}
	script, ok := ex.set.Stub(ex.d)
	host := ex.r.URL.Host
	if !ok || !plainHost(host) {
		return "", false
	}
	if ex.r.Method != http.MethodGet {
		return script, true // a HEAD gets no script, so no token
	}
	token := f.marks.make(f.Secret, reportMark)
	f.reports.issue(token, f.loader(ex))
	return strings.Replace(script, engine.StubMark, ex.r.URL.Scheme+"://"+host+ownPath+token+"/", 1), true
}

// plainHost reports whether host can stand in a script as it is.
func plainHost(host string) bool {
	for i := range len(host) {
		c := host[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			c == '.' || c == '-' || c == '_' || c == ':' || c == '[' || c == ']') {
			return false
		}
	}
	return host != ""
}
