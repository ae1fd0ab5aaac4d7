package vendor

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/quench-proxy/quench/internal/detect"
)

// Rules is a compiled set of specs. It is immutable and safe for concurrent
// use; regexps and what explains a request compile on first use.
type Rules struct {
	trackers []*tracker
	rules    []rule
	places   map[string]*place
	shortest int                // the length of the shortest key of places
	stem     map[string][]int32 // "www.google" of "www.google.*"
	any      anyHost
	mail     func() *mailRules // nil if there are none
	// longestStem is the length of the longest key of stem: no dot behind it
	// can end one.
	longestStem int
	stemLengths lengths
}

// place is all that rules say of one name, so that one look tells.
type place struct {
	exact []int32 // rules for "www.facebook.com"
	under []int32 // rules for ".google-analytics.com", without the dot
	// The tracker (index plus one) whose name, or domain with all below, may be
	// refused; 0 is none.
	refuse, refuseUnder int32
}

// tracker is a TrackerSpec with what all its rules share.
type tracker struct {
	spec    *TrackerSpec
	company *Spec
	public  detect.Tracker
	source  string
	cookies map[string]*CookieSpec // by name in full
	// wildCookies are those whose name ends in "*", the longest first.
	wildCookies []*CookieSpec
	consent     []consent
	auto        []condition
	// folded are the events, by name, for a name written in other case.
	folded func() []namedEvent
}

// rule is a hit or a loader, ready to match.
type rule struct {
	tracker *tracker
	hit     *HitSpec    // nil for a loader
	loader  *LoaderSpec // nil for a hit
	report  *rule       // the hit whose vocabulary a loader's stub speaks

	paths    []pathPattern
	pathRE   *lazyRE
	hostRE   *lazyRE
	query    []condition
	payload  []condition
	params   []param
	methods  []string
	notHosts []string // as in MatchSpec
	types    uint32   // bit per detect.Type, 0 = any
	third    bool
	info     Info
	fields   *lazyFields // nil for a loader
	dedupe   []string
	auto     []condition
}

type pathPattern struct {
	text           string
	prefix, suffix bool
}

func newPathPattern(p string) pathPattern {
	return pathPattern{strings.Trim(p, "*"), strings.HasSuffix(p, "*"), strings.HasPrefix(p, "*")}
}

type condition struct {
	key string
	re  *lazyRE // nil: present is enough
}

// holds says so of the value v, which is there if ok.
func (c *condition) holds(v string, ok bool) bool { return ok && (c.re == nil || c.re.match(v)) }

// param is a payload key whose value is decoded again.
type param struct {
	key     keyPattern
	rewrite []string // what changes the value itself, first
	codec   string   // "" for none
}

// paramSteps takes a codec as it is written apart.
func paramSteps(text string) (rewrite []string, codec string) {
	for word := range strings.FieldsSeq(text) {
		if codec == "" && slices.Contains(rewriters, word) {
			rewrite = append(rewrite, word)
		} else {
			codec = strings.TrimSpace(codec + " " + word)
		}
	}
	return rewrite, codec
}

type consent struct {
	spec            *ConsentSpec
	granted, denied *lazyRE
}

type namedEvent struct {
	name string
	spec EventSpec
}

// Compile builds Rules from checked specs. It fails if two trackers share an id.
func Compile(specs []*Spec) (*Rules, error) {
	r := emptyRules()
	r.mail = sync.OnceValue(func() *mailRules { return compileMail(specs) })
	var faults []error
	r.rules = make([]rule, 0, countRules(specs))
	ids := map[string]string{}
	for _, s := range specs {
		trackers := s.withMail()
		for i := range trackers {
			t := &trackers[i]
			if other, ok := ids[t.ID]; ok {
				faults = append(faults, fmt.Errorf("rules: tracker %s is in %s and in %s", t.ID, other, s.File))
				continue
			}
			ids[t.ID] = s.File
			r.addTracker(s, t)
		}
	}
	return &r, errors.Join(faults...)
}

// countRules says how many rules specs make at most.
func countRules(specs []*Spec) (n int) {
	for _, s := range specs {
		for i := range s.Trackers {
			n += len(s.Trackers[i].Hits) + len(s.Trackers[i].Loaders)
		}
		for i := range s.Mail {
			n += len(s.Mail[i].Open)
		}
	}
	return n
}

func emptyRules() Rules {
	r := Rules{places: map[string]*place{}, stem: map[string][]int32{}}
	r.any.last, r.any.first = map[string][]int32{}, map[string][]int32{}
	return r
}

func (r *Rules) addTracker(s *Spec, spec *TrackerSpec) {
	t := &tracker{spec: spec, company: s, source: s.File}
	if len(spec.Cookies) > 0 {
		t.cookies = make(map[string]*CookieSpec, len(spec.Cookies))
	}
	t.public = detect.Tracker{ID: spec.ID, Name: spec.Name, Company: s.Company, Category: spec.Category, Purposes: spec.Purposes}
	for i := range spec.Cookies {
		c := &spec.Cookies[i]
		if strings.HasSuffix(c.Name, "*") {
			t.wildCookies = append(t.wildCookies, c)
		} else {
			t.cookies[c.Name] = c
		}
	}
	slices.SortStableFunc(t.wildCookies, func(a, b *CookieSpec) int { return cmp.Compare(len(b.Name), len(a.Name)) })
	for i := range spec.Consent {
		c := &spec.Consent[i]
		t.consent = append(t.consent, consent{spec: c, granted: newRE(c.Granted), denied: newRE(c.Denied)})
	}
	t.auto = conditions(spec.Automatic)
	t.folded = sync.OnceValue(func() (all []namedEvent) {
		for _, name := range slices.Sorted(maps.Keys(spec.Events)) {
			all = append(all, namedEvent{name, spec.Events[name]})
		}
		return all
	})
	r.trackers = append(r.trackers, t)
	for _, h := range spec.ByName.Refuse {
		if d, ok := strings.CutPrefix(h, "."); ok {
			r.place(d).refuseUnder = int32(len(r.trackers))
		} else {
			r.place(h).refuse = int32(len(r.trackers))
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

func (r *Rules) place(name string) *place {
	p := r.places[name]
	if p == nil {
		p = &place{}
		r.places[name] = p
		if r.shortest == 0 || len(name) < r.shortest {
			r.shortest = len(name)
		}
	}
	return p
}

func (r *Rules) addRule(ru rule, m *MatchSpec) {
	ru.pathRE, ru.query, ru.methods = newRE(m.PathRE), conditions(m.Query), m.Methods
	ru.hostRE = newRE(m.HostRE)
	ru.third, ru.notHosts = m.Party == "third", m.NotHosts
	if len(m.Paths) > 0 {
		ru.paths = make([]pathPattern, 0, len(m.Paths))
	}
	for _, p := range m.Paths {
		ru.paths = append(ru.paths, newPathPattern(p))
	}
	for _, t := range m.Types {
		ty, _ := detect.ParseType(t)
		ru.types |= 1 << ty
	}
	ru.auto = ru.tracker.auto
	if ru.dedupe == nil {
		ru.dedupe = ru.tracker.spec.Dedupe
	}
	if ru.hit != nil {
		ru.fields = &lazyFields{shared: ru.tracker.spec.Fields, own: ru.hit.Fields}
		for _, key := range slices.Sorted(maps.Keys(ru.hit.Params)) {
			rewrite, codec := paramSteps(ru.hit.Params[key])
			ru.params = append(ru.params, param{newKeyPattern(key), rewrite, codec})
		}
	}
	ru.info = ru.about()
	n := int32(len(r.rules))
	r.rules = append(r.rules, ru)
	if m.HostRE != "" {
		r.any.add(n, &ru)
		return
	}
	for _, h := range m.Hosts {
		switch {
		case h == "*":
			r.any.add(n, &ru)
		case strings.HasPrefix(h, "."):
			p := r.place(h[1:])
			p.under = append(p.under, n)
		case strings.HasSuffix(h, ".*"):
			stem := h[:len(h)-2]
			r.stem[stem] = append(r.stem[stem], n)
			r.longestStem = max(r.longestStem, len(stem))
			r.stemLengths.add(stem)
		default:
			p := r.place(h)
			p.exact = append(p.exact, n)
		}
	}
}

// conditions gives those first that need no regexp.
func conditions(m map[string]string) []condition {
	if len(m) == 0 {
		return nil
	}
	out := make([]condition, 0, len(m))
	if len(m) == 1 {
		for k, re := range m {
			return append(out, condition{k, newRE(re)})
		}
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, condition{k, newRE(m[k])})
	}
	slices.SortStableFunc(out, func(a, b condition) int { return cmp.Compare(a.cost(), b.cost()) })
	return out
}

func (c *condition) cost() int {
	switch {
	case c.re == nil:
		return 0
	case !strings.ContainsAny(strings.TrimSuffix(strings.TrimPrefix(c.re.src, "^"), "$"), `\.+*?()|[]{}^$`):
		return 1 // one literal tells
	}
	return 2
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
func (r *Rules) Info(n int32) Info { return r.rules[n-1].info }

// about says what is known of ru.
func (ru *rule) about() Info {
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
