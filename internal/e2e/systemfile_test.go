package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// system is one of testdata/systems: pages with a vendor's snippet, what the
// vendor's script would send, and what the ledger must say of it.
type system struct {
	id      string // the file's name: pages are at https://PAGE.ID.example
	name    string
	tracker string
	hosts   []string          // the vendor's, which nothing may reach
	cells   map[string]string // get, post, noscript: "yes", or why there is none
	scripts map[string]string // by URL: our script in the vendor's place, when it is let pass
	pages   []*testPage
}

// testPage is a section "PAGE PATH" of a system with those that belong to it.
type testPage struct {
	name, path, body string
	ran              []string // what must be called back
	want, maybe      []string // sentences; those that an unload may cost begin with "? "
	selector, next   string   // what to click, and where that must lead
	passes           []string // URLs that reach the vendor all the same
	opened           bool     // false if -run left it out
}

// phase is the configuration that the page runs under: stub, pass or strict.
func (p *testPage) phase() string {
	phase, _, _ := strings.Cut(p.name, "-")
	if phase == "noscript" {
		return "stub"
	}
	return phase
}

func (s *system) host(p *testPage) string { return p.name + "." + s.id + ".example" }

func loadSystems(t *testing.T) []*system {
	t.Helper()
	files, err := filepath.Glob("testdata/systems/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no systems: %v", err)
	}
	var out []*system
	for _, f := range files {
		s, err := parseSystem(f)
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		out = append(out, s)
	}
	return out
}

func parseSystem(file string) (*system, error) {
	a, err := txtar.ParseFile(file)
	if err != nil {
		return nil, err
	}
	s := &system{
		id: strings.TrimSuffix(filepath.Base(file), ".txtar"), cells: map[string]string{}, scripts: map[string]string{},
	}
	for _, line := range lines(a.Comment) {
		key, value, _ := strings.Cut(line, ": ")
		switch key {
		case "name":
			s.name = value
		case "tracker":
			s.tracker = value
		case "hosts":
			s.hosts = strings.Fields(value)
		case "get", "post", "noscript":
			s.cells[key] = value
		default:
			return nil, fmt.Errorf("unknown key %q", key)
		}
	}
	if s.name == "" || s.tracker == "" || len(s.hosts) == 0 || len(s.cells) != 3 {
		return nil, fmt.Errorf("the header is not complete")
	}
	for _, f := range a.Files {
		if err := s.section(f); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *system) section(f txtar.File) error {
	kind, name, ok := strings.Cut(f.Name, " ")
	if !ok {
		return fmt.Errorf("section %q: want two words", f.Name)
	}
	if kind == "vendor" {
		s.scripts[name] = string(f.Data)
		return nil
	}
	if strings.HasPrefix(name, "/") {
		s.pages = append(s.pages, &testPage{name: kind, path: name, body: string(f.Data)})
		return nil
	}
	i := slices.IndexFunc(s.pages, func(p *testPage) bool { return p.name == name })
	if i < 0 {
		return fmt.Errorf("section %q belongs to no page", f.Name)
	}
	p := s.pages[i]
	switch kind {
	case "ran":
		p.ran = lines(f.Data)
	case "passes":
		p.passes = lines(f.Data)
	case "want":
		for _, line := range lines(f.Data) {
			if maybe, ok := strings.CutPrefix(line, "? "); ok {
				p.maybe = append(p.maybe, maybe)
			} else {
				p.want = append(p.want, line)
			}
		}
	case "click":
		p.selector, p.next, _ = strings.Cut(strings.TrimSpace(string(f.Data)), " ")
	default:
		return fmt.Errorf("unknown section %q", f.Name)
	}
	return nil
}

func lines(data []byte) []string {
	var out []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// serve puts the pages of a system, and the scripts in the vendor's place, into
// the fake internet.
func (s *system) serve(n *fakenet, head []byte, scripts map[string]string) {
	for _, p := range s.pages {
		n.Handle(s.host(p), html(map[string]string{
			p.path:  string(head) + p.body,
			"/next": string(head) + "<p>here we are",
		}))
	}
	for url, script := range s.scripts {
		scripts[strings.TrimPrefix(url, "https://")] = script
		host, _, _ := strings.Cut(strings.TrimPrefix(url, "https://"), "/")
		n.Handle(host, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			script, ok := scripts[r.Host+r.URL.RequestURI()]
			if !ok {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write([]byte(script))
		}))
	}
}

// html serves pages by path.
func html(pages map[string]string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := pages[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(body))
	})
}
