package proxy

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// upgrade serves a WebSocket handshake: the filter decides, then bytes pass
// untouched. goproxy has no part in it, since it never closes the client.
func (s *server) upgrade(w http.ResponseWriter, r *http.Request, x *exchange) {
	x.raw = true
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "websocket")
	req, resp := x.request(r)
	if resp == nil {
		req.Body = http.NoBody
		resp = x.roundTrip(req)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusSwitchingProtocols {
		came, _ := resp.Body.(*body)
		deliver(w, r, x.finish(x.respond(resp), came))
		return
	}
	far, ok := resp.Body.(io.ReadWriteCloser)
	if !ok {
		deliver(w, r, x.fault(req, faultGarbled))
		return
	}
	// The filter sees the answer, but has no body to replace.
	head := *resp
	head.Body = http.NoBody
	if after := x.respond(&head); after.StatusCode != http.StatusSwitchingProtocols {
		deliver(w, r, x.finish(after, nil))
		return
	}
	s.joinSocket(w, r, &head, far)
}

func (s *server) joinSocket(w http.ResponseWriter, r *http.Request, head *http.Response, far io.ReadWriteCloser) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		deliver(w, r, refusal(r))
		return
	}
	defer conn.Close()
	if !s.open.add(conn) {
		return
	}
	defer s.open.remove(conn)
	bw := bufio.NewWriter(conn)
	_, _ = bw.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	head.Header.Set("Connection", "Upgrade")
	head.Header.Set("Upgrade", "websocket")
	head.Header.Del("Content-Length")
	_ = head.Header.Write(bw)
	_, _ = bw.WriteString("\r\n")
	if err := bw.Flush(); err != nil {
		return
	}
	// The client's first frame may have come with its request.
	near := &replayed{Conn: conn, head: buffered(rw.Reader)}
	relay(near, far, relayOptions{idle: orDefault(s.p.TunnelIdle, defaultIdle), farEnds: true})
}

// buffered returns what a reader has read ahead.
func buffered(r *bufio.Reader) []byte {
	b, _ := r.Peek(r.Buffered())
	return append([]byte(nil), b...)
}

// replayed is a connection whose first bytes were read before.
type replayed struct {
	net.Conn
	head []byte
}

func (c *replayed) Read(p []byte) (int, error) {
	if len(c.head) > 0 {
		n := copy(p, c.head)
		c.head = c.head[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// CloseWrite ends our direction alone, where the connection can.
func (c *replayed) CloseWrite() error { return closeWrite(c.Conn) }

// deliver writes a response without goproxy.
func deliver(w http.ResponseWriter, r *http.Request, resp *http.Response) {
	defer resp.Body.Close()
	h := w.Header()
	for k, v := range resp.Header {
		h[k] = v
	}
	out := newWriter(w, r)
	defer out.close()
	out.WriteHeader(resp.StatusCode)
	_, _ = out.ReadFrom(resp.Body)
}
