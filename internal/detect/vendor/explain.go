package vendor

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
)

// Explain says what a request that rule n (index plus one) matched told, or
// would have told: one Verdict for each event. Action, Reply, Told and Sentence
// are left to the caller. It never returns none.
func (r *Rules) Explain(n int32, seen *detect.Seen) []detect.Verdict {
	ru := &r.rules[n-1]
	decoder := ru
	if ru.loader != nil {
		if seen.Report == nil || ru.report == nil {
			return []detect.Verdict{ru.loaderVerdict(seen)}
		}
		decoder = ru.report
	}
	var events, signals []detect.Verdict
	for _, p := range decoder.decode(seen.Request, seen.Report) {
		v, skip := decoder.verdict(p, seen)
		v.Evidence = ru.evidence(seen.Request)
		if p.cut {
			v.Evidence = append(v.Evidence, detect.Evidence{Kind: "vendor", Detail: "read in part: it breaks off, or holds more than is read", Source: ru.tracker.source})
		}
		if skip {
			signals = append(signals, v)
		} else {
			events = append(events, v)
		}
	}
	if len(events) == 0 { // only the script's word about itself
		return signals[:1]
	}
	return events
}

func (ru *rule) loaderVerdict(seen *detect.Seen) detect.Verdict {
	v := detect.Verdict{Tracker: &ru.tracker.public, Evidence: ru.evidence(seen.Request)}
	v.Say = ru.saying(seen.Request, "")
	v.Say.Form = detect.FormLoader
	v.Dedupe = strings.Join([]string{ru.tracker.spec.ID, "loader", seen.Request.URL, seen.Request.Page}, "\x00")
	return v
}

func (ru *rule) verdict(p *payload, seen *detect.Seen) (v detect.Verdict, skip bool) {
	v.Tracker = &ru.tracker.public
	v.Disclosed = ru.disclosed(p, seen.Request)
	v.Consent = ru.consent(p)
	v.Activity, skip = ru.activity(p, v.Disclosed)
	page := value(v.Disclosed, "page_url")
	v.Say = ru.saying(seen.Request, page)
	v.Dedupe = ru.dedupeKey(p, v, cmp.Or(page, seen.Request.Page))
	return v, skip
}

func (ru *rule) disclosed(p *payload, q *detect.Request) []detect.Field {
	out := make([]detect.Field, 0, 12) // most hits carry less
	fields := ru.fields.get()
	for i := range fields {
		if f, ok := fields[i].read(p); ok {
			if f.Name == "tp_cookie" || strings.HasPrefix(fields[i].spec.From[0], "cookie.") {
				ru.cookieWords(&fields[i], p, &f)
			}
			if f = asSent(f); value(out, f.Name) == "" {
				out = append(out, f)
			}
		}
	}
	out = ru.addCookieFields(p, out)
	if value(out, "page_url") == "" && q.PageFrom == detect.PageReferer && hasPath(q.Page) {
		out = append([]detect.Field{newField("page_url", q.Page)}, out...)
	}
	return out
}

func newField(name, val string) detect.Field {
	c := canonicals[canonicalIndex(name)]
	return detect.Field{Name: c.Name, Label: c.Label, Value: val, Sensitive: c.Sensitive}
}

// read finds the field's value in a payload.
func (f *field) read(p *payload) (detect.Field, bool) {
	v := f.value(p)
	if v == "" {
		return detect.Field{}, false
	}
	out := detect.Field{Name: f.canon.Name, Label: f.canon.Label, Value: v, Sensitive: f.canon.Sensitive}
	if f.spec.Label != "" {
		out.Label = f.spec.Label
	}
	out.Made = made(f.spec.Made, v)
	return out, true
}

func (f *field) value(p *payload) string {
	var parts []string
	for i := range f.from {
		v := f.found(p, &f.from[i])
		switch {
		case f.spec.Join == "" && v != "":
			return v
		case f.spec.Join != "" && v == "":
			return ""
		case f.spec.Join != "":
			parts = append(parts, v)
		}
	}
	return strings.Join(parts, f.spec.Join)
}

// found gives what the keys that fit k hold.
func (f *field) found(p *payload, k *keyPattern) string {
	if !k.star {
		if v := f.clean(p.get(k.text)); v != "" {
			return f.written(k.text, v)
		}
		return ""
	}
	var vals []string
	for _, kv := range p.pairs {
		if !k.fits(kv.key) || kv.key != k.text && f.named[kv.key] {
			continue
		}
		if v := f.clean(kv.value); v != "" {
			vals = append(vals, f.written(kv.key, v))
		}
	}
	return strings.Join(vals, f.separator())
}

// pairs reports whether the field gathers what the site itself named. Its value
// is written name=value&…, so that redaction can tell a password by its name;
// a JSON object names its values itself.
func (f *field) pairs() bool {
	switch f.canon.Name {
	case "custom", "page_data", "form_data":
		return f.spec.Join == ""
	}
	return false
}

func (f *field) separator() string {
	if f.pairs() {
		return "&"
	}
	return ", "
}

func (f *field) written(key, v string) string {
	if !f.pairs() || strings.HasPrefix(v, "{") || strings.HasPrefix(v, "[") {
		return v
	}
	return url.QueryEscape(key[strings.LastIndexByte(key, '.')+1:]) + "=" + url.QueryEscape(v)
}

func (f *field) clean(v string) string {
	if v == "" {
		return ""
	}
	if f.part != nil {
		m := f.part.get().FindStringSubmatch(v)
		if len(m) < 2 {
			return ""
		}
		v = m[1]
	}
	if f.ignore != nil && f.ignore.match(v) {
		return ""
	}
	return strings.TrimSpace(v)
}

func (ru *rule) activity(p *payload, fields []detect.Field) (a *detect.Activity, skip bool) {
	name := value(fields, "event")
	if name == "" {
		name = ru.hit.Event
	}
	if name == "" {
		return nil, false
	}
	e, ok := ru.event(name)
	if !ok {
		return &detect.Activity{Name: name}, false
	}
	a = &detect.Activity{Name: name, Says: fill(e.Says, name, fields), Automatic: e.Automatic || ru.automatic(p)}
	if e.Name != "" {
		a.Name = e.Name
	}
	return a, e.Skip
}

// event looks the name up as written, then without regard to case, then "*".
func (ru *rule) event(name string) (EventSpec, bool) {
	events := ru.tracker.spec.Events
	if e, ok := events[name]; ok && name != "*" {
		return e, true
	}
	folded := ru.tracker.folded()
	for i := range folded {
		if e := &folded[i]; strings.EqualFold(e.name, name) && e.name != "*" {
			return e.spec, true
		}
	}
	e, ok := events["*"]
	return e, ok
}

func (ru *rule) automatic(p *payload) bool {
	for _, c := range ru.auto {
		if !c.holds(p.lookup(c.key)) {
			return false
		}
	}
	return len(ru.auto) > 0
}

// maxSlot bounds what a site can put into our sentence by naming an event.
const maxSlot = 60 // runes

func fill(says, event string, fields []detect.Field) string {
	if event == "" {
		// A name that was not sent leaves no hole.
		says = strings.ReplaceAll(says, "calls “{event}”", "counts")
	}
	if strings.IndexByte(says, '{') < 0 {
		return says
	}
	filled := slotRE.ReplaceAllStringFunc(says, func(slot string) string {
		name := strings.Trim(slot, "{}")
		v := value(fields, name)
		if name == "event" {
			v = event
		}
		if v == "" {
			return "…"
		}
		return clip(v)
	})
	// A name that was not sent leaves no hole.
	return strings.ReplaceAll(filled, "calls “…”", "counts")
}

func clip(v string) string {
	v = strings.Join(strings.FieldsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }), " ")
	if r := []rune(v); len(r) > maxSlot {
		return string(r[:maxSlot]) + "…"
	}
	return v
}

// saying sets site and path: the page as the door knows it, else as the hit
// itself names it.
func (ru *rule) saying(q *detect.Request, page string) *detect.Saying {
	s := &detect.Saying{
		Site: detect.HostOf(q.Page), Guess: q.PageFrom == detect.PageGuess, Host: q.Host,
		Likely: ru.likely(),
	}
	if q.PageFrom == detect.PageDocument {
		s.Site, s.Direct = "", true
		return s
	}
	if s.Site == "" {
		s.Site, s.Guess = detect.HostOf(page), false
	}
	for _, u := range []string{page, q.Page} {
		if sameSite(detect.HostOf(u), s.Site) && (u == page || hasPath(u)) {
			s.Path, _ = detect.Split(u)
			break
		}
	}
	return s
}

// sameSite compares two page hosts as people do: "www." says nothing.
func sameSite(a, b string) bool {
	return a != "" && strings.TrimPrefix(a, "www.") == strings.TrimPrefix(b, "www.")
}

// hasPath reports whether a URL names a page and not only an origin. A browser
// writes an origin with a slash, so "/" alone says nothing.
func hasPath(u string) bool {
	path, query := detect.Split(u)
	return path != "/" || query != ""
}

// evidence names the patterns that matched, never a value.
func (ru *rule) evidence(q *detect.Request) []detect.Evidence {
	m := ru.spec()
	path, _ := detect.Split(q.URL)
	pattern := m.PathRE
	for i := range ru.paths {
		if ru.paths[i].match(path) {
			pattern = m.Paths[i]
			break
		}
	}
	if pattern != "" {
		pattern = " path " + pattern
	}
	detail := "signature" + pattern
	if !slices.Contains(m.Hosts, "*") {
		detail = "host " + q.Host + pattern
	}
	return []detect.Evidence{{Kind: "vendor", Detail: detail, Source: ru.tracker.source}}
}

func (ru *rule) spec() *MatchSpec {
	if ru.loader != nil {
		return &ru.loader.MatchSpec
	}
	return &ru.hit.MatchSpec
}

// dedupeKey names one event: what the rule says names it, and always the page
// and the activity, for a script that numbers nothing sends the rest twice. If
// nothing tells one event from the next, two are one only if all that they
// disclose is equal.
func (ru *rule) dedupeKey(p *payload, v detect.Verdict, page string) string {
	account := value(v.Disclosed, "account")
	event := value(v.Disclosed, "event")
	parts := append(make([]string, 0, 64), ru.tracker.spec.ID, account, page)
	named := false
	for _, k := range ru.dedupe {
		id := p.get(k)
		parts = append(parts, id)
		named = named || id != "" && id != account && id != event
	}
	for i := 0; i < len(v.Disclosed) && !named; i++ {
		parts = append(parts, v.Disclosed[i].Name, v.Disclosed[i].Value)
	}
	if v.Activity != nil {
		parts = append(parts, v.Activity.Name)
	}
	return strings.Join(parts, "\x00")
}

func value(fields []detect.Field, name string) string {
	for i := range fields {
		if fields[i].Name == name {
			return fields[i].Value
		}
	}
	return ""
}

// MatchBody reports whether a rule that wants to see the payload (index plus
// one) holds for a request whose body is now held.
func (r *Rules) MatchBody(n int32, q *detect.Request) bool {
	ru := &r.rules[n-1]
	for _, p := range ru.decode(q, nil) {
		if ru.payloadHolds(p) {
			return true
		}
	}
	return false
}

func (ru *rule) payloadHolds(p *payload) bool {
	for _, c := range ru.payload {
		if !c.holds(p.lookup(dots(c.key))) {
			return false
		}
	}
	return true
}

// RefusedBy gives the tracker n (index plus one, from Refuse) for a verdict
// about a name alone.
func (r *Rules) RefusedBy(n int32) (t *detect.Tracker, source string) {
	tr := r.trackers[n-1]
	return &tr.public, tr.source
}
