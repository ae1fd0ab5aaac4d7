package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/quench-proxy/quench/internal/need"
)

// TestNamed: a path that was named and is nothing to scan is said to be so; in
// a folder it is passed over.
func TestNamed(t *testing.T) {
	t.Parallel()
	crlf := "X-First: 1\r\nDKIM-Signature: v=1; d=\r\n\tx.example\r\nFrom: a@a.example\r\n\r\ntext\r\n"
	for name, c := range map[string]struct {
		file, text, named, found string
	}{
		"picture":         {"a.eml", "\x89PNG\r\n\x1a\n\x00", "this is no mail, page or recorded session: it looks like a picture", "neither mail nor page nor recorded session: passed over"},
		"document":        {"a", "%PDF-1.7\n", "this is no mail, page or recorded session: it looks like a PDF document", "neither mail nor page nor recorded session: passed over"},
		"zeros":           {"a", "ab\x00\x01", "this is no mail, page or recorded session: it looks like binary data", "neither mail nor page nor recorded session: passed over"},
		"empty":           {"a.eml", "", "it is empty", "empty: passed over"},
		"text":            {"a", "hello\n", "", "neither mail nor page nor recorded session: passed over"},
		"CRLF, name late": {"a.msg", crlf, "", ""},
		"page in UTF-32":  {"a", "<\x00\x00\x00h\x00\x00\x00t\x00\x00\x00m\x00\x00\x00l\x00\x00\x00>\x00\x00\x00a\x00\x00\x00b\x00\x00\x00", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := write(t, map[string]string{c.file: c.text})
			for path, want := range map[string]string{filepath.Join(dir, c.file): c.named, dir: c.found} {
				list, errs := read(t, dir, []string{path}, Options{})
				if want == "" && (len(list) != 1 || errs != nil) || want != "" && (len(errs) == 0 || errs[0] != "read "+c.file+": "+want || len(list) > 0) {
					t.Errorf("%s: %d messages, errors %q, want %q", path, len(list), errs, want)
				}
			}
		})
	}
}

// write makes files of a tree below a new folder.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

type got struct {
	File   string
	Offset int64
	Kind   Kind
	Raw    string
}

// read gives what Open finds, file names relative to dir, and the errors.
func read(t *testing.T, dir string, paths []string, o Options) (list []got, errs []string) {
	t.Helper()
	order := o.From.Order
	for m, err := range Open(t.Context(), paths, o) {
		if err != nil {
			var fe *FileError
			if !errors.As(err, &fe) {
				t.Errorf("error %v is no *FileError", err)
			}
			errs = append(errs, strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), ""))
			continue
		}
		if m.Order != order {
			t.Errorf("%s: order %d, want %d", m.File, m.Order, order)
		}
		order++
		name, err := filepath.Rel(dir, m.File)
		if err != nil {
			name = m.File
		}
		list = append(list, got{filepath.ToSlash(name), m.Offset, m.Kind, string(m.Raw)})
	}
	return list, errs
}

const (
	a = "From: a@a.example\nSubject: a\n\nbody a\n"
	b = "From: b@b.example\nSubject: b\n\nbody b\n"
	f = "From x@y.example Mon Jan  2 15:04:05 2006\n"
)

func TestMboxFlavours(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", bufferBytes+100)
	crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	for name, c := range map[string]struct {
		file string
		want []string
	}{
		"mboxo":                   {f + a + "\n" + f + b, []string{a + "\n", b}},
		"crlf":                    {crlf(f + a + "\n" + f + b), []string{crlf(a + "\n"), crlf(b)}},
		"escaped stays":           {f + a + ">From here\n\n" + f + b, []string{a + ">From here\n\n", b}},
		"from in text":            {f + a + "\nFrom here on\n" + f + b, []string{a + "\nFrom here on\n", b}},
		"no blank line":           {f + a + f + b, []string{a, b}},
		"quoted from line":        {f + a + f + "is a line\n", []string{a + f + "is a line\n"}},
		"mboxcl2":                 {f + "Content-Length: 52\n" + a + "\n" + f + "is\n" + "\n" + f + b, []string{"Content-Length: 52\n" + a + "\n" + f + "is\n\n", b}},
		"content length lies":     {f + "Content-Length: 5\n" + a + "\n" + f + b, []string{"Content-Length: 5\n" + a + "\n", b}},
		"content length too long": {f + "Content-Length: 999999999999\n" + a + "\n" + f + b, []string{"Content-Length: 999999999999\n" + a + "\n", b}},
		"blank lines first":       {"\n\n" + f + a, []string{a}},
		"long line":               {f + a + long + "\n\n" + f + b, []string{a + long + "\n\n", b}},
		"zone and dashes":         {"From - Mon, 02 Jan 2006 15:04:05 +0100\n" + a, []string{a}},
		"mmdf":                    {mmdf + "\n" + a + "\n" + f + "\n" + mmdf + "\n" + mmdf + "\n" + b + mmdf + "\n", []string{a + "\n" + f + "\n", b}},
		"mmdf with from lines":    {crlf(mmdf + "\n" + f + a + mmdf + "\n" + mmdf + "\n" + f + b + mmdf + "\n"), []string{crlf(a), crlf(b)}},
		"mmdf content length":     {mmdf + "\nContent-Length: 999\n" + a + mmdf + "\n" + mmdf + "\n" + b, []string{"Content-Length: 999\n" + a, b}},
		"no final newline":        {f + a + "\n" + f + "From: c@c.example\n\nend", []string{a + "\n", "From: c@c.example\n\nend"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := write(t, map[string]string{"box": c.file})
			list, errs := read(t, dir, []string{filepath.Join(dir, "box")}, Options{})
			var raws []string
			for _, g := range list {
				raws = append(raws, g.Raw)
				if at := c.file[g.Offset:]; !strings.HasPrefix(at, g.Raw) {
					t.Errorf("offset %d holds %.20q, not %.20q", g.Offset, at, g.Raw)
				}
			}
			if d := cmp.Diff(c.want, raws); d != "" || errs != nil {
				t.Errorf("errors %v, (-want +got)\n%s", errs, d)
			}
		})
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"box/mbox":          f + a + "\n" + f + b,
		"box/page.html":     "<html>hello",
		"box/x.har":         `{"log":{"entries":[]}}`,
		"box/notes.txt":     "no mail at all\n",
		"box/rmail.babyl":   "BABYL OPTIONS:\nVersion: 5\n\x1f\f\n1,,\n" + a + "*** EOOH ***\n" + a,
		"box/apple.emlx":    fmt.Sprintf("%d\n%s<plist/>", len(a), a),
		"dir/cur/1:2,S":     a,
		"dir/new/2":         b,
		"dir/tmp/3":         a,
		"dir/dovecot.index": "x",
		"dir/.Sent/cur/4":   f + a,
		"dir/.Sent/new/5":   b,
		"dir/.Sent/tmp/6":   a,
		"empty/readme":      "nothing",
	})
	path := func(p string) string { return filepath.Join(dir, filepath.FromSlash(p)) }
	list, errs := read(t, dir, []string{path("box"), path("dir"), path("empty"), path("absent"), path("box/*.html"), "-"}, Options{Stdin: strings.NewReader(b)})
	want := []got{
		{"box/apple.emlx", 3, Mail, a + "<plist/>"},
		{"box/mbox", int64(len(f)), Mail, a + "\n"}, {"box/mbox", int64(2*len(f) + len(a) + 1), Mail, b},
		{"box/page.html", 0, HTML, "<html>hello"}, {"box/x.har", 0, HAR, ""},
		{"dir/.Sent/cur/4", 0, Mail, f + a}, {"dir/.Sent/new/5", 0, Mail, b},
		{"dir/cur/1:2,S", 0, Mail, a}, {"dir/new/2", 0, Mail, b},
		{"box/page.html", 0, HTML, "<html>hello"}, {"-", 0, Mail, b},
	}
	if d := cmp.Diff(want, list); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	wantErrs := []string{
		"read box/notes.txt: neither mail nor page nor recorded session: passed over",
		"read box/rmail.babyl: this is no mail, page or recorded session: it is a Babyl mailbox, which Emacs can turn into mbox (M-x unrmail)",
		"read empty/readme: neither mail nor page nor recorded session: passed over",
		"read empty: search folder: no mail found", "read absent: no such file or directory",
	}
	if d := cmp.Diff(wantErrs, errs); d != "" {
		t.Errorf("errors (-want +got)\n%s", d)
	}
}

func TestCompressed(t *testing.T) {
	t.Parallel()
	box := f + a + "\n" + f + b
	var gz, zs bytes.Buffer
	w := gzip.NewWriter(&gz)
	_, _ = io.WriteString(w, box)
	_ = w.Close()
	z, _ := zstd.NewWriter(&zs)
	_, _ = io.WriteString(z, box)
	_ = z.Close()
	dir := write(t, map[string]string{"m.gz": gz.String(), "m.zst": zs.String(), "short.gz": gz.String()[:gz.Len()-20]})
	for _, name := range []string{"m.gz", "m.zst"} {
		list, errs := read(t, dir, []string{filepath.Join(dir, name)}, Options{})
		want := []got{{name, int64(len(f)), Mail, a + "\n"}, {name, int64(2*len(f) + len(a) + 1), Mail, b}}
		if d := cmp.Diff(want, list); d != "" || errs != nil {
			t.Errorf("%s: errors %v (-want +got)\n%s", name, errs, d)
		}
	}
	if _, errs := read(t, dir, []string{filepath.Join(dir, "short.gz")}, Options{}); len(errs) != 1 || !strings.Contains(errs[0], "unexpected EOF") {
		t.Errorf("cut off gzip: errors %q, want one of unexpected EOF", errs)
	}
}

// TestGoOn stops after each message in turn: what comes then is what came.
func TestGoOn(t *testing.T) {
	t.Parallel()
	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	_, _ = io.WriteString(w, f+b+"\n"+f+a)
	_ = w.Close()
	dir := write(t, map[string]string{"1": f + a + "\n" + f + b, "2.eml": a, "3.gz": gz.String(), "4.eml": b})
	all, _ := read(t, dir, []string{dir}, Options{})
	if len(all) != 6 {
		t.Fatalf("%d messages, want 6", len(all))
	}
	n := 0
	for m, err := range Open(t.Context(), []string{dir}, Options{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		rest, errs := read(t, dir, []string{dir}, Options{From: m.After()})
		if d := cmp.Diff(all[n:], append([]got{}, rest...)); d != "" || errs != nil {
			t.Errorf("after %d: errors %v (-want +got)\n%s", n, errs, d)
		}
	}
	if _, errs := read(t, dir, []string{dir}, Options{From: Place{File: "gone", Offset: 3}}); len(errs) != 1 {
		t.Errorf("going on from a file that is gone: errors %q, want one", errs)
	}
}

// pattern is a reader of head, then n times body, then tail.
func pattern(head, body string, n int, tail string) io.Reader {
	rs := []io.Reader{strings.NewReader(head)}
	for range n {
		rs = append(rs, strings.NewReader(body))
	}
	return io.MultiReader(append(rs, strings.NewReader(tail))...)
}

// TestLongMessage holds MaxHeld: of a message of 200 MB the headers and text
// are kept, and offsets still lead to the file's bytes.
func TestLongMessage(t *testing.T) {
	t.Parallel()
	head := "From: a@a.example\nContent-Type: multipart/mixed; boundary=\"b b\"\n\n--b b\nContent-Type: text/html\n\n<img src=//h/1>\n--b b\nContent-Type: video/mp4\nContent-Transfer-Encoding: base64\n\n"
	line := strings.Repeat("A", 76) + "\n"
	body := strings.Repeat(line, 1<<20/77)
	tail := "--b b\nContent-Type: text/html\n\n<img src=//h/2>\n--b b--\n"
	n := 80
	whole := int64(len(head) + n*len(body) + len(tail))
	for m, err := range Open(t.Context(), []string{"-"}, Options{Stdin: pattern(head, body, n, tail)}) {
		if err != nil {
			t.Fatal(err)
		}
		if m.Length != whole || string(m.Raw) != head+tail || len(m.Holes) != 1 {
			t.Fatalf("length %d, kept %d bytes, holes %v; want %d, %d and 1", m.Length, len(m.Raw), m.Holes, whole, len(head)+len(tail))
		}
		at := strings.Index(string(m.Raw), "//h/2")
		if got, want := m.FileOffset(at), whole-int64(len(m.Raw)-at); got != want {
			t.Errorf("//h/2 is at %d, want %d", got, want)
		}
		if got, want := m.FileOffset(10), int64(10); got != want {
			t.Errorf("byte 10 is at %d, want %d", got, want)
		}
	}
	text := "From: a@a.example\nContent-Type: text/html\n\n"
	for m := range Open(t.Context(), []string{"-"}, Options{Stdin: pattern(text, body, 100, "")}) {
		if len(m.Raw) > MaxHeld || len(m.Raw) < MaxHeld-100 || len(m.Holes) != 1 {
			t.Errorf("text without end: kept %d bytes, %d holes; want nearly %d and 1", len(m.Raw), len(m.Holes), MaxHeld)
		}
	}
}

func TestFoldersTooDeep(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("d/", MaxDepth+2) + "m.eml"
	dir := write(t, map[string]string{deep: a, "m.eml": b})
	list, errs := read(t, dir, []string{dir}, Options{})
	if len(list) != 1 || len(errs) != 1 || !strings.Contains(errs[0], "nested") {
		t.Errorf("%d messages, errors %q; want 1 and one about nesting", len(list), errs)
	}
}

// TestCorpus finds the messages of the public mailboxes and no file of the
// public mail gets lost.
func TestCorpus(t *testing.T) {
	t.Parallel()
	dir := need.Data(t, "mail")
	for name, want := range map[string]int{"mimekit/simple.mbox.txt": 3, "mimekit/unmunged.mbox.txt": 2, "mimekit/content-length.mbox.txt": 29, "mimekit/issue1189.mbox.txt": 4, "spamassassin_t/nice.mbox": 3} {
		n := 0
		for _, err := range Open(t.Context(), []string{filepath.Join(dir, name)}, Options{}) {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			n++
		}
		if n != want {
			t.Errorf("%s: %d messages, want %d", name, n, want)
		}
		t.Logf("%s: %d messages", name, n)
	}
}

func FuzzMbox(x *testing.F) {
	for _, s := range []string{f + a + "\n" + f + b, f + "Content-Length: 9\n" + a, "From \n\n", a, f + f + f, "\r\n" + f + "\r\n\r\n" + f} {
		x.Add([]byte(s))
	}
	x.Fuzz(func(t *testing.T, src []byte) {
		end := int64(0)
		for m, err := range Open(t.Context(), []string{"-"}, Options{Stdin: bytes.NewReader(src)}) {
			if err != nil {
				continue
			}
			if m.Kind == HAR {
				continue
			}
			if m.Compressed {
				return
			}
			if m.Offset < end || !bytes.Equal(src[m.Offset:m.Offset+m.Length], m.Raw) {
				t.Fatalf("message at %d, %d bytes, after %d: not the file's bytes", m.Offset, m.Length, end)
			}
			end = m.Offset + m.Length
		}
	})
}

func BenchmarkMbox(x *testing.B) {
	one := f + a + strings.Repeat(strings.Repeat("text ", 14)+"\n", 500) + "\n"
	box := strings.Repeat(one, 200)
	x.SetBytes(int64(len(box)))
	for x.Loop() {
		n := 0
		for range Open(x.Context(), []string{"-"}, Options{Stdin: strings.NewReader(box)}) {
			n++
		}
		if n != 200 {
			x.Fatalf("%d messages", n)
		}
	}
}
