package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect/vendor"
)

// wantVendors is the least that the page promises.
const wantVendors = 100

func specs(t *testing.T) []*vendor.Spec {
	t.Helper()
	list, err := vendor.ParseDir(os.DirFS("../.."), "rules/vendors")
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestPageEqualsRules(t *testing.T) {
	t.Parallel()
	got, err := os.ReadFile(filepath.FromSlash("../../docs/vendors.md"))
	if err != nil {
		t.Fatal(err)
	}
	if want := markdown(specs(t)); !bytes.Equal(got, want) {
		t.Error("docs/vendors.md is not what the rules give; run: go generate ./rules")
	}
}

// TestNoEmptyCell: every product has all that the page promises of it, and each
// row as many cells as its table's head.
func TestNoEmptyCell(t *testing.T) {
	t.Parallel()
	known := 0
	head := 0
	for line := range strings.Lines(string(markdown(specs(t)))) {
		if !strings.HasPrefix(line, "|") {
			head = 0
			continue
		}
		cells := strings.Split(strings.TrimSpace(strings.ReplaceAll(line, `\|`, "")), " | ")
		switch {
		case head == 0:
			head = len(cells)
			continue
		case strings.HasPrefix(line, "|---"):
			continue
		}
		known++
		if len(cells) != head {
			t.Errorf("%d cells, want %d: %s", len(cells), head, line)
		}
		for i, c := range cells {
			if strings.Trim(c, "| ") == "" {
				t.Errorf("cell %d is empty: %s", i+1, line)
			}
		}
	}
	if known < wantVendors {
		t.Errorf("%d rows, want at least %d", known, wantVendors)
	}
}

func TestRow(t *testing.T) {
	t.Parallel()
	s, err := vendor.Parse("acme.yaml", []byte(`company: Acme
legal: Acme, Inc.
country: US
trackers:
  - id: acme-pixel
    name: Acme Pixel
    category: advertising
    purposes: [conversion]
    confidence: decoded
    by_name: {refuse: [px.acme.example]}
    cookies: [{name: uid, label: the number Acme keeps}, {name: sess, secret: true}]
    loaders: [{id: js, hosts: [cdn.acme.example], paths: [/a.js], mode: block}]
    hits:
      - {id: e, hosts: [px.acme.example], path_re: '^/(?:a|b)$', body: json, params: {d: b64json}, event: view}
    fields: {screen: s, page_url: u}
    events: {view: you opened a page}
    examples: []
`))
	if err != nil {
		t.Fatal(err)
	}
	want := "| Acme Pixel `acme-pixel` | Acme: Acme, Inc., US | `px.acme.example`: `^/(?:a\\|b)$`<br>refused by name: `px.acme.example` | " +
		"page_url, tp_cookie, screen | query; body json; b64json | empty script | decoded |\n"
	if got := string(markdown([]*vendor.Spec{s})); !strings.Contains(got, want) {
		t.Errorf("got\n%s\nwant in it\n%s", got, want)
	}
}
