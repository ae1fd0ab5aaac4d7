package vendor

import "github.com/quench-proxy/quench/internal/detect/pack"

// Code goes over specs, to write or to read their compiled form. Examples are
// left out. It trusts what it reads: nothing is checked again.
func Code(c *pack.Coder, specs *[]*Spec) {
	pack.Slice(c, specs, func(c *pack.Coder, s **Spec) {
		if *s == nil {
			*s = &Spec{}
		}
		(*s).code(c)
	})
}

func (s *Spec) code(c *pack.Coder) {
	c.String(&s.File)
	c.String(&s.Company)
	c.String(&s.Legal)
	c.String(&s.Country)
	c.String(&s.Privacy)
	c.Strings(&s.Sites)
	pack.Slice(c, &s.Trackers, codeTracker)
	pack.Slice(c, &s.Mail, codeMail)
}

func codeTracker(c *pack.Coder, t *TrackerSpec) {
	c.String(&t.ID)
	c.String(&t.Name)
	c.String(&t.Category)
	c.Strings(&t.Purposes)
	c.String(&t.Confidence)
	c.String(&t.OptOut)
	c.Strings(&t.ByName.Refuse)
	pack.Slice(c, &t.Cookies, codeCookie)
	pack.Slice(c, &t.Loaders, codeLoader)
	pack.Slice(c, &t.Hits, codeHit)
	pack.Map(c, &t.Fields, codeField)
	pack.Map(c, &t.Events, codeEvent)
	pack.Map(c, &t.Automatic, (*pack.Coder).String)
	pack.Slice(c, &t.Consent, codeConsent)
	c.Strings(&t.Dedupe)
}

func codeCookie(c *pack.Coder, k *CookieSpec) {
	c.String(&k.Name)
	c.String(&k.Label)
	c.String(&k.Field)
	c.String(&k.Made)
	c.String(&k.Life)
	c.Bools(&k.Secret, &k.Sensitive)
}

func codeMatch(c *pack.Coder, m *MatchSpec) {
	c.Strings(&m.Hosts)
	c.Strings(&m.NotHosts)
	c.String(&m.HostRE)
	c.Strings(&m.Paths)
	c.String(&m.PathRE)
	c.Strings(&m.Methods)
	pack.Map(c, &m.Query, (*pack.Coder).String)
	c.Strings(&m.Types)
	c.String(&m.Party)
}

func codeLoader(c *pack.Coder, l *LoaderSpec) {
	c.String(&l.ID)
	codeMatch(c, &l.MatchSpec)
	c.String(&l.Mode)
	c.String(&l.Stub)
	c.String(&l.Report)
	c.Bools(&l.TagManager, &l.MustFail)
}

func codeHit(c *pack.Coder, h *HitSpec) {
	c.String(&h.ID)
	codeMatch(c, &h.MatchSpec)
	pack.Map(c, &h.Payload, (*pack.Coder).String)
	c.String(&h.Confidence)
	c.String(&h.Action)
	c.Strings(&h.Strip.Cookies)
	c.Strings(&h.Strip.Params)
	c.String(&h.Reply)
	c.String(&h.Body)
	c.Bools(&h.Matrix)
	pack.Map(c, &h.Params, (*pack.Coder).String)
	c.String(&h.Split)
	c.String(&h.Event)
	pack.Map(c, &h.Fields, codeField)
	c.Strings(&h.Dedupe)
}

func codeField(c *pack.Coder, f *FieldSpec) {
	c.Strings(&f.From)
	c.String(&f.Join)
	c.String(&f.Part)
	c.String(&f.Label)
	c.String(&f.Made)
	c.String(&f.Ignore)
	c.Bools(&f.Unset)
}

func codeEvent(c *pack.Coder, e *EventSpec) {
	c.String(&e.Says)
	c.String(&e.Name)
	c.Bools(&e.Automatic, &e.Skip)
}

func codeConsent(c *pack.Coder, s *ConsentSpec) {
	c.Int(&s.Vendor)
	c.String(&s.From)
	c.String(&s.As)
	c.String(&s.Granted)
	c.String(&s.Denied)
}

func codeMail(c *pack.Coder, m *MailSpec) {
	c.String(&m.ID)
	c.String(&m.Name)
	c.String(&m.Category)
	c.String(&m.Confidence)
	c.String(&m.Says)
	c.Strings(&m.ByName.Refuse)
	pack.Slice(c, &m.Open, codeOpen)
	pack.Slice(c, &m.Links, codeLink)
	pack.Map(c, &m.Fields, codeField)
	pack.Map(c, &m.Params, (*pack.Coder).String)
}

func codeOpen(c *pack.Coder, o *MailOpen) {
	c.String(&o.ID)
	codeMatch(c, &o.MatchSpec)
	c.Bools(&o.MailOnly)
}

func codeLink(c *pack.Coder, l *MailLink) {
	c.String(&l.ID)
	codeMatch(c, &l.MatchSpec)
	c.Strings(&l.Goal)
}
