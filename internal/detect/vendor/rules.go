package vendor

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"

	"golang.org/x/net/publicsuffix"

	"github.com/quench-proxy/quench/internal/detect"
)

// Rules is a compiled set of specs. It is immutable and safe for concurrent
// use; regexps compile on first use.
type Rules struct {
	trackers []*tracker
	rules    []rule
	exact    map[string][]int32 // "www.facebook.com"
	under    map[string][]int32 // ".google-analytics.com", without the dot
	stem     map[string][]int32 // "www.google" of "www.google.*"
	anyHost  []int32
	refuse   map[string]int32 // name -> tracker
	refuseU  map[string]int32 // domain -> tracker, with all below
}

// tracker is a TrackerSpec with what all its rules share.
type tracker struct {
	spec    *TrackerSpec
	company *Spec
	public  detect.Tracker
	source  string
	cookies map[string]*CookieSpec
}

// rule is a hit or a loader, ready to match.
type rule struct {
	tracker *tracker
	hit     *HitSpec    // nil for a loader
	loader  *LoaderSpec // nil for a hit
	report  *rule       // the hit whose vocabulary a loader's stub speaks

	paths   []pathPattern
	pathRE  *lazyRE
	query   []condition
	payload []condition
	methods []string
	types   uint32 // bit per detect.Type, 0 = any
	third   bool
	fields  []field
	dedupe  []string
	auto    []condition
}

type pathPattern struct {
	text           string
	prefix, suffix bool
}

type condition struct {
	key string
	re  *lazyRE // nil: present is enough
}

// field is a FieldSpec in canonical order.
type field struct {
	canon  *Canonical
	spec   FieldSpec
	part   *lazyRE
	ignore *lazyRE
	// named, for the catch-all field custom, are the keys that fields of the
	// rule name outright: a "*" skips them, so that only the rest is custom.
	named map[string]bool
}

// lazyRE is a regexp that compiles when it is first asked. Its source was
// checked when the rule was parsed.
type lazyRE struct {
	src string
	re  atomic.Pointer[regexp.Regexp]
}

func newRE(src string) *lazyRE {
	if src == "" {
		return nil
	}
	return &lazyRE{src: src}
}

func (l *lazyRE) get() *regexp.Regexp {
	if re := l.re.Load(); re != nil {
		return re
	}
	re := regexp.MustCompile(l.src) // two first users may both compile; either result serves
	l.re.Store(re)
	return re
}

// Compile builds Rules from checked specs. It fails if two trackers share an id.
func Compile(specs []*Spec) (*Rules, error) {
	r := &Rules{
		exact: map[string][]int32{}, under: map[string][]int32{}, stem: map[string][]int32{},
		refuse: map[string]int32{}, refuseU: map[string]int32{},
	}
	var faults []error
	ids := map[string]string{}
	for _, s := range specs {
		for i := range s.Trackers {
			t := &s.Trackers[i]
			if other, ok := ids[t.ID]; ok {
				faults = append(faults, fmt.Errorf("rules: tracker %s is in %s and in %s", t.ID, other, s.File))
				continue
			}
			ids[t.ID] = s.File
			r.addTracker(s, t)
		}
	}
	return r, errors.Join(faults...)
}

func (r *Rules) addTracker(s *Spec, spec *TrackerSpec) {
	t := &tracker{spec: spec, company: s, source: s.File, cookies: map[string]*CookieSpec{}}
	t.public = detect.Tracker{ID: spec.ID, Name: spec.Name, Company: s.Company, Category: spec.Category, Purposes: spec.Purposes}
	for i := range spec.Cookies {
		t.cookies[spec.Cookies[i].Name] = &spec.Cookies[i]
	}
	n := int32(len(r.trackers))
	r.trackers = append(r.trackers, t)
	for _, h := range spec.ByName.Refuse {
		if d, ok := strings.CutPrefix(h, "."); ok {
			r.refuseU[d] = n
		} else {
			r.refuse[h] = n
		}
	}
	hits := map[string]int{}
	for i := range spec.Hits {
		h := &spec.Hits[i]
		hits[h.ID] = len(r.rules)
		r.addRule(rule{tracker: t, hit: h, payload: conditions(h.Payload), dedupe: h.Dedupe}, &h.MatchSpec)
	}
	for i := range spec.Loaders {
		l := &spec.Loaders[i]
		ru := rule{tracker: t, loader: l}
		if n, ok := hits[l.Report]; ok {
			report := r.rules[n]
			ru.report = &report
		}
		r.addRule(ru, &l.MatchSpec)
	}
}

func (r *Rules) addRule(ru rule, m *MatchSpec) {
	ru.pathRE, ru.query, ru.methods = newRE(m.PathRE), conditions(m.Query), m.Methods
	ru.third = m.Party == "third"
	for _, p := range m.Paths {
		ru.paths = append(ru.paths, pathPattern{strings.Trim(p, "*"), strings.HasSuffix(p, "*"), strings.HasPrefix(p, "*")})
	}
	for _, t := range m.Types {
		ty, _ := detect.ParseType(t)
		ru.types |= 1 << ty
	}
	ru.auto = conditions(ru.tracker.spec.Automatic)
	if ru.dedupe == nil {
		ru.dedupe = ru.tracker.spec.Dedupe
	}
	if ru.hit != nil {
		ru.fields = compileFields(ru.tracker.spec.Fields, ru.hit.Fields)
	}
	n := int32(len(r.rules))
	r.rules = append(r.rules, ru)
	for _, h := range m.Hosts {
		switch {
		case h == "*":
			r.anyHost = append(r.anyHost, n)
		case strings.HasPrefix(h, "."):
			r.under[h[1:]] = append(r.under[h[1:]], n)
		case strings.HasSuffix(h, ".*"):
			r.stem[h[:len(h)-2]] = append(r.stem[h[:len(h)-2]], n)
		default:
			r.exact[h] = append(r.exact[h], n)
		}
	}
}

func conditions(m map[string]string) []condition {
	var out []condition
	for k, re := range m {
		out = append(out, condition{k, newRE(re)})
	}
	return out
}

func compileFields(shared, own map[string]FieldSpec) []field {
	var out []field
	named := map[string]bool{}
	for i := range canonicals {
		c := &canonicals[i]
		spec, ok := own[c.Name]
		if !ok {
			spec, ok = shared[c.Name]
		}
		if ok {
			f := field{canon: c, spec: spec, part: newRE(spec.Part), ignore: newRE(spec.Ignore)}
			if c.Name == "custom" {
				f.named = named
			}
			out = append(out, f)
			for _, k := range spec.From {
				named[k] = true
			}
		}
	}
	return out
}

// Match is what the rules say of a request: indices plus one, 0 for none. The
// first rule in file order wins within each kind; a rule for the exact host
// comes before one for a domain, and that before one for any host.
type Match struct {
	Hit    int32 // an endpoint that is told something
	Maybe  int32 // the same, if the payload in the body agrees
	Loader int32
}

// Match finds the rules for a request by URL, method, type and party. It does
// not allocate.
func (r *Rules) Match(q *detect.Request) Match {
	path, query := detect.Split(q.URL)
	var m Match
	r.consider(&m, r.exact[q.Host], q, path, query)
	r.consider(&m, r.byStem(q.Host), q, path, query)
	for h := q.Host; h != ""; h = parent(h) {
		r.consider(&m, r.under[h], q, path, query)
	}
	r.consider(&m, r.anyHost, q, path, query)
	return m
}

// byStem gives the rules for "name.*" that host fits. The Public Suffix List is
// asked only once a name fits, for asking allocates.
func (r *Rules) byStem(host string) []int32 {
	for i := 0; i < len(host) && len(r.stem) > 0; i++ {
		if host[i] != '.' {
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

func (r *Rules) consider(m *Match, rules []int32, q *detect.Request, path, query string) {
	for _, n := range rules {
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
}

func (ru *rule) match(q *detect.Request, path, query string) bool {
	if ru.types != 0 && q.Type != detect.TypeOther && ru.types&(1<<q.Type) == 0 {
		return false
	}
	if !ru.matchMethod(q.Method) || !ru.matchPath(path) {
		return false
	}
	for i := range ru.query {
		v, ok := Param(query, ru.query[i].key)
		if !ok || ru.query[i].re != nil && !ru.query[i].re.get().MatchString(v) {
			return false
		}
	}
	return !ru.third || ru.thirdParty(q)
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
		p := &ru.paths[i]
		switch {
		case p.prefix && p.suffix && strings.Contains(path, p.text),
			p.prefix && !p.suffix && strings.HasPrefix(path, p.text),
			p.suffix && !p.prefix && strings.HasSuffix(path, p.text),
			path == p.text:
			return true
		}
	}
	return ru.pathRE != nil && ru.pathRE.get().MatchString(path)
}

// thirdParty: the page is neither on the request's own site nor on one of the
// company's. A page nobody knows counts as another's.
func (ru *rule) thirdParty(q *detect.Request) bool {
	if q.Party() == detect.FirstParty {
		return false
	}
	if q.Page == "" {
		return true
	}
	page := detect.HostOf(q.Page)
	for _, s := range ru.tracker.company.Sites {
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

func parent(h string) string {
	i := strings.IndexByte(h, '.')
	if i < 0 {
		return ""
	}
	return h[i+1:]
}

// Refuse reports whether host does nothing but track, so that it may be
// refused by name, and which tracker (index plus one) it belongs to.
func (r *Rules) Refuse(host string) (tracker int32, ok bool) {
	if n, ok := r.refuse[host]; ok {
		return n + 1, true
	}
	for h := host; h != ""; h = parent(h) {
		if n, ok := r.refuseU[h]; ok {
			return n + 1, true
		}
	}
	return 0, false
}

// Names reports whether any rule names host; rules for any host do not count.
func (r *Rules) Names(host string) bool {
	if _, ok := r.Refuse(host); ok || len(r.exact[host]) > 0 {
		return true
	}
	if len(r.byStem(host)) > 0 {
		return true
	}
	for h := host; h != ""; h = parent(h) {
		if len(r.under[h]) > 0 {
			return true
		}
	}
	return false
}

// Info describes a rule for the engine.
type Info struct {
	Tracker    string // tracker id
	Action     detect.Action
	Reply      detect.Reply
	Strip      StripSpec
	Mode       detect.LoaderMode
	Stub       string
	TagManager bool
	MustFail   bool
	Loader     bool
	// Body: the payload may be in the request body.
	Body bool
}

// Info returns what is known of rule n (index plus one). It panics if there is
// no such rule. It does not allocate.
func (r *Rules) Info(n int32) Info {
	ru := &r.rules[n-1]
	i := Info{Tracker: ru.tracker.spec.ID, Action: detect.Block}
	if l := ru.loader; l != nil {
		i.Loader, i.Stub, i.TagManager, i.MustFail = true, l.Stub, l.TagManager, l.MustFail
		i.Mode = loaderMode(l)
		return i
	}
	switch ru.hit.Action {
	case "strip":
		i.Action = detect.Strip
	case "observe":
		i.Action = detect.Observe
	}
	i.Reply, _ = detect.ParseReply(ru.hit.Reply)
	i.Strip, i.Body = ru.hit.Strip, ru.hit.Body != "none"
	return i
}

func loaderMode(l *LoaderSpec) detect.LoaderMode {
	if m, ok := detect.ParseLoaderMode(l.Mode); ok {
		return m
	}
	if l.Stub != "" {
		return detect.LoaderStub
	}
	return detect.LoaderBlock
}

// RuleName gives "tracker/rule" for rule n (index plus one).
func (r *Rules) RuleName(n int32) string {
	ru := &r.rules[n-1]
	if ru.loader != nil {
		return ru.tracker.spec.ID + "/" + ru.loader.ID
	}
	return ru.tracker.spec.ID + "/" + ru.hit.ID
}

// Len is the number of rules; Trackers the ids of all trackers, in load order.
func (r *Rules) Len() int { return len(r.rules) }

// Trackers returns the ids of all trackers, in load order.
func (r *Rules) Trackers() []string {
	var ids []string
	for _, t := range r.trackers {
		ids = append(ids, t.spec.ID)
	}
	return ids
}

// Covers reports whether rule n (index plus one) names host, or any host.
func (r *Rules) Covers(n int32, host string) bool {
	for _, h := range r.rules[n-1].spec().Hosts {
		d, under := strings.CutPrefix(h, ".")
		stem, any := strings.CutSuffix(h, ".*")
		switch {
		case h == "*", h == host, under && detect.UnderDomain(host, d):
			return true
		case any:
			suffix, _ := publicsuffix.PublicSuffix(host)
			if host == stem+"."+suffix {
				return true
			}
		}
	}
	return false
}
