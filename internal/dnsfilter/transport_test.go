package dnsfilter

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

var loopback = netip.MustParseAddr("127.0.0.1")

// secureRig serves all encrypted transports.
func secureRig(t *testing.T, zone ...string) (*rig, *tls.Config) {
	t.Helper()
	cert, pool := certificate(t, "dns.home.example")
	any := []string{"127.0.0.1:0"}
	g := newRig(t, Options{DoT: any, DoH: any, DoQ: any, TLS: cert, Name: "dns.home.example"}, listed("bad.example"),
		append(zone, "a.example. 300 IN A 93.184.216.34")...)
	return g, &tls.Config{RootCAs: pool, ServerName: "dns.home.example"}
}

func (g *rig) addr(v Via) string { return g.Addrs()[v][0].String() }

func padded(m *dns.Msg) {
	m.SetEdns0(1232, false)
	m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_PADDING{Padding: make([]byte, 50)}}
}

func TestDoT(t *testing.T) {
	t.Parallel()
	g, conf := secureRig(t)
	conf.NextProtos = []string{"dot"}
	c, err := tls.Dial("tcp", g.addr(DoT), conf)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if p := c.ConnectionState().NegotiatedProtocol; p != "dot" {
		t.Errorf("ALPN %q, want dot", p)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	for name, pad := range map[string]bool{"a.example": true, "bad.example": true, "none.example": true, "b.example": false} {
		change := edns(1232, false)
		if pad {
			change = padded
		}
		_, _ = c.Write(frame(pack(t, query(name, dns.TypeA, change))))
		b := readTCP(t, c)
		if got := len(b)%padTo == 0; got != pad {
			t.Errorf("%s: answer of %d bytes, want padded %v", name, len(b), pad)
		}
		if m := g.unpack(b); m.IsEdns0() == nil || m.Question[0].Name != name+"." {
			t.Errorf("%s: got %v", name, m)
		}
	}
	// The keepalive option is for connections, and only where it was sent.
	_, _ = c.Write(frame(pack(t, query("a.example", dns.TypeA, func(m *dns.Msg) {
		m.SetEdns0(1232, false)
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_TCP_KEEPALIVE{Code: dns.EDNS0TCPKEEPALIVE}}
	}))))
	m := g.unpack(readTCP(t, c))
	if k, ok := m.IsEdns0().Option[0].(*dns.EDNS0_TCP_KEEPALIVE); !ok || k.Timeout != keepaliveTime {
		t.Errorf("keepalive: got %v, want %d", m.IsEdns0(), keepaliveTime)
	}
}

func httpClient(conf *tls.Config, h2 bool) *http.Client {
	tr := &http.Transport{TLSClientConfig: conf, ForceAttemptHTTP2: h2}
	if !h2 {
		tr.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	return &http.Client{Transport: tr, Timeout: patience}
}

func TestDoH(t *testing.T) {
	t.Parallel()
	g, conf := secureRig(t)
	url := "https://" + g.addr(DoH) + dohPath
	q := pack(t, query("a.example", dns.TypeA, func(m *dns.Msg) { m.Id = 0 }))
	h3 := &http3.Transport{TLSClientConfig: conf.Clone()}
	defer h3.Close()
	for name, c := range map[string]*http.Client{"HTTP/1.1": httpClient(conf.Clone(), false), "HTTP/2.0": httpClient(conf.Clone(), true), "HTTP/3.0": {Transport: h3, Timeout: patience}} {
		defer c.CloseIdleConnections()
		for _, method := range []string{"GET", "POST"} {
			req, _ := http.NewRequest("POST", url, bytes.NewReader(q))
			req.Header.Set("Content-Type", dohType)
			req.Header.Set("Origin", "https://evil.example")
			if method == "GET" {
				req, _ = http.NewRequest("GET", url+"?dns="+base64.RawURLEncoding.EncodeToString(q), nil)
			}
			res, err := c.Do(req)
			if err != nil {
				t.Fatalf("%s %s: %v", name, method, err)
			}
			b, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			m := g.unpack(b)
			h := res.Header
			if res.StatusCode != 200 || res.Proto != name || len(m.Answer) != 1 || m.Id != 0 || h.Get("Content-Type") != dohType || !strings.HasPrefix(h.Get("Cache-Control"), "private, max-age=") {
				t.Errorf("%s %s: got %s %s %v %v", name, method, res.Proto, res.Status, h, m)
			}
			for k := range h {
				if strings.HasPrefix(k, "Access-Control") {
					t.Errorf("%s %s: header %s lets other sites read", name, method, k)
				}
			}
		}
	}
}

func TestDoHRefusals(t *testing.T) {
	t.Parallel()
	g, conf := secureRig(t)
	c := httpClient(conf, true)
	defer c.CloseIdleConnections()
	url := "https://" + g.addr(DoH) + dohPath
	q := pack(t, query("a.example", dns.TypeA, nil))
	for _, r := range []struct {
		method, url, ctype string
		body               []byte
		want               int
	}{
		{"POST", url, dohType, q, 200}, {"POST", url, dohType + "; charset=x", q, 200},
		{"POST", url, "text/plain", q, 415}, {"POST", url, "", q, 415}, {"POST", url, dohType, make([]byte, MaxQuery+1), 413},
		{"POST", url, dohType, []byte("short"), 400}, {"POST", url, dohType, nil, 400}, {"GET", url, "", nil, 400}, {"GET", url + "?dns=%25", "", nil, 400},
		{"GET", url + "?dns=" + strings.Repeat("A", 8000), "", nil, 414}, {"PUT", url, dohType, q, 405}, {"OPTIONS", url, "", nil, 405}, {"GET", strings.TrimSuffix(url, dohPath), "", nil, 404},
	} {
		req, _ := http.NewRequest(r.method, r.url, bytes.NewReader(r.body))
		req.Header.Set("Content-Type", r.ctype)
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != r.want {
			t.Errorf("%s %.60s %s %d bytes: got %d, want %d", r.method, r.url, r.ctype, len(r.body), res.StatusCode, r.want)
		}
	}
}

func TestDoQ(t *testing.T) {
	t.Parallel()
	g, conf := secureRig(t)
	conf.NextProtos = []string{"doq"}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := quic.DialAddr(ctx, g.addr(DoQ), conf, nil)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(b []byte) ([]byte, error) {
		s, err := c.OpenStreamSync(ctx)
		if err != nil {
			return nil, err
		}
		_, _ = s.Write(b)
		_ = s.Close()
		return io.ReadAll(s)
	}
	zero := func(m *dns.Msg) { padded(m); m.Id = 0 }
	for name, want := range map[string]string{"a.example": "a.example. A 93.184.216.34", "bad.example": "bad.example. A 0.0.0.0"} {
		b, err := ask(frame(pack(t, query(name, dns.TypeA, zero))))
		if err != nil || len(b) < 2 || len(b) != 2+int(b[0])<<8+int(b[1]) {
			t.Fatalf("%s: got %d bytes, %v", name, len(b), err)
		}
		if m := g.unpack(b[2:]); text(m.Answer) != want || m.Id != 0 || (len(b)-2)%padTo != 0 {
			t.Errorf("%s: got %v in %d bytes, want %q padded", name, m, len(b)-2, want)
		}
	}
	_, err = ask(frame(pack(t, query("a.example", dns.TypeA, func(m *dns.Msg) { m.Id = 7 }))))
	if want := fmt.Sprintf("%#x", doqProtocolError); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("an id that is not 0: got %v, want the connection closed with %s", err, want)
	}
}

func TestDDR(t *testing.T) {
	t.Parallel()
	g, _ := secureRig(t)
	port := func(v Via) uint16 { return g.Addrs()[v][0].Port() }
	for _, name := range []string{"_dns.resolver.arpa", "_dns.dns.home.example"} {
		m := g.ask(query(name, dns.TypeSVCB, nil))
		want := fmt.Sprintf(`%[1]s. SVCB 1 dns.home.example. alpn="h2,h3" port="%[2]d" dohpath="/dns-query{?dns}"; %[1]s. SVCB 2 dns.home.example. alpn="dot" port="%[3]d"; %[1]s. SVCB 3 dns.home.example. alpn="doq" port="%[4]d"`,
			name, port(DoH), port(DoT), port(DoQ))
		if text(m.Answer) != want {
			t.Errorf("%s: got %s\nwant %s", name, text(m.Answer), want)
		}
	}
	if n := g.up.total(); n != 0 {
		t.Errorf("%d questions went upstream, want none", n)
	}
}

func TestStreamBounds(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{}, nil, "a.example. 300 IN A 93.184.216.34")
	// A frame longer than any question ends the connection before it is read.
	c := dial(t, "tcp", g.at)
	_, _ = c.Write([]byte{0xff, 0xff, 1, 2, 3})
	if n, err := c.Read(make([]byte, 10)); err == nil {
		t.Errorf("a frame of 65535: got %d bytes, want the connection closed", n)
	}
	// One client gets so many connections, and has its place back when they end.
	var open []io.Closer
	for range maxClientConns {
		open = append(open, dial(t, "tcp", g.at))
	}
	eventually(t, "all are accepted", func() bool { return g.Stats().Connections >= maxClientConns })
	over := dial(t, "tcp", g.at)
	if _, err := over.Read(make([]byte, 1)); err == nil {
		t.Error("a connection over the bound is served")
	}
	for _, c := range open {
		_ = c.Close()
	}
	eventually(t, "there is room again", func() bool {
		c := dial(t, "tcp", g.at)
		defer c.Close()
		_, _ = c.Write(frame(pack(t, query("a.example", dns.TypeA, nil))))
		var n [2]byte
		_, err := io.ReadFull(c, n[:])
		return err == nil
	})
}

func TestSlowFrame(t *testing.T) {
	t.Parallel()
	g := newRig(t, Options{}, nil)
	c := dial(t, "tcp", g.at)
	start := time.Now()
	_, _ = c.Write([]byte{0, 40, 1}) // and then nothing
	if _, err := c.Read(make([]byte, 1)); err == nil || time.Since(start) > frameTime+3*time.Second {
		t.Errorf("a frame that does not end: got %v after %v, want the connection closed after %v", err, time.Since(start), frameTime)
	}
}
