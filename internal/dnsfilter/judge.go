package dnsfilter

import (
	"strconv"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/dnsfilter/clients"
)

// judge is what decides about one question: the Set and the Policy of its
// moment, kept together so that what is recorded is explained by the same.
// It is the one place where the engine's words come in.
type judge struct {
	set    *engine.Set
	policy *detect.Policy
	who    string // as rules name clients
	tags   []string
}

func newJudge(set *engine.Set, policy *detect.Policy, c *clients.Client) judge {
	j := judge{set: set, policy: policy, who: c.Label, tags: c.Tags}
	if j.who == "" {
		j.who = c.Addr.String()
	}
	return j
}

// verdict is a decision about a question and the name that brought it about:
// the question's own or one that its answer leads to.
type verdict struct {
	d    detect.Decision
	name string
}

// blocks reports whether the question is not to be answered truly.
func (v verdict) blocks() bool { return v.d.Action == detect.Block }

// seen reports whether there is something for the ledger.
func (v verdict) seen() bool { return v.d.Step != detect.StepNone }

func (j judge) ask(host string, qtype uint16) *detect.HostQuestion {
	return &detect.HostQuestion{Host: host, QType: qtype, Client: j.who, Tags: j.tags}
}

// question asks about the question's own name.
func (j judge) question(host string, qtype uint16) verdict {
	return verdict{j.set.Host(j.ask(host, qtype), j.policy), host}
}

// target asks about a name that the answer to host leads to. What lifts host
// (the user's allow, a veto) lifts it too.
func (j judge) target(host, target string, qtype uint16) verdict {
	d := j.set.Host(j.ask(target, qtype), j.policy)
	if d.Action != detect.Block && d.Would != detect.Block || d.Step == detect.StepUserAllow {
		return verdict{}
	}
	chain := [1]string{target}
	if j.set.Chain(&detect.Request{Host: host}, chain[:], j.policy).Step == detect.StepNone && d.Reply != detect.ReplyAddress {
		return verdict{}
	}
	return verdict{d, target}
}

// allowed reports whether the user lets host pass, whatever it leads to.
func (j judge) allowed(host string) bool {
	return j.policy != nil && j.policy.Allows.Match(host, "")
}

// byUser reports whether the user's own word decided.
func (v verdict) byUser() bool { return v.d.Step == detect.StepUserBlock }

// reason is the text of the extended error: which list, which rule.
func (j judge) reason(v verdict) string {
	if v.byUser() {
		return "blocked by your own rule"
	}
	if l, line, text, ok := j.set.Listed(v.d.Rule); ok {
		name := l.Name
		if l.Title != "" {
			name = l.Title
		}
		did := "blocked"
		if v.d.Reply == detect.ReplyAddress {
			did = "answered"
		}
		return did + " by " + name + ", line " + strconv.Itoa(line) + ": " + text
	}
	if name := j.set.RuleName(v.d.Rule); name != "" {
		return "blocked by Quench's rule " + name
	}
	return "blocked"
}

// shape says how a block is answered; ReplyAuto leaves it to the Door's
// options. That a name may be refused outright is the engine's word for
// connections; a resolver has a kinder answer. A list can have a shape of
// its own, and a rule ($dnsrewrite) before that.
func (j judge) shape(v verdict, qtype uint16, lists map[string]BlockAs) shape {
	if v.d.Reply == detect.ReplyAddress {
		if s, ok := rewriteShape(j.set.Rewrites(j.ask(v.name, qtype), j.policy)); ok {
			return s
		}
	}
	if len(lists) > 0 && !v.byUser() {
		if l, _, _, ok := j.set.Listed(v.d.Rule); ok {
			as := lists[l.Name]
			return shape{reply: as.Reply, addrs: as.Addrs}
		}
	}
	return shape{}
}
