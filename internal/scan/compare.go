package scan

import (
	"strings"

	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/scan/explain"
	"github.com/quench-proxy/quench/internal/scan/identity"
	"github.com/quench-proxy/quench/internal/scan/mail"
	"github.com/quench-proxy/quench/internal/scan/source"
)

// Copy is one copy of a mail and its URLs in the order they stand.
type Copy struct {
	File string
	To   []string // recipients, by the header
	URLs []string
	When []string // of each URL
}

// CopyOf takes the URLs of m that some client uses.
func CopyOf(m *source.Message) *Copy {
	c := &Copy{File: m.File}
	msg := mail.Read(m.Raw, m.MailKind(), mail.Options{})
	for _, a := range msg.Recipients() {
		c.To = append(c.To, a.Address)
	}
	msg.Walk(markup.Options{}, func(r *mail.Ref) {
		if r.Active() && strings.Contains(r.URL, "//") {
			c.URLs = append(c.URLs, r.URL)
			c.When = append(c.When, r.When.String())
		}
	})
	return c
}

// Comparison is two copies of one mail side by side.
type Comparison struct {
	Schema int    `json:"schema"`
	Door   string `json:"door"`
	A      string `json:"a"`
	B      string `json:"b"`
	// Same counts URLs that are equal in both.
	Same  int            `json:"same"`
	Pairs []Pair         `json:"pairs,omitempty"`
	Own   []identity.Own `json:"own,omitempty"`
}

// Pair is a URL that is not the same in both copies; one side is empty if the
// other copy has none like it.
type Pair struct {
	A    string `json:"url_a,omitempty"`
	B    string `json:"url_b,omitempty"`
	When string `json:"when"`
	// Pieces is where they differ.
	Pieces []Piece `json:"pieces,omitempty"`
	// Proofs say what of A's and B's readers stands there.
	Proofs []string `json:"proofs,omitempty"`
}

// Piece is one place in which two URLs differ: bytes of each.
type Piece struct {
	identity.Piece
	RangeA [2]int `json:"range_a"`
	RangeB [2]int `json:"range_b"`
}

// Compare sets two copies side by side. Me are addresses of the readers besides
// those in the headers.
func Compare(a, b *Copy, me []string) *Comparison {
	c := identity.Compare(a.URLs, b.URLs)
	out := &Comparison{Schema: 1, Door: "scan", A: a.File, B: b.File, Same: c.Same, Own: c.Own}
	readers := identity.New(append(append(append([]string(nil), a.To...), b.To...), me...))
	for i := range c.Pairs {
		p := &c.Pairs[i]
		if p.A >= 0 && p.B >= 0 && len(p.Pieces) == 0 {
			continue
		}
		out.Pairs = append(out.Pairs, pairOf(p, a, b, readers))
	}
	return out
}

func pairOf(p *identity.Pair, a, b *Copy, readers *identity.Set) Pair {
	var out Pair
	if p.A >= 0 {
		out.A, out.When = a.URLs[p.A], a.When[p.A]
	}
	if p.B >= 0 {
		out.B, out.When = b.URLs[p.B], b.When[p.B]
	}
	for _, x := range p.Pieces {
		out.Pieces = append(out.Pieces, Piece{x, [2]int{x.A.Start, x.A.End}, [2]int{x.B.Start, x.B.End}})
	}
	for _, u := range [...]string{out.A, out.B} {
		for _, proof := range readers.Find(u) {
			if s := explain.Proof(&proof); !proof.Weak && !contains(out.Proofs, s) {
				out.Proofs = append(out.Proofs, s)
			}
		}
	}
	return out
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
