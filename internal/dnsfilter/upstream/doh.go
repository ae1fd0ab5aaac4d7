package upstream

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

const (
	dohType = "application/dns-message"
	// maxHTTPHeader bounds the headers of an answer.
	maxHTTPHeader = 16 << 10
	// maxHTTPConns bounds the connections to an upstream that has only HTTP/1.1.
	maxHTTPConns = 16
	// httpIdle is how long a connection without questions is kept.
	httpIdle = 30 * time.Second
	// pingAfter and pingTime find dead connections.
	pingAfter, pingTime = 5 * time.Second, 2 * time.Second
)

// doh asks over HTTPS (RFC 8484): HTTP/2, or 1.1 if the server has no better,
// or HTTP/3.
type doh struct {
	url   *url.URL
	get   bool
	rt    http.RoundTripper
	conns *connSet
	done  func() // ends rt
}

// ask implements transport.
func (d *doh) ask(ctx context.Context, q *question, edns bool) (*dns.Msg, error) {
	// Equal questions are equal bytes, so that caches can answer them.
	sent, err := q.pack(form{edns: edns, padded: true})
	if err != nil {
		return nil, err
	}
	start := time.Now()
	m, err := d.once(ctx, sent)
	if err != nil && ctx.Err() == nil && faultOf(err).kind == kindDied {
		m, err = d.once(ctx, sent) // the server was done with an old connection
	}
	if err != nil && ctx.Err() != nil && time.Since(start) > pipeStall {
		d.conns.stalled()
	}
	return m, err
}

func (d *doh) once(ctx context.Context, sent []byte) (*dns.Msg, error) {
	res, err := d.rt.RoundTrip(d.request(ctx, sent))
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, httpFault(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, &fault{kind: kindStatus, text: fmt.Sprintf("answered HTTP %d", res.StatusCode)}
	}
	if t, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err != nil || t != dohType {
		return nil, &fault{kind: kindStatus, err: err}
	}
	got, err := io.ReadAll(io.LimitReader(res.Body, dns.MaxMsgSize+1))
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, &fault{kind: kindDied, err: err}
	case len(got) > dns.MaxMsgSize:
		return nil, &fault{kind: kindMalformed}
	}
	m, err := answerOn(sent, got)
	if err == nil {
		age(m, res.Header.Get("Age"))
	}
	return m, err
}

// httpFault tells what ended a connection from what hindered it: the libraries
// have many words for the former.
func httpFault(err error) error {
	var op *net.OpError
	if f := faultOf(err); f.kind != kindNetwork || f.text != "" || errors.As(err, &op) && op.Op == "dial" {
		return f
	}
	return &fault{kind: kindDied, err: err}
}

// answerOn reads an answer that came alone, over a way that nobody can forge.
func answerOn(sent, got []byte) (*dns.Msg, error) {
	switch {
	case matches(sent, got) == stranger:
		return nil, &fault{kind: kindOther}
	case cutOff(got):
		return nil, &fault{kind: kindCut}
	}
	return read(got)
}

func (d *doh) request(ctx context.Context, sent []byte) *http.Request {
	u := *d.url
	u.User = nil
	r := (&http.Request{Method: http.MethodPost, URL: &u, Host: u.Host, Header: http.Header{}}).WithContext(ctx)
	r.Header.Set("Accept", dohType)
	r.Header["User-Agent"] = []string{""} // none: it would tell who asks
	if d.url.User != nil {
		p, _ := d.url.User.Password()
		r.SetBasicAuth(d.url.User.Username(), p)
	}
	if d.get {
		r.Method = http.MethodGet
		dnsParam := "dns=" + base64.RawURLEncoding.EncodeToString(sent)
		u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+dnsParam, "&")
		return r
	}
	r.Header.Set("Content-Type", dohType)
	r.ContentLength = int64(len(sent))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(sent)), nil }
	r.Body, _ = r.GetBody()
	return r
}

// age takes from TTLs what an answer has spent in HTTP caches (RFC 8484 §5.1).
func age(m *dns.Msg, text string) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return
	}
	for _, rrs := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range rrs {
			if h := rr.Header(); h.Rrtype != dns.TypeOPT {
				h.Ttl -= min(h.Ttl, uint32(n))
			}
		}
	}
}

func (d *doh) close() {
	d.conns.close()
	d.done()
}

// doh makes what asks over HTTP/2 and 1.1.
func (g *Group) doh(r *reach) transport {
	set := newConnSet()
	tr := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return set.dial(ctx, func(ctx context.Context) (net.Conn, error) { return r.dial(ctx, "tcp") })
		},
		TLSClientConfig: g.tls(r), TLSHandshakeTimeout: dialTime, ForceAttemptHTTP2: true,
		DisableCompression: true, MaxResponseHeaderBytes: maxHTTPHeader, MaxConnsPerHost: maxHTTPConns, MaxIdleConnsPerHost: maxHTTPConns,
		IdleConnTimeout: httpIdle, HTTP2: &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTime},
	}
	return &doh{url: r.spec.url, get: r.spec.get, rt: tr, conns: set, done: tr.CloseIdleConnections}
}

// connSet knows the connections that a library keeps, to end them when they
// are dead or no more wanted.
type connSet struct {
	ctx    context.Context
	cancel context.CancelFunc
	mu     sync.Mutex
	open   map[io.Closer]func() time.Time // when it last brought something
}

func newConnSet() *connSet {
	s := &connSet{open: map[io.Closer]func() time.Time{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// dial connects, within dialTime and until close.
func (s *connSet) dial(ctx context.Context, connect func(context.Context) (net.Conn, error)) (net.Conn, error) {
	ctx, cancel := s.within(ctx)
	defer cancel()
	c, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	w := &watched{Conn: c, set: s}
	w.last.Store(time.Now().UnixNano())
	if !s.add(w, func() time.Time { return time.Unix(0, w.last.Load()) }) {
		_ = c.Close()
		return nil, errClosed
	}
	return w, nil
}

func (s *connSet) within(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	stop := context.AfterFunc(s.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}

func (s *connSet) add(c io.Closer, last func() time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return false
	}
	s.open[c] = last
	return true
}

func (s *connSet) remove(c io.Closer) {
	s.mu.Lock()
	delete(s.open, c)
	s.mu.Unlock()
}

// stalled ends the connections that have brought nothing for long.
func (s *connSet) stalled() { s.end(time.Now().Add(-pipeStall)) }

func (s *connSet) close() {
	s.cancel()
	s.end(time.Now().Add(time.Hour))
}

// end closes the connections that have brought nothing since.
func (s *connSet) end(since time.Time) {
	s.mu.Lock()
	var old []io.Closer
	for c, last := range s.open {
		if last().Before(since) {
			old = append(old, c)
		}
	}
	s.mu.Unlock()
	for _, c := range old {
		_ = c.Close()
	}
}

// watched is a connection of a connSet.
type watched struct {
	net.Conn
	set  *connSet
	last atomic.Int64
}

// Read implements net.Conn.
func (w *watched) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if n > 0 {
		w.last.Store(time.Now().UnixNano())
	}
	if errors.Is(err, net.ErrClosed) {
		err = io.ErrUnexpectedEOF // the library's own text would hide why
	}
	return n, err
}

// Close implements net.Conn.
func (w *watched) Close() error {
	w.set.remove(w)
	return w.Conn.Close()
}
