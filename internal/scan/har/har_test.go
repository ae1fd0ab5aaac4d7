package har

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const sample = `{"x":[{"entries":[{}]}],"log":{"version":"1.2","creator":{"name":"a","v":["}"]},
"pages":[{"id":"p1","title":"https://shop.example/","pageTimings":{}}],
"entries":[
{"startedDateTime":"2026-11-22T10:00:00.5Z","pageref":"p1","_resourceType":"Image","_initiator":{"type":"script","url":"https://shop.example/a.js"},
 "request":{"method":"GET","url":"https://t.example/p?x=\"}","headers":[{"name":":method","value":"GET"},{"name":"referer","value":"https://shop.example/"}],"bodySize":0},
 "response":{"status":200,"headers":[{"name":"set-cookie","value":"a=1"},{"name":"Set-Cookie","value":"b=2"}],"redirectURL":"","content":{"size":43,"mimeType":"image/gif","text":"R0lGODlhAQABAAAAACw=","encoding":"base64"}}},
{"request":{"url":42},"response":{}},
{"request":{"method":"POST","url":"https://t.example/c","headers":[],"postData":{"mimeType":"application/x-www-form-urlencoded","params":[{"name":"a","value":"1 2"}]}},"response":{"status":"0","content":{}},"_webSocketMessages":[{}]}
]}}`

func TestRead(t *testing.T) {
	t.Parallel()
	var got []Entry
	var errs []string
	for e, err := range Read(strings.NewReader(sample)) {
		if err != nil {
			errs = append(errs, err.Error())
			continue
		}
		if sample[e.Offset] != '{' {
			t.Errorf("entry %d: offset %d holds %q", e.Index, e.Offset, sample[e.Offset])
		}
		e.Offset = 0
		got = append(got, *e)
	}
	want := []Entry{
		{Index: 0, Started: time.Date(2026, 11, 22, 10, 0, 0, 5e8, time.UTC), Page: "https://shop.example/", Type: "image", Initiator: "https://shop.example/a.js",
			Request:  Request{Method: "GET", URL: `https://t.example/p?x="}`, Header: http.Header{"Referer": {"https://shop.example/"}}},
			Response: Response{Status: 200, Header: http.Header{"Set-Cookie": {"a=1", "b=2"}}, Type: "image/gif", Start: []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00,"), Size: 43}},
		{Index: 2, WebSocket: true,
			Request:  Request{Method: "POST", URL: "https://t.example/c", Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: []byte("a=1+2"), Size: -1},
			Response: Response{Header: http.Header{}, Size: -1}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if len(errs) != 1 || !strings.HasPrefix(errs[0], "read HAR entry 1 at byte ") || !strings.HasSuffix(errs[0], `: entry with a number where none can be, in "request.url"`) {
		t.Errorf("errors %q, want one about entry 1", errs)
	}
}

func TestBroken(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]error{
		"": ErrNotHAR, "{}": ErrNotHAR, `{"log":{"pages":[]}}`: ErrNotHAR, `{"log":{"entries":[{"request":`: io.ErrUnexpectedEOF,
		`{"log":{"entries":[]`: io.ErrUnexpectedEOF, `{"log":{"entries":[]}}`: nil,
	} {
		var last error
		for _, err := range Read(strings.NewReader(src)) {
			last = err
		}
		if !errors.Is(last, want) {
			t.Errorf("%q: error %v, want %v", src, last, want)
		}
	}
	last := error(nil)
	for _, err := range Read(strings.NewReader(strings.Repeat("[", maxNesting+2))) {
		last = err
	}
	if last == nil || !strings.Contains(last.Error(), "nested") {
		t.Errorf("%d brackets: error %v", maxNesting+2, last)
	}
}

// TestBounds passes MaxEntry, MaxBody and MaxStart: the entries around are read.
func TestBounds(t *testing.T) {
	t.Parallel()
	entry := func(n int, body string) string {
		return fmt.Sprintf(`{"request":{"url":"https://h/%d","postData":{"text":%q}},"response":{"content":{"text":%q}}}`, n, body, body)
	}
	src := io.MultiReader(strings.NewReader(`{"log":{"entries":[`+entry(1, strings.Repeat("a", MaxBody+5))+`,{"x":"`),
		bytes.NewReader(bytes.Repeat([]byte("y"), MaxEntry+1)), strings.NewReader(`"},`+entry(3, "z")+`]}}`))
	var got []string
	for e, err := range Read(src) {
		if err != nil {
			if !errors.Is(err, ErrTooLong) {
				t.Errorf("error %v, want %v", err, ErrTooLong)
			}
			got = append(got, "long")
			continue
		}
		got = append(got, fmt.Sprint(e.Request.URL, len(e.Request.Body), len(e.Response.Start)))
	}
	want := []string{fmt.Sprint("https://h/1", MaxBody, MaxStart), "long", fmt.Sprint("https://h/3", 1, 1)}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// TestMoreBounds passes MaxHeaders, for fields and for the parameters of a form,
// and MaxPages: what lies before them is kept.
func TestMoreBounds(t *testing.T) {
	t.Parallel()
	var fields, pages []string
	for i := range MaxHeaders + 5 {
		fields = append(fields, fmt.Sprintf(`{"name":"X-%d","value":"v"}`, i))
	}
	for i := range MaxPages + 5 {
		pages = append(pages, fmt.Sprintf(`{"id":"p%d","title":"https://h/%d"}`, i, i))
	}
	list := strings.Join(fields, ",")
	one := func(page int) string {
		return fmt.Sprintf(`{"pageref":"p%d","request":{"method":"POST","url":"https://h/","headers":[%s],"postData":{"mimeType":"application/x-www-form-urlencoded","params":[%s]}},"response":{"headers":[%s]}}`, page, list, list, list)
	}
	var got []string
	for e, err := range Read(strings.NewReader(`{"log":{"pages":[` + strings.Join(pages, ",") + `],"entries":[` + one(MaxPages-1) + "," + one(MaxPages) + `]}}`)) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(e.Page, " ", len(e.Request.Header)-1, " ", len(e.Response.Header), " ", bytes.Count(e.Request.Body, []byte("="))))
	}
	counts := fmt.Sprint(" ", MaxHeaders, " ", MaxHeaders, " ", MaxHeaders)
	if d := cmp.Diff([]string{fmt.Sprint("https://h/", MaxPages-1) + counts, counts}, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// TestTook reads how long an entry took; what is no time is none.
func TestTook(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"12.5": 12500 * time.Microsecond, "-1": 0, "1e300": 0, `"9"`: 0, "null": 0} {
		for e, err := range Read(strings.NewReader(`{"log":{"entries":[{"time":` + text + `,"request":{"url":"https://h/"}}]}}`)) {
			if err != nil || e.Took != want {
				t.Errorf("%s: took %v, error %v; want %v", text, e.Took, err, want)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(`{"log":{"entries":[{"request":{"url":"a"}},{}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		n := 0
		for e, err := range Read(bytes.NewReader(src)) {
			if err == nil && (e.Request.URL == "" || e.Offset >= int64(len(src))) {
				t.Fatalf("entry %d: URL %q at %d of %d", e.Index, e.Request.URL, e.Offset, len(src))
			}
			if n++; n > len(src)+1 {
				t.Fatal("more entries than bytes")
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	one := `{"request":{"method":"GET","url":"https://t.example/p","headers":[{"name":"a","value":"b"}]},"response":{"status":200,"content":{"text":"` + strings.Repeat("lorem ", 2000) + `"}}},`
	src := `{"log":{"entries":[` + strings.Repeat(one, 500) + `{"request":{"url":"x"}}]}}`
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		for _, err := range Read(strings.NewReader(src)) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
