package engine

import (
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/say"
)

// Explain says what seen told, or would have told: one Verdict for each event
// of a batch; none if d decided nothing, or for a preflight, which is no
// event. It is meant for a queue off the data path.
func (s *Set) Explain(seen detect.Seen, d detect.Decision) []detect.Verdict {
	if d.Step == detect.StepNone || seen.Request == nil || seen.Request.Method == "OPTIONS" {
		return nil
	}
	verdicts := s.verdicts(&seen, d)
	for i := range verdicts {
		s.complete(&verdicts[i], &seen, d)
	}
	return verdicts
}

func (s *Set) verdicts(seen *detect.Seen, d detect.Decision) []detect.Verdict {
	switch where, n := room(d.Rule); where {
	case roomRule:
		return s.vendors.Explain(n, seen)
	case roomName:
		return []detect.Verdict{s.byName(seen, n)}
	case roomList:
		if d.Step != detect.StepUserBlock {
			return []detect.Verdict{s.byListVerdict(seen, d)}
		}
	}
	v := detect.Verdict{Say: plainSaying(seen.Request)}
	if d.Step == detect.StepUserBlock {
		v.Say.Form = detect.FormPlain
		return []detect.Verdict{v}
	}
	if s.looksOnly(seen, d) {
		return []detect.Verdict{s.looks(seen, d)}
	}
	v.Say.Form = detect.FormUnknown
	v.Activity = &detect.Activity{Name: "pixel", Says: "you opened a page", Automatic: true}
	v.Consent = &detect.Consent{State: "unknown"}
	v.Disclosed = unknownFields(seen.Request)
	v.Evidence = append(v.Evidence, unknownEvidence(d.Step)...)
	return []detect.Verdict{v}
}

func (s *Set) byName(seen *detect.Seen, n int32) detect.Verdict {
	t, source := s.vendors.RefusedBy(n)
	v := detect.Verdict{Tracker: t, Say: plainSaying(seen.Request)}
	v.Evidence = []detect.Evidence{{Kind: "vendor", Detail: "host " + seen.Request.Host, Source: source}}
	v.Say.Form = detect.FormName
	if seen.Request.URL != "" {
		v.Say.Form = detect.FormPlain
	}
	return v
}

func plainSaying(r *detect.Request) *detect.Saying {
	s := &detect.Saying{Site: detect.HostOf(r.Page), Guess: r.PageFrom == detect.PageGuess, Host: r.Host}
	if path, _ := detect.Split(r.Page); r.Page != "" && path != "/" {
		s.Path = path
	}
	return s
}

// unknownFields says what a pixel of nobody we know carried: the page, and a
// number if there was one.
func unknownFields(r *detect.Request) []detect.Field {
	var out []detect.Field
	if r.Page != "" && r.PageFrom == detect.PageReferer {
		out = append(out, detect.Field{Name: "page_url", Label: "the page you were on", Value: r.Page})
	}
	if r.Header != nil && r.Header.Get("Cookie") != "" {
		// The cookie's value is a stranger's: it may be a login. Only that
		// there was one is told.
		out = append(out, detect.Field{Name: "tp_cookie", Label: "its own cookie for this browser", Value: "…", Sensitive: true})
	}
	if _, query := detect.Split(r.URL); query != "" {
		out = append(out, detect.Field{Name: "custom", Label: "details in its address", Value: "…"})
	}
	return out
}

func unknownEvidence(step detect.Step) []detect.Evidence {
	if step == detect.StepLearned {
		return []detect.Evidence{{Kind: "heuristic", Detail: "this address answered with an invisible image before"}}
	}
	return []detect.Evidence{
		{Kind: "pixel", Detail: "the answer is an image of at most 2x2 pixels"},
		{Kind: "heuristic", Detail: "third party"},
	}
}

// complete fills in what the Decision knows and composes the sentence.
func (s *Set) complete(v *detect.Verdict, seen *detect.Seen, d detect.Decision) {
	v.Action, v.Reply, v.Told = d.Action, d.Reply, d.Told
	if seen.Reply != detect.ReplyAuto {
		v.Reply = seen.Reply
	}
	switch d.Step {
	case detect.StepUserAllow:
		v.Say.ByUser = true
		v.Exception = &detect.Evidence{Kind: "user", Detail: "you allowed it"}
	case detect.StepUserBlock:
		v.Say.ByUser = true
		v.Evidence = append(v.Evidence, detect.Evidence{Kind: "user", Detail: "you blocked it"})
	case detect.StepVeto:
		_, n := room(d.Exception)
		v.Exception = s.vetoes.evidence(n)
		v.Say.Why = "Quench never blocks " + s.vetoes.why(n)
	case detect.StepListException:
		e := s.listEvidence(d.Exception)
		l, _, _, _ := s.Listed(d.Exception)
		v.Exception, v.Say.Why = &e, "the list "+l.Title+" makes an exception for it"
	}
	s.synced(v, seen)
	s.listsAgree(v, seen, d)
	if name := s.viaChain(seen, d); name != "" {
		v.Evidence = append(v.Evidence, detect.Evidence{Kind: "cname", Detail: seen.Request.Host + " is " + name})
	}
	if seen.Report != nil {
		v.Evidence = append(v.Evidence, detect.Evidence{Kind: "vendor", Detail: "told by the stand-in script"})
	}
	v.Sentence = say.Sentence(v)
}

// viaChain returns the name of the CNAME chain that the rule is about, "" if
// the request's own host is.
func (s *Set) viaChain(seen *detect.Seen, d detect.Decision) string {
	where, n := room(d.Rule)
	for _, name := range seen.Chain {
		switch where {
		case roomRule:
			if !s.vendors.Covers(n, seen.Request.Host) && s.vendors.Covers(n, name) {
				return name
			}
		case roomName:
			if m, ok := s.vendors.Refuse(name); ok && m == n && name != seen.Request.Host {
				return name
			}
		}
	}
	return ""
}
