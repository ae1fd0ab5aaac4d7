package identity

import (
	"net/url"
	"strings"

	"github.com/quench-proxy/quench/internal/detect/markup"
)

// parts are the ranges of a URL's parts; what a URL lacks is empty. It takes
// URLs that no parser takes.
type parts struct {
	user, host, path, query, fragment markup.Range
}

func split(u string) parts {
	var p parts
	end := len(u)
	if i := strings.IndexByte(u, '#'); i >= 0 {
		p.fragment = markup.Range{Start: i + 1, End: end}
		end = i
	}
	if i := strings.IndexByte(u[:end], '?'); i >= 0 {
		p.query = markup.Range{Start: i + 1, End: end}
		end = i
	}
	start := 0
	if i := strings.Index(u[:end], "//"); i >= 0 && (i == 0 || u[i-1] == ':') {
		start = i + 2
		stop := end
		if j := strings.IndexByte(u[start:end], '/'); j >= 0 {
			stop = start + j
		}
		p.host = markup.Range{Start: start, End: stop}
		if j := strings.LastIndexByte(u[start:stop], '@'); j >= 0 {
			p.user = markup.Range{Start: start, End: start + j}
			p.host.Start = start + j + 1
		}
		start = stop
	} else if i := strings.IndexByte(u[:end], ':'); i >= 0 {
		start = i + 1
	}
	p.path = markup.Range{Start: start, End: end}
	return p
}

func within(r markup.Range, i int) bool { return i >= r.Start && i < r.End }

// in says which part holds byte i; "" for the scheme and the marks between.
func (p *parts) in(i int) Where {
	switch {
	case within(p.user, i):
		return User
	case within(p.host, i):
		return Subdomain
	case within(p.path, i):
		return Path
	case within(p.query, i):
		return Query
	case within(p.fragment, i):
		return Fragment
	}
	return ""
}

// locate says which part holds byte i, and the name of the parameter there.
func (p *parts) locate(u string, i int) (Where, string) {
	w := p.in(i)
	switch w {
	case Query:
		return w, param(u[p.query.Start:p.query.End], i-p.query.Start, "&;")
	case Fragment:
		return w, param(u[p.fragment.Start:p.fragment.End], i-p.fragment.Start, "&;")
	case Path:
		return w, param(u[p.path.Start:p.path.End], i-p.path.Start, "/;&")
	}
	return w, ""
}

// maxParam is how many bytes of a parameter's name are given.
const maxParam = 64

// param is the name of the parameter whose value holds s[i]; "" if there is none.
func param(s string, i int, seps string) string {
	start := strings.LastIndexAny(s[:i], seps) + 1
	name, _, ok := strings.Cut(s[start:i], "=")
	if !ok {
		return ""
	}
	if d, err := url.QueryUnescape(name); err == nil {
		name = d
	}
	if len(name) > maxParam {
		name = name[:maxParam]
	}
	return strings.ToValidUTF8(name, "")
}
