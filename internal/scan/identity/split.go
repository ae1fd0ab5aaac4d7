package identity

import (
	"net/url"
	"strings"

	"github.com/quench-proxy/quench/internal/detect/markup"
)

// maxParts is how many values of one URL are looked at as parts of an address.
const maxParts = 64

// twoParts looks for an address whose local part and domain are whole values
// apart from one another: user=alice&domain=example.com. Each alone is
// nobody's proof.
func (f *finder) twoParts() {
	if len(f.set.domains) == 0 || len(f.set.locals) == 0 {
		return
	}
	type part struct {
		value string
		at    component
	}
	var list []part
	for _, c := range components(f.url, &f.parts) {
		if c.where == Subdomain || c.where == User || c.at.Len() < minLocal || c.at.Len() > 3*MaxAddress || len(list) == maxParts {
			continue
		}
		v := f.url[c.at.Start:c.at.End]
		if d, err := url.QueryUnescape(v); err == nil && strings.IndexByte(v, '%') >= 0 {
			v = d
		}
		list = append(list, part{strings.ToLower(v), c})
	}
	for i := range list {
		for k := range f.set.domains {
			d := &f.set.domains[k]
			if d.name != d.written || list[i].value != d.name {
				continue
			}
			for j := range list {
				l, ok := f.set.locals[list[j].value]
				if i == j || !ok || l.step != "" || f.set.addresses[l.address].domain != d.name {
					continue
				}
				f.keepParts(&list[j].at, &list[i].at, l.address)
				return
			}
		}
	}
}

// keepParts keeps the proof for a local part and a domain in place of the hint
// that the local part alone is.
func (f *finder) keepParts(local, domain *component, n int) {
	for i := range f.mine {
		if o := &f.mine[i]; o.Form != LocalPart && f.set.given[n] == o.Address {
			return // the whole address stands there as well
		}
	}
	p := Proof{Address: f.set.given[n], Form: TwoParts, Where: local.where, Param: local.param, Range: local.at,
		Decoded: f.url[local.at.Start:local.at.End] + " " + f.url[domain.at.Start:domain.at.End]}
	if len(p.Decoded) > MaxDecoded {
		p.Decoded = strings.ToValidUTF8(p.Decoded[:MaxDecoded], "")
	}
	if strings.IndexByte(f.url[local.at.Start:local.at.End], '%') >= 0 {
		p.Encoding = Encoding{Percent}
	}
	for i := range f.mine {
		if o := &f.mine[i]; o.Form == LocalPart && overlap(o.Range, p.Range) {
			*o = p
			return
		}
	}
	if len(f.mine) < MaxProofs {
		f.mine = append(f.mine, p)
	}
}

func overlap(a, b markup.Range) bool { return a.Start < b.End && b.Start < a.End }

// shared reports whether local is a name that many people read or none: info,
// noreply, a list's owner.
func shared(local string) bool {
	local = strings.ToLower(untag(local))
	if isRole(local) {
		return true
	}
	for _, end := range []string{"-request", "-owner", "-bounces", "-admin", "-unsubscribe", "-subscribe"} {
		if strings.HasSuffix(local, end) {
			return true
		}
	}
	return false
}
