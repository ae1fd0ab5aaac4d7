package proxy

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/proxy/filter"
	"github.com/quench-proxy/quench/internal/proxy/guard"
	"github.com/quench-proxy/quench/internal/proxy/hello"
)

// tunnel is one CONNECT.
type tunnel struct {
	s      *server
	client filter.Client // Key is set once the ClientHello was read
	host   string        // of the CONNECT: lower case, no brackets, no trailing dot
	port   uint16
	agent  string
	via    []string // of the CONNECT: the proxies it came through
	ip     bool     // host is an IP literal
	sni    string
	hello  *hello.Hello // nil unless it begins with TLS
	owner  chan string
	far    net.Conn // the other side, if it is open before it is needed

	// What judges the tunnel, the same from beginning to end: what is recorded
	// must be explained by the rules that decided.
	set    *engine.Set
	policy *detect.Policy
}

type tunnelKey struct{}

var defaultPorts = []uint16{443, 8443}

// connect answers a CONNECT that will not do, and gives the others to the
// chain, which hijacks the connection for hijacked.
func (s *server) connect(w http.ResponseWriter, r *http.Request, c filter.Client) {
	if s.core.looped(r) {
		plain(w, http.StatusLoopDetected, loopText)
		return
	}
	host, port, err := connectTarget(r.RequestURI)
	if err != nil {
		plain(w, http.StatusBadRequest, "This CONNECT names no host and port: "+err.Error()+".")
		return
	}
	ports := s.p.ConnectPorts
	if len(ports) == 0 {
		ports = defaultPorts
	}
	if !c.Loopback && !slices.Contains(ports, port) {
		plain(w, http.StatusForbidden, "This proxy opens no tunnel to that port for other devices.")
		return
	}
	t := &tunnel{s: s, client: c, host: host, port: port, agent: r.UserAgent(), via: r.Header["Via"], set: s.p.set(), policy: s.p.policy(c)}
	if _, t.ip = guard.Literal(host); t.ip {
		if v := guard.Check(t.target(nil), t.from(), s.core.rules); !v.Allow {
			plain(w, http.StatusForbidden, "This proxy does not connect to that address: "+v.Why.String()+".")
			return
		}
	}
	ctx := context.WithValue(r.Context(), tunnelKey{}, t)
	s.chain.ServeHTTP(&replayWriter{w}, r.WithContext(ctx))
}

// connectTarget reads host:port as RFC 9110 §9.3.6 has it, and nothing else.
func connectTarget(s string) (host string, port uint16, err error) {
	if len(s) > 300 {
		return "", 0, errors.New("it is too long")
	}
	host, p, err := net.SplitHostPort(s)
	if err != nil {
		return "", 0, errors.New("it is not host:port")
	}
	if port = parsePort(p); port == 0 {
		return "", 0, errors.New("the port is not between 1 and 65535")
	}
	if strings.HasPrefix(s, "[") {
		if a, err := netip.ParseAddr(host); err != nil || a.Zone() != "" {
			return "", 0, errors.New("what is in brackets is no address")
		}
		return netip.MustParseAddr(host).String(), port, nil
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if !plainHost(host) {
		return "", 0, errors.New("the host is no name")
	}
	return host, port, nil
}

func plainHost(host string) bool {
	if host == "" || len(host) > 253 {
		return false
	}
	for i := range len(host) {
		c := host[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return !strings.Contains(host, "..") && host[0] != '.'
}

func (t *tunnel) target(addrs []netip.Addr) guard.Target {
	return guard.Target{Host: t.host, Addrs: addrs, Port: t.port}
}

func (t *tunnel) from() guard.From { return guard.From{Loopback: t.client.Loopback, Opaque: true} }

// replayWriter makes Hijack give back what the server read past the CONNECT:
// clients may send their ClientHello along, and goproxy drops it.
type replayWriter struct{ http.ResponseWriter }

// Hijack implements http.Hijacker.
func (w *replayWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	return &replayed{Conn: conn, head: buffered(rw.Reader)}, rw, nil
}

// established is written by hand: a length or date has no place in it.
const established = "HTTP/1.1 200 Connection established\r\n\r\n"

// serve runs the tunnel. It owns conn.
func (t *tunnel) serve(conn net.Conn) {
	handed := false
	defer func() {
		if !handed {
			_ = conn.Close()
		}
	}()
	if !t.s.open.add(conn) {
		return
	}
	defer t.s.open.remove(conn)
	if t.s.mode == Auto && t.client.Loopback {
		t.owner = t.s.core.owners.find(conn.RemoteAddr(), conn.LocalAddr(), &t.s.busy)
	}
	defer t.closeFar()
	if !t.openEarly(conn) {
		return
	}
	if _, err := conn.Write([]byte(established)); err != nil {
		return
	}
	first, c := t.peek(conn)
	switch first {
	case firstNothing:
	case firstTLS:
		handed = t.choose(c)
	case firstHTTP:
		t.client.Key = t.key("")
		handed = t.s.hand.give(c)
	default:
		t.client.Key = t.key("")
		t.pass(c, "not TLS")
	}
}

// first says how a tunnel begins.
type first uint8

const (
	firstNothing first = iota // it ended
	firstTLS
	firstHTTP
	firstSilent // the client waits for the server to speak
	firstOther
)

// peek reads the first bytes, which c gives back.
func (t *tunnel) peek(conn net.Conn) (first, *peeked) {
	c := &peeked{Conn: conn, t: t}
	wait := helloTimeout
	if !slices.Contains(defaultPorts, t.port) {
		wait = silentTimeout
	}
	end := time.Now().Add(helloTimeout)
	_ = conn.SetReadDeadline(time.Now().Add(wait))
	defer func() { _ = conn.SetReadDeadline(time.Time{}) }()
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		if n == 0 && err == nil {
			continue
		}
		c.head = append(c.head, buf[:n]...)
		if kind, known := t.recognise(c.head); known {
			return kind, c
		}
		if err != nil {
			return stalled(err, len(c.head)), c
		}
		_ = conn.SetReadDeadline(end)
	}
}

func stalled(err error, got int) first {
	var ne net.Error
	if !errors.As(err, &ne) || !ne.Timeout() {
		return firstNothing
	}
	if got == 0 {
		return firstSilent
	}
	return firstNothing // half a hello for ten seconds is an attack or a wreck
}

// recognise looks at the first bytes; known is false if more are needed.
func (t *tunnel) recognise(b []byte) (kind first, known bool) {
	if len(b) == 0 {
		return firstNothing, false
	}
	if !hello.LooksLikeTLS(b[0]) {
		return recogniseHTTP(b)
	}
	h, err := hello.Parse(b)
	switch {
	case errors.Is(err, hello.ErrShort):
		return firstNothing, false
	case err != nil:
		return firstOther, true
	}
	t.hello, t.sni = h, h.ServerName
	return firstTLS, true
}

// maxMethod is longer than any registered HTTP method.
const maxMethod = 20

// recogniseHTTP takes a method in capitals and a space for HTTP/1. HTTP/2
// without TLS ("PRI *") is not served.
func recogniseHTTP(b []byte) (kind first, known bool) {
	for i, c := range b {
		switch {
		case c == ' ' && i >= 3:
			if string(b[:i]) == "PRI" {
				return firstOther, true
			}
			return firstHTTP, true
		case c < 'A' || c > 'Z' || i >= maxMethod:
			return firstOther, true
		}
	}
	return firstNothing, false
}

// key returns the client's key for a ClientHello of this shape. Where all are
// intercepted nobody was asked for a proof, and what was seen there says nothing
// of the same program elsewhere: the browser that "quench browse" opened trusts
// us, and its twin that a person uses every day does not.
func (t *tunnel) key(shape string) string {
	if t.s.mode == Always {
		shape = "always " + shape
	}
	owner := ""
	if t.owner != nil {
		owner = <-t.owner
	}
	return clientKey(t.client.Addr, shape, t.agent, owner)
}
