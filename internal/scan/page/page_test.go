package page_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/page"
	"github.com/quench-proxy/quench/internal/scan/source"
)

const evil = "From: \"</p><script>x()</script>\" <a@shop.example>\nTo: ann@home.example\nSubject: <img src=http://u.example/a>\x1b[2J\nContent-Type: text/html\n\n" +
	"<img src=\"http://t.example/o/?r=ann@home.example&x=%3Cimg%20src=//v.example%3E'\" width=1 height=1>\n"

// TestSelfContained: the page is whole, needs nothing and holds nothing that
// could be fetched or run, whatever stands in the mail.
func TestSelfContained(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := page.New(&b)
	s := &scan.Scanner{Cleaning: &scan.Cleaning{}}
	var total scan.Total
	for i := range 3 {
		r := s.Message(&source.Message{File: "<b>.eml", Raw: []byte(evil), Length: int64(len(evil)), Index: i})
		total.Add(r)
		if err := w.Report(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Failed(&source.FileError{File: "gone<i>", Err: errors.New("no such file")}); err != nil {
		t.Fatal(err)
	}
	total.Failed++
	if err := w.End(&total); err != nil {
		t.Fatal(err)
	}
	markup.Walk(b.Bytes(), markup.Options{}, func(r *markup.Ref) {
		if r.Vector != 176 {
			t.Errorf("the page refers to %v %s", r.Vector, r.URL)
		}
	})
	open := map[string]int{}
	for z := html.NewTokenizer(&b); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		tag := z.Token()
		switch tag.Data {
		case "script", "img", "a", "link", "iframe", "i":
			t.Errorf("a tag <%s> on the page", tag.Data)
		}
		if kind == html.StartTagToken {
			open[tag.Data]++
		} else if kind == html.EndTagToken {
			open[tag.Data]--
		}
	}
	for tag, n := range open {
		if n != 0 && tag != "meta" {
			t.Errorf("<%s> opened %d times more than closed", tag, n)
		}
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := page.New(&b)
	many := "Content-Type: text/html\nTo: ann@home.example\n\n"
	for i := range page.MaxFindings + 5 {
		many += fmt.Sprintf("<img src=\"http://t%d.example/o/?r=ann@home.example\" width=1 height=1>\n", i)
	}
	s := &scan.Scanner{}
	for i := range page.MaxMessages + 7 {
		raw := "Subject: " + fmt.Sprint(i) + "\n\nx\n"
		if i == 0 {
			raw = many
		}
		if err := w.Report(s.Message(&source.Message{File: "m", Raw: []byte(raw)})); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.End(&scan.Total{}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "<section"); n != page.MaxFindings {
		t.Errorf("%d findings, want %d", n, page.MaxFindings)
	}
	if n := strings.Count(b.String(), "<h2>"); n != page.MaxMessages+1 { // and the note on consent
		t.Errorf("%d messages, want %d", n, page.MaxMessages)
	}
	for _, want := range []string{"5 more are not shown", "7 more not shown here"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q on the page", want)
		}
	}
}
