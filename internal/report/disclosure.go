package report

import (
	"cmp"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/vendor"
	"github.com/quench-proxy/quench/internal/ledger"
)

// Bounds on what a draft holds of one vendor.
const (
	maxVendorPages = 10_000
	maxVendorItems = 200 // data, activities, hosts, partners
)

// NotAdvice stands in every draft.
const NotAdvice = "A draft from what was observed, not legal advice: what was not visited, or did not fire, is not in it."

// Disclosure is what the privacy notice of a site must tell of its trackers,
// as far as it was observed.
type Disclosure struct {
	Schema  int       `json:"schema"`
	Made    time.Time `json:"made"`
	Version string    `json:"version,omitempty"`
	Site    string    `json:"site"`
	// First and Last are the times of what was observed.
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
	// Choice is when a hit of the site first spoke of a choice, zero if none did.
	Choice  time.Time   `json:"choice,omitzero"`
	Vendors []Vendor    `json:"vendors"`
	Unknown []Stranger  `json:"unknown,omitempty"`
	Notes   []string    `json:"notes"`
	sums    *disclosing // while events come
}

// Vendor is one product that the site has, or tries to have, told something.
type Vendor struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Company string `json:"company"`
	// Legal, Country, Privacy and OptOut are what the rules know, "" if nothing.
	Legal    string   `json:"legal,omitempty"`
	Country  string   `json:"country,omitempty"`
	Category string   `json:"category,omitempty"`
	Privacy  string   `json:"privacy,omitempty"`
	OptOut   string   `json:"opt_out,omitempty"`
	Purposes []string `json:"purposes,omitempty"`
	// Likely: every hit is known by its looks alone.
	Likely     bool     `json:"likely,omitempty"`
	Data       []Datum  `json:"data,omitempty"`
	Cookies    []Cookie `json:"cookies,omitempty"`
	Activities []string `json:"activities,omitempty"`
	Hosts      []string `json:"hosts"`
	// Own says that hits went by way of the site's own name: a first-party
	// address, or a name that leads elsewhere.
	Own      bool     `json:"own_host,omitempty"`
	Partners []string `json:"partners,omitempty"`
	Pages    int      `json:"pages"`
	Requests int64    `json:"requests"`
	// Before: sent before any hit of the site spoke of a choice. Refused,
	// Granted and Silent: what the hits themselves said of consent.
	Before  int64     `json:"before_choice"`
	Refused int64     `json:"refused"`
	Granted int64     `json:"granted"`
	Silent  int64     `json:"silent"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
}

// Datum is one kind of data that was sent.
type Datum struct {
	Field     string `json:"field"`
	Label     string `json:"label"`
	Example   string `json:"example,omitempty"` // shortened as the ledger keeps it
	Sensitive bool   `json:"sensitive,omitempty"`
	Requests  int64  `json:"requests"`
}

// Cookie is a cookie of a vendor, as the rules know it.
type Cookie struct {
	Name string `json:"name"`
	What string `json:"what,omitempty"`
	Life string `json:"life,omitempty"`
	// Seen is "yes" if it was sent with a hit, "perhaps" if one of several of the
	// same meaning was, "" if not.
	Seen string `json:"seen,omitempty"`
}

// Stranger is a place that no rule knows.
type Stranger struct {
	Host     string `json:"host"`
	Requests int64  `json:"requests"`
	Listed   bool   `json:"listed,omitempty"`
}

// Events yields events, oldest first, until yield fails.
type Events func(yield func(ledger.Event) error) error

// Disclose drafts the disclosure of a site out of its events; specs are the
// rules in force, which know the companies. Memory is bounded.
func Disclose(events Events, specs []*vendor.Spec, o Options) (*Disclosure, error) {
	d := &Disclosure{Schema: Schema, Made: o.Now.UTC().Truncate(time.Second), Version: o.Version, Site: detect.Registrable(o.Site), Vendors: []Vendor{}}
	if d.Site == "" {
		d.Site = o.Site
	}
	d.sums = &disclosing{site: d.Site, known: knownTrackers(specs), vendors: map[string]*vendorSum{}, strangers: map[string]*Stranger{}}
	if err := events(d.sums.add); err != nil {
		return nil, err
	}
	d.finish()
	return d, nil
}

// disclosing sums up the events of a site.
type disclosing struct {
	site        string
	known       map[string]known
	vendors     map[string]*vendorSum
	strangers   map[string]*Stranger
	first, last time.Time
	choice      time.Time
}

// known is what the rules say of a tracker.
type known struct {
	spec    *vendor.Spec
	tracker *vendor.TrackerSpec // nil for one of mail alone
}

type vendorSum struct {
	Vendor
	likely int64
	data   map[string]*Datum
	did    map[string]struct{}
	hosts  map[string]struct{}
	to     map[string]struct{}
	pages  map[string]struct{}
}

func knownTrackers(specs []*vendor.Spec) map[string]known {
	out := map[string]known{}
	for _, s := range specs {
		for i := range s.Mail {
			out[s.Mail[i].ID] = known{s, nil}
		}
		for i := range s.Trackers {
			out[s.Trackers[i].ID] = known{s, &s.Trackers[i]}
		}
	}
	return out
}

func (s *disclosing) add(e ledger.Event) error {
	n := int64(max(e.Count, 1))
	if e.Tracker == nil {
		s.stranger(&e, n)
		return nil
	}
	if s.first.IsZero() || e.Time.Before(s.first) {
		s.first = e.Time
	}
	if e.Time.After(s.last) {
		s.last = e.Time
	}
	v := s.vendor(e.Tracker)
	v.take(&e, n, s.site)
	state := ""
	if e.Consent != nil {
		state = e.Consent.State
	}
	switch state {
	case "denied":
		v.Refused += n
	case "granted", "partial":
		v.Granted += n
	default:
		v.Silent += n
	}
	if (state == "denied" || state == "granted" || state == "partial") && s.choice.IsZero() {
		s.choice = e.Time
	}
	if s.choice.IsZero() {
		v.Before += n
	}
	return nil
}

// stranger counts what no rule knows, if it behaved like a tracker.
func (s *disclosing) stranger(e *ledger.Event, n int64) {
	if e.Action == detect.Allow && e.Activity == nil || e.Reply == detect.ReplyRedirect && e.Action == detect.Strip {
		return
	}
	host := cmp.Or(detect.Registrable(e.Request.Host), e.Request.Host)
	st := s.strangers[host]
	if st == nil {
		if len(s.strangers) >= maxVendorItems {
			return
		}
		st = &Stranger{Host: host}
		s.strangers[host] = st
	}
	st.Requests += n
	st.Listed = st.Listed || slices.ContainsFunc(e.Evidence, func(ev detect.Evidence) bool { return ev.Kind == "list" })
}

func (s *disclosing) vendor(t *detect.Tracker) *vendorSum {
	v := s.vendors[t.ID]
	if v != nil {
		return v
	}
	v = &vendorSum{data: map[string]*Datum{}, did: map[string]struct{}{}, hosts: map[string]struct{}{},
		to: map[string]struct{}{}, pages: map[string]struct{}{}}
	v.Vendor = Vendor{ID: t.ID, Name: t.Name, Company: t.Company, Category: t.Category, Purposes: t.Purposes}
	if k, ok := s.known[t.ID]; ok {
		v.Legal, v.Country, v.Privacy = k.spec.Legal, k.spec.Country, k.spec.Privacy
		if k.tracker != nil {
			v.OptOut = k.tracker.OptOut
			for _, c := range k.tracker.Cookies {
				if !c.Secret { // of those who sign in there; no tracker's
					v.Cookies = append(v.Cookies, Cookie{Name: c.Name, What: c.Label, Life: c.Life})
				}
			}
		}
	}
	s.vendors[t.ID] = v
	return v
}

func (v *vendorSum) take(e *ledger.Event, n int64, site string) {
	if v.First.IsZero() {
		v.First = e.Time
	}
	v.Last = e.Time
	v.Requests += n
	if strings.Contains(e.Sentence, " what looks like ") {
		v.likely += n
	}
	if e.Activity != nil {
		says := e.Activity.Says
		if e.Activity.Automatic {
			says += " (reported automatically)"
		}
		put(v.did, says)
	}
	put(v.hosts, e.Request.Host)
	v.Own = v.Own || detect.UnderDomain(e.Request.Host, site) ||
		slices.ContainsFunc(e.Evidence, func(ev detect.Evidence) bool { return ev.Kind == "cname" })
	page := e.Request.Page
	for i := range e.Disclosed {
		f := &e.Disclosed[i]
		switch f.Name {
		case "page_url":
			page = f.Value
		case "sync_partner":
			put(v.to, f.Value)
		}
		v.datum(f, n)
	}
	if len(v.pages) < maxVendorPages {
		v.pages[page] = struct{}{}
	}
}

func put(m map[string]struct{}, s string) {
	if s != "" && len(m) < maxVendorItems {
		m[s] = struct{}{}
	}
}

// shown are the fields whose values may stand in a draft: traits of machines
// and hits, and the short forms of identifiers.
var shown = []string{"page_url", "value", "currency", "screen", "viewport", "language", "timezone", "platform", "account",
	"visitor_id", "tp_cookie", "user_id", "email_hash", "phone_hash", "click_id", "session_id"}

func (v *vendorSum) datum(f *detect.Field, n int64) {
	key := f.Name + "\x00" + f.Label
	d := v.data[key]
	if d == nil {
		if len(v.data) >= maxVendorItems {
			return
		}
		d = &Datum{Field: f.Name, Label: f.Label, Sensitive: f.Sensitive}
		v.data[key] = d
	}
	d.Requests += n
	if d.Example == "" && f.Value != "…" && slices.Contains(shown, f.Name) {
		d.Example = f.Value
	}
	v.cookieSeen(f.Label)
}

// cookieSeen marks the cookies whose meaning was sent. The ledger keeps no
// names of cookies.
func (v *vendorSum) cookieSeen(label string) {
	var same []*Cookie
	for i := range v.Cookies {
		if c := &v.Cookies[i]; c.What != "" && c.What == label {
			same = append(same, c)
		}
	}
	for _, c := range same {
		c.Seen = "yes"
		if len(same) > 1 {
			c.Seen = "perhaps"
		}
	}
}

func (d *Disclosure) finish() {
	s := d.sums
	d.sums = nil
	d.First, d.Last, d.Choice = s.first, s.last, s.choice
	for _, v := range s.vendors {
		d.Vendors = append(d.Vendors, v.finish(s.choice))
	}
	slices.SortFunc(d.Vendors, func(a, b Vendor) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Company, b.Company), cmp.Compare(a.ID, b.ID))
	})
	for _, st := range s.strangers {
		d.Unknown = append(d.Unknown, *st)
	}
	slices.SortFunc(d.Unknown, func(a, b Stranger) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Host, b.Host))
	})
	d.Notes = d.notes()
}

func (v *vendorSum) finish(choice time.Time) Vendor {
	out := v.Vendor
	out.Likely = v.likely == v.Requests
	out.Activities, out.Hosts, out.Partners = slices.Sorted(maps.Keys(v.did)), slices.Sorted(maps.Keys(v.hosts)), slices.Sorted(maps.Keys(v.to))
	out.Pages = len(v.pages)
	if choice.IsZero() {
		out.Before = 0 // nothing ever spoke of one: see Silent
	}
	order := map[string]int{}
	for i, c := range vendor.Canonicals() {
		order[c.Name] = i
	}
	for _, f := range v.data {
		out.Data = append(out.Data, *f)
	}
	slices.SortFunc(out.Data, func(a, b Datum) int {
		return cmp.Or(cmp.Compare(order[a.Field], order[b.Field]), cmp.Compare(a.Label, b.Label))
	})
	return out
}

// JSON writes the draft as one object.
func (d *Disclosure) JSON(w io.Writer) error { return writeJSON(w, d) }
