// Package links knows what companies write into links: parameters that tell
// people or devices apart, and pages that record a click and send on.
//
// In flow rules (YAML) and URLs; out flow the URL without them, and who had put
// them there. It never decides whether a link is to be cleaned.
package links

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/strictyaml"
)

// Param is who writes a parameter, and what it is.
type Param struct {
	Owner string   `yaml:"owner"`
	What  string   `yaml:"what"`
	Names []string `yaml:"names"`
}

// Redirect is a page that holds where it sends in a parameter.
type Redirect struct {
	By    string   `yaml:"by"`
	Hosts []string `yaml:"hosts"`
	// Path is the whole path, or with a * at the end its beginning.
	Path  string `yaml:"path"`
	Param string `yaml:"param"`
	// Base64 is how many letters stand before the goal's base64; 0 means that
	// it is not in base64.
	Base64 int `yaml:"base64"`
}

// Spec is what a file of rules holds.
type Spec struct {
	Params    []Param    `yaml:"params"`
	Keep      []string   `yaml:"keep"`
	Redirects []Redirect `yaml:"redirects"`
}

// Rules are compiled and immutable. A nil *Rules knows nothing.
type Rules struct {
	exact  map[string]*Param
	begin  []beginning
	keep   map[string]bool
	onward map[string][]Redirect
}

type beginning struct {
	text  string
	param *Param
}

// MaxURL is the longest URL that is looked at, in bytes.
const MaxURL = 16 << 10

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
	for i, p := range s.Params {
		if p.Owner == "" || p.What == "" || len(p.Names) == 0 {
			wrong("a parameter needs owner, what and names", "params", i)
		}
		for j, n := range p.Names {
			if !goodName(n) {
				wrong(fmt.Sprintf("name %q: want letters, digits, - and _, and perhaps * at the end", n), "params", i, "names", j)
			}
		}
	}
	for i, r := range s.Redirects {
		if r.By == "" || len(r.Hosts) == 0 || !strings.HasPrefix(r.Path, "/") || !goodName(r.Param) || r.Base64 < 0 {
			wrong("a redirect needs by, hosts, a path and a parameter", "redirects", i)
		}
	}
	return s, errors.Join(faults...)
}

func goodName(s string) bool {
	s = strings.TrimSuffix(s, "*")
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == ""
}

// Compile joins specs; where two name one parameter the first counts.
func Compile(specs ...*Spec) *Rules {
	r := &Rules{exact: map[string]*Param{}, keep: map[string]bool{}, onward: map[string][]Redirect{}}
	for _, s := range specs {
		for i := range s.Params {
			p := &s.Params[i]
			for _, n := range p.Names {
				if text, ok := strings.CutSuffix(n, "*"); ok {
					r.begin = append(r.begin, beginning{text, p})
				} else if r.exact[n] == nil {
					r.exact[n] = p
				}
			}
		}
		for _, h := range s.Keep {
			r.keep[strings.ToLower(h)] = true
		}
		for _, d := range s.Redirects {
			for _, h := range d.Hosts {
				r.onward[h] = append(r.onward[h], d)
			}
		}
	}
	return r
}

func (r *Rules) param(name string) *Param {
	if p := r.exact[name]; p != nil {
		return p
	}
	for _, b := range r.begin {
		if strings.HasPrefix(name, b.text) {
			return b.param
		}
	}
	return nil
}

// Clean returns rawURL without the parameters that tell people apart, every
// other byte as it was, and who had written them; nil if there are none.
func (r *Rules) Clean(rawURL string) (clean string, taken []Param) {
	if r == nil || len(rawURL) > MaxURL {
		return rawURL, nil
	}
	before, query, ok := strings.Cut(rawURL, "?")
	if !ok || r.kept(detect.HostOf(rawURL)) {
		return rawURL, nil
	}
	query, fragment, cut := strings.Cut(query, "#")
	var left []string
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		if p := r.param(name); p != nil {
			taken = append(taken, *p)
		} else {
			left = append(left, pair)
		}
	}
	if len(taken) == 0 {
		return rawURL, nil
	}
	clean = before
	if len(left) > 0 {
		clean += "?" + strings.Join(left, "&")
	}
	if cut {
		clean += "#" + fragment
	}
	return clean, taken
}

func (r *Rules) kept(host string) bool {
	for h := host; h != ""; {
		if r.keep[h] {
			return true
		}
		i := strings.IndexByte(h, '.')
		if i < 0 {
			return false
		}
		h = h[i+1:]
	}
	return false
}

// maxHops is how many redirects in one another are followed.
const maxHops = 4

// Target returns where a page that only sends on would send, "" if rawURL is no
// such page or does not say it, and who would have recorded the click. Nothing
// is asked of the network.
func (r *Rules) Target(rawURL string) (target, by string) {
	if r == nil {
		return "", ""
	}
	for range maxHops {
		next, who := r.hop(rawURL)
		if next == "" {
			break
		}
		if by == "" {
			by = who
		}
		target, rawURL = next, next
	}
	return target, by
}

func (r *Rules) hop(rawURL string) (target, by string) {
	list := r.onward[detect.HostOf(rawURL)]
	if len(list) == 0 || len(rawURL) > MaxURL {
		return "", ""
	}
	path, query := detect.Split(rawURL)
	for i := range list {
		d := &list[i]
		if begin, ok := strings.CutSuffix(d.Path, "*"); path != d.Path && !(ok && strings.HasPrefix(path, begin)) {
			continue
		}
		if t := d.goal(query); t != "" {
			return t, d.By
		}
	}
	return "", ""
}

// goal reads the parameter; only a whole URL of the web, with a host that has
// a dot and without a user in it, is one.
func (d *Redirect) goal(query string) string {
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name != d.Param {
			continue
		}
		text, err := url.QueryUnescape(value)
		if err != nil {
			return ""
		}
		if d.Base64 > 0 {
			if len(text) <= d.Base64 {
				return ""
			}
			b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text[d.Base64:], "="))
			if err != nil {
				return ""
			}
			text = string(b)
		}
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || !strings.Contains(u.Hostname(), ".") {
			return ""
		}
		return u.String()
	}
	return ""
}
