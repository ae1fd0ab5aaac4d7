package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// A site that closes idle connections without a word must not cost a POST: the
// client could not know, and a browser does not send it again by itself.
func TestUploadOnAStaleConnection(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var posts, conns atomic.Int32
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			conns.Add(1)
			go func() { // answers one request, then closes when the next begins to arrive
				defer c.Close()
				br := bufio.NewReader(c)
				r, err := http.ReadRequest(br)
				if err != nil {
					return
				}
				b, _ := io.ReadAll(r.Body)
				if r.Method == "POST" {
					posts.Add(1)
				}
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(b), b)
			}()
		}
	}()
	w := newWorld(t, nil)
	w.place("stale.example", 80, ln.Addr().String())
	c := w.client(w.serve(Auto), nil, false)
	for i := range 20 {
		get(t, c, "http://stale.example/")
		resp, err := c.Post("http://stale.example/", "text/plain", strings.NewReader("once"))
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		// Bytes that were written may have been acted upon, so an honest failure
		// is right too; what must not be is two POSTs.
		if resp.StatusCode != 502 && string(b) != "once" {
			t.Errorf("round %d: %d %q", i, resp.StatusCode, b)
		}
	}
	if n := posts.Load(); n > 20 {
		t.Errorf("%d posts arrived of 20", n)
	}
}

func TestUploadAgain(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 10, maxReplay, maxReplay + 1} {
		want := bytes.Repeat([]byte("x"), size)
		u := &upload{body: io.NopCloser(bytes.NewReader(want))}
		_, _ = io.CopyN(io.Discard, u.first(), int64(size/2))
		for range 2 {
			again, err := u.again()
			if err != nil {
				t.Fatal(err)
			}
			if size > maxReplay {
				if got, _ := io.ReadAll(again); len(got) != size {
					t.Errorf("%d: %d bytes", size, len(got))
				}
				if _, err := u.again(); err == nil {
					t.Errorf("%d bytes were kept, want at most %d", size, maxReplay)
				}
				break
			}
			if got, err := io.ReadAll(again); !bytes.Equal(got, want) || err != nil {
				t.Errorf("%d: %d bytes, %v", size, len(got), err)
			}
		}
	}
	u := &upload{body: io.NopCloser(strings.NewReader("late"))}
	u.end(nil)
	if _, err := u.first().Read(make([]byte, 1)); err != http.ErrBodyReadAfterClose {
		t.Errorf("after the end: %v", err)
	}
}
