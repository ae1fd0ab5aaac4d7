// Package widgets knows the frames that social networks have other sites show:
// posts, like buttons, comments. Their owner learns of every visit to a page
// that shows one, from everybody, whether they look at it or not.
//
// In flow rules (YAML) and URLs of frames; out flow what a frame is and whose.
// It never decides what becomes of it.
package widgets

import (
	"errors"
	"fmt"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/strictyaml"
)

// Widget is one kind of frame.
type Widget struct {
	// ID is unique among all.
	ID string `yaml:"id"`
	// Name is what people call it, with an article: "a Facebook post".
	Name string `yaml:"name"`
	// Company would learn of the visit.
	Company string `yaml:"company"`
	// Sites are the company's own, on which nothing new is learned; with
	// subdomains.
	Sites []string `yaml:"sites"`
	// Hosts serve the frame, exactly these.
	Hosts []string `yaml:"hosts"`
	// Paths are how its path may begin; "*" stands for one segment.
	Paths []string `yaml:"paths"`
}

// Spec is what a file of rules holds.
type Spec struct {
	Widgets []Widget `yaml:"widgets"`
}

// Rules are compiled and immutable. A nil *Rules knows nothing.
type Rules struct {
	byHost map[string][]*Widget
}

// MaxWidgets bounds the widgets of one file.
const MaxWidgets = 1000

// Parse reads a file of rules. The error names every fault with its line.
func Parse(file string, data []byte) (*Spec, error) {
	s := &Spec{}
	if err := strictyaml.Decode(file, data, s); err != nil {
		return nil, err
	}
	place := strictyaml.Locate(data)
	var faults []error
	wrong := func(text string, at ...any) {
		faults = append(faults, &strictyaml.Fault{File: file, Line: place.At(at...).Line(), Text: text})
	}
	if len(s.Widgets) > MaxWidgets {
		wrong(fmt.Sprintf("%d widgets, at most %d are possible", len(s.Widgets), MaxWidgets), "widgets")
		return s, errors.Join(faults...)
	}
	seen := map[string]bool{}
	for i, w := range s.Widgets {
		switch {
		case w.ID == "" || w.Name == "" || w.Company == "" || len(w.Hosts) == 0 || len(w.Paths) == 0:
			wrong("a widget needs id, name, company, hosts and paths", "widgets", i)
		case seen[w.ID]:
			wrong(fmt.Sprintf("the id %q is another widget's too", w.ID), "widgets", i, "id")
		}
		seen[w.ID] = true
		for j, h := range w.Hosts {
			if h != strings.ToLower(h) || strings.ContainsAny(h, "/:*") || h == "" {
				wrong(fmt.Sprintf("host %q: want a name in lower case", h), "widgets", i, "hosts", j)
			}
		}
		for j, p := range w.Paths {
			if !strings.HasPrefix(p, "/") || p == "/" {
				wrong(fmt.Sprintf("path %q: want the beginning of a path, longer than /", p), "widgets", i, "paths", j)
			}
		}
	}
	return s, errors.Join(faults...)
}

// Compile joins specs; where two fit one frame the first counts.
func Compile(specs ...*Spec) *Rules {
	r := &Rules{byHost: map[string][]*Widget{}}
	for _, s := range specs {
		for i := range s.Widgets {
			w := &s.Widgets[i]
			for _, h := range w.Hosts {
				r.byHost[h] = append(r.byHost[h], w)
			}
		}
	}
	return r
}

// Find says what a frame of url is; nil if it is no widget. It does not allocate.
func (r *Rules) Find(host, url string) *Widget {
	if r == nil {
		return nil
	}
	for _, w := range r.byHost[host] {
		path, _ := detect.Split(url)
		if w.begins(path) {
			return w
		}
	}
	return nil
}

func (w *Widget) begins(path string) bool {
	for _, p := range w.Paths {
		if begins(path, p) {
			return true
		}
	}
	return false
}

// begins reports whether path begins as the pattern does, where "*" stands for
// one segment.
func begins(path, pattern string) bool {
	for {
		i := strings.IndexByte(pattern, '*')
		if i < 0 {
			return strings.HasPrefix(path, pattern)
		}
		if !strings.HasPrefix(path, pattern[:i]) {
			return false
		}
		path, pattern = path[i:], pattern[i+1:]
		end := strings.IndexByte(path, '/')
		switch {
		case end < 0 && pattern == "":
			return path != ""
		case end <= 0:
			return false
		}
		path = path[end:]
	}
}

// Home reports whether a page of the host page is the company's own, which
// learns nothing new.
func (w *Widget) Home(page string) bool {
	for _, s := range w.Sites {
		if detect.UnderDomain(page, s) {
			return true
		}
	}
	return false
}
