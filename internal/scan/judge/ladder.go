package judge

import (
	"fmt"
	"slices"
)

// Ladder says how sure it is that a reference reports back. Lower is surer.
type Ladder uint8

// The rungs.
const (
	// Proven: the reader's own address is in it.
	Proven Ladder = iota
	// Vendor: a rule or a public list names it.
	Vendor
	// Likely: its path is that of an opening counter, and nobody sees it.
	Likely
	// Hidden: nobody sees it, it stands once, and it carries a token; or a
	// header asks for a receipt.
	Hidden
	// Token: only a token says that it may know the reader.
	Token
	// Ordinary: nothing says that it reports more than any fetch does.
	Ordinary
)

var rungs = []string{"proven", "vendor", "likely", "hidden", "token", "ordinary"}

// String is the word used in reports.
func (l Ladder) String() string { return rungs[min(int(l), len(rungs)-1)] }

// Tracker reports whether l is one of the four rungs that `--clean-what
// trackers` takes away.
func (l Ladder) Tracker() bool { return l <= Hidden }

// MarshalText makes a Ladder its word in JSON.
func (l Ladder) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads the word.
func (l *Ladder) UnmarshalText(b []byte) error {
	i := slices.Index(rungs, string(b))
	if i < 0 {
		return fmt.Errorf("read ladder: %q is none of %v", b, rungs)
	}
	*l = Ladder(i)
	return nil
}
