package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/proxy/filter"
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
		harEntry("POST", "https://cdn.example/beacon", page, []byte(`{"v":1,"email":"ann@home.example"}`), map[string]any{"status": 200}),
	}, "--me", "ann@home.example")
	var got []string
	for _, f := range list {
		got = append(got, f.Action.String()+" "+f.Ladder.String())
	}
	want := "strip likely, allow ordinary, allow proven, allow proven, allow ordinary, allow ordinary, observe proven"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	for i, want := range map[int]string{2: " It carried your e-mail address (percent-encoded, in “m”).", 3: " It carried your e-mail address (in clear, in “Referer u”).",
		6: " It carried your e-mail address (in clear, in the body)."} {
		if !strings.HasSuffix(list[i].Sentence, want) {
			t.Errorf("entry %d says %q, want at its end %q", i, list[i].Sentence, want)
		}
	}
	if f := list[0]; !f.Told || !strings.Contains(f.Sentence, "has told") || f.Request.Page == "" {
		t.Errorf("the pixel: told %v, page %q, %q", f.Told, f.Request.Page, f.Sentence)
	}
}

// spacer is an unknown pixel that sets a cookie.
func spacer(t *testing.T) map[string]any {
	t.Helper()
	return map[string]any{"status": 200, "headers": []harPair{{"Content-Type", "image/gif"}, {"Set-Cookie", "uid=8f3a9c77b1d24e55; Max-Age=99999999"}},
		"content": map[string]any{"mimeType": "image/gif", "size": 43, "encoding": "base64", "text": "R0lGODlhAQABAIAAAP///wAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw=="}}
}

// TestArchiveLearns: a pixel that proved to be one is blocked the next time, as
// the proxy does, but not what was on its way before the answer was there.
func TestArchiveLearns(t *testing.T) {
	t.Parallel()
	page := map[string][]string{"Referer": {"https://news.example/a"}, "Sec-Fetch-Dest": {"image"}, "Sec-Fetch-Site": {"cross-site"}}
	var entries []map[string]any
	for i, at := range []string{"10:00:00.000", "10:00:00.050", "10:00:00.200"} {
		e := harEntry("GET", "https://gif.stats.example/o/p?uid=8f3a9c77b1d24e55&cb="+string(rune('1'+i)), page, nil, spacer(t))
		e["startedDateTime"], e["time"] = "2026-06-01T"+at+"Z", 100.5
		entries = append(entries, e)
	}
	var got []string
	for _, f := range scanned(t, entries) {
		got = append(got, fmt.Sprint(f.Action, " ", f.Told))
	}
	if want := "strip true, strip true, block true"; strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
}

// TestArchiveStub: a report of a stand-in script, which the proxy answered, is
// what the page asked for and nothing that the vendor got. What only looks like
// one is not believed.
func TestArchiveStub(t *testing.T) {
	t.Parallel()
	const loader = "https://connect.facebook.net/en_US/fbevents.js"
	env := map[string]string{"HOME": t.TempDir()}
	a := &app{in: strings.NewReader(""), out: io.Discard, err: io.Discard, getenv: func(k string) string { return env[k] }}
	j, err := a.newJudge(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	header := map[string][]string{"Referer": {"https://shop.example/thanks"}, "Sec-Fetch-Dest": {"script"}, "Sec-Fetch-Site": {"cross-site"}}
	f := filter.Filter{Set: func() *engine.Set { return j.rules.set }}
	r, err := http.NewRequest("GET", loader, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header(header)
	_, answer, _ := f.Request(r, filter.Client{})
	if answer == nil {
		t.Fatal("the loader is not stood in for")
	}
	script, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(script), reportPath)
	if !ok || len(rest) < 32 {
		t.Fatalf("no %s in the stand-in", reportPath)
	}
	token, forged := rest[:32], strings.Repeat("A", 32)
	stub := map[string]any{"status": 200, "content": map[string]any{"mimeType": "text/javascript", "size": len(script), "text": string(script)}}
	empty := map[string]any{"status": 200, "content": map[string]any{"mimeType": "text/javascript"}}
	const query = "/1?id=123456789012345&ev=Purchase&cd%5Bvalue%5D=49.90&cd%5Bcurrency%5D=EUR&dl=https%3A%2F%2Fshop.example%2Fthanks"
	list := scanned(t, []map[string]any{
		harEntry("GET", "https://connect.facebook.net"+reportPath+token+query, header, nil, empty), // before its script
		harEntry("GET", loader, header, nil, stub),
		harEntry("GET", "https://connect.facebook.net"+reportPath+token+query, header, nil, empty),
		harEntry("GET", "https://connect.facebook.net"+reportPath+forged+query, header, nil, empty),
	})
	if len(list) != 4 {
		t.Fatalf("%d findings, want 4", len(list))
	}
	if f := list[0]; f.Ladder != scanjudge.Token || f.Tracker != nil || !strings.Contains(f.Sentence, "looks like a report of a script that Quench stood in for") {
		t.Errorf("without the script: %v %q", f.Ladder, f.Sentence)
	}
	if f := list[2]; f.Action != detect.Block || f.Tracker == nil || f.Tracker.ID != list[1].Tracker.ID || f.Request.URL != "https://connect.facebook.net" ||
		!strings.Contains(f.Sentence, "bought something for 49.90 EUR") || f.Told {
		t.Errorf("the report: %+v", f)
	}
	if f := list[3]; strings.Contains(f.Sentence, "49.90") || !strings.Contains(f.Request.URL, forged) {
		t.Errorf("the forged report: %+v", f)
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
