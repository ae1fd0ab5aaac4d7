package lists

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// endless writes until the other side has enough, without holding it all.
func endless(chunk []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
}

func say(status int, kind, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

// broken declares more than it sends.
func broken(text string, header http.Header) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for k, v := range header {
			w.Header()[k] = v
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(text)+1000))
		_, _ = io.WriteString(w, text)
	}
}

func gzipped(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.Bytes()
}

func coded(coding string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", coding)
		_, _ = w.Write(body)
	}
}

// TestBadDownloads sends everything that must not replace a good copy.
func TestBadDownloads(t *testing.T) {
	t.Parallel()
	good := rulesOf(90)
	// What inflates to 100 MB of rules, in 100 kB: members of one stream.
	bomb := bytes.Repeat(gzipped(strings.Repeat("||tracker.example^\n", 1<<16)), 80)
	utf16 := []byte{0xff, 0xfe}
	for _, c := range []byte(good) {
		utf16 = append(utf16, c, 0)
	}
	tests := []struct {
		name string
		page http.HandlerFunc
		want string // part of the error
	}{
		{"a 1 GB list", endless([]byte(strings.Repeat("||tracker.example^\n", 4000))), "too large: more than 2 MB"},
		{"one line of 50 MB", endless(bytes.Repeat([]byte("a"), 1<<16)), "line 1 is longer than 1048576 bytes"},
		{"a declared 1 GB", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1073741824")
			_, _ = io.WriteString(w, good)
		}, "too large"},
		{"NUL bytes", say(200, "text/plain", good[:100]+"\x00"+good[100:]), "has a NUL byte"},
		{"UTF-16", say(200, "text/plain", string(utf16)), "UTF-16"},
		{"UTF-16 without a mark", say(200, "text/plain", string(utf16[2:])), "has a NUL byte"},
		{"control characters", say(200, "text/plain", strings.Repeat("||a.example^\x01\x02\x03\n", 200)), "control characters"},
		{"Latin-1 throughout", say(200, "text/plain", strings.Repeat("||b\xfc\xe4\xf6.example^\n", 100)), "not UTF-8"},
		{"an HTML error page", say(200, "text/html", "\n <!DOCTYPE html><html><body>We will be back soon</body></html>"), "web page"},
		{"HTML said to be text", say(200, "text/plain", "<HTML>\n||a.example^\n"), "web page"},
		{"JSON", say(200, "application/json", `{"error":"rate limited"}`), "JSON"},
		{"nothing", say(200, "text/plain", ""), "empty"},
		{"only comments", say(200, "text/plain", "! Title: gone\n! moved\n"), "not one rule"},
		{"far fewer rules", say(200, "text/plain", rulesOf(29)), "29 rules where the last one had 90"},
		{"not found", say(404, "text/plain", good), "404 Not Found"},
		{"gone wrong", say(503, "text/plain", good), "503"},
		{"a part", say(206, "text/plain", good), "206"},
		{"nothing new, unasked", say(204, "text/plain", ""), "204"},
		{"broken off", broken(good, nil), "broke off"},
		{"broken off in gzip", broken(string(gzipped(good)), http.Header{"Content-Encoding": {"gzip"}}), "broke off"},
		{"half a gzip", coded("gzip", gzipped(good)[:60]), "broke off"},
		{"no gzip", coded("gzip", []byte(good)), "gzip"},
		{"a coding not asked for", coded("compress", []byte(good)), "was not asked for"},
		{"a gzip bomb", coded("gzip", bomb), "too large"},
		{"a gzip file", say(200, "application/gzip", string(gzipped(good))), "compressed file"},
		{"in circles", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, "moved more than 5 times"},
		{"elsewhere by another way", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "ftp://x.example/", http.StatusFound)
		}, "by https"},
		{"elsewhere in the clear", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://lists.example/", http.StatusFound)
		}, "https only"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.store = w.open(Options{MaxSize: 2 << 20})
			w.text("/l.txt", good)
			r := w.selected("/l.txt")
			w.mustUpdate()
			before, files := w.store.Current(), w.files()
			w.page("/l.txt", test.page)
			err := w.update()
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want one with %q", err, test.want)
			}
			if strings.Contains(err.Error(), "/l.txt") {
				t.Errorf("the error names the URL's path: %v", err)
			}
			if w.store.Current() != before {
				t.Error("the Snapshot changed")
			}
			if got := w.files(); len(got) != len(files) {
				t.Errorf("files %v, were %v", got, files)
			}
			st := w.store.Lists()[0]
			if !st.Have || st.Rules != 90 || st.Failures != 1 || st.Error == "" || !st.Next.After(w.now()) {
				t.Errorf("status %+v", st)
			}
			if text, err := readPart(filepath.Join(w.dir, w.store.known(r.Key).Parts[0].File), &w.store.known(r.Key).Parts[0]); err != nil || string(text) != good {
				t.Errorf("the copy is not the good one: %v", err)
			}
			if strings.Contains(w.log.String(), "l.txt") {
				t.Errorf("the log names the URL's path:\n%s", w.log)
			}
		})
	}
}
