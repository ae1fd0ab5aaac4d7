package e2e

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/cdp"
	"github.com/go-rod/rod/lib/proto"
)

// exchange is one request as Chromium told of it.
type exchange struct {
	started      time.Time
	kind         string
	method, url  string
	sent, got    map[string]string
	post         []byte
	status       int
	mime         string
	body         []byte
	wire, ended  bool
	id           proto.NetworkRequestID
	asked, ready bool // told of by requestWillBeSent; the body was fetched
}

// archive gathers what one tab of Chromium fetches, for a HAR.
type archive struct {
	page *rod.Page

	mu    sync.Mutex
	byID  map[proto.NetworkRequestID]*exchange
	order []*exchange
}

// recordTab connects to the Chromium whose files are below dir a second time and
// writes down what its first tab fetches.
func recordTab(t *testing.T, dir string) *archive {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	client, err := cdp.StartWithURL(ctx, devTools(t, dir), nil)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	browser := rod.New().Context(ctx).Client(client).NoDefaultDevice()
	var done sync.WaitGroup
	t.Cleanup(func() { cancel(); done.Wait() })
	if err := browser.Connect(); err != nil {
		t.Fatal(err)
	}
	pages, err := browser.Pages()
	if err != nil || len(pages) != 1 {
		t.Fatalf("%d tabs, %v", len(pages), err)
	}
	a := &archive{page: pages.First(), byID: map[proto.NetworkRequestID]*exchange{}}
	size := 1 << 20
	if err := (proto.NetworkEnable{MaxPostDataSize: &size}).Call(a.page); err != nil {
		t.Fatal(err)
	}
	done.Go(a.page.EachEvent(a.willBeSent, a.sentExtra, a.received, a.receivedExtra, a.finished, a.failed))
	return a
}

// devTools finds where Chromium says that its DevTools listen.
func devTools(t *testing.T, dir string) string {
	t.Helper()
	address := ""
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "DevToolsActivePort" {
			return nil // a profile changes while it is walked
		}
		if text, err := os.ReadFile(path); err == nil {
			port, where, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
			address = "ws://127.0.0.1:" + port + where
		}
		return fs.SkipAll
	})
	if address == "" {
		t.Fatal("the browser has not said where its DevTools listen")
	}
	return address
}

// of gives the exchange of an id, new if nothing was told of it before.
// The caller holds the lock.
func (a *archive) of(id proto.NetworkRequestID) *exchange {
	e := a.byID[id]
	if e == nil {
		e = &exchange{id: id, sent: map[string]string{}, got: map[string]string{}}
		a.byID[id] = e
		a.order = append(a.order, e)
	}
	return e
}

func (a *archive) willBeSent(m *proto.NetworkRequestWillBeSent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.of(m.RequestID)
	e.asked, e.started, e.kind = true, m.WallTime.Time(), strings.ToLower(string(m.Type))
	e.method, e.url, e.post = m.Request.Method, m.Request.URL, []byte(m.Request.PostData)
	fill(e.sent, m.Request.Headers)
}

func (a *archive) sentExtra(m *proto.NetworkRequestWillBeSentExtraInfo) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.of(m.RequestID)
	e.wire = true
	fill(e.sent, m.Headers)
}

func (a *archive) received(m *proto.NetworkResponseReceived) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.of(m.RequestID)
	e.status, e.mime = m.Response.Status, m.Response.MIMEType
	fill(e.got, m.Response.Headers)
}

func (a *archive) receivedExtra(m *proto.NetworkResponseReceivedExtraInfo) {
	a.mu.Lock()
	defer a.mu.Unlock()
	fill(a.of(m.RequestID).got, m.Headers)
}

func (a *archive) finished(m *proto.NetworkLoadingFinished) { a.end(m.RequestID) }
func (a *archive) failed(m *proto.NetworkLoadingFailed)     { a.end(m.RequestID) }

func (a *archive) end(id proto.NetworkRequestID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.of(id).ended = true
}

func fill(to map[string]string, from proto.NetworkHeaders) {
	for name, v := range from {
		to[strings.ToLower(name)] = v.Str()
	}
}

// overWire are the requests that went out of the browser.
func (a *archive) overWire() (list []*exchange, whole bool) {
	whole = true
	for _, e := range a.order {
		if e.asked && strings.HasPrefix(e.url, "http") {
			list, whole = append(list, e), whole && e.wire && e.ended
		}
	}
	return list, whole
}

// finish waits until count requests have gone out and ended, and fetches their
// answers' bodies, which the browser forgets when it leaves the page.
func (a *archive) finish(t *testing.T, count int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitTime)
	defer cancel()
	var list []*exchange
	await(t, ctx, fmt.Sprintf("%d requests to end", count), func() (ok bool) {
		a.mu.Lock()
		defer a.mu.Unlock()
		list, ok = a.overWire()
		return ok && len(list) >= count
	})
	for _, e := range list {
		if e.ready {
			continue
		}
		e.ready = true
		r, err := proto.NetworkGetResponseBody{RequestID: e.id}.Call(a.page.Context(ctx))
		if err != nil {
			continue // a beacon's answer is not kept
		}
		e.body = []byte(r.Body)
		if r.Base64Encoded {
			if e.body, err = base64.StdEncoding.DecodeString(r.Body); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// write gives the HAR as browsers write it.
func (a *archive) write(t *testing.T) (file string, count int) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	type object = map[string]any
	list, _ := a.overWire()
	var entries []object
	for _, e := range list {
		request := object{"method": e.method, "url": e.url, "httpVersion": "HTTP/2", "headers": pairs(e.sent), "bodySize": len(e.post)}
		if len(e.post) > 0 {
			request["postData"] = object{"mimeType": e.sent["content-type"], "text": string(e.post)}
		}
		content := object{"size": len(e.body), "mimeType": e.mime}
		if len(e.body) > 0 {
			content["encoding"], content["text"] = "base64", base64.StdEncoding.EncodeToString(e.body)
		}
		entries = append(entries, object{
			"startedDateTime": e.started.UTC().Format(time.RFC3339Nano), "_resourceType": e.kind, "request": request,
			"response": object{"status": e.status, "httpVersion": "HTTP/2", "headers": pairs(e.got), "content": content, "redirectURL": e.got["location"]},
		})
	}
	doc, err := json.Marshal(object{"log": object{"version": "1.2", "creator": object{"name": "test", "version": "1"}, "entries": entries}})
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "session.har")
	if err := os.WriteFile(file, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	return file, len(entries)
}

func pairs(h map[string]string) []map[string]string {
	out := []map[string]string{}
	for name, values := range h {
		for v := range strings.SplitSeq(values, "\n") { // how DevTools joins fields of one name
			out = append(out, map[string]string{"name": name, "value": v})
		}
	}
	return out
}
