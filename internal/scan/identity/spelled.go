package identity

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
)

// verps looks for a domain of the person's behind something else than "@".
func (f *finder) verps(v *view) {
	if len(f.set.domains) == 0 {
		return
	}
	lower := append(make([]byte, 0, len(v.b)), v.b...)
	for i, c := range lower {
		if c >= 'A' && c <= 'Z' {
			lower[i] = c | 0x20
		}
	}
	for k := range f.set.domains {
		d := &f.set.domains[k]
		for i, n := 0, 0; n < maxSigns && len(d.written) >= 4; n++ {
			j := bytes.Index(lower[i:], []byte(d.written))
			if j < 0 {
				break
			}
			f.verp(v, lower, d, i+j)
			i += j + 1
		}
	}
}

func (f *finder) verp(v *view, lower []byte, d *domain, i int) {
	if end := i + len(d.written); end < len(lower) && isAlnum(lower[end]) {
		return
	}
	for _, sep := range d.at {
		if !bytes.HasSuffix(lower[:i], []byte(sep)) {
			continue
		}
		at := i - len(sep)
		start := at
		for start > 0 && at-start < MaxAddress && f.set.localByte[lower[start-1]] {
			start--
		}
		if n, form := f.set.own(string(lower[start:at]), d.name); form != "" {
			f.keep(v, start, i+len(d.written), Proof{Address: f.set.given[n], Form: form}, Verp)
			return
		}
	}
	// The dotted form of host names: local.domain.rest, never the whole name.
	if i > 1 && lower[i-1] == '.' && f.hosted(v, i, len(d.written)) {
		start := i - 1
		for start > 0 && f.set.localByte[lower[start-1]] {
			start--
		}
		if n, form := f.set.own(string(lower[start:i-1]), d.name); form != "" && len(f.set.addresses[n].untagged) >= minLocal {
			f.keep(v, start, i+len(d.written), Proof{Address: f.set.given[n], Form: form}, Verp)
		}
	}
}

// hosted reports whether b[i:i+n] stands inside the URL's host with more of it behind.
func (f *finder) hosted(v *view, i, n int) bool {
	from, to := v.origin(i, i+n)
	return f.parts.in(from) == Subdomain && to < f.parts.host.End && f.url[to] == '.'
}

// locals looks for tokens that are a local part as a whole.
func (f *finder) locals(v *view) {
	if len(f.set.locals) == 0 {
		return
	}
	for i := 0; i < len(v.b); {
		if !f.set.localByte[v.b[i]] {
			i++
			continue
		}
		j := i
		for j < len(v.b) && f.set.localByte[v.b[j]] {
			j++
		}
		if j-i >= minLocal && j-i <= MaxAddress {
			f.local(v, i, j)
		}
		i = j
	}
}

func (f *finder) local(v *view, i, j int) {
	token := strings.ToLower(string(v.b[i:j]))
	from, _ := v.origin(i, j)
	where := f.parts.in(from)
	l, ok := f.set.locals[token]
	for !ok {
		k := strings.LastIndexByte(token, '.')
		if k < minLocal || where != Subdomain && !slices.Contains(extensions, token[k+1:]) {
			return
		}
		token = token[:k]
		l, ok = f.set.locals[token]
	}
	if where == "" || f.partOfAddress(v, i, i+len(token)) || v.binary() && !delimited(v, i, i+len(token)) {
		return
	}
	if where == Subdomain && !v.binary() && !delimited(v, i, i+len(token)) && !f.hosted(v, i, len(token)) {
		return
	}
	f.keep(v, i, i+len(token), Proof{Address: f.set.given[l.address], Form: LocalPart}, l.step)
}

// partOfAddress reports whether b[i:j] is one half of an address, which has been
// looked at as a whole, or names a host of the person's own domain.
func (f *finder) partOfAddress(v *view, i, j int) bool {
	rest := bytes.TrimPrefix(v.b[j:], []byte("%"))
	for bytes.HasPrefix(rest, []byte("25")) {
		rest = rest[2:]
	}
	if len(rest) < len(v.b)-j && bytes.HasPrefix(rest, []byte("40")) || bytes.HasPrefix(rest, []byte("@")) || i > 0 && v.b[i-1] == '@' && v.step != "" {
		return true
	}
	if v.up == nil && j < len(f.url) && f.url[j] == '.' {
		for k := range f.set.domains {
			if within(f.parts.host, i) && strings.EqualFold(f.url[j+1:f.parts.host.End], f.set.domains[k].name) {
				return true
			}
		}
	}
	return false
}

// delimited reports whether b[i:j] is a whole token or a value in text, not a
// few letters that chance put between other bytes.
func delimited(v *view, i, j int) bool {
	before := i == 0 && v.exact || i > 1 && strings.IndexByte("\"' :=,[{&|;/\n", v.b[i-1]) >= 0 && v.b[i-2] >= 0x20 && v.b[i-2] < 0x7f
	after := j == len(v.b) && (v.exact || i > 0) || j+1 < len(v.b) && strings.IndexByte("\"' :=,]}&|;/\n", v.b[j]) >= 0 && v.b[j+1] >= 0x20 && v.b[j+1] < 0x7f ||
		j+1 == len(v.b) && strings.IndexByte("\"' ]};\n", v.b[j]) >= 0
	return before && after
}

// digests looks for a digest at every byte of v.
func (f *finder) digests(v *view) {
	if len(f.set.digests) == 0 {
		return
	}
	for i := 0; i+16 <= len(v.b); i++ {
		w := uint(v.b[i])<<8 | uint(v.b[i+1])
		if f.set.filter[w>>6%uint(len(f.set.filter))]&(1<<(w&63)) == 0 {
			continue
		}
		for d := range f.set.digested(binary.BigEndian.Uint64(v.b[i:])) {
			if bytes.HasPrefix(v.b[i:], d.sum) {
				f.keep(v, i, i+len(d.sum), Proof{Address: f.set.given[d.address], Form: d.form}, d.step)
				break
			}
		}
	}
}
