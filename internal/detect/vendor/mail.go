package vendor

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
)

// MailSpec is what a company puts into the mail of those who send with it: a
// picture that reports the opening, and links that pass through it first. It
// stands for a tracker. If it bears the id of one under trackers it adds to that.
type MailSpec struct {
	ID   string `yaml:"id" json:"id"`
	Name string `yaml:"name" json:"name,omitempty"`
	// Category is "email" if empty.
	Category string `yaml:"category" json:"category,omitempty"`
	// Confidence is that of TrackerSpec; a signature is always "known".
	Confidence string `yaml:"confidence" json:"confidence,omitempty"`
	// Says is the clause after "that", "you opened a mail" if empty: for a
	// company whose pictures stand in pages too.
	Says   string     `yaml:"says" json:"says,omitempty"`
	ByName ByName     `yaml:"by_name" json:"by_name,omitzero"`
	Open   []MailOpen `yaml:"open" json:"open,omitempty"`
	Links  []MailLink `yaml:"links" json:"links,omitempty"`
	// Fields say which parameters name the reader (recipient) and the mailing
	// (campaign), for pictures and links alike.
	Fields map[string]FieldSpec `yaml:"fields" json:"fields,omitempty"`
	// Params is that of HitSpec, for pictures and links alike.
	Params map[string]string `yaml:"params" json:"params,omitempty"`
}

// MailOpen is a picture that reports that a mail was opened. Method is GET. If
// types is empty it is "image"; party is "third" for a signature.
type MailOpen struct {
	// ID is "open", "open-2" … if empty.
	ID        string `yaml:"id" json:"id,omitempty"`
	MatchSpec `yaml:",inline"`
	// MailOnly: too common a shape, or one that every request would have to be
	// compared with. It is never asked about requests, only about the references
	// of a message: see Rules.Mail.
	MailOnly bool `yaml:"mail_only" json:"mail_only,omitempty"`
}

// MailLink is a link that tells of the click before it leads on. No request is
// ever decided by it.
type MailLink struct {
	// ID is "link", "link-2" … if empty.
	ID        string `yaml:"id" json:"id,omitempty"`
	MatchSpec `yaml:",inline"`
	// Goal lists the payload keys (parameters, "path.NAME") where the link
	// itself says where it leads: a URL, also in base64, with or without scheme.
	Goal []string `yaml:"goal" json:"goal,omitempty"`
}

var mailEvents = map[string]EventSpec{
	"open":  {Says: "you opened a mail"},
	"click": {Says: "you followed a link of a mail"},
}

// signature reports whether m holds for hosts that nothing names.
func (m *MatchSpec) signature() bool { return slices.Contains(m.Hosts, "*") }

// hit makes the rule that a picture stands for, the n-th from 0.
func (o *MailOpen) hit(m *MailSpec, n int) HitSpec {
	h := HitSpec{ID: numbered(o.ID, "open", n), MatchSpec: o.MatchSpec, Reply: "gif", Body: "none", Event: "open", Fields: m.Fields, Params: m.Params}
	h.Methods = []string{"GET"}
	if len(h.Types) == 0 {
		h.Types = []string{"image"}
	}
	if o.signature() {
		h.Party, h.Confidence = "third", "known"
	}
	return h
}

// hit makes the rule that a link stands for, the n-th from 0.
func (l *MailLink) hit(m *MailSpec, n int) HitSpec {
	h := HitSpec{ID: numbered(l.ID, "link", n), MatchSpec: l.MatchSpec, Body: "none", Event: "click", Fields: m.Fields, Params: m.Params}
	h.Methods, h.Types = []string{"GET"}, []string{"document"}
	if l.signature() {
		h.Confidence = "known"
	}
	return h
}

func numbered(id, word string, n int) string {
	switch {
	case id != "":
		return id
	case n == 0:
		return word
	}
	return fmt.Sprintf("%s-%d", word, n+1)
}

// Rules names all rules of m, "tracker/rule", pictures before links.
func (m *MailSpec) Rules() []string {
	var names []string
	for i := range m.Open {
		names = append(names, m.ID+"/"+numbered(m.Open[i].ID, "open", i))
	}
	for i := range m.Links {
		names = append(names, m.ID+"/"+numbered(m.Links[i].ID, "link", i))
	}
	return names
}

// tracker makes the tracker that m stands for, without hits.
func (m *MailSpec) tracker(s *Spec) TrackerSpec {
	t := TrackerSpec{ID: m.ID, Name: m.Name, Category: m.Category, Purposes: []string{"open-tracking"}, Confidence: m.Confidence,
		ByName: m.ByName, Events: mailEvents}
	if i := slices.IndexFunc(s.Trackers, func(o TrackerSpec) bool { return o.ID == m.ID }); i >= 0 {
		t = s.Trackers[i]
		t.Events = maps.Clone(t.Events)
		maps.Copy(t.Events, mailEvents)
		t.ByName.Refuse = slices.Concat(t.ByName.Refuse, m.ByName.Refuse)
	}
	if t.Category == "" {
		t.Category = "email"
	}
	if m.Says != "" {
		t.Events = maps.Clone(t.Events)
		t.Events["open"] = EventSpec{Says: m.Says}
	}
	return t
}

// withMail gives the trackers of s and those that its mail stands for.
func (s *Spec) withMail() []TrackerSpec {
	if len(s.Mail) == 0 {
		return s.Trackers
	}
	all := slices.Clone(s.Trackers)
	for i := range s.Mail {
		m := &s.Mail[i]
		t := m.tracker(s)
		t.Hits = slices.Clone(t.Hits)
		for n := range m.Open {
			if o := &m.Open[n]; !o.MailOnly {
				t.Hits = append(t.Hits, o.hit(m, n))
			}
		}
		switch old := slices.IndexFunc(all, func(o TrackerSpec) bool { return o.ID == m.ID }); {
		case old >= 0:
			all[old] = t
		default:
			all = append(all, t)
		}
	}
	return all
}

// mailRules are the rules for the references of a message alone. Few programs
// ever ask them, so they compile when the first does.
type mailRules struct {
	rules Rules
	goals [][]string // of each rule
	links []bool     // which rules are links
}

func compileMail(specs []*Spec) *mailRules {
	r := &mailRules{rules: emptyRules()}
	for _, s := range specs {
		for i := range s.Mail {
			m := &s.Mail[i]
			t := m.tracker(s)
			t.Hits, t.Loaders, t.ByName = nil, nil, ByName{}
			for n := range m.Open {
				if o := &m.Open[n]; o.MailOnly {
					t.Hits = append(t.Hits, o.hit(m, n))
					r.goals, r.links = append(r.goals, nil), append(r.links, false)
				}
			}
			for n := range m.Links {
				t.Hits = append(t.Hits, m.Links[n].hit(m, n))
				r.goals, r.links = append(r.goals, m.Links[n].Goal), append(r.links, true)
			}
			if len(t.Hits) > 0 {
				r.rules.addTracker(s, &t)
			}
		}
	}
	return r
}

// MailHit is what the rules say of a reference of a message that no request is
// decided by: a link that tells of the click, or a picture of a common shape.
type MailHit struct {
	Tracker *detect.Tracker
	// Rule is "tracker/rule".
	Rule string
	Link bool
	// Signature: the shape alone says so, no name of a host. It needs a second
	// sign before it may be called a tracker.
	Signature bool
	// Likely: "looks like" belongs before the tracker's name.
	Likely bool
	// Says is the clause after "that": "you followed a link of a mail".
	Says      string
	Disclosed []detect.Field
	// Goal is where a link leads as far as it says so itself, "" if only the
	// company knows. Nothing is asked of the network.
	Goal     string
	Evidence []detect.Evidence
}

// Mail says what is known of a reference of a message beyond what Match says:
// of a link if q.Type is document, else of a picture. It is safe for
// concurrent use and allocates.
func (r *Rules) Mail(q *detect.Request) (MailHit, bool) {
	if r.mail == nil {
		return MailHit{}, false
	}
	mail := r.mail()
	m := mail.rules.Match(q)
	if m.Hit == 0 {
		return MailHit{}, false
	}
	ru := &mail.rules.rules[m.Hit-1]
	p := ru.decode(q, nil)[0]
	h := MailHit{Tracker: &ru.tracker.public, Rule: mail.rules.RuleName(m.Hit), Link: mail.links[m.Hit-1], Signature: ru.spec().signature(),
		Likely: ru.likely(), Disclosed: ru.disclosed(p, q), Evidence: ru.evidence(q)}
	if a, _ := ru.activity(p, nil); a != nil {
		h.Says = a.Says
	}
	for _, key := range mail.goals[m.Hit-1] {
		if h.Goal = goal(p.get(key)); h.Goal != "" {
			break
		}
	}
	return h, true
}

var hostFirstRE = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}(/|$)`)

// goal reads a URL out of a value: as it is, percent-encoded up to three times,
// in base64, or without its scheme. It gives "" for anything else.
func goal(v string) string {
	for range 3 {
		if webURL(v) {
			return v
		}
		d, err := url.PathUnescape(v)
		if err != nil || d == v {
			break
		}
		v = d
	}
	if webURL(v) {
		return v
	}
	if u := "https://" + v; hostFirstRE.MatchString(v) && webURL(u) {
		return u
	}
	plain := strings.NewReplacer("-", "+", "_", "/", " ", "+").Replace(strings.TrimRight(v, "="))
	if b, err := base64.RawStdEncoding.DecodeString(plain); err == nil && webURL(string(b)) {
		return string(b)
	}
	return ""
}

func webURL(s string) bool {
	rest, ok := strings.CutPrefix(s, "https://")
	if !ok {
		rest, ok = strings.CutPrefix(s, "http://")
	}
	return ok && rest != "" && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }) < 0
}

// likely: "looks like" belongs before the tracker's name.
func (ru *rule) likely() bool {
	return ru.tracker.spec.Confidence == "known" || ru.hit != nil && ru.hit.Confidence == "known"
}

// mail checks the mail section.
func (c *checker) mail(s *Spec) {
	ids := map[string]bool{}
	for i := range s.Mail {
		m, p := &s.Mail[i], []any{"mail", i}
		t := m.tracker(s)
		if ids[m.ID] || !idRE.MatchString(m.ID) {
			c.add(at(p, "id"), "id %q: want lower case words joined by hyphens, once", m.ID)
		}
		ids[m.ID] = true
		if t.Name == "" {
			c.add(p, "tracker %s has no name", m.ID)
		}
		if len(m.Open)+len(m.Links) == 0 {
			c.add(p, "mail of %s has neither open nor links", m.ID)
		}
		c.word(at(p, "confidence"), "confidence", m.Confidence, "", "captured", "decoded", "known")
		c.says(at(p, "says"), m.Says)
		c.fields(at(p, "fields"), m.Fields)
		for k, codec := range m.Params {
			c.word(at(p, "params", k), "codec", codec, paramCodecs...)
		}
		for n, h := range m.ByName.Refuse {
			c.host(at(p, "by_name", "refuse", n), h)
		}
		c.mailRules(p, m, t.Hits)
	}
}

func (c *checker) mailRules(p []any, m *MailSpec, have []HitSpec) {
	names := map[string]bool{}
	for i := range have {
		names[m.ID+"/"+have[i].ID] = true
	}
	for _, name := range m.Rules() {
		if names[name] {
			c.add(p, "rule %s is given twice", name)
		}
		names[name] = true
	}
	for n := range m.Open {
		c.match(at(p, "open", n), &m.Open[n].MatchSpec, false)
	}
	for n := range m.Links {
		c.match(at(p, "links", n), &m.Links[n].MatchSpec, false)
	}
}
