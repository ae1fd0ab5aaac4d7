package judge

import (
	"strings"
	"testing"
)

// TestVocabulary: every word is found, whatever its letters' case, with all it
// says, and nothing else is.
func TestVocabulary(t *testing.T) {
	t.Parallel()
	if len(vocabulary) < 300 {
		t.Fatalf("%d words", len(vocabulary))
	}
	for w, want := range vocabulary {
		if len(w) > maxWord {
			t.Errorf("%q is longer than maxWord", w)
		}
		for _, s := range []string{w, strings.ToUpper(w)} {
			if got := lookup(s); got != want {
				t.Errorf("lookup(%q) = %+v, want %+v", s, got, want)
			}
		}
		if got := lookup(w + "zq"); got != (word{}) {
			t.Errorf("lookup(%q) = %+v, want none", w+"zq", got)
		}
	}
	for s, want := range map[string]uint16{"": 0, "open": saysClear, "i": saysHint, "image": saysHint | saysFolder, "gif": saysPicture,
		"px": saysHint | saysSpacer, "V": saysNothing, "width": saysDescribing, "X-Amz-Signature": saysSigned, strings.Repeat("a", 40): 0} {
		if got := lookup(s).says; got != want {
			t.Errorf("lookup(%q) says %b, want %b", s, got, want)
		}
	}
}
