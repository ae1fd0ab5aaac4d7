package engine

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/vendor"
	"github.com/quench-proxy/quench/rules"
)

// sourcesOf gives what ships as the files it is made of.
func sourcesOf(t *testing.T) fs.FS {
	t.Helper()
	specs, err := vendor.ParseDir(os.DirFS("../../.."), "rules/vendors")
	if err != nil {
		t.Fatal(err)
	}
	data, err := vendor.Marshal(specs)
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{"builtin.json": {Data: data}}
	names, err := fs.Glob(os.DirFS("../../../rules"), "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"stubs", "resources"} {
		more, err := fs.Glob(rules.FS, dir+"/*")
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, more...)
	}
	for _, name := range names {
		data, err := os.ReadFile("../../../rules/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	return files
}

// TestPackedIsItsSources: the compiled form says all that its sources say.
func TestPackedIsItsSources(t *testing.T) {
	sources := sourcesOf(t)
	want, err := readSources(sources)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readShipped(rules.FS)
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2]any{
		"vendors": {want.specs, got.specs}, "owners": {want.owned, got.owned}, "vetoes": {want.vetoes, got.vetoes},
		"benign": {want.benign, got.benign}, "resources": {want.resources, got.resources},
		"links": {want.links, got.links}, "widgets": {want.widgets, got.widgets},
	} {
		if d := cmp.Diff(pair[0], pair[1], cmp.AllowUnexported(resourceSpec{})); d != "" {
			t.Errorf("%s are read as others; run: go generate ./rules\n%.2000s", name, d)
		}
	}
	if len(got.specs) < 100 || len(got.vetoes) == 0 || len(got.benign) == 0 || len(got.resources) == 0 || got.links == nil || got.widgets == nil {
		t.Error("something that ships is empty")
	}
}

// TestUserBesideShipped: a person's own rules come before the shipped ones, and
// whose domain is whose stays known.
func TestUserBesideShipped(t *testing.T) {
	mine := fstest.MapFS{"mine.yaml": {Data: []byte("company: Mine\nsites: [mine.example]\ntrackers:\n  - id: mine\n    name: Mine\n    hits:\n      - {id: hit, hosts: [www.google-analytics.com]}\n    events: {'*': you came by}\n")},
		"links.yaml": {Data: []byte("params:\n  - {owner: Mine, what: a number, names: [gclid]}\n")}}
	packed, err := Load(Sources{Builtin: rules.FS, User: mine})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := Load(Sources{Builtin: sourcesOf(t), User: mine})
	if err != nil {
		t.Fatal(err)
	}
	r := &detect.Request{URL: "https://www.google-analytics.com/g/collect?v=2", Host: "www.google-analytics.com", Method: "GET"}
	for name, s := range map[string]*Set{"packed": packed, "sources": plain} {
		if got := s.RuleName(s.Request(r, nil).Rule); got != "mine/hit" {
			t.Errorf("%s: decided by %s, want mine/hit", name, got)
		}
		if _, taken := s.Links().Clean("https://shop.example/?gclid=1"); len(taken) != 1 || taken[0].Owner != "Mine" {
			t.Errorf("%s: gclid is %v's, want Mine's", name, taken)
		}
		if !s.owners.same("a.doubleclick.net", "www.google.com") || s.owners.same("mine.example", "www.google.com") || s.owners.of("a.mine.example") != 1 {
			t.Errorf("%s: whose domain is whose is not known", name)
		}
	}
	if d := cmp.Diff(plain.owners, packed.owners); d != "" {
		t.Errorf("owners differ:\n%s", d)
	}
}

func TestDamagedPacked(t *testing.T) {
	t.Parallel()
	data, err := fs.ReadFile(rules.FS, PackedFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{nil, []byte("[]"), data[:len(data)/2], data[:len(data)-1], append(append([]byte{}, data...), 0)} {
		_, err := Load(Sources{Builtin: fstest.MapFS{PackedFile: {Data: bad}}})
		if err == nil || !strings.Contains(err.Error(), PackedFile+": the packed data are damaged") {
			t.Errorf("%d bytes of %d: error %v", len(bad), len(data), err)
		}
	}
}

func TestPackFaults(t *testing.T) {
	t.Parallel()
	root := fstest.MapFS{
		"rules/vendors/a.yaml": {Data: []byte("company: A\n")},
		"rules/vetoes.yaml":    {Data: []byte("vetoes:\n  - {hosts: [A.example], why: x}\n")},
		"rules/benign.yaml":    {Data: []byte("bening: []\n")},
		"rules/links.yaml":     {Data: []byte("params:\n  - {owner: A, names: [a]}\n")},
	}
	_, err := Pack(root, "rules")
	for _, want := range []string{`rules/vetoes.yaml:2: host "A.example"`, "rules/benign.yaml:1: field bening", "rules/links.yaml:2: a parameter needs"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("fault %q is missing in\n%v", want, err)
		}
	}
}
