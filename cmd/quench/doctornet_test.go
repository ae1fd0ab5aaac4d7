package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/control"
)

type fakeResolver func(ctx context.Context) ([]netip.Addr, error)

func (f fakeResolver) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	return f(ctx)
}

func TestExamineResolver(t *testing.T) {
	t.Parallel()
	deaf := make(chan struct{})
	t.Cleanup(func() { close(deaf) })
	silent, err := net.ListenPacket("udp", "127.0.0.1:0") // a name server that never answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	for _, tt := range []struct {
		name  string
		res   nameResolver
		state string
		says  string
	}{
		{"answers", fakeResolver(func(context.Context) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil
		}), ok, "answered in"},
		{"no such name", fakeResolver(func(context.Context) ([]netip.Addr, error) {
			return nil, &net.DNSError{IsNotFound: true}
		}), warn, "does not know example.com"},
		{"refuses", fakeResolver(func(context.Context) ([]netip.Addr, error) {
			return nil, &net.DNSError{Err: "server misbehaving", Server: "192.0.2.53:53"}
		}), fail, "answers with a failure"},
		{"cannot be asked", fakeResolver(func(context.Context) ([]netip.Addr, error) { return nil, errors.New("dial udp: refused") }), fail, "cannot be asked"},
		{"times out by itself", fakeResolver(func(context.Context) ([]netip.Addr, error) {
			return nil, &net.DNSError{IsTimeout: true}
		}), fail, "does not answer within"},
		{"heeds the time", fakeResolver(func(ctx context.Context) ([]netip.Addr, error) { <-ctx.Done(); return nil, ctx.Err() }), fail, "does not answer within"},
		{"heeds no time", fakeResolver(func(context.Context) ([]netip.Addr, error) { <-deaf; return nil, nil }), fail, "does not answer within"},
		{"a silent server", &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "udp", silent.LocalAddr().String())
		}}, fail, "does not answer within"},
	} {
		limit := 100 * time.Millisecond
		if tt.state != fail || strings.Contains(tt.says, "asked") || strings.Contains(tt.says, "failure") {
			limit = patience
		}
		r := &report{}
		examineResolver(t.Context(), r, tt.res, limit)
		if len(r.checks) != 1 || r.checks[0].State != tt.state || !strings.Contains(r.checks[0].Says, tt.says) {
			t.Errorf("%s: %+v, want %s %q", tt.name, r.checks, tt.state, tt.says)
		}
		if len(r.checks) == 1 && strings.Contains(r.checks[0].Says, "misbehaving") {
			t.Errorf("%s: Go's words: %q", tt.name, r.checks[0].Says)
		}
	}
}

func TestExamineListener(t *testing.T) {
	t.Parallel()
	a := testApp(t)
	s, err := a.openService(t.Context(), serviceOptions{kind: "serve", over: overrides{proxy: "127.0.0.1:0"}})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := s.listen("proxy", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.run(ctx, ln) }()
	l := control.Listener{Name: "proxy", Address: ln.Addr().String()}
	state := func() string {
		r := &report{}
		a.examineListener(t.Context(), r, l, defaultConfig())
		return r.checks[0].State
	}
	if got := state(); got != ok {
		t.Errorf("served: %s", got)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := state(); got != fail {
		t.Errorf("after its end: %s", got)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

func TestDialable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"0.0.0.0:8118": "127.0.0.1:8118", "[::]:8118": "[::1]:8118", "192.0.2.1:1": "192.0.2.1:1", "x": "x"} {
		if got := dialable(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestReach(t *testing.T) {
	t.Parallel()
	home, all := []string{"127.0.0.0/8", "::1/128"}, []string{"127.0.0.0/8", "0.0.0.0/0"}
	lan := append([]string{"192.168.1.0/24"}, home...)
	for _, tt := range []struct {
		listen string
		from   []string
		pass   string
		want   string // part of the error, "" for none
	}{
		{"127.0.0.1:8118", home, "", ""}, {"[::1]:8118", home, "", ""}, {"localhost:8118", nil, "", ""}, {"off", nil, "", ""},
		{"[::ffff:127.0.0.1]:1", home, "", ""}, {"127.0.0.1:8118", all, "", ""},
		{"0.0.0.0:8118", home, "", "lets nobody in"}, {":8118", nil, "", "lets nobody in"}, {"[::]:8118", home, "x", "lets nobody in"},
		{"192.168.1.5:8118", home, "", "lets nobody in"}, {"192.168.1.5:8118", lan, "", ""}, {":8118", []string{"192.168.1.7"}, "", ""},
		{":8118", all, "", "an open proxy"}, {":8118", []string{"::/0"}, "", "an open proxy"}, {":8118", all, "x", ""},
		{":8118", []string{"126.0.0.0/7"}, "", ""},
	} {
		err := checkReach(tt.listen, &proxyConfig{AllowFrom: tt.from, PasswordFile: tt.pass})
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s for %v, password %q: %v, want %q", tt.listen, tt.from, tt.pass, err, tt.want)
		}
	}
}
