package judge

import (
	"slices"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/scan/identity"
)

// facts are what one URL says, whatever reference it stands in.
type facts struct {
	outline
	link          link   // of the original behind a proxy
	asked         string // the host a client would ask, the proxy's if there is one
	host          string // of the original behind a proxy
	original, via string // see Unproxy; the original behind a gateway, too
	gateway       string // who put an address in front, for the reader's provider
	target        string // see goal
	followed      bool   // target is known
	signed        bool
	strongest     Strength // of values
	values        []Value
	mine, others  []identity.Proof
	wrapper       []identity.Proof // what stands in the gateway's or proxy's own part
	fetched       fetches
	ruled         ruling // the last asked for
}

// fetches says how often each part fetches a URL.
type fetches struct {
	part  string
	times int
	next  *fetches // of another part
}

// count adds one to what part fetches.
func (f *facts) count(part string) {
	for e := &f.fetched; ; e = e.next {
		if e.times == 0 || e.part == part {
			e.part, e.times = part, e.times+1
			return
		}
		if e.next == nil {
			e.next = &fetches{}
		}
	}
}

// times is how often part fetches the URL.
func (f *facts) times(part string) int {
	for e := &f.fetched; e != nil; e = e.next {
		if e.part == part {
			return e.times
		}
	}
	return 0
}

// place is the URL that counts: behind a proxy, the original.
func (f *facts) place() string { return f.link.url }

// goal is where a link leads in the end, found once for each URL.
func (f *facts) goal() string {
	if !f.followed {
		f.followed = true
		f.target = targetOf(&f.link)
		if f.target == "" {
			f.target = f.original
		}
	}
	return f.target
}

// uses says which references of a message carry a token.
type uses struct {
	links    int      // links
	picture  string   // the first host of a visible picture that looks static
	pictures []string // the others
	last     *facts   // the last link counted, so that one repeated counts once
}

// show notes that host shows a picture with the token.
func (u *uses) show(host string) {
	switch {
	case u.picture == "":
		u.picture = host
	case !u.shown(host):
		u.pictures = append(u.pictures, host)
	}
}

func (u *uses) shown(host string) bool {
	return u.picture == host && host != "" || slices.Contains(u.pictures, host)
}

// bench holds one message while it is judged.
type bench struct {
	judge   *Judge
	m       *Message
	urls    map[string]*facts
	of      []*facts       // of each reference
	tokens  map[string]int // of each token, its place in uses, counted from 1
	uses    []uses
	origins origins
	// Room that many findings share; what has been given out stays as it is.
	rooms    [][]facts // see fresh
	at       int       // the one in use
	values   []Value
	evidence []detect.Evidence
	reasons  []reason // words that hold for every message
}

// gather reads the URL of a reference, once for each URL of the message, and
// counts its tokens.
func (b *bench) gather(n int) {
	r := &b.m.Refs[n]
	f := b.urls[r.URL]
	if f == nil {
		f = b.read(r.URL)
		b.urls[r.URL] = f
	}
	b.of[n] = f
	if r.Reach != markup.Remote {
		return
	}
	if auto(r) && !doubled(r) {
		f.count(r.Part)
	}
	if o := f.link.origin; (r.When == markup.Click || linkified(r)) && o.last != f {
		o.links++
		o.last = f
	}
	for i := range f.values {
		v := &f.values[i]
		if len(v.Text) < 4 {
			continue
		}
		u := b.use(v)
		switch {
		case (r.When == markup.Click || linkified(r)) && u.last != f:
			u.links++
			u.last = f
		case r.When == markup.Opening && seen(r) && f.ext != "" && !f.query:
			u.show(f.host)
		}
	}
}

// use is where the uses of v are counted.
func (b *bench) use(v *Value) *uses {
	if v.uses == 0 {
		v.uses = b.tokens[v.Text]
	}
	if v.uses == 0 {
		b.uses = append(b.uses, uses{})
		v.uses = len(b.uses)
		b.tokens[v.Text] = v.uses
	}
	return &b.uses[v.uses-1]
}

func (b *bench) read(u string) *facts {
	f := b.fresh()
	f.link = b.origins.link(u)
	f.asked = hostOf(u, &f.link)
	f.host = f.asked
	if o := f.link.origin; o.gateway != "" || o.proxies != 0 || gmail(&f.link) {
		b.unwrap(f)
	}
	f.outline = outlineOf(&f.link)
	if f.original != "" || f.gateway == "" {
		b.weigh(f)
	}
	if f.original == "" && f.gateway != "" {
		return f // all of it is the gateway's
	}
	f.mine, f.others = b.m.Me.Search(f.link.url)
	for i := range f.mine {
		p := &f.mine[i]
		p.Shared = p.Shared || slices.ContainsFunc(b.m.Lists, func(l string) bool { return strings.EqualFold(l, p.Address) })
	}
	return f
}

// unwrap takes gateways and image proxies off f's URL. What stands in the part
// of the wrapper is no word of the sender's.
func (b *bench) unwrap(f *facts) {
	outer := f.link
	f.unwrapAll(b)
	if f.original == "" {
		if f.gateway != "" {
			f.wrapper, _ = b.m.Me.Search(outer.url)
		}
		return
	}
	inner, _ := scanned(&outer)
	if inner == "" {
		inner, _ = unproxy(&outer)
	}
	f.wrapper, _ = b.m.Me.Search(own(&outer, inner))
	f.link = b.origins.link(f.original)
	f.host = hostOf(f.original, &f.link)
}

// weigh finds the values of f's URL that may be tokens.
func (b *bench) weigh(f *facts) {
	from := len(b.values)
	b.values, f.signed = values(b.values, &f.link)
	f.values = b.values[from:len(b.values):len(b.values)]
	for i := range f.values {
		f.strongest = max(f.strongest, f.values[i].Strength)
	}
}

// hostOf is the host of u as a client asks for it. Where nothing is escaped or
// written as a number, that is the host the link already knows.
func hostOf(u string, l *link) string {
	for i := range len(l.origin.host) {
		c := l.origin.host[i]
		if !(c >= 'a' && c <= 'z' || c == '.' || c == '-' || c >= '0' && c <= '9' && i > 0) {
			r := markup.Ref{URL: u}
			return r.Host()
		}
	}
	return l.origin.host
}
