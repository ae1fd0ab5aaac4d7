package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
	scanjudge "github.com/quench-proxy/quench/internal/scan/judge"
)

type harPair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// harFinding is what the tests read of a finding.
type harFinding struct {
	Action   detect.Action
	Ladder   scanjudge.Ladder
	Vector   string
	Told     bool
	Sentence string
	Request  scanjudge.Request
	Tracker  *detect.Tracker
}

// harEntry is an entry as browsers write it.
func harEntry(method, url string, h map[string][]string, body []byte, response map[string]any) map[string]any {
	headers := []harPair{}
	for name, values := range h {
		for _, v := range values {
			headers = append(headers, harPair{name, v})
		}
	}
	req := map[string]any{"method": method, "url": url, "headers": headers}
	if len(body) > 0 {
		req["postData"] = map[string]any{"mimeType": strings.Join(h["Content-Type"], ""), "text": string(body)}
	}
	return map[string]any{"startedDateTime": "2026-06-01T10:00:00.000Z", "request": req, "response": response}
}

// scanned scans an archive of these entries.
func scanned(t *testing.T, entries []map[string]any, args ...string) []harFinding {
	t.Helper()
	doc, err := json.Marshal(map[string]any{"log": map[string]any{"version": "1.2", "entries": entries}})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "session.har")
	if err := os.WriteFile(name, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"HOME": t.TempDir()}
	var out, errs bytes.Buffer
	args = append([]string{"scan", "--json", "--fail-on", "never", name}, args...)
	if code := run(t.Context(), args, strings.NewReader(""), &out, &errs, func(k string) string { return env[k] }); code != exitDone {
		t.Fatalf("exit code %d, %s", code, errs.String())
	}
	var list []harFinding
	for line := range bytes.Lines(out.Bytes()) {
		var f harFinding
		if err := json.Unmarshal(line, &f); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if f.Vector != "" {
			list = append(list, f)
		}
	}
	return list
}

// TestArchiveGivesTheVectors puts the vectors that every door runs into an
// archive: a scan of it decides as the proxy does.
func TestArchiveGivesTheVectors(t *testing.T) {
	t.Parallel()
	f, err := os.Open("../../internal/detect/testdata/vectors.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	type want struct{ Action, Tracker string }
	var names []string
	var wants []want
	var entries []map[string]any
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var v struct {
			Name string
			In   json.RawMessage
			Want want
		}
		if err := json.Unmarshal(sc.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		in, err := parseInput(v.In)
		if err != nil {
			t.Fatal(err)
		}
		url, err := in.target()
		if err != nil {
			t.Fatal(err)
		}
		h, _, err := in.header()
		if err != nil {
			t.Fatal(err)
		}
		method := in.Method
		if method == "" {
			method = "GET"
		}
		if !bytes.Equal(in.body, []byte(strings.ToValidUTF8(string(in.body), ""))) {
			continue // an archive holds a request's body as text
		}
		names, wants = append(names, v.Name), append(wants, v.Want)
		entries = append(entries, harEntry(method, url, h, in.body, map[string]any{"status": 0}))
	}
	list := scanned(t, entries)
	if len(list) != len(wants) || len(wants) < 30 {
		t.Fatalf("%d findings for %d vectors", len(list), len(wants))
	}
	for i := range list {
		got := want{Action: list[i].Action.String()}
		if list[i].Tracker != nil && wants[i].Tracker != "" {
			got.Tracker = list[i].Tracker.ID
		}
		if got != wants[i] {
			t.Errorf("%s: %+v, want %+v", names[i], got, wants[i])
		}
		if list[i].Sentence == "" || list[i].Vector != "V180" {
			t.Errorf("%s: vector %s, sentence %q", names[i], list[i].Vector, list[i].Sentence)
		}
	}
}

// TestArchive judges by answers too: an unknown pixel shows only there. The
// reader's address counts in what goes to others, the Referer included.
func TestArchive(t *testing.T) {
	t.Parallel()
	pixel, err := base64.StdEncoding.DecodeString("R0lGODlhAQABAIAAAP///wAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")
	if err != nil {
		t.Fatal(err)
	}
	image := map[string]any{"status": 200, "headers": []harPair{{"Content-Type", "image/gif"}, {"Set-Cookie", "uid=8f3a9c77b1d24e55; Max-Age=99999999"}, {"Content-Encoding", "gzip"}},
		"content": map[string]any{"mimeType": "image/gif", "size": len(pixel), "encoding": "base64", "text": base64.StdEncoding.EncodeToString(pixel)}}
	page := map[string][]string{"Referer": {"https://news.example/a"}, "Sec-Fetch-Dest": {"image"}, "Sec-Fetch-Site": {"cross-site"}}
	mine := map[string][]string{"Referer": {"https://news.example/a?u=ann@home.example"}, "Sec-Fetch-Dest": {"image"}, "Sec-Fetch-Site": {"cross-site"}}
	own := map[string][]string{"Referer": {"https://news.example/a"}, "Sec-Fetch-Dest": {"image"}, "Sec-Fetch-Site": {"same-origin"}}
	list := scanned(t, []map[string]any{
		harEntry("GET", "https://gif.stats.example/o/p?uid=8f3a9c77b1d24e55", page, nil, image),
		harEntry("GET", "https://cdn.example/logo.gif", page, nil, map[string]any{"status": 200}),
		harEntry("GET", "https://cdn.example/a.gif?m=ann%40home.example", page, nil, map[string]any{"status": 200}),
		harEntry("GET", "https://cdn.example/b.gif", mine, nil, map[string]any{"status": 200}),
		harEntry("GET", "https://news.example/me?m=ann%40home.example", own, nil, map[string]any{"status": 200}),
		harEntry("GET", "https://not a url/%zz", page, nil, map[string]any{"status": 200}),
	}, "--me", "ann@home.example")
	var got []string
	for _, f := range list {
		got = append(got, f.Action.String()+" "+f.Ladder.String())
	}
	want := "strip likely, allow ordinary, allow proven, allow proven, allow ordinary, allow ordinary"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	if f := list[0]; !f.Told || !strings.Contains(f.Sentence, "has told") || f.Request.Page == "" {
		t.Errorf("the pixel: told %v, page %q, %q", f.Told, f.Request.Page, f.Sentence)
	}
}

// TestScanPage: the page of an archive needs no script and holds no link.
func TestScanPage(t *testing.T) {
	t.Parallel()
	doc := `{"log":{"entries":[{"startedDateTime":"2026-06-01T10:00:00Z","request":{"method":"GET","url":"https://www.facebook.com/tr?id=1&ev=<script>alert(1)</script>","headers":[{"name":"Referer","value":"https://shop.example/"}]},"response":{"status":200}}]}}`
	env := map[string]string{"HOME": t.TempDir()}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"scan", "--html", "--fail-on", "vendor", "-"}, strings.NewReader(doc), &out, io.Discard, func(k string) string { return env[k] }); code != exitFound {
		t.Fatalf("exit code %d, want %d", code, exitFound)
	}
	for _, bad := range []string{"<script", "<a ", "href=", "src="} {
		if strings.Contains(out.String(), bad) {
			t.Errorf("%q in the page:\n%s", bad, out.String())
		}
	}
	if !strings.Contains(out.String(), "Meta Pixel") {
		t.Errorf("no tracker in the page:\n%s", out.String())
	}
}
