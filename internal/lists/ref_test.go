package lists

import (
	"path/filepath"
	"strings"
	"testing"
)

const someCatalogue = `
lists:
  - {name: trackers, title: Trackers, urls: ["https://lists.example/t.txt"], licence: MIT, for: tests, homepage: "https://lists.example/", format: adblock}
  - {name: servers, title: Servers, urls: ["https://lists.example/h"], licence: MIT, for: tests, homepage: "https://lists.example/", format: hosts}
`

func parseSome(t *testing.T) *Catalogue {
	t.Helper()
	c, err := ParseCatalogue("some.yaml", []byte(someCatalogue))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestResolve(t *testing.T) {
	t.Parallel()
	c := parseSome(t)
	tests := []struct{ spec, name, key, err string }{
		{spec: "trackers", name: "trackers", key: "trackers"},
		{spec: "https://Lists.example/a/b.txt?k=v#x", name: "Lists.example-", key: "https://Lists.example/a/b.txt?k=v"},
		{spec: "http://127.0.0.1:8/l", name: "127.0.0.1-", key: "http://127.0.0.1:8/l"},
		{spec: "http://nas.lan/l", name: "nas.lan-", key: "http://nas.lan/l"},
		{spec: "./mine.txt", name: "mine.txt", key: "/etc/quench/mine.txt"},
		{spec: "sub/mine", name: "mine", key: "/etc/quench/sub/mine"},
		{spec: "/srv/l.txt", name: "l.txt", key: "/srv/l.txt"},
		{spec: "mine.txt", name: "mine.txt", key: "/etc/quench/mine.txt"},
		{spec: "", err: "names no list"},
		{spec: "tracker", err: `did you mean "trackers"?`},
		{spec: "something", err: "./something"},
		{spec: "http://lists.example/l", err: "https only"},
		{spec: "ftp://lists.example/l", err: "by https"},
		{spec: "https://", err: "no host"},
		{spec: "https://me:secret@lists.example/l", err: "password"},
		{spec: "https://bad host/", err: "not a URL"},
		{spec: "a\nb", err: "neither a name"},
		{spec: strings.Repeat("x", maxSpec+1), err: "neither a name"},
	}
	for _, test := range tests {
		r, err := c.Resolve(test.spec, "/etc/quench", FromConfig)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "secret") {
				t.Errorf("Resolve(%.50q): error %v, want one with %q", test.spec, err, test.err)
			}
			continue
		}
		if err != nil || !strings.HasPrefix(r.Name, test.name) || filepath.ToSlash(r.Key) != test.key {
			t.Errorf("Resolve(%q) = name %q, key %q, %v; want %q, %q", test.spec, r.Name, r.Key, err, test.name, test.key)
		}
	}
}

func TestCatalogueFaults(t *testing.T) {
	t.Parallel()
	const entry = `{name: x, title: X, urls: ["https://x.example/"], licence: MIT, for: x, homepage: "https://x.example/", format: hosts}`
	tests := []struct{ doc, want string }{
		{"lists: [" + entry + ", " + entry + "]", "c.yaml:1: the name x is taken"},
		{"lists: [" + strings.Replace(entry, "MIT", "", 1) + "]", "has no licence"},
		{"lists: [" + strings.Replace(entry, `["https:`, `["http:`, 1) + "]", "is not an https URL"},
		{"lists: [" + strings.Replace(entry, "hosts", "host", 1) + "]", `format "host" is none of`},
		{"lists: [" + strings.Replace(entry, "name: x", "name: X/Y", 1) + "]", "is not one of small letters"},
		{"lists: [" + strings.Replace(entry, "for:", "four:", 1) + "]", `unknown key "four"; did you mean "for"?`},
		{"lists: [" + strings.Replace(entry, `["https://x.example/"]`, "[]", 1) + "]", "has no urls"},
	}
	for _, test := range tests {
		if _, err := ParseCatalogue("c.yaml", []byte(test.doc)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s\n\terror %v, want one with %q", test.doc, err, test.want)
		}
	}
}
