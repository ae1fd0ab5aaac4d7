package proxy

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// rawOrigin answers the first request of each connection and keeps all bytes
// that came, so that nothing between us and the wire can hide anything.
type rawOrigin struct {
	mu  sync.Mutex
	got []string
	wg  sync.WaitGroup
	lns []net.Listener
}

// wait takes no more connections and returns when all have ended.
func (o *rawOrigin) wait() {
	for _, ln := range o.lns {
		_ = ln.Close()
	}
	o.wg.Wait()
}

func (o *rawOrigin) take() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := o.got
	o.got = nil
	return list
}

func (o *rawOrigin) serve(ln net.Listener) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		o.wg.Go(func() {
			defer c.Close()
			o.mu.Lock()
			i := len(o.got)
			o.got = append(o.got, "")
			o.mu.Unlock()
			o.talk(c, i)
		})
	}
}

func (o *rawOrigin) talk(c net.Conn, i int) {
	buf := make([]byte, 32<<10)
	answered := false
	for {
		n, err := c.Read(buf)
		o.mu.Lock()
		all := ""
		if i < len(o.got) {
			o.got[i] += string(buf[:n])
			all = o.got[i]
		}
		o.mu.Unlock()
		if !answered && strings.Contains(all, "\r\n\r\n") {
			answered = true
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
		}
		if err != nil {
			return
		}
	}
}

// rawSite places a rawOrigin in the world, over TLS at 443 and plain at 80.
func (w *world) rawSite(host string) *rawOrigin {
	o := &rawOrigin{}
	for _, port := range []int{80, 443} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			w.t.Fatal(err)
		}
		w.place(host, port, ln.Addr().String())
		if port == 443 {
			ln = tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{*w.roots.leaf(w.t, host)}, NextProtos: []string{"http/1.1"}})
		}
		o.lns = append(o.lns, ln)
		o.wg.Go(func() { o.serve(ln) })
	}
	w.t.Cleanup(func() {
		for _, ln := range o.lns {
			_ = ln.Close()
		}
	})
	return o
}

// answers sends a request and returns the statuses of what comes back until
// the other side ends the connection, and whether it did.
func answers(c net.Conn, request string, half bool) (list []int, ended bool) {
	defer c.Close()
	wrote := make(chan struct{})
	go func() {
		defer close(wrote)
		_, _ = io.WriteString(c, request)
		if half {
			_ = closeWrite(c)
		}
	}()
	defer func() { c.Close(); <-wrote }()
	br := bufio.NewReader(c)
	for {
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			var ne net.Error
			return list, !asTimeout(err, &ne)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		list = append(list, resp.StatusCode)
	}
}

func asTimeout(err error, ne *net.Error) bool {
	e, ok := err.(net.Error)
	*ne = e
	return ok && e.Timeout()
}

type smuggle struct {
	name, rest string
	want       string // passes, refused or either
	half       bool   // the client ends its side
	old        bool   // it speaks HTTP/1.0
}

const smuggled = "GET /b HTTP/1.1\r\nHost: site.example\r\n\r\n"

func smuggles() []smuggle {
	const end = "Connection: close\r\n\r\n"
	chunked := func(body string) string { return "Transfer-Encoding: chunked\r\n\r\n" + body }
	return []smuggle{
		{name: "TE after CL", rest: "Content-Length: 4\r\n" + chunked("0\r\n\r\n"+smuggled), want: "passes"},
		{name: "TE before CL", rest: "Transfer-Encoding: chunked\r\nContent-Length: 60\r\n\r\n0\r\n\r\n" + smuggled, want: "passes"},
		{name: "same CL twice", rest: "Content-Length: 4\r\nContent-Length: 4\r\n" + end + "abcd", want: "passes"},
		{name: "two CL", rest: "Content-Length: 4\r\nContent-Length: 44\r\n\r\nabcd" + smuggled, want: "refused"},
		{name: "CL list", rest: "Content-Length: 4, 4\r\n\r\nabcd" + smuggled, want: "refused"},
		{name: "CL in hex", rest: "Content-Length: 0x4\r\n\r\nabcd" + smuggled, want: "refused"},
		{name: "CL too large", rest: "Content-Length: 99999999999999999999\r\n\r\nabcd" + smuggled, want: "refused"},
		{name: "chunked, identity", rest: "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + smuggled, want: "refused"},
		{name: "identity, chunked", rest: "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n" + smuggled, want: "refused"},
		{name: "chunked twice", rest: "Transfer-Encoding: chunked\r\n" + chunked("0\r\n\r\n"+smuggled), want: "refused"},
		{name: "identity", rest: "Transfer-Encoding: identity\r\nContent-Length: 4\r\n\r\nabcd" + smuggled, want: "refused"},
		{name: "vertical tab", rest: "Content-Length: 4\r\nTransfer-Encoding: \x0bchunked\r\n\r\nabcd" + smuggled, want: "refused"},
		{name: "folded TE", rest: "Content-Length: 4\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + smuggled, want: "either"},
		{name: "fold at the start", rest: " folded\r\nContent-Length: 0\r\n" + end + smuggled, want: "refused"},
		{name: "NUL in a value", rest: "X: a\x00b\r\n\r\n" + smuggled, want: "refused"},
		{name: "NUL in a name", rest: "X\x00: a\r\n\r\n" + smuggled, want: "refused"},
		{name: "bare CR", rest: "X: a\rContent-Length: 40\r\n\r\n" + smuggled, want: "refused"},
		{name: "space before the colon", rest: "Content-Length : 40\r\n\r\n" + smuggled, want: "refused"},
		{name: "name alone", rest: "Content-Length\r\n\r\n" + smuggled, want: "refused"},
		{name: "two Hosts", rest: "Host: other.example\r\n\r\n" + smuggled, want: "refused"},
		{name: "bare LF", rest: "X: y\nContent-Length: 4\n" + "Connection: close\n\nabcd", want: "either"},
		{name: "chunk extensions", rest: chunked("4;a=b;c=\"d\"\r\nabcd\r\n0;e\r\n\r\n" + smuggled), want: "passes"},
		{name: "endless chunk extension", rest: chunked("4;" + strings.Repeat("x", 1<<20) + "\r\nabcd\r\n0\r\n\r\n" + smuggled), want: "either"},
		{name: "endless empty chunk lines", rest: chunked(strings.Repeat("1;xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\na\r\n", 40_000) + "0\r\n\r\n" + smuggled), want: "either"},
		{name: "chunk size of 17 digits", rest: chunked("11111111111111111\r\nabcd\r\n0\r\n\r\n" + smuggled), want: "either"},
		{name: "huge chunk size", rest: chunked("7fffffffffffffff\r\nabcd"), want: "either", half: true},
		{name: "chunk size with a sign", rest: chunked("+4\r\nabcd\r\n0\r\n\r\n" + smuggled), want: "either"},
		{name: "chunk size as 0x4", rest: chunked("0x4\r\nabcd\r\n0\r\n\r\n" + smuggled), want: "either"},
		{name: "chunk longer than said", rest: chunked("2\r\nabcd\r\n0\r\n\r\n" + smuggled), want: "either"},
		{name: "trailer with a length", rest: chunked("4\r\nabcd\r\n0\r\nContent-Length: 40\r\n\r\n" + smuggled), want: "either"},
		{name: "HTTP/1.0 with TE and CL", want: "either", old: true,
			rest: "Connection: keep-alive\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled},
		{name: "HTTP/1.0 with TE", want: "either", old: true,
			rest: "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + smuggled},
	}
}

var requestLine = regexp.MustCompile(`(?m)^[A-Z]+ \S+ HTTP/1\.[01]\r?$`)

// judgeSmuggle says what is wrong with what the site saw of one request.
func judgeSmuggle(got []string) error {
	n := 0
	for _, b := range got {
		n += len(requestLine.FindAllString(b, -1))
		head, _, _ := strings.Cut(b, "\r\n\r\n")
		lower := strings.ToLower(head)
		if strings.Contains(lower, "\r\ncontent-length:") && strings.Contains(lower, "\r\ntransfer-encoding:") {
			return fmt.Errorf("the site got both TE and CL: %.200q", b)
		}
		if strings.Count(lower, "\r\ncontent-length:") > 1 || strings.Count(lower, "\r\nhost:") > 1 {
			return fmt.Errorf("the site got a field twice: %.200q", b)
		}
		if strings.Contains(b, "/b") || strings.ContainsAny(head, "\x00\x0b") || strings.Contains(lower, "other.example") {
			return fmt.Errorf("the site got %.200q", b)
		}
	}
	if n > 1 {
		return fmt.Errorf("the site saw %d requests: %.200q", n, got)
	}
	return nil
}

// outcome is what came of one case.
type outcome struct {
	smuggle
	way, path string
	list      []int
	ended     bool
}

func (c outcome) String() string { return c.way + ", " + c.name }

func (c outcome) judge(t *testing.T, got []string) {
	if !c.ended {
		t.Errorf("%s: the connection goes on after %d", c, c.list)
	}
	if len(c.list) > 1 {
		t.Errorf("%s: answers %d, want one", c, c.list)
	}
	if err := judgeSmuggle(got); err != nil {
		t.Errorf("%s: %v", c, err)
	}
	passed := len(c.list) == 1 && c.list[0] == 200
	if c.want == "passes" && !passed || c.want == "refused" && (passed || got != nil) {
		t.Errorf("%s: answers %d, the site saw %.100q; want it %s", c, c.list, got, c.want)
	}
}

func (r *rig) smuggleIn(tt smuggle, way, path string) outcome {
	c, target := raw(r.t, r.addr), "http://site.example"+path
	if way == "intercepted" {
		c, _ = tunnelTo(r.t, r.addr, "site.example:443")
		c, target = tls.Client(c, &tls.Config{ServerName: "site.example", RootCAs: r.ca}), path
	}
	version := "HTTP/1.1"
	if tt.old {
		version = "HTTP/1.0"
	}
	list, ended := answers(c, "POST "+target+" "+version+"\r\nHost: site.example\r\n"+tt.rest, tt.half)
	return outcome{tt, way, path, list, ended}
}

func TestHostileSmuggling(t *testing.T) {
	t.Parallel()
	r := ourRig(t, rigOptions{})
	o := r.rawSite("site.example")
	var all []outcome
	for _, way := range []string{"plain", "intercepted"} {
		for i, tt := range smuggles() {
			all = append(all, r.smuggleIn(tt, way, fmt.Sprintf("/%s%d/", way, i)))
		}
	}
	r.quit() // so that nothing is on its way any more
	o.wait()
	seen := o.take()
	for _, c := range all {
		var mine []string
		seen = slices.DeleteFunc(seen, func(b string) bool {
			if strings.HasPrefix(b, "POST "+c.path+" ") {
				mine = append(mine, b)
				return true
			}
			return false
		})
		c.judge(t, mine)
	}
	for _, b := range seen {
		if b != "" { // a connection that was made for nothing
			t.Errorf("the site saw what nobody asked for: %.200q", b)
		}
	}
}

// TestHostileAbsoluteForm: the target decides, not what Host says beside it
// (RFC 9112 §3.2.2).
func TestHostileAbsoluteForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	o := w.rawSite("site.example")
	other := w.rawSite("other.example")
	list, _ := answers(raw(t, w.serve(Always)), "GET http://site.example/a HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n", false)
	got := o.take()
	if len(list) != 1 || list[0] != 200 || len(got) != 1 || !strings.Contains(got[0], "\r\nHost: site.example\r\n") || judgeSmuggle(got) != nil {
		t.Errorf("answers %d, the site saw %q", list, got)
	}
	if got := other.take(); got != nil {
		t.Errorf("the other site saw %q", got)
	}
}

func TestHostileConnects(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	o := w.rawSite("site.example")
	addr := w.serve(Always)
	for _, target := range []string{
		"user@site.example:443", "user:pass@site.example:443", "site.example:443/", "site.example:443/path", "site.example:443?q",
		"site.example:443#f", "site.example", "site.example:", "site.example:0", "site.example:65536", "site.example:99999999999",
		"site.example:-1", "site.example:+443", "site.example:0x1bb", "site.example:https", ":443", "[site.example]:443",
		"site.example:443:443", "http://site.example:443", "site..example:443", "site.example%00:443", "/", "*", strings.Repeat("a", 400) + ":443",
	} {
		list, _ := answers(raw(t, addr), "CONNECT "+target+" HTTP/1.1\r\nHost: site.example:443\r\nConnection: close\r\n\r\n", false)
		if len(list) != 1 || list[0] != 400 {
			t.Errorf("CONNECT %.60s: %d, want 400", target, list)
		}
	}
	c, _ := tunnelTo(t, addr, "site.example:443")
	tc := tls.Client(c, &tls.Config{ServerName: "site.example", RootCAs: w.ca})
	if list, _ := answers(tc, "CONNECT site.example:443 HTTP/1.1\r\nHost: site.example:443\r\nConnection: close\r\n\r\n", false); len(list) != 1 || list[0] != 405 {
		t.Errorf("CONNECT inside a tunnel: %d, want 405", list)
	}
	if got := o.take(); got != nil {
		t.Errorf("the site saw %q", got)
	}
}
