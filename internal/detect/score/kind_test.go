package score_test

import (
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect/score"
)

func TestKindOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		value string
		want  score.Kind
	}{
		{"0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9", score.KindUUID},
		{"0A1B2C3D-4E5F-4071-8293-A4B5C6D7E8F9", score.KindUUID},
		{"00000000-0000-0000-0000-000000000000", score.KindNone},
		{"5f4dcc3b5aa765d61d8327deb882cf99", score.KindHash},
		{"5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8", score.KindHash},
		{"b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514", score.KindHash},
		{"0a1b2c3d4e5f6071", score.KindHex},
		{"0a1b2c3d4e5f60", score.KindNone}, // too short for a hexadecimal number
		{"1234567890.1741737600", score.KindStamped},
		{"GA1.1.444444444.1763805600", score.KindStamped},
		{"fb.1.1741737600123.1234567890", score.KindStamped},
		{"1.1.1741737600.333333333", score.KindStamped},
		{"690240146360935515", score.KindNumber},
		{"-1234567890123456789", score.KindNumber},
		{"4711471147", score.KindNumber}, // as long as a time, but of the year 2119
		{"CAESEHLeMYEyZM9wByjL65oeOYg", score.KindToken},
		{"u82l4IlFrtDxfH-j9", score.KindToken},
		{"XfMClniOWBAz81xQ", score.KindToken},

		{"1763805600", score.KindNone},          // seconds
		{"1763805600123", score.KindNone},       // milliseconds
		{"1763805600123456", score.KindNone},    // microseconds
		{"1763805600123456789", score.KindNone}, // nanoseconds
		{"20261122100000", score.KindNone},      // written out
		{"12345678", score.KindNone},            // too short
		{"000000000000", score.KindNone},
		{"1920x1080x24", score.KindNone},
		{"1920x1080", score.KindNone},
		{"3.141592653589", score.KindNone},
		{"0.7295099082538761", score.KindNone}, // random, but nobody's
		{"10.15.7.1234.5678", score.KindNone},
		{"jquery-3.7.1.min", score.KindNone},
		{"sku-12345", score.KindNone},
		{"SKU-12345-AB", score.KindNone},
		{"advertising", score.KindNone},
		{"red-shoes-for-summer-2024", score.KindNone},
		{"summer_sale_2024_07", score.KindNone},
		{"zh-Hans-CN", score.KindNone},
		{"en-US,en;q=0.9", score.KindNone},
		{"https://shop.example/a1b2c3d4e5f6", score.KindNone},
		{"/a1b2c3d4e5f6g7h8/x", score.KindNone},
		{"somebody42@mail3.example", score.KindNone},
		{"Europe/Berlin", score.KindNone},
		{"ProductPage2024", score.KindNone},
		{"application/json", score.KindNone},
		{"", score.KindNone},
		{strings.Repeat("a1", 200), score.KindNone}, // content
	} {
		if got := score.KindOf([]byte(tt.value)); got != tt.want {
			t.Errorf("KindOf(%.60q) = %d, want %d", tt.value, got, tt.want)
		}
	}
}

// FuzzKindOf: no value breaks the tests, and what is an identifier has the
// length and the letters of one.
func FuzzKindOf(f *testing.F) {
	for _, s := range []string{"0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9", "fb.1.1741737600123.1234567890", "GA1.1.4.1763805600", "1920x1080", "....", "-", "a.b.c.d.e.f", "-000000000", "\xff\xfe"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		k := score.KindOf(v)
		if k > score.KindToken {
			t.Fatalf("KindOf(%q) = %d, which is none of the kinds", v, k)
		}
		if k == score.KindNone {
			return
		}
		if len(v) < 8 || len(v) > 160 {
			t.Errorf("KindOf gives %d to a value of %d bytes", k, len(v))
		}
		for _, c := range v {
			if c <= ' ' || c >= 0x7f || c == '@' || c == ':' || c == '%' {
				t.Errorf("KindOf(%q) = %d, for all that it holds %q", v, k, c)
			}
		}
		if again := score.KindOf(append([]byte(nil), v...)); again != k {
			t.Errorf("KindOf(%q) = %d, then %d", v, k, again)
		}
	})
}
