package proxy

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/elazarl/goproxy"
)

func gapsOfTunnels() []gap {
	return []gap{
		{n: 2, name: "no limit on a header inside tunnels", check: gapHeaderLimit},
		{n: 3, name: "no deadlines inside tunnels", check: gapDeadlines, set: rigOptions{
			ours: func(w *world, _ string) { w.p.HeaderTimeout = time.Second }}},
		{n: 4, name: "a dead site closes the connection", check: gapDeadSite},
		{n: 5, name: "Expect: 100-continue not answered", check: gapExpect},
		{n: 9, name: "Host not tied to the CONNECT", check: gapOtherHost},
		{n: 13, name: "signed by a published key", check: gapPublishedKey},
		{n: 14, name: "leaf by CONNECT host, RSA", check: gapLeaf},
		{n: 15, name: "no bounded cache of leaves", check: gapLeafCache},
		{n: 22, name: "bytes sent along with CONNECT are lost", check: gapEarlyHello},
	}
}

// h1Only is for a site that speaks HTTP/1.1 alone.
func h1Only(w *world, names ...string) *tls.Config {
	leaf := *w.roots.leaf(w.t, names...)
	cfg := &tls.Config{Certificates: []tls.Certificate{leaf}}
	cfg.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{leaf}, NextProtos: []string{"http/1.1"}}, nil
	}
	return cfg
}

func gapHeaderLimit(r *rig) error {
	r.site(http.HandlerFunc(greet), "site.example")
	c, err := r.inside("site.example:443", "site.example")
	if err != nil {
		return err
	}
	const size = 8 << 20
	wrote := make(chan int, 1)
	go func() {
		n, _ := io.WriteString(c, "GET / HTTP/1.1\r\nHost: site.example\r\n")
		line := "X-Pad: " + strings.Repeat("x", 8<<10) + "\r\n"
		for n < size {
			m, err := io.WriteString(c, line)
			if n += m; err != nil {
				break
			}
		}
		wrote <- n
	}()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	_ = c.Close()
	if n := <-wrote; n >= size {
		return fmt.Errorf("%d MB of one request's header were taken", n>>20)
	}
	if err == nil && resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		return fmt.Errorf("answer %d", resp.StatusCode)
	}
	return nil
}

func gapDeadlines(r *rig) error {
	c, err := r.inside("site.example:443", "site.example")
	if err != nil {
		return err
	}
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: si"); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, c)
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return fmt.Errorf("half a request still waits after %v", r.patience())
	}
	return nil
}

func gapDeadSite(r *rig) error {
	r.place("dead.example", 81, "127.0.0.1:1")
	for _, h2 := range []bool{false, true} {
		resp, body, err := r.ask(r.browser(h2), "GET", "https://dead.example/", "Accept", "text/html")
		if err != nil {
			return err
		}
		if resp.StatusCode != 502 || strings.Contains(body, "nobody is at") {
			return fmt.Errorf("answer %d %.60q", resp.StatusCode, body)
		}
	}
	return nil
}

func gapExpect(r *rig) error {
	r.site(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { _, _ = io.Copy(w, q.Body) }), "site.example")
	c, err := r.inside("site.example:443", "site.example")
	if err != nil {
		return err
	}
	fmt.Fprint(c, "PUT / HTTP/1.1\r\nHost: site.example\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
	line, err := bufio.NewReader(c).ReadString('\n')
	if !strings.HasPrefix(line, "HTTP/1.1 100") {
		return fmt.Errorf("no 100 but %q, %v", line, err)
	}
	return nil
}

func gapOtherHost(r *rig) error {
	r.site(http.HandlerFunc(greet), "site.example", "other.example")
	c, err := r.inside("site.example:443", "site.example")
	if err != nil {
		return err
	}
	resp, body, err := speak(c, "GET / HTTP/1.1\r\nHost: other.example\r\n\r\n")
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusMisdirectedRequest {
		return fmt.Errorf("answer %d %.40q", resp.StatusCode, body)
	}
	return nil
}

func gapPublishedKey(r *rig) error {
	c, err := r.inside("site.example:443", "site.example")
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AddCert(goproxy.GoproxyCa.Leaf)
	leaf := c.ConnectionState().PeerCertificates[0]
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: "site.example"}); err == nil {
		return errors.New("anybody can sign for this client: the authority's key is in goproxy's repository")
	}
	return nil
}

func gapLeaf(r *rig) error {
	a := r.place("site.example", 443, "127.0.0.1:1")
	c, err := r.inside(a.String()+":443", "site.example")
	if err != nil {
		return fmt.Errorf("CONNECT to an address: %w", err)
	}
	leaf := c.ConnectionState().PeerCertificates[0]
	if _, ok := leaf.PublicKey.(*ecdsa.PublicKey); !ok {
		return fmt.Errorf("key %T", leaf.PublicKey)
	}
	if d := leaf.NotAfter.Sub(leaf.NotBefore); d > 100*24*time.Hour || leaf.SerialNumber.BitLen() < 40 {
		return fmt.Errorf("valid for %v, serial of %d bits", d, leaf.SerialNumber.BitLen())
	}
	return nil
}

func gapLeafCache(r *rig) error {
	var first []byte
	for range 2 {
		c, err := r.inside("site.example:443", "site.example")
		if err != nil {
			return err
		}
		leaf := c.ConnectionState().PeerCertificates[0].Raw
		if first != nil && !bytes.Equal(first, leaf) {
			return errors.New("each tunnel gets a new leaf")
		}
		first = leaf
	}
	return nil
}

func gapEarlyHello(r *rig) error {
	c, err := r.open()
	if err != nil {
		return err
	}
	early := &firstWrite{Conn: c, before: "CONNECT site.example:443 HTTP/1.1\r\nHost: site.example:443\r\n\r\n"}
	if err := tls.Client(early, &tls.Config{ServerName: "site.example", RootCAs: r.roots}).Handshake(); err != nil {
		return fmt.Errorf("a ClientHello sent along: %w", err)
	}
	return nil
}
