//go:build linux

package proxy

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// attack is one kind of ill will; run returns when it is over and has let go of
// all that it held.
type attack struct {
	name string
	run  func(p *pressed)
}

// slowOnes is how many connections the slow attacks hold, and holdFor how long.
const (
	slowOnes = 200
	holdFor  = 2 * time.Second
	paced    = 5 * time.Millisecond // between the connections of one attack
)

func attacks() []attack {
	list := []attack{
		{"nothing at all", func(*pressed) { lapse(holdFor) }},
		{"smuggling, plain", func(p *pressed) { p.smuggle(false) }},
		{"smuggling, intercepted", func(p *pressed) { p.smuggle(true) }},
		{"endless headers, plain", func(p *pressed) { p.pourIn(false) }},
		{"endless headers, h1", func(p *pressed) { p.pourIn(true) }},
		{"endless headers, h2", (*pressed).pourFrames},
		{"rapid reset, h2", (*pressed).reset},
		{"slowloris, plain", func(p *pressed) { p.drip(false) }},
		{"slowloris, h1", func(p *pressed) { p.drip(true) }},
		{"slow read, plain", func(p *pressed) { p.unread("http", false) }},
		{"slow read, h1", func(p *pressed) { p.unread("https", false) }},
		{"slow read, h2", func(p *pressed) { p.unread("https", true) }},
		{"connection flood", (*pressed).flood},
	}
	for _, way := range []struct {
		name, base string
		h2         bool
	}{{"plain", "http", false}, {"h1", "https", false}, {"h2", "https", true}} {
		list = append(list,
			attack{"bombs and giants, " + way.name, func(p *pressed) { p.images(way.base, way.h2) }},
			attack{"endless answers, " + way.name, func(p *pressed) { p.answers(way.base, way.h2) }})
	}
	return list
}

// pressSites places what the attacks need.
func pressSites(w *world) *rawOrigin {
	files, codings := giants(), bombs(w.t)
	h := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		name := r.URL.Path[1:]
		rw.Header().Set("Set-Cookie", "id=abcdef0123456789")
		switch {
		case name == "endless":
			block := make([]byte, 32<<10)
			for _, err := rw.Write(block); err == nil; {
				_, err = rw.Write(block)
			}
		case codings[name] != nil:
			rw.Header().Set("Content-Type", "image/gif")
			rw.Header().Set("Content-Encoding", name)
			_, _ = rw.Write(codings[name])
		default:
			rw.Header().Set("Content-Type", "image/"+name)
			_, _ = rw.Write(files[name])
		}
	})
	w.site(h, "wide.example")
	for i, tt := range endlessAnswers() {
		w.pourer(fmt.Sprintf("pour%d.example", i), tt.head, tt.line)
	}
	return w.rawSite("site.example")
}

// to opens a connection to where requests to site.example go, and the form in
// which they name their target there.
func (p *pressed) to(tunnel bool) (net.Conn, string) {
	if !tunnel {
		return raw(p.t, p.addr), "http://site.example/"
	}
	return inTunnel(p.t, p.world, p.addr), "/"
}

func (p *pressed) smuggle(tunnel bool) {
	for _, tt := range smuggles() {
		c, target := p.to(tunnel)
		version := "HTTP/1.1"
		if tt.old {
			version = "HTTP/1.0"
		}
		list, ended := answers(c, "POST "+target+" "+version+"\r\nHost: site.example\r\n"+tt.rest, tt.half)
		if !ended || len(list) > 1 {
			p.t.Errorf("%s: answers %d, ended %v", tt.name, list, ended)
		}
		lapse(paced)
	}
}

func (p *pressed) pourIn(tunnel bool) {
	const most = 16 << 20
	for _, tt := range endlessHeaders() {
		c, target := p.to(tunnel)
		if n := pour(c, strings.ReplaceAll(tt.head, "%s", target), tt.line, most); n >= most {
			p.t.Errorf("%s: %d bytes were taken", tt.name, n)
		}
	}
}

func (p *pressed) pourFrames() {
	for name, part := range endlessBlocks() {
		c := newH2Conn(p.t, p.world, p.addr)
		go func() { _, _ = io.Copy(io.Discard, c.Conn) }()
		err := c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.block(), EndStream: true})
		for i := 0; err == nil; i++ {
			if i == 10_000 {
				p.t.Errorf("%s: %d frames were taken", name, i)
				break
			}
			err = c.WriteContinuation(1, false, part(c))
		}
		c.Conn.Close()
	}
}

// reset opens and resets streams, as fast as one connection may for long.
func (p *pressed) reset() {
	c := newH2Conn(p.t, p.world, p.addr)
	gone := make(chan struct{})
	go func() { defer close(gone); _, _ = io.Copy(io.Discard, c.Conn) }()
	var err error
	for id := uint32(1); err == nil && id < 4000; id += 2 {
		if err = c.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.block(), EndStream: true, EndHeaders: true}); err == nil {
			err = c.WriteRSTStream(id, http2.ErrCodeCancel)
		}
		if id%40 == 1 {
			lapse(10 * time.Millisecond)
		}
	}
	c.Conn.Close()
	<-gone
}

// drip keeps connections open on which a header comes byte by byte.
func (p *pressed) drip(tunnel bool) {
	conns := make([]net.Conn, slowOnes)
	for i := range conns {
		conns[i], _ = p.to(tunnel)
		defer conns[i].Close()
		lapse(paced)
	}
	tick := time.NewTicker(holdFor / 10)
	defer tick.Stop()
	for range 10 {
		for _, c := range conns {
			_, _ = io.WriteString(c, "X")
		}
		<-tick.C
	}
}

// idler is a client that takes next to nothing of what it does not read.
func (p *pressed) idler(h2 bool) *http.Client {
	c := p.client(p.addr, nil, h2)
	tr := c.Transport.(*http.Transport)
	tr.HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: 16 << 10}
	tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err == nil && !h2 {
			err = conn.(*net.TCPConn).SetReadBuffer(16 << 10)
		}
		return conn, err
	}
	if !h2 {
		tr.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	return c
}

// unread asks for answers without end and reads nothing of them; over HTTP/2
// all on one connection.
func (p *pressed) unread(base string, h2 bool) {
	shared := p.idler(h2)
	var all sync.WaitGroup
	over := make(chan struct{})
	for range slowOnes {
		c := shared
		if !h2 {
			c = p.idler(false)
		}
		all.Go(func() {
			defer c.CloseIdleConnections()
			resp, err := c.Get(base + "://wide.example/endless")
			if err != nil {
				p.t.Errorf("slow reader: %v", err)
				return
			}
			defer resp.Body.Close()
			<-over
		})
		lapse(paced)
	}
	lapse(holdFor)
	close(over)
	all.Wait()
}

// flood opens connections without end from one address that is not the
// neighbour's, and sends nothing, or half a request.
func (p *pressed) flood() {
	var open []net.Conn
	for i := range 2 * defaultConns {
		c := p.from(1)
		defer c.Close()
		if i%2 == 0 {
			_, _ = io.WriteString(c, "GET http://site.example/ HTTP/1.1\r\n")
		}
		open = append(open, c)
		if i%20 == 0 {
			lapse(paced)
		}
	}
	lapse(holdFor / 4)
	for _, c := range open {
		c.Close()
	}
}

// images asks for bombs and for images that claim to be giants.
func (p *pressed) images(base string, h2 bool) {
	c := p.client(p.addr, nil, h2)
	defer c.CloseIdleConnections()
	for range 4 {
		for _, name := range []string{"gif", "png", "jpeg", "webp", "gzip", "br", "zstd"} {
			resp, body := get(p.t, c, base+"://wide.example/"+name+"?uid=123456789", "Referer", "https://page.example/",
				"Sec-Fetch-Dest", "image", "Sec-Fetch-Site", "cross-site", "Accept-Encoding", "gzip, br, zstd")
			if resp.StatusCode != 200 || len(body) == 0 {
				p.t.Errorf("%s: %d, %d bytes", name, resp.StatusCode, len(body))
			}
		}
	}
}

// answers asks sites whose answers never end.
func (p *pressed) answers(base string, h2 bool) {
	c := p.client(p.addr, nil, h2)
	defer c.CloseIdleConnections()
	for i, tt := range endlessAnswers() {
		if resp, _ := get(p.t, c, fmt.Sprintf("%s://pour%d.example/", base, i)); resp.StatusCode != 502 {
			p.t.Errorf("%s: %d, want 502", tt.name, resp.StatusCode)
		}
	}
}
