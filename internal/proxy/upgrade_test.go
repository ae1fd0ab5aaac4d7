package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

func echoSocket(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/no" {
		w.Header().Set("X-Why", "not here")
		http.Error(w, "no socket", 404)
		return
	}
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, Subprotocols: []string{"chat"}})
	if err != nil {
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(1 << 20)
	for {
		kind, b, err := c.Read(r.Context())
		if err != nil {
			return
		}
		if string(b) == "bye" {
			c.Close(websocket.StatusNormalClosure, "")
			return
		}
		if c.Write(r.Context(), kind, b) != nil {
			return
		}
	}
}

func TestWebSockets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.site(http.HandlerFunc(echoSocket), "ws.example")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for _, tt := range []struct {
		name, url string
		mode      Mode
		connect   bool
	}{{"plain", "ws://ws.example/", Always, false}, {"plain in CONNECT", "ws://ws.example/", Always, true},
		{"intercepted", "wss://ws.example/", Always, true}, {"spliced", "wss://ws.example/", Never, true}} {
		addr := w.serve(tt.mode)
		c := w.client(addr, bothRoots(w), false)
		if tt.connect && strings.HasPrefix(tt.url, "ws:") {
			tr := c.Transport.(*http.Transport)
			tr.Proxy = nil
			tr.DialContext = func(context.Context, string, string) (conn netConn, err error) {
				conn, _ = tunnelTo(t, addr, "ws.example:80")
				return conn, nil
			}
		}
		s, _, err := websocket.Dial(ctx, tt.url, &websocket.DialOptions{HTTPClient: c, Subprotocols: []string{"chat"}, CompressionMode: websocket.CompressionContextTakeover})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		s.SetReadLimit(1 << 20)
		for _, msg := range []string{"one", strings.Repeat("two", 100_000), "three"} {
			if err := s.Write(ctx, websocket.MessageText, []byte(msg)); err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			if _, b, err := s.Read(ctx); string(b) != msg {
				t.Fatalf("%s: %d bytes back, %v", tt.name, len(b), err)
			}
		}
		if s.Subprotocol() != "chat" {
			t.Errorf("%s: subprotocol %q", tt.name, s.Subprotocol())
		}
		_ = s.Write(ctx, websocket.MessageText, []byte("bye"))
		if _, _, err := s.Read(ctx); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
			t.Errorf("%s: close: %v", tt.name, err)
		}
		s.CloseNow()
	}
}

func TestWebSocketRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.site(http.HandlerFunc(echoSocket), "ws.example", "px.acme.example")
	c := w.client(w.serve(Always), nil, false)
	for url, want := range map[string]int{"ws://ws.example/no": 404, "wss://ws.example/no": 404, "ws://nowhere.example/": 502,
		"wss://px.acme.example/tr?id=1": 403, "ws://169.254.169.254/": 403} {
		_, resp, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{HTTPClient: c})
		if err == nil || resp == nil || resp.StatusCode != want {
			t.Errorf("%s: %v %v, want %d", url, resp, err, want)
			continue
		}
		if want == 404 && resp.Header.Get("X-Why") != "not here" {
			t.Errorf("%s: header %v", url, resp.Header)
		}
	}
}

// A server that ends without a word must end the client too, and the first
// frame that came with the request must arrive once.
func TestSocketEndsWithItsServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.site(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		conn, brw, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Extra: 1\r\n\r\n")
		first := make([]byte, 5)
		_, _ = io.ReadFull(brw, first)
		_, _ = conn.Write(append(first, '!'))
	}), "ws.example")
	addr := w.serve(Always)
	request := "GET %s/ HTTP/1.1\r\nHost: ws.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nframe"
	c := raw(t, addr)
	fmt.Fprintf(c, request, "http://ws.example")
	checkSocketEnd(t, "plain", c)
	tun, _ := tunnelTo(t, addr, "ws.example:443")
	tc := tls.Client(tun, &tls.Config{ServerName: "ws.example", RootCAs: w.ca})
	fmt.Fprintf(tc, request, "")
	checkSocketEnd(t, "intercepted", tc)
}

func checkSocketEnd(t *testing.T, name string, c io.Reader) {
	t.Helper()
	br := bufio.NewReader(c)
	resp, err := http.ReadResponse(br, nil)
	if err != nil || resp.StatusCode != 101 || resp.Header.Get("X-Extra") != "1" {
		t.Fatalf("%s: %v %v", name, resp, err)
	}
	b, err := io.ReadAll(br)
	if string(b) != "frame!" || err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%s: %q %v", name, b, err)
	}
}
