package e2e

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/proxy"
)

// vector is a line of the file that every door runs; only In matters here, for
// the two doors are compared with each other.
type vector struct {
	Name string          `json:"name"`
	In   json.RawMessage `json:"in"`
}

type vectorInput struct {
	URL, Page, Type, Method, Body string
	Headers                       map[string]string
}

// outcome is what both doors must agree on.
type outcome struct {
	Action, Reply, Tracker, Activity, Sentence string
}

// TestCheckAndProxyAgree puts every line of the vector file through `quench
// check --jsonl` and, as a real request, through the intercepting proxy.
func TestCheckAndProxyAgree(t *testing.T) {
	lines := readVectors(t)
	checked := runCheck(t, lines)
	if len(checked) != len(lines) {
		t.Fatalf("check gave %d lines for %d", len(checked), len(lines))
	}
	w := newWorld(t, newFakenet(t), proxy.Always)
	client := w.client(t)
	for i, v := range lines {
		t.Run(v.Name, func(t *testing.T) {
			var in vectorInput
			if err := json.Unmarshal(v.In, &in); err != nil {
				t.Fatal(err)
			}
			before := len(w.events.list())
			send(t, client, in)
			w.settle(t)
			got := outcome{Action: "allow"}
			for _, e := range w.events.list()[before:] {
				if e.Request.Host != "mark.invalid" {
					got = outcomeOf(e)
					break
				}
			}
			want := checked[i]
			if want.Tracker == "" && want.Action == "allow" {
				want = outcome{Action: "allow"}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("check (-) and the proxy (+) differ:\n%s", d)
			}
		})
	}
}

func readVectors(t *testing.T) []vector {
	t.Helper()
	f, err := os.Open("../detect/testdata/vectors.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []vector
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var v vector
		if err := json.Unmarshal(sc.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	if len(out) < 40 {
		t.Fatalf("only %d vectors", len(out))
	}
	return out
}

func runCheck(t *testing.T, lines []vector) []outcome {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "quench")
	if out, err := exec.Command("go", "build", "-o", bin, "../../cmd/quench").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	var in bytes.Buffer
	for _, v := range lines {
		in.Write(v.In)
		in.WriteByte('\n')
	}
	cmd := exec.Command(bin, "check", "--jsonl", "--data-dir", t.TempDir())
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []outcome
	for line := range strings.Lines(string(out)) {
		var e ledger.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		all = append(all, outcomeOf(e))
	}
	return all
}

func outcomeOf(e ledger.Event) outcome {
	o := outcome{Action: e.Action.String(), Reply: e.Reply.String(), Sentence: e.Sentence}
	if e.Tracker != nil {
		o.Tracker = e.Tracker.ID
	}
	if e.Activity != nil {
		o.Activity = e.Activity.Name
	}
	return o
}

// client speaks h1 through the proxy and trusts its CA, and the sites' own for
// what is never intercepted.
func (w *world) client(t *testing.T) *http.Client {
	pool := w.Net.Roots.Clone()
	pool.AppendCertsFromPEM(w.CA.PEM())
	tr := &http.Transport{
		Proxy:           http.ProxyURL(&url.URL{Scheme: "http", Host: w.Addr}),
		TLSClientConfig: &tls.Config{RootCAs: pool},
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: waitTime, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}

// dests are what a browser says of each type of request.
var dests = map[string][2]string{ // Sec-Fetch-Dest, Sec-Fetch-Mode
	"document": {"document", "navigate"}, "image": {"image", "no-cors"}, "script": {"script", "no-cors"},
	"ping": {"empty", "no-cors"}, "xmlhttprequest": {"empty", "cors"},
}

func send(t *testing.T, c *http.Client, in vectorInput) {
	t.Helper()
	method := in.Method
	if method == "" {
		method = http.MethodGet
	}
	scheme, rest, _ := strings.Cut(in.URL, "://")
	host, path, _ := strings.Cut(rest, "/")
	req, err := http.NewRequest(method, scheme+"://"+host+"/", strings.NewReader(in.Body))
	if err != nil {
		t.Fatal(err)
	}
	req.URL.Opaque = "//" + host + "/" + path // as written: not all of them parse
	for k, v := range in.Headers {
		req.Header.Set(k, v)
	}
	if in.Page != "" {
		req.Header.Set("Referer", in.Page)
	}
	if d, ok := dests[in.Type]; ok {
		req.Header.Set("Sec-Fetch-Dest", d[0])
		req.Header.Set("Sec-Fetch-Mode", d[1])
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
}
