package filter

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// serve puts a Filter behind a real server, as the proxy does: the answer is
// written, flushed, and only then is the body let go.
func serve(t *testing.T, w *world) net.Conn {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		r.URL.Scheme, r.URL.Host = "https", r.Host
		resp := w.do(r, here)
		for k, v := range resp.Header {
			rw.Header()[k] = v
		}
		rw.WriteHeader(resp.StatusCode)
		io.Copy(rw, resp.Body)
	}))
	t.Cleanup(srv.Close)
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn
}

// TestBlockedAnswerDoesNotWaitForTheBody: net/http reads on for a while before
// it answers, and would wait for a client that does not send.
func TestBlockedAnswerDoesNotWaitForTheBody(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{jsonType, "Content-Type: application/octet-stream", "Content-Type: application/grpc"} {
		w := newWorld(t)
		conn := serve(t, w)
		fmt.Fprintf(conn, "POST /post HTTP/1.1\r\nHost: px.acme.example\r\n%s\r\n%s\r\nContent-Length: 1000\r\n\r\n{\"id\":", page, kind)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		if !resp.Close || resp.StatusCode != 204 {
			t.Errorf("%s: %d, close %v; want 204 and the end", kind, resp.StatusCode, resp.Close)
		}
		w.wantSent(0)
		if s := w.wantNotes("block no-content")[0]; !s.Seen.Request.BodyCut {
			t.Errorf("%s: the body counts as whole", kind)
		}
	}
}

// TestKeptAlive: after a blocked request with a whole body, and after a held
// one that passed, the connection serves the next.
func TestKeptAlive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn := serve(t, w)
	rd := bufio.NewReader(conn)
	for n, path := range []string{"px.acme.example/post", "shop2.example/api/e", "px.acme.example/post"} {
		host, _, _ := strings.Cut(path, "/")
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\n%s\r\n%s\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n3\r\n:1}\r\n0\r\n\r\n",
			strings.TrimPrefix(path, host), host, page, jsonType)
		resp, err := http.ReadResponse(rd, nil)
		if err != nil {
			t.Fatalf("request %d: %v", n, err)
		}
		io.Copy(io.Discard, resp.Body)
		if resp.Close {
			t.Errorf("request %d: the connection ends", n)
		}
	}
	w.wantSent(1)
	if w.bodies[0] != `{"a":1}` {
		t.Errorf("sent %q", w.bodies[0])
	}
}
