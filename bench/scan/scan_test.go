//go:build linux

package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/judge"
	"github.com/quench-proxy/quench/internal/scan/source"
)

// TestMessages: each kind is what it says, the same each time, and a
// newsletter's counter is found in it.
func TestMessages(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		k        kind
		trackers bool
	}{{newsletter, true}, {quoted, true}, {plain, false}, {attached, false}} {
		var a, b bytes.Buffer
		if err := message(&a, 7, tt.k); err != nil {
			t.Fatal(err)
		}
		if err := message(&b, 7, tt.k); err != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Errorf("%s: two different messages (%v)", tt.k, err)
		}
		r := (&scan.Scanner{}).Message(&source.Message{File: "x", Length: int64(a.Len()), Raw: a.Bytes()})
		got := false
		for i := range r.Findings {
			got = got || r.Findings[i].Ladder <= judge.Hidden && strings.Contains(r.Findings[i].Request.URL, "/wf/open")
		}
		if got != tt.trackers {
			t.Errorf("%s: a counter found: %v, want %v", tt.k, got, tt.trackers)
		}
	}
}

// TestMailbox: as many messages as it says begin in it, and it is as large.
func TestMailbox(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	n, err := mailbox(&b, 5e6)
	if err != nil {
		t.Fatal(err)
	}
	begun := bytes.Count(b.Bytes(), []byte("\n\nFrom news@shop.example ")) + 1
	if begun != n || b.Len() < 5e6 || b.Len() > 6e6 {
		t.Errorf("%d messages begin in %d bytes, want %d in a little more than 5e6", begun, b.Len(), n)
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	var w tail
	for _, s := range []string{"one\ntw", "o\n", "three\nla", "st\n"} {
		fmt.Fprint(&w, s)
	}
	if got := w.String(); got != "last" {
		t.Errorf("got %q, want last", got)
	}
}
