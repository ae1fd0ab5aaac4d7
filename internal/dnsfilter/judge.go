package dnsfilter

import (
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
)

// judge is what decides about one question: the Set and the Policy of its
// moment, kept together so that what is recorded is explained by the same.
// It is the one place where the engine's words come in.
type judge struct {
	set    *engine.Set
	policy *detect.Policy
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

// question asks about the question's own name.
func (j judge) question(host string, qtype uint16) verdict {
	return verdict{j.set.Host(&detect.HostQuestion{Host: host, QType: qtype}, j.policy), host}
}

// target asks about a name that the answer to host leads to. What lifts host
// (the user's allow, a veto) lifts it too.
func (j judge) target(host, target string, qtype uint16) verdict {
	d := j.set.Host(&detect.HostQuestion{Host: target, QType: qtype}, j.policy)
	if d.Action != detect.Block && d.Would != detect.Block {
		return verdict{}
	}
	chain := [1]string{target}
	if j.set.Chain(&detect.Request{Host: host}, chain[:], j.policy).Step == detect.StepNone {
		return verdict{}
	}
	return verdict{d, target}
}

// byUser reports whether the user's own word decided.
func (v verdict) byUser() bool { return v.d.Step == detect.StepUserBlock }

// reason is the text of the extended error: which list, which rule.
func (j judge) reason(v verdict) string {
	switch {
	case v.byUser():
		return "blocked by your own rule"
	case v.d.Rule != 0:
		if name := j.set.RuleName(v.d.Rule); name != "" {
			return "blocked by Quench's rule " + name
		}
	}
	return "blocked"
}

// shape says how a block is answered: ReplyAuto leaves it to the Door's
// options. That a name may be refused outright is said in the words of
// connections; a resolver has a kinder answer.
func (j judge) shape(v verdict) shape {
	if v.d.Reply == detect.ReplyRefused && v.d.Step != detect.StepList && v.d.Step != detect.StepImportant {
		return shape{}
	}
	return shape{reply: v.d.Reply}
}

// allowed reports whether the user lets host pass, whatever it leads to.
func (j judge) allowed(host string) bool {
	return j.policy != nil && j.policy.Allows.Match(host, "")
}
