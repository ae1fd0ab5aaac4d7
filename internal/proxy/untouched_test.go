package proxy

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// TestHeadersArriveAsSent: what no rule speaks of keeps its header, value for
// value.
func TestHeadersArriveAsSent(t *testing.T) {
	t.Parallel()
	sent := map[string][]string{
		"Etag": {`W/"a,b"`}, "Set-Cookie": {"a=1; Path=/; Expires=Sun, 22 Nov 2026 10:00:00 GMT", "b=\"x, y\"; HttpOnly", "a=2"},
		"Content-Security-Policy":   {"default-src 'none'; script-src 'nonce-r4nd0m' https:", "frame-ancestors *"},
		"Strict-Transport-Security": {"max-age=63072000; includeSubDomains"}, "Link": {"</a.css>; rel=preload", "</b.js>; rel=preload"},
		"Vary": {"Accept-Encoding, Cookie"}, "Cache-Control": {"max-age=0,  private"}, "X-Latin": {"caf\xe9"}, "X-Empty": {""},
		"Www-Authenticate": {`Basic realm="a b", charset="UTF-8"`}, "Access-Control-Allow-Origin": {"*"}, "Date": {"Sun, 22 Nov 2026 09:00:00 GMT"},
		"Last-Modified": {"Sun, 22 Nov 2026 08:00:00 GMT"}, "Content-Encoding": {"br"}, "Timing-Allow-Origin": {"*"}, "Report-To": {`{"group":"x"}`},
	}
	three(t, func(w http.ResponseWriter, _ *http.Request) {
		for k, v := range sent {
			w.Header()[k] = v
		}
		w.Header()["Content-Type"] = []string{"text/html;charset=UTF-8"}
		_, _ = w.Write([]byte("not really brotli"))
	}, func(t *testing.T, c *http.Client, base string) {
		resp, body := get(t, c, base+"/page", "Accept", "*/*") // no page that a browser shows
		if body != "not really brotli" || resp.ContentLength != int64(len(body)) || resp.Header.Get("Content-Type") != "text/html;charset=UTF-8" {
			t.Errorf("body %q, length %d, type %q", body, resp.ContentLength, resp.Header.Get("Content-Type"))
		}
		for k, want := range sent {
			if got := resp.Header[k]; !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", k, got, want)
			}
		}
		for k := range resp.Header {
			if _, known := sent[k]; !known && k != "Content-Type" && k != "Content-Length" {
				t.Errorf("%s was added", k)
			}
		}
	})
}

// TestSocketsToPrivateTargets: WebSockets know no same-origin policy, so a
// public page would reach every device at home by them.
func TestSocketsToPrivateTargets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	got := &arrivals{}
	w.site(got, "site.example", "evil.example.com")
	w.mu.Lock()
	real := w.addrs[netip.AddrPortFrom(w.names["site.example"].Addrs[0], 80).String()]
	router := netip.MustParseAddr("192.168.1.1")
	w.names["router"], w.names["rebound.example.com"] = Answer{Addrs: []netip.Addr{router}}, Answer{Addrs: []netip.Addr{router}}
	w.addrs["192.168.1.1:80"] = real
	w.mu.Unlock()
	addr := w.serve(Always)
	const fields = " HTTP/1.1\r\nHost: %HOST\r\nUser-Agent: Mozilla/5.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\nOrigin: "
	for _, tt := range []struct {
		host, origin string
		want         int
	}{
		{"router", "https://evil.example.com", 403}, {"router", "null", 403}, {"192.168.1.1", "http://evil.example.com", 403},
		{"rebound.example.com", "http://rebound.example.com", 403}, {"router", "http://router", 200}, {"router", "http://nas.lan", 200},
	} {
		request := "GET http://" + tt.host + "/s" + strings.Replace(fields, "%HOST", tt.host, 1) + tt.origin + "\r\n\r\n"
		if status := say(raw(t, addr), request); status != tt.want {
			t.Errorf("plain %s from %s: %d, want %d", tt.host, tt.origin, status, tt.want)
		}
		c, _ := tunnelTo(t, addr, tt.host+":80")
		if status := say(c, "GET /s"+strings.Replace(fields, "%HOST", tt.host, 1)+tt.origin+"\r\n\r\n"); status != tt.want {
			t.Errorf("by CONNECT %s from %s: %d, want %d", tt.host, tt.origin, status, tt.want)
		}
		if n := len(got.take()); n != 0 && tt.want != 200 || n != 2 && tt.want == 200 {
			t.Errorf("%s from %s: %d requests arrived", tt.host, tt.origin, n)
		}
	}
	// A name that is public when the tunnel is opened, and private at the request.
	c, _ := tunnelTo(t, addr, "evil.example.com:443")
	tc := tls.Client(c, &tls.Config{ServerName: "evil.example.com", RootCAs: w.ca})
	if err := tc.Handshake(); err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	w.names["evil.example.com"] = Answer{Addrs: []netip.Addr{router}}
	w.mu.Unlock()
	if status := say(tc, "GET / HTTP/1.1\r\nHost: evil.example.com\r\n\r\n"); status != 403 {
		t.Errorf("rebound within a tunnel: %d, want 403", status)
	}
	if list := got.take(); list != nil {
		t.Errorf("rebound within a tunnel: %q arrived", list)
	}
}
