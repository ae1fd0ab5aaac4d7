package vendor

import (
	"cmp"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"golang.org/x/net/publicsuffix"
)

// Match is what the rules say of a request: indices plus one, 0 for none. The
// first rule in file order wins within each kind; a rule for the exact host
// comes before one for a domain, and that before one for any host. A hit says
// it all: what else would hold is not looked for then.
type Match struct {
	Hit    int32 // an endpoint that is told something
	Maybe  int32 // the same, if the payload in the body agrees
	Loader int32
	// Refuse is the tracker (index plus one) that owns the whole host, if it
	// does nothing but track; see RefuseRequest.
	Refuse int32
}

// Match finds the rules for a request by URL, method, type and party. It does
// not allocate.
func (r *Rules) Match(q *detect.Request) Match {
	path, query := detect.Split(q.URL)
	var m Match
	at := r.places[q.Host]
	if at != nil {
		r.considerAll(&m, at.exact, q, path, query)
		m.Refuse = at.refuse
	}
	r.considerAll(&m, r.byStem(q.Host), q, path, query)
	for h := q.Host; ; at = r.places[h] {
		if at != nil {
			r.considerAll(&m, at.under, q, path, query)
			m.Refuse = cmp.Or(m.Refuse, at.refuseUnder)
		}
		if h = parent(h); h == "" || len(h) < r.shortest {
			break
		}
	}
	r.considerAny(&m, q, path, query)
	return m
}

// byStem gives the rules for "name.*" that host fits. The Public Suffix List is
// asked only once a name fits, for asking allocates.
func (r *Rules) byStem(host string) []int32 {
	for i := range min(len(host), r.longestStem+1) {
		if host[i] != '.' || !r.stemLengths.has(host[:i]) {
			continue
		}
		if rules := r.stem[host[:i]]; rules != nil {
			if suffix, _ := publicsuffix.PublicSuffix(host); suffix == host[i+1:] {
				return rules
			}
		}
	}
	return nil
}

func (r *Rules) considerAll(m *Match, rules []int32, q *detect.Request, path, query string) {
	for _, n := range rules {
		if m.Hit > 0 {
			return
		}
		r.consider(m, n, q, path, query)
	}
}

// consider compares a request with rule n, unless an earlier one of its kind
// has matched.
func (r *Rules) consider(m *Match, n int32, q *detect.Request, path, query string) {
	ru := &r.rules[n]
	slot := &m.Hit
	switch {
	case ru.loader != nil:
		slot = &m.Loader
	case len(ru.payload) > 0:
		slot = &m.Maybe
	}
	if *slot == 0 && ru.match(q, path, query) {
		*slot = n + 1
	}
}

func (ru *rule) match(q *detect.Request, path, query string) bool {
	if query == "" && len(ru.query) > 0 { // decides about most rules for any host
		return false
	}
	if ru.types != 0 && q.Type != detect.TypeOther && ru.types&(1<<q.Type) == 0 {
		return false
	}
	if !ru.matchMethod(q.Method) || ru.hostRE != nil && !ru.hostRE.can(q.Host) || !ru.matchPath(path) ||
		ru.hostRE != nil && !ru.hostRE.match(q.Host) {
		return false
	}
	for i := range ru.query {
		v, ok := Param(query, ru.query[i].key)
		if !ru.query[i].holds(v, ok) {
			return false
		}
	}
	return (!ru.third || thirdParty(q, ru.tracker.company.Sites)) && !ru.excludes(q.Host)
}

// excludes reports that the rule does not hold for host although its hosts fit.
func (ru *rule) excludes(host string) bool {
	for _, h := range ru.notHosts {
		if d, under := strings.CutPrefix(h, "."); h == host || under && detect.UnderDomain(host, d) {
			return true
		}
	}
	return false
}

func (ru *rule) matchMethod(method string) bool {
	if method == "" || method == "HEAD" {
		method = "GET"
	}
	if len(ru.methods) == 0 {
		return method != "OPTIONS"
	}
	for _, m := range ru.methods {
		if m == method {
			return true
		}
	}
	return false
}

func (ru *rule) matchPath(path string) bool {
	if len(ru.paths) == 0 && ru.pathRE == nil {
		return true
	}
	for i := range ru.paths {
		if ru.paths[i].match(path) {
			return true
		}
	}
	return ru.pathRE != nil && ru.pathRE.match(path)
}

func (p *pathPattern) match(path string) bool {
	switch {
	case p.prefix && p.suffix:
		return strings.Contains(path, p.text)
	case p.prefix:
		return strings.HasPrefix(path, p.text)
	case p.suffix:
		return strings.HasSuffix(path, p.text)
	}
	return path == p.text
}

// thirdParty: the page is neither on the request's own site nor on one of the
// company's. A page nobody knows counts as another's.
func thirdParty(q *detect.Request, sites []string) bool {
	if q.Party() == detect.FirstParty {
		return false
	}
	if q.Page == "" {
		return true
	}
	page := detect.HostOf(q.Page)
	for _, s := range sites {
		if detect.UnderDomain(page, s) {
			return false
		}
	}
	return true
}

// Param finds a query parameter as written; the name may be written with its
// brackets percent-encoded. It does not allocate.
func Param(query, name string) (value string, ok bool) {
	for query != "" {
		var kv string
		kv, query, _ = strings.Cut(query, "&")
		k, v, _ := strings.Cut(kv, "=")
		if sameKey(k, name) {
			return v, true
		}
	}
	return "", false
}

func sameKey(raw, name string) bool {
	j := 0
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c == '%' && i+2 < len(raw) {
			switch raw[i+1 : i+3] {
			case "5B", "5b":
				c, i = '[', i+2
			case "5D", "5d":
				c, i = ']', i+2
			}
		}
		if j >= len(name) || name[j] != c {
			return false
		}
		j++
	}
	return j == len(name)
}
