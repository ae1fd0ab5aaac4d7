package proxy

import (
	"bufio"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"
)

// FuzzHeaders: whatever header a peer sends, nothing of one connection is left
// of it, nothing else is lost, and doing it twice changes nothing more.
func FuzzHeaders(f *testing.F) {
	for _, s := range []string{
		"Connection: close, X-A\r\nX-A: 1\r\nX-B: 2",
		"TE: trailers, deflate\r\nTrailer: X-Sum",
		"Connection: keep-alive, Host, Content-Length\r\nKeep-Alive: timeout=5\r\nContent-Length: 0",
		"Connection: " + strings.Repeat("a,", 200) + "x-b\r\nX-B: 1",
		"Transfer-Encoding: chunked\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Key: x",
		"Proxy-Authorization: Basic eA==\r\nProxy-Connection: keep-alive\r\nHTTP2-Settings: AA\r\nCookie: a=b",
		"connection:\tX-A\r\n x-b\r\nX-A: 1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET / HTTP/1.1\r\nHost: a.example\r\n" + header + "\r\n\r\n")))
		if err != nil {
			return
		}
		before := r.Header.Clone()
		dropHopByHop(r.Header)
		named := namedFields(before)
		for name := range before {
			gone := len(r.Header[name]) == 0
			mine := slices.Contains(hopByHop, name) || named[name]
			switch {
			case name == "Te":
			case mine && !gone:
				t.Errorf("%s is left of %q", name, header)
			case !mine && !reflect.DeepEqual(before[name], r.Header[name]) && len(named) <= maxNamed:
				t.Errorf("%s was %q, is %q after %q", name, before[name], r.Header[name], header)
			}
		}
		trailers := httpguts.HeaderValuesContainsToken(before["Te"], "trailers")
		if te := r.Header["Te"]; trailers != reflect.DeepEqual(te, []string{"trailers"}) || !trailers && te != nil {
			t.Errorf("TE of %q became %q", before["Te"], te)
		}
		once := r.Header.Clone()
		if dropHopByHop(r.Header); !maps.EqualFunc(once, r.Header, slices.Equal[[]string]) {
			t.Errorf("the second time changed %v to %v", once, r.Header)
		}
		if strayOverH2(once) {
			t.Errorf("%v may not go over HTTP/2", once)
		}
	})
}

// namedFields are the first maxNamed fields that Connection names.
func namedFields(h http.Header) map[string]bool {
	named, n := map[string]bool{}, 0
	for _, v := range h["Connection"] {
		for name := range strings.SplitSeq(v, ",") {
			if name = strings.TrimSpace(name); name != "" && n < maxNamed {
				n++
				named[http.CanonicalHeaderKey(name)] = true
			}
		}
	}
	return named
}
