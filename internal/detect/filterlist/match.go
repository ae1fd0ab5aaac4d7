package filterlist

import "github.com/quench-proxy/quench/internal/detect"

// RuleID names one rule inside one Set; 0 is none. It fits 28 bits, means
// nothing outside its Set, and is not dense: it is to be handed back to the
// Set, not counted with.
type RuleID uint32

// MaxRuleID bounds every RuleID.
const MaxRuleID = 1<<28 - 1

// Want says what a question needs beyond the answer whether to block.
type Want struct {
	// Exceptions asks for the exception that would lift a block even if no rule
	// of a list blocks (a vendor's loader is lifted by the lists' exceptions).
	Exceptions bool
	// Response is the response header, nil before it arrives. Rules with
	// header= hold only when it is there.
	Response detect.Header
}

// Match is what the enabled lists say. It holds no pointer; the zero value
// means that they say nothing.
type Match struct {
	// Important is a blocking rule with important that nothing lifts. An
	// exception lifts it only if that is important too; then the rule is in
	// Block and the exception in Exception.
	Important RuleID
	// Block is a blocking rule without important. It is not looked for once
	// Important is found.
	Block RuleID
	// Exception lifts Block, or would lift it, if only Want asked for it. It
	// is a rule of its own pattern or one for the whole page.
	Exception RuleID
	// Redirect names the resource that answers a block that stands, by its
	// value, without ":priority"; 0 if none or "none" is named.
	Redirect RuleID
	// Rewrite is a rule with dnsrewrite that no exception takes back; set by
	// Host only. Rewrites gives them all.
	Rewrite RuleID
}

// Blocked reports whether the lists block.
func (m Match) Blocked() bool { return m.Important != 0 || m.Block != 0 && m.Exception == 0 }

// Info explains one rule.
type Info struct {
	// List is the 1-based number of its list, Line its 1-based line there, as
	// Report.Where takes it.
	List uint16
	Line uint32
	// Text is the rule as its author wrote it. Of a hosts line it is only the
	// part that matters, and at most MaxText bytes of any.
	Text string
	// Kind, Exception and Important say what it does, Value what with.
	Kind                 Kind
	Exception, Important bool
	Value                string
}
