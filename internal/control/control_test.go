package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/memory"
)

// serve runs a server in a fresh directory until the test ends.
func serve(t *testing.T, s Service) (dir string, stop func()) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "d")
	ln, err := Listen(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- (&Server{Service: s}).Serve(ctx, ln) }()
	stop = sync.OnceFunc(func() { // whoever calls it again waits for the first
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve = %v", err)
		}
		_ = ln.Close()
	})
	t.Cleanup(stop)
	return dir, stop
}

func event(host string) ledger.Event {
	return ledger.Event{Schema: 1, Door: "proxy", Count: 1, Request: ledger.Request{Host: host},
		Verdict: detect.Verdict{Action: detect.Block, Reply: detect.ReplyGIF, Sentence: "a told b"}}
}

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	var gotQuery Query
	var gotErase Erase
	reloaded, reset := 0, 0
	dir, _ := serve(t, Service{
		Status: func() Status {
			return Status{Kind: "serve", PID: 42, Mode: "block", Listeners: []Listener{{"proxy", "127.0.0.1:1"}}}
		},
		Events: func(_ context.Context, q Query, yield func(ledger.Event) error) error {
			gotQuery = q
			return errors.Join(yield(event("a.example")), yield(event("b.example")))
		},
		Erase:       func(_ context.Context, e Erase) (int64, error) { gotErase = e; return 7, nil },
		Allows:      func() []memory.Allow { return []memory.Allow{{ID: 3, Override: detect.Override{To: "a.example"}}} },
		Allow:       func(r AllowRequest) (memory.Allow, error) { return memory.Allow{ID: 4, Override: r.Override}, nil },
		RemoveAllow: func(r RemoveRequest) (int, error) { return int(r.ID), nil },
		Reload:      func(context.Context) error { reloaded++; return nil },
		ResetTrust:  func() error { reset++; return nil },
		Doctor:      func(context.Context) []Check { return []Check{{Name: "x", State: "ok"}} },
	})
	c, ctx := NewClient(dir), t.Context()
	st, err := c.Status(ctx)
	if want := (Status{Schema: 1, Kind: "serve", PID: 42, Mode: "block", Listeners: []Listener{{"proxy", "127.0.0.1:1"}}}); err != nil || !cmp.Equal(st, want) {
		t.Errorf("Status = %v\n%s", err, cmp.Diff(want, st))
	}
	var hosts []string
	q := Query{Since: since, Company: "Meta Platforms", Site: "shop.example", Limit: 5}
	err = c.Events(ctx, q, func(e ledger.Event) error {
		if diff := cmp.Diff(event(e.Request.Host), e); diff != "" {
			t.Error(diff)
		}
		hosts = append(hosts, e.Request.Host)
		return nil
	})
	if err != nil || !cmp.Equal(hosts, []string{"a.example", "b.example"}) || !cmp.Equal(gotQuery, q) {
		t.Errorf("Events = %v, hosts %v, query %+v", err, hosts, gotQuery)
	}
	if n, err := c.Erase(ctx, Erase{Site: "x.example"}); n != 7 || err != nil || gotErase.Site != "x.example" {
		t.Errorf("Erase = %d, %v, asked %+v", n, err, gotErase)
	}
	if l, err := c.Allows(ctx); err != nil || len(l) != 1 || l[0].To != "a.example" {
		t.Errorf("Allows = %+v, %v", l, err)
	}
	if a, err := c.Allow(ctx, AllowRequest{Override: detect.Override{On: "p.example"}, Seconds: 60}); err != nil || a.On != "p.example" || a.ID != 4 {
		t.Errorf("Allow = %+v, %v", a, err)
	}
	if n, err := c.RemoveAllow(ctx, RemoveRequest{ID: 9}); n != 9 || err != nil {
		t.Errorf("RemoveAllow = %d, %v", n, err)
	}
	if err := errors.Join(c.Reload(ctx), c.ResetTrust(ctx)); err != nil || reloaded != 1 || reset != 1 {
		t.Errorf("Reload and ResetTrust = %v, called %d and %d times", err, reloaded, reset)
	}
	if d, err := c.Doctor(ctx); err != nil || len(d) != 1 {
		t.Errorf("Doctor = %v, %v", d, err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	dir, _ := serve(t, Service{
		Erase:       func(context.Context, Erase) (int64, error) { return 0, errors.New("disk on fire") },
		Allow:       func(AllowRequest) (memory.Allow, error) { return memory.Allow{}, errors.New("no such host") },
		RemoveAllow: func(RemoveRequest) (int, error) { return 0, fmt.Errorf("%w: 9", memory.ErrNoAllow) },
		Events: func(_ context.Context, _ Query, yield func(ledger.Event) error) error {
			_ = yield(event("a.example"))
			return errors.New("breaks in the middle")
		},
	})
	do := func(method, path, typ, body string) (int, string) {
		t.Helper()
		req, _ := http.NewRequest(method, "http://quench"+path, strings.NewReader(body))
		req.Header.Set("Content-Type", typ)
		resp, err := NewClient(dir).http.Do(req)
		if err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b)
	}
	const j = "application/json"
	for _, tt := range []struct {
		method, path, typ, body string
		status                  int
		want                    string
	}{
		{"GET", "/v1/nothing", j, "", 404, "no GET /v1/nothing"},
		{"GET", "/v1/status", j, "", 501, "cannot do that"},
		{"POST", "/v1/browse", j, "{}", 501, "cannot do that"},
		{"GET", "/v1/events?sinze=1", j, "", 400, `did you mean \"since\"?`},
		{"GET", "/v1/events?since=yesterday", j, "", 400, "RFC 3339"},
		{"GET", "/v1/events?limit=-1", j, "", 400, "limit"},
		{"GET", "/v1/events?limit=1&limit=2", j, "", 400, "given 2 times"},
		{"GET", "/v1/events?site=" + strings.Repeat("a", maxName+1), j, "", 400, "longer than"},
		{"POST", "/v1/events/erase", "text/plain", "{}", 415, "application/json"},
		{"POST", "/v1/events/erase", j, "{}", 400, "say what to erase"},
		{"POST", "/v1/events/erase", j, `{"al":true}`, 400, "unknown field"},
		{"POST", "/v1/events/erase", j, `{"all":true,"site":"x"}`, 400, "all stands alone"},
		{"POST", "/v1/events/erase", j, `{"all":true}`, 500, "disk on fire"},
		{"POST", "/v1/events/erase", j, `{"all":true}{}`, 400, "more than one value"},
		{"POST", "/v1/events/erase", j, `{"site":"` + strings.Repeat("a", maxBody) + `"}`, 413, "too large"},
		{"POST", "/v1/events/erase", j, `{"all":true}` + strings.Repeat(" ", maxBody), 413, "too large"},
		{"POST", "/v1/allows", j, `{"to":"x.example","seconds":-1}`, 400, "seconds"},
		{"POST", "/v1/allows", j, `{"to":"x.example"}`, 400, "no such host"},
		{"DELETE", "/v1/allows", j, `{"id":9}`, 404, "no such allow"},
		{"DELETE", "/v1/allows", j, `{"id":9,"to":"x"}`, 400, "by its id"},
		{"DELETE", "/v1/allows", j, `{}`, 400, "by its id"},
		{"GET", "/v1/allows?" + strings.Repeat("a", maxHeader*2), j, "", 431, ""},
	} {
		status, body := do(tt.method, tt.path, tt.typ, tt.body)
		if status != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%s %.60s %.60s = %d %s, want %d and %q", tt.method, tt.path, tt.body, status, body, tt.status, tt.want)
		}
		var e errorJSON
		if err := json.Unmarshal([]byte(body), &e); tt.want != "" && (err != nil || e.Schema != 1 || e.Error == "") {
			t.Errorf("%s %.60s: the error is %s", tt.method, tt.path, body)
		}
	}
	n := 0
	err := NewClient(dir).Events(t.Context(), Query{}, func(ledger.Event) error { n++; return nil })
	if err == nil {
		t.Errorf("a stream that broke off after %d events looks complete", n)
	}
	var api *APIError
	if _, err := NewClient(dir).Status(t.Context()); !errors.As(err, &api) || api.Status != 501 {
		t.Errorf("Status = %v, want an APIError", err)
	}
}

func TestFollowEndsWithEither(t *testing.T) {
	t.Parallel()
	left := make(chan struct{}, 2)
	dir, stop := serve(t, Service{Follow: func(ctx context.Context, _ Query, yield func(ledger.Event) error) error {
		defer func() { left <- struct{}{} }()
		if err := yield(event("a.example")); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	}})
	ctx, cancel := context.WithCancel(t.Context())
	err := NewClient(dir).Follow(ctx, Query{}, func(ledger.Event) error { cancel(); return nil })
	if err != nil {
		t.Errorf("Follow ended by the client = %v", err)
	}
	<-left
	err = NewClient(dir).Follow(t.Context(), Query{}, func(ledger.Event) error { go stop(); return nil })
	if err != nil {
		t.Errorf("Follow ended by the service = %v", err)
	}
	<-left
	stop()
}

func TestBrowseLease(t *testing.T) {
	t.Parallel()
	released := make(chan bool, 2)
	dir, stop := serve(t, Service{Browse: func(_ context.Context, r BrowseRequest) (string, func(), error) {
		return "127.0.0.1:1234", func() { released <- r.NoRecord }, nil
	}})
	l, err := NewClient(dir).Browse(t.Context(), BrowseRequest{NoRecord: true})
	if err != nil || l.Address != "127.0.0.1:1234" {
		t.Fatalf("Browse = %+v, %v", l, err)
	}
	select {
	case <-released:
		t.Fatal("released while the caller was there")
	default:
	}
	l.Release()
	if !<-released {
		t.Error("no_record did not arrive")
	}
	l, err = NewClient(dir).Browse(t.Context(), BrowseRequest{})
	if err != nil {
		t.Fatal(err)
	}
	stop()
	<-l.Lost
	<-released
	l.Release()
}

func TestListenRefusesASecond(t *testing.T) {
	t.Parallel()
	dir, _ := serve(t, Service{Status: func() Status { return Status{Kind: "serve", PID: 42} }})
	_, err := Listen(t.Context(), dir, nil)
	var running *RunningError
	if !errors.As(err, &running) || running.PID != 42 || !strings.Contains(err.Error(), "quench serve (process 42) is already running") {
		t.Errorf("Listen = %v, want process 42 named", err)
	}
}

func TestListenBesideAServiceThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "d")
	ln, err := Listen(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close() // nobody accepts
	_, err = Listen(t.Context(), dir, nil)
	var running *RunningError
	if !errors.As(err, &running) || running.PID != os.Getpid() {
		t.Errorf("Listen = %v, want process %d named", err, os.Getpid())
	}
}

func TestListenReplacesAStaleSocket(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "d")
	if err := PrivateDir(dir); err != nil {
		t.Fatal(err)
	}
	old, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, SocketName)})
	if err != nil {
		t.Fatal(err)
	}
	old.SetUnlinkOnClose(false) // as after kill -9
	old.Close()
	if _, err := NewClient(dir).Status(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("Status on a stale socket = %v, want ErrNotRunning", err)
	}
	ln, err := Listen(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, SocketName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v, %v; want mode 0600", info, err)
	}
	if err := errors.Join(ln.Close(), ln.Close()); err != nil {
		t.Errorf("Close = %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, SocketName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

func TestListenRefusals(t *testing.T) {
	t.Parallel()
	open := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(open, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, dir, want string }{
		{"others can enter", open, "chmod 700 " + open},
		{"a file", file, "directory"},
		{"long", filepath.Join(t.TempDir(), strings.Repeat("d", maxSocketPath)), "choose another --data-dir"},
	} {
		ln, err := Listen(t.Context(), tt.dir, nil)
		if err == nil {
			ln.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Listen = %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestNoService(t *testing.T) {
	t.Parallel()
	c := NewClient(filepath.Join(t.TempDir(), "none"))
	_, err := c.Status(t.Context())
	_, berr := c.Browse(t.Context(), BrowseRequest{})
	if !errors.Is(err, ErrNotRunning) || !errors.Is(berr, ErrNotRunning) {
		t.Errorf("Status = %v, Browse = %v; want ErrNotRunning", err, berr)
	}
}

func FuzzParseQuery(f *testing.F) {
	f.Add("since=2026-01-01T00:00:00Z&company=a&site=b&limit=3")
	f.Add("limit=99999999999999999999")
	f.Fuzz(func(t *testing.T, raw string) {
		v, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		q, err := ParseQuery(v)
		if err != nil {
			return
		}
		if again, err := ParseQuery(q.Values()); err != nil || !again.Since.Equal(q.Since) || again.Limit != q.Limit || again.Company != q.Company {
			t.Errorf("%q: %+v became %+v, %v", raw, q, again, err)
		}
	})
}

func FuzzRequests(f *testing.F) {
	for _, path := range []string{"/v1/events/erase", "/v1/allows", "/v1/browse"} {
		f.Add(path, []byte(`{"all":true}`))
		f.Add(path, []byte(`{"to":"a.example","seconds":1}`))
	}
	h := (&Server{Service: Service{
		Erase: func(_ context.Context, e Erase) (int64, error) {
			if err := e.check(); err != nil {
				panic(err)
			}
			return 1, nil
		},
		Allow:       func(r AllowRequest) (memory.Allow, error) { return memory.Allow{Override: r.Override}, nil },
		RemoveAllow: func(RemoveRequest) (int, error) { return 1, nil },
	}}).routes()
	f.Fuzz(func(t *testing.T, path string, body []byte) {
		u, err := url.Parse("http://quench/v1/" + strings.TrimPrefix(path, "/v1/"))
		if err != nil {
			return
		}
		for _, method := range []string{"POST", "DELETE"} {
			r := httptest.NewRequest(method, "http://quench/", bytes.NewReader(body))
			r.URL = u
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if loc := w.Header().Get("Location"); loc == "" && !json.Valid(w.Body.Bytes()) && w.Code != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: %d, not JSON: %q", method, u, w.Code, w.Body)
			}
		}
	})
}
