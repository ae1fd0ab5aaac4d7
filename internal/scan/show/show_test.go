package show_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/judge"
	"github.com/quench-proxy/quench/internal/scan/show"
	"github.com/quench-proxy/quench/internal/scan/source"
)

const mail = "From: \"A\x1b[2J\u202eB\" <a@shop.example>\nTo: ann@home.example\nSubject: s\nContent-Type: text/html; charset=utf-8\n\n" +
	"<img src=\"http://t.example/o/?r=ann@home.example\" width=1 height=1><img src=http://t.example/logo.png width=9 height=9>\n" +
	"<a href=\"http://t.example/c?r=ann@home.example&n=1\">x</a><a href=\"http://t.example/c?r=ann@home.example&n=2\">x</a>\n"

func report(file string) *scan.Report {
	return (&scan.Scanner{}).Message(&source.Message{File: file, Raw: []byte(mail), Length: int64(len(mail))})
}

func TestText(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		colour, verbose bool
		want, not       []string
	}{
		"plain":   {want: []string{"\nproven\n", "and 1 link like it", "x.eml\n", "(V001, line 6, bytes "}, not: []string{"\x1b", "\u202e", "logo.png", "ordinary"}},
		"verbose": {verbose: true, want: []string{"ordinary", "logo.png", "n=2"}, not: []string{"like it"}},
		"colour":  {colour: true, want: []string{"\x1b[1mx.eml\x1b[0m", "\x1b[1;31mproven\x1b[0m"}, not: []string{"\x1b[2J"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			w := show.NewText(&b)
			w.Colour, w.Verbose = c.colour, c.verbose
			r := report("x.eml")
			if err := w.Report(r); err != nil {
				t.Fatal(err)
			}
			var total scan.Total
			total.Add(r)
			if err := w.End(&total); err != nil {
				t.Fatal(err)
			}
			for _, s := range c.want {
				if !strings.Contains(b.String(), s) {
					t.Errorf("no %q in\n%s", s, b.String())
				}
			}
			for _, s := range c.not {
				if strings.Contains(b.String(), s) {
					t.Errorf("%q in\n%s", s, b.String())
				}
			}
			for line := range strings.Lines(b.String()) {
				if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 78 && !strings.Contains(line, "http") && !c.colour {
					t.Errorf("a line of %d columns: %s", n, line)
				}
			}
		})
	}
}

// TestJSON: every line is one object of the schema, and a finding says where it
// stands.
func TestJSON(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := show.NewJSON(&b)
	r := report("x.eml")
	var total scan.Total
	total.Add(r)
	for _, err := range []error{w.Report(r), w.Failed(&source.FileError{File: "gone", Err: errors.New("no such file")}), w.End(&total)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	kinds := map[string]int{}
	for line := range bytes.Lines(b.Bytes()) {
		var o struct {
			Schema                int
			Door, File, Vector    string
			Range                 [2]int
			Request               struct{ URL string }
			Message, Total, Error any
		}
		if err := json.Unmarshal(line, &o); err != nil || o.Schema != 1 || o.Door != "scan" {
			t.Errorf("%v: %s", err, line)
		}
		switch {
		case o.Vector != "":
			kinds["finding"]++
			if strings.HasPrefix(o.Request.URL, "http") && !strings.Contains(mail[o.Range[0]:o.Range[1]], o.Request.URL) {
				t.Errorf("bytes %v are %q, want %q", o.Range, mail[o.Range[0]:o.Range[1]], o.Request.URL)
			}
		case o.Message != nil:
			kinds["message"]++
		case o.Error != nil:
			kinds["error"]++
		case o.Total != nil:
			kinds["total"]++
		}
	}
	if kinds["finding"] != len(r.Findings) || kinds["message"] != 1 || kinds["error"] != 1 || kinds["total"] != 1 {
		t.Errorf("lines %v, want %d findings and one of each other", kinds, len(r.Findings))
	}
}

func TestComparison(t *testing.T) {
	t.Parallel()
	text := strings.ReplaceAll(strings.ReplaceAll(mail, "ann@", "bob@"), "n=2", "n=22")
	a := scan.CopyOf(&source.Message{File: "a.eml", Raw: []byte(mail)})
	b := scan.CopyOf(&source.Message{File: "b.eml", Raw: []byte(text)})
	var out bytes.Buffer
	if err := show.Comparison(&out, scan.Compare(a, b, nil), false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"http://t.example/o/?r=[ann]@home.example", "http://t.example/o/?r=[bob]@home.example", "holds your e-mail address (in clear, in “r”)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// TestGroups: links that only may name the reader are one sentence, whatever
// host they lead to; with all each stands alone.
func TestGroups(t *testing.T) {
	t.Parallel()
	r := &scan.Report{}
	link := func(host string, l judge.Ladder) {
		r.Findings = append(r.Findings, judge.Finding{Link: true, When: "click", Ladder: l, Request: judge.Request{Host: host}, Verdict: detect.Verdict{Sentence: host + "."}})
	}
	for _, h := range []string{"a", "b", "a", "c", "d", "e", "f", "g"} {
		link(h, judge.Token)
	}
	link("p", judge.Proven)
	link("o", judge.Ordinary)
	got := show.Groups(r, false)
	want := []show.Group{
		{Findings: []int{8}, Says: "p."},
		{Findings: []int{0, 1, 2, 3, 4, 5, 6, 7}, Hosts: []string{"a", "b", "c", "d", "e", "f", "g"},
			Says: "8 links carry something that may name you, or only the page they lead to: those to a, b, c, d, e and 2 more. Following one tells its host that you clicked it; your IP address and browser go with every click. That is possible, not more."},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if n := len(show.Groups(r, true)); n != 10 {
		t.Errorf("%d groups of all, want 10", n)
	}
}
