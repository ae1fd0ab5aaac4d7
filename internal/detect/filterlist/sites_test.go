package filterlist

import (
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
)

// TestPartyOf: what is remembered is what detect says.
func TestPartyOf(t *testing.T) {
	t.Parallel()
	hosts := []string{"", "a.com", "b.a.com", "c.b.a.com", "ba.com", "com", "co.uk", "x.co.uk", "y.x.co.uk", "z.co.uk",
		"1.2.3.4", "5.2.3.4", "::1", "fe80::1", "foo.github.io", "bar.github.io", "github.io", "localhost", "a.localhost", "b.b.com", ".", "a..com"}
	var s sites
	for range 2 {
		for _, a := range hosts {
			for _, b := range hosts {
				if a == "" || b == "" {
					continue
				}
				if got, want := s.partyOf(a, b), detect.PartyOf(a, b); got != want {
					t.Errorf("%q, %q: %v, want %v", a, b, got, want)
				}
			}
		}
	}
}
