package engine

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/quench-proxy/quench/internal/detect/pixel"
	"github.com/quench-proxy/quench/rules"
)

func TestShippedResources(t *testing.T) {
	s, err := Load(Sources{Builtin: rules.FS})
	if err != nil {
		t.Fatal(err)
	}
	rs := s.resources
	for value, want := range map[string]string{
		"1x1.gif": "1x1.gif", "noopjs": "noop.js", "noop.js:100": "noop.js", "noopmp3-0.1s": "noop-0.1s.mp3",
		"abp-resource:blank-mp4": "noop-1s.mp4", "noop-1s.mp4:-5": "noop-1s.mp4", "nothing.js": "", "": "",
	} {
		got := ""
		if r := rs.find(value); r != nil {
			got = r.Name
		}
		if got != want {
			t.Errorf("find(%q) = %q, want %q", value, got, want)
		}
	}
	magic := map[string]string{"image/png": "\x89PNG", "image/gif": "GIF89a", "audio/mpeg": "\xff\xfb", "video/mp4": "\x00\x00\x00 ftyp"}
	for name, r := range rs {
		if want := magic[r.Type]; !bytes.HasPrefix(r.Body, []byte(want)) {
			t.Errorf("%s is no %s: % x", name, r.Type, r.Body[:min(8, len(r.Body))])
		}
		if strings.HasPrefix(r.Type, "image/") && pixel.Look(r.Body, true).Format == pixel.None {
			t.Errorf("%s is no image", name)
		}
	}
}

// loadResources reads resources.yaml and what it names.
func loadResources(fsys fs.FS) (resources, error) {
	specs, err := readOne(fsys, "resources.yaml", parseResources)
	if err != nil || specs == nil {
		return nil, err
	}
	return newResources(fsys, *specs)
}

func TestResourceFaults(t *testing.T) {
	entry := func(s string) fstest.MapFS {
		return fstest.MapFS{
			"resources.yaml":  {Data: []byte("resources:\n" + s)},
			"resources/a.txt": {Data: []byte("a")}, "resources/b.txt": {Data: bytes.Repeat([]byte("b"), MaxResource+1)},
		}
	}
	for s, want := range map[string]string{
		"  - {name: c.txt, type: text/plain}":                    "read a resource",
		"  - {name: b.txt, type: text/plain}":                    "16385 bytes, want at most 16384",
		"  - {name: a.txt}":                                      "has no type",
		"  - {name: a.txt, tipe: x}":                             `unknown key "tipe"`,
		"  - {name: a.txt, type: t}\n  - {name: a.txt, type: t}": "is taken",
		"  - {name: a.txt, type: t, aliases: [x, x]}":            "is taken",
	} {
		if _, err := loadResources(entry(s)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", s, err, want)
		}
	}
	if rs, err := loadResources(fstest.MapFS{}); err != nil || rs.find("1x1.gif") != nil {
		t.Errorf("without a file: %v, %v", rs, err)
	}
}
