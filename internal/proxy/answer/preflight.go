package answer

import (
	"net/http"
	"strconv"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

// MaxAge is how long a browser may act on a preflight that we answered.
const MaxAge = 600 * time.Second

// IsPreflight reports whether r asks, on behalf of a page of another origin,
// whether a request may be made (Fetch, CORS-preflight request).
func IsPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" &&
		r.Header.Get("Access-Control-Request-Method") != ""
}

// Preflight grants what r asks for, for MaxAge; without it the page's request
// never comes and what it would have told is not seen. Whoever calls it must
// never forward the request that follows.
func Preflight(r *http.Request) *http.Response {
	resp := build(r, contentOf(r, detect.ReplyPreflight))
	h := resp.Header
	h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Allow-Methods", r.Header.Get("Access-Control-Request-Method"))
	if v := r.Header.Values("Access-Control-Request-Headers"); len(v) > 0 {
		h["Access-Control-Allow-Headers"] = append([]string(nil), v...)
	}
	h.Set("Access-Control-Max-Age", strconv.Itoa(int(MaxAge/time.Second)))
	h.Set("Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
	return resp
}

// DenyPreflight answers r so that the browser does not make the request.
func DenyPreflight(r *http.Request) *http.Response {
	return build(r, content{status: http.StatusForbidden})
}
