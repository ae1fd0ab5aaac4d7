package judge

import (
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/detect/vendor"
)

// rules asks the engine about the place r leads to, and takes its word over
// what structure said.
func (b *bench) rules(r *Ref, u *facts, f *Finding) {
	set := b.judge.Rules
	if set == nil || u.host == "" {
		b.allowed(u, f)
		return
	}
	q := &detect.Request{URL: u.place(), Host: u.host, Site: detect.ThirdParty, Type: typeOf(r)}
	if b.m.Sender != "" {
		q.Page, q.PageFrom = "https://"+b.m.Sender, detect.PageDocument
	}
	if u.ruled.kind != q.Type || !u.ruled.known {
		u.ruled = b.ruling(q)
	}
	d := u.ruled.decision
	if u.ruled.none() {
		b.allowed(u, f)
		b.mail(&u.ruled, r, f)
		return
	}
	verdicts := set.Explain(detect.Seen{Request: q, Policy: b.judge.Policy, At: b.m.Time}, d)
	if len(verdicts) == 0 {
		return
	}
	v := verdicts[0]
	keep := f.Action
	f.Known = !signature(&v)
	f.Verdict = v
	f.Action, f.Reply, f.Told, f.Sentence, f.Say = keep, detect.ReplyAuto, false, "", nil
	switch d.Step {
	case detect.StepUserAllow:
		f.Action = detect.Allow
		f.Ladder = Ordinary
		return
	case detect.StepVeto, detect.StepListException:
		f.Ladder = max(f.Ladder, Token) // no rule may call it a tracker
		return
	case detect.StepLearned, detect.StepPixel:
		f.Ladder = min(f.Ladder, Likely)
		return
	}
	f.Ladder = min(f.Ladder, known(r, f, signature(&v)))
}

// ruling is what the rules say of one URL fetched as one type, whatever
// reference asks: many messages hold one address several times.
type ruling struct {
	known    bool
	kind     detect.Type
	decision detect.Decision
	hit      vendor.MailHit // if none of the other rules speaks of it
	mail     bool           // there is a hit
}

// none reports whether nothing was decided that the reader should know of.
func (d *ruling) none() bool {
	return d.decision.Step == detect.StepNone || d.decision.Step == detect.StepStrip
}

// ruling asks the rules about q.
func (b *bench) ruling(q *detect.Request) ruling {
	out := ruling{known: true, kind: q.Type, decision: b.judge.Rules.Request(q, b.judge.Policy)}
	if out.none() {
		out.hit, out.mail = b.judge.Rules.Mail(q, b.judge.Policy)
	}
	return out
}

// onward judges where r leads on to, as far as its own address says so: known
// redirectors stand in front of trackers. Of a picture only rules can tell, as
// many services that fit pictures to a size are asked with the address of one.
func (b *bench) onward(r *Ref, f *Finding) {
	goal := f.Target
	if !f.Link && auto(r) && f.Request.Type == "image" && b.judge.Rules != nil {
		goal = b.urls[r.URL].goal()
	}
	if goal == "" || goal == f.Original || f.Ladder <= Vendor || f.Exception != nil && f.Exception.Kind == "user" {
		return
	}
	u := b.urls[goal]
	if u == nil {
		u = b.read(goal)
		b.urls[goal] = u
	}
	g := *f
	g.Verdict, g.Known = detect.Verdict{Action: f.Action}, false
	if g.Ladder = Ordinary; f.Link {
		g.Signs = b.signs(r, u)
		g.Ladder = b.structure(r, u, &g)
	}
	b.rules(r, u, &g)
	if g.Ladder >= f.Ladder && (f.Tracker != nil || g.Tracker == nil) || g.Exception != nil {
		return
	}
	g.Ladder = min(g.Ladder, f.Ladder)
	if f.Signs.strength >= Mixed {
		g.Signs = f.Signs // of its own address, which is told first
	}
	g.Target, g.Onward = goal, true
	g.Evidence = append(g.Evidence, detect.Evidence{Kind: "heuristic", Detail: "its address leads on to " + u.host})
	*f = g
}

// allowed applies the user's own allow to what no rule names.
func (b *bench) allowed(u *facts, f *Finding) {
	p := b.judge.Policy
	if p == nil || !p.Allows.Match(u.host, b.m.Sender) {
		return
	}
	f.Action, f.Ladder = detect.Allow, Ordinary
	f.Exception = &detect.Evidence{Kind: "user", Detail: "you allowed it"}
}

// known is the rung that a matching rule earns. A signature says no more than
// that the path looks like a vendor's; it needs a second sign.
func known(r *Ref, f *Finding, signature bool) Ladder {
	switch {
	case !signature:
		return Vendor
	case f.Signs.sure >= markup.Likely, f.Signs.sure == markup.Weak && f.Signs.strength >= Mixed && !f.Signs.Static:
		return Likely
	case f.Signs.strength >= Mixed && !f.Signs.Static && (r.When == markup.Click || !f.Content):
		return Likely
	case f.Signs.strength > None:
		return Token
	}
	return Ordinary
}

// signature reports whether v's rule holds for any host.
func signature(v *detect.Verdict) bool {
	for _, e := range v.Evidence {
		if e.Kind == "vendor" {
			return strings.HasPrefix(e.Detail, "signature")
		}
	}
	return false
}
