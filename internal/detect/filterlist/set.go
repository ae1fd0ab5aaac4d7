package filterlist

import "github.com/quench-proxy/quench/internal/detect"

// Set is what Compile makes of lists: an index that never changes and that any
// number of goroutines may ask at once. Policies choose among its lists. The
// zero Set and a nil *Set hold no rule.
type Set struct{}

// Match asks what lists say about r. lists is detect.Policy.Lists: bit (n-1)%64
// of word (n-1)/64 stands for list n; nil enables none. It allocates nothing
// once every regular expression it meets has been compiled.
func (s *Set) Match(r *detect.Request, lists []uint64, want Want) Match { return Match{} }

// Host asks what lists say about a bare name.
func (s *Set) Host(q *detect.HostQuestion, lists []uint64) Match { return Match{} }

// Rewrites appends to into every dnsrewrite rule that holds for q.
func (s *Set) Rewrites(q *detect.HostQuestion, lists []uint64, into []RuleID) []RuleID { return into }

// Names reports whether any enabled rule, of whatever kind, names host or a
// domain above it as what it is about.
func (s *Set) Names(host string, lists []uint64) bool { return false }

// Modifiers appends to into every removeparam and csp rule that holds for r,
// without those that exceptions take back.
func (s *Set) Modifiers(r *detect.Request, lists []uint64, into []RuleID) []RuleID { return into }

// Clean returns url without the parameters that the removeparam rules among
// ids name; url itself if nothing goes.
func (s *Set) Clean(url string, ids []RuleID) string { return url }

// ListOf returns the number of the rule's list, 0 for no rule. It is cheap.
func (s *Set) ListOf(id RuleID) uint16 { return 0 }

// Info explains a rule; the zero Info for an id that is not of this Set. It is
// meant for off the data path.
func (s *Set) Info(id RuleID) Info { return Info{} }

// Lists returns how many lists the Set holds, Len how many rules, Size how
// many bytes its arrays take.
func (s *Set) Lists() int { return 0 }

// Len returns the number of rules.
func (s *Set) Len() int { return 0 }

// Size returns the bytes that the Set's arrays take.
func (s *Set) Size() int { return 0 }
