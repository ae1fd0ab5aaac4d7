package identity

import (
	"bytes"
	"encoding/base64"
	"math/rand/v2"
	"testing"
)

// TestBase64At: at every length and alphabet it decodes what the standard
// library does, and a last lone character adds nothing.
func TestBase64At(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(6, 2))
	for n := range 200 {
		raw := make([]byte, n)
		for i := range raw {
			raw[i] = byte(r.Uint32())
		}
		for name, enc := range map[Step]*base64.Encoding{Base64: base64.RawStdEncoding, Base64URL: base64.RawURLEncoding} {
			text := []byte("??" + enc.EncodeToString(raw) + "?")
			got := new(finder).base64At(&view{b: text}, 2, len(text)-1)
			if !bytes.Equal(got.b, raw) {
				t.Errorf("%s of %d bytes: got %x, want %x", name, n, got.b, raw)
			}
			if want := bytes.ContainsAny(text, "-_"); (got.step == Base64URL) != want {
				t.Errorf("%s: step %s", text, got.step)
			}
			if n%3 == 0 {
				if lone := new(finder).base64At(&view{b: append(text[:len(text)-1], 'A')}, 2, len(text)); !bytes.Equal(lone.b, raw) {
					t.Errorf("%s and a lone character: got %x, want %x", name, lone.b, raw)
				}
			}
		}
	}
}
