package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quench-proxy/quench/internal/strictyaml"
)

// TestCheckStreamGivesTheVectors puts the vectors that every door runs through
// quench check --jsonl.
func TestCheckStreamGivesTheVectors(t *testing.T) {
	t.Parallel()
	type want struct {
		Action, Tracker, Activity, Reply string
		Also                             []string
	}
	f, err := os.Open("../../internal/detect/testdata/vectors.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var in bytes.Buffer
	var names []string
	var wants []want
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var v struct {
			Name string
			In   json.RawMessage
			Want want
		}
		if err := json.Unmarshal(sc.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		in.Write(append(v.In, '\n'))
		names, wants = append(names, v.Name), append(wants, v.Want)
	}
	var out bytes.Buffer
	env := map[string]string{"HOME": t.TempDir()}
	if code := run(t.Context(), []string{"check", "--jsonl"}, &in, &out, io.Discard, func(k string) string { return env[k] }); code != exitDone {
		t.Fatalf("exit code %d", code)
	}
	lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	if len(lines) != len(wants) || len(wants) < 30 {
		t.Fatalf("%d lines for %d vectors", len(lines), len(wants))
	}
	for i, line := range lines {
		var c checked
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatalf("%s: %v", names[i], err)
		}
		got := want{Action: c.Action.String()}
		if w := wants[i]; w.Tracker != "" && c.Tracker != nil {
			got.Tracker = c.Tracker.ID
		}
		if w := wants[i]; w.Activity != "" && c.Activity != nil {
			got.Activity = c.Activity.Name
		}
		if w := wants[i]; w.Reply != "" {
			got.Reply = c.Reply.String()
		}
		for _, a := range c.Also {
			got.Also = append(got.Also, a.Activity.Name)
		}
		if diff := cmp.Diff(wants[i], got); diff != "" {
			t.Errorf("%s: -want +got\n%s", names[i], diff)
		}
	}
}

func TestLineReaderBound(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxLine+1)
	fits := strings.Repeat("y", maxLine-1)
	l := newLineReader(strings.NewReader("a\n\n" + long + "\nb\n" + fits + "\n" + long))
	for i, want := range []struct {
		line string
		err  error
	}{{"a\n", nil}, {"\n", nil}, {"", errLongLine}, {"b\n", nil}, {fits + "\n", nil}, {"", errLongLine}, {"", io.EOF}} {
		line, err := l.next()
		if string(line) != want.line || !errors.Is(err, want.err) {
			t.Errorf("line %d: %.20q, %v; want %.20q, %v", i, line, err, want.line, want.err)
		}
	}
}

func TestCheckBodyBound(t *testing.T) {
	t.Parallel()
	in := checkInput{}
	err := in.complete(strings.NewReader(strings.Repeat("x", maxBodyFile+1)), nil, "-")
	var coded *codedError
	if !errors.As(err, &coded) || coded.code != exitUnreadable {
		t.Errorf("a body past the bound: %v", err)
	}
}

func TestCheckTextIsPrintable(t *testing.T) {
	t.Parallel()
	j, err := (&app{getenv: func(string) string { return "" }, dataDir: t.TempDir()}).newJudge(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"https://ex\x1b[31mample.com/", "https://a.example\nallow/", "https://www.facebook.com/tr?id=1&ev=\x1b]0;x\x07",
		"https://www.facebook.com/tr?id=1&ev=%1b%5b31m"} {
		c, err := j.check(&checkInput{URL: url})
		if err != nil {
			t.Fatalf("%q: %v", url, err)
		}
		var b strings.Builder
		c.text(&b)
		if strings.ContainsAny(b.String(), "\x1b\x07") || strings.Contains(b.String(), "a.example\nallow") {
			t.Errorf("check %q prints %q", url, b.String())
		}
	}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ url, want string }{
		{"shop.example", "https://shop.example"},
		{"shop.example:8080/a?b", "https://shop.example:8080/a?b"},
		{"shop.example?b=c:d", "https://shop.example?b=c:d"},
		{"wss://shop.example/s", "https://shop.example/s"},
		{" //shop.example/a ", "//shop.example/a"},
		{"https://u:p@BÜCHER.example:1/Ü", "https://u:p@xn--bcher-kva.example:1/Ü"},
		{"bücher.example/a", "https://xn--bcher-kva.example/a"},
		{"https://shop.example/ü", "https://shop.example/ü"},
		{"mailto:a@shop.example", ""}, {"data:text/html,a.example", ""}, {"tel:1.2", ""}, {"localhost", ""}, {"", ""},
	} {
		got, err := (&checkInput{URL: tt.url}).target()
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("target(%q) = %q, %v; want %q", tt.url, got, err, tt.want)
		}
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	if got := printable("a\x1b[31mb\x7f\u009bä"); strings.ContainsAny(got, "\x1b\x7f\u009b") || !strings.HasSuffix(got, "ä") {
		t.Errorf("printable = %q", got)
	}
}

func FuzzCheckLine(f *testing.F) {
	f.Add([]byte(`{"url":"https://www.facebook.com/tr?id=1&ev=PageView","page":"shop.example","type":"image"}`))
	f.Add([]byte(`{"url":"wss://a.example/%zz","headers":{"Cookie":["a=b","c"]},"method":"p st","body_base64":"AA=="}`))
	j, err := (&app{getenv: func(string) string { return "" }, dataDir: f.TempDir()}).newJudge(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		c, err := j.checkLine(line)
		if err != nil {
			return
		}
		if _, err := json.Marshal(c); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		c.text(io.Discard)
	})
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte("mode: block\nproxy: {listen: 127.0.0.1:1, connect_ports: [1]}\nallow: [{to: a.example}]\nvendors: {x: {loader: pass}}\n"))
	f.Add([]byte("allow: &a [{to: b.example}]\nclients: *a\nproxy:\n- 1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := defaultConfig()
		if parseConfig("q.yaml", data, c, []string{"x"}) != nil {
			return
		}
		if _, err := c.ledger(); err != nil {
			t.Errorf("%q passed, but: %v", data, err)
		}
		c.memory()
	})
}

func TestConfigBound(t *testing.T) {
	t.Parallel()
	err := parseConfig("q.yaml", bytes.Repeat([]byte("#"), strictyaml.MaxSize+1), defaultConfig(), nil)
	if err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("parseConfig = %v", err)
	}
}
