// Package intake turns what a client said into a detect.Request. The proxy and
// `quench check` both use it, so that both judge alike.
package intake

import "github.com/quench-proxy/quench/internal/detect"

// Request makes a Request of a method, an absolute URL and a request header,
// which may be nil.
func Request(method, url string, h detect.Header) detect.Request {
	return detect.Request{URL: url, Host: detect.HostOf(url), Method: method, Header: h}
}
