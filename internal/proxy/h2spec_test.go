package proxy

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/generic"
	"github.com/summerwind/h2spec/hpack"
	"github.com/summerwind/h2spec/http2"
	"github.com/summerwind/h2spec/spec"
)

// h2specPort makes TestH2specChild run against that port of loopback.
const h2specPort = "QUENCH_TEST_H2SPEC_PORT"

// h2Case is one case of h2spec that did not pass, or the count of all.
type h2Case struct {
	ID, Desc, Want, Got string
	Total, Passed       int
}

const h2Mark = "h2case "

// leftOfH2spec are the cases that do not pass, each with the reason.
var leftOfH2spec = map[string]string{
	"http2/6.5.3/1": "net/http ends a connection whose SETTINGS name a setting twice, before anything of ours sees the frame; no browser sends that",
	"http2/8.1.2.2/1": "net/http answers 400 before any handler is asked, and has no way to reset the stream with PROTOCOL_ERROR; nothing is forwarded. " +
		"golang.org/x/net/http2 does the same, and to know these fields in front of either every header would be decoded twice",
	"http2/8.1.2.2/2": "as 8.1.2.2/1",
}

// TestH2spec drives the server inside tunnels with h2spec, through CONNECT and
// our certificate.
func TestH2spec(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.site(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, strings.Repeat("content ", 32))
	}), "127.0.0.1")
	addr := w.serve(Always)
	port := frontOf(t, w, addr)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestH2specChild$", "-test.v")
	cmd.Env = append(os.Environ(), h2specPort+"="+strconv.Itoa(port))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("h2spec: %v\n%s", err, out)
	}
	total := h2Case{}
	for line := range strings.Lines(string(out)) {
		_, rest, ok := strings.Cut(line, h2Mark)
		if !ok {
			continue
		}
		var c h2Case
		if err := json.Unmarshal([]byte(rest), &c); err != nil {
			t.Fatal(err)
		}
		switch why, known := leftOfH2spec[c.ID]; {
		case c.Total > 0:
			total = c
		case known:
			t.Logf("left: %s %s: %s", c.ID, c.Desc, why)
		default:
			t.Errorf("%s %s\nwant %s\ngot  %s", c.ID, c.Desc, c.Want, c.Got)
		}
	}
	t.Logf("%d of %d passed", total.Passed, total.Total)
	if total.Total < 145 || total.Passed < total.Total-4 {
		t.Errorf("%d of %d, want all of at least 145 but four", total.Passed, total.Total)
	}
}

// frontOf listens where h2spec connects, and opens a tunnel for each of its
// connections to an address that leads to the world's site.
func frontOf(t *testing.T, w *world, proxy string) int {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	self := ln.Addr().String()
	w.mu.Lock()
	w.addrs[self] = w.addrs[netAddr(w, "127.0.0.1", 443)]
	w.mu.Unlock()
	kept := &keeper{Listener: ln}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := kept.Accept()
			if err != nil {
				return
			}
			go joinTunnel(c, proxy, self)
		}
	}()
	t.Cleanup(func() { ln.Close(); <-done; kept.closeAll() })
	return ln.Addr().(*net.TCPAddr).Port
}

// netAddr is the address of a host of the world; w.mu is held.
func netAddr(w *world, host string, port int) string {
	return net.JoinHostPort(w.names[host].Addrs[0].String(), strconv.Itoa(port))
}

func joinTunnel(c net.Conn, proxy, target string) {
	defer c.Close()
	far, err := net.Dial("tcp", proxy)
	if err != nil {
		return
	}
	fmt.Fprintf(far, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, target)
	br := bufio.NewReader(far)
	if resp, err := http.ReadResponse(br, &http.Request{Method: "CONNECT"}); err != nil || resp.StatusCode != 200 {
		far.Close()
		return
	}
	relay(c, &replayed{Conn: far, head: buffered(br)}, relayOptions{idle: time.Minute, farEnds: true})
}

// TestH2specChild is h2spec in a process of its own: it prints much, and ends
// the process when it cannot connect.
func TestH2specChild(t *testing.T) {
	port, err := strconv.Atoi(os.Getenv(h2specPort))
	if err != nil {
		t.Skip("runs as a child of TestH2spec")
	}
	c := &config.Config{Host: "127.0.0.1", Port: port, Path: "/", Timeout: 12 * time.Second, MaxHeaderLen: 4000, TLS: true, Insecure: true}
	total := h2Case{}
	for _, g := range []*spec.TestGroup{generic.Spec(), http2.Spec(), hpack.Spec()} {
		g.Test(c)
		total.Passed += g.PassedCount
		total.Total += g.PassedCount + g.FailedCount + g.SkippedCount
		tellH2(g)
	}
	printH2(total)
}

func printH2(c h2Case) {
	b, _ := json.Marshal(c)
	fmt.Printf("\n%s%s\n", h2Mark, b)
}

func tellH2(g *spec.TestGroup) {
	for i, tc := range g.Tests {
		if r := tc.Result; r != nil && (r.Failed || r.Skipped) {
			got := "nothing"
			if r.Skipped {
				got = "it was skipped"
			}
			if e, ok := r.Error.(*spec.TestError); ok {
				got = e.Actual
			}
			printH2(h2Case{ID: fmt.Sprintf("%s/%d", g.ID(), i+1), Desc: tc.Desc, Want: tc.Requirement, Got: got})
		}
	}
	for _, sub := range g.Groups {
		tellH2(sub)
	}
}
