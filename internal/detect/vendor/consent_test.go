package vendor

import (
	"strings"
	"testing"
)

// bitText writes bits ("101 01", spaces aside) as the base64url text of consent
// strings, filled up with zeros.
func bitText(bits string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	bits = strings.ReplaceAll(bits, " ", "")
	for len(bits)%6 != 0 {
		bits += "0"
	}
	var out strings.Builder
	for ; bits != ""; bits = bits[6:] {
		n := 0
		for _, c := range bits[:6] {
			n = n<<1 | int(c-'0')
		}
		out.WriteByte(alphabet[n])
	}
	return out.String()
}

func binary(n, width int) string {
	var b []byte
	for i := width - 1; i >= 0; i-- {
		b = append(b, byte('0'+n>>i&1))
	}
	return string(b)
}

// tcString writes a TC core: the 11 purposes, then the lists of vendors.
func tcString(purposes string, vendors ...string) string {
	head := "000010" + strings.Repeat("0", tcfPurposes-6) + purposes + strings.Repeat("0", 24-len(purposes)) + strings.Repeat("0", 24) + strings.Repeat("0", 13)
	return bitText(head + strings.Join(vendors, ""))
}

// bitField lists vendors up to highest by a bit each.
func bitField(highest int, in ...int) string {
	b := []byte(strings.Repeat("0", highest))
	for _, n := range in {
		b[n-1] = '1'
	}
	return binary(highest, 16) + "0" + string(b)
}

func ranges(highest int, fromTo ...[2]int) string {
	out := binary(highest, 16) + "1" + binary(len(fromTo), 12)
	for _, r := range fromTo {
		if r[0] == r[1] {
			out += "0" + binary(r[0], 16)
		} else {
			out += "1" + binary(r[0], 16) + binary(r[1], 16)
		}
	}
	return out
}

func TestTCF(t *testing.T) {
	t.Parallel()
	const all, none, noStorage, some = "11111111111", "00000000000", "01111111111", "11110000000"
	nobody := bitField(0)
	for _, tt := range []struct {
		name, v, state, detail string
		vendor                 int
	}{
		{"all", tcString(all, nobody, nobody), "granted", "", 0},
		{"nothing", tcString(none, nobody, nobody), "denied", "", 0},
		{"some", tcString(some, nobody, nobody), "partial", "some purposes granted, some refused", 0},
		{"all but keeping on the device", tcString(noStorage, nobody, nobody), "partial", "keeping anything on your device refused, other purposes granted", 0},
		{"all, and this company", tcString(all, bitField(100, 91), nobody), "granted", "", 91},
		{"all, but not this company", tcString(all, bitField(100, 90, 92), nobody), "denied", "this company was refused", 91},
		{"all, but the list ends before it", tcString(all, bitField(50, 7), nobody), "denied", "this company was refused", 91},
		{"its legitimate interest", tcString(all, bitField(100, 90), bitField(91, 91)), "granted", "", 91},
		{"in a range", tcString(all, ranges(800, [2]int{1, 50}, [2]int{80, 95}), nobody), "granted", "", 91},
		{"alone in a range", tcString(all, ranges(800, [2]int{91, 91}), nobody), "granted", "", 91},
		{"in no range", tcString(all, ranges(800, [2]int{1, 50}, [2]int{700, 800}), nobody), "denied", "this company was refused", 91},
		{"the list is cut off", tcString(all, bitField(800, 7)[:60]), "granted", "", 91},
		{"ranges that promise more than there is", tcString(all, binary(9, 16)+"1"+binary(4095, 12)), "granted", "", 91},
		{"a real one, refused", "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA", "denied", "", 0},
		{"with further segments", tcString(all, nobody, nobody) + ".YAAAAAAAAAA", "granted", "", 0},
		{"the first version", "B" + tcString(all)[1:], "", "", 0},
		{"cut off", "CPXx", "", "", 0},
		{"something else", "yes!", "", "", 91},
		{"nothing at all", "", "", "", 91},
	} {
		if state, detail := tcf(tt.v, tt.vendor); state != tt.state || detail != tt.detail {
			t.Errorf("%s: tcf(%q, %d) = %q, %q; want %q, %q", tt.name, tt.v, tt.vendor, state, detail, tt.state, tt.detail)
		}
	}
}

func TestGPP(t *testing.T) {
	t.Parallel()
	// The answers are written as pairs of bits behind a version of 1.
	us := func(answers string) string {
		bits := "000001"
		for _, a := range answers {
			bits += binary(int(a-'0'), 2)
		}
		return bitText(bits)
	}
	for _, tt := range []struct{ name, v, state, detail string }{
		{"Europe, refused", "DBABMA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA", "denied", ""},
		{"Europe and the older American text", "DBACNYA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA~1YNN", "denied", ""},
		{"the older American text alone, opted out", "DBABTA~1YYN", "denied", "opted out of sale"},
		{"the United States, sale and sharing", "DBABLA~" + us("111111112"), "denied", "opted out of sale and sharing in the United States"},
		{"the United States, nothing refused", "DBABLA~" + us("111111222"), "granted", "not opted out of sale and sharing and advertising made for you in the United States"},
		{"the United States, nothing asked", "DBABLA~" + us("000000000"), "", ""},
		{"the browser's own signal", "DBABLA~" + us("111111222") + "." + bitText("011"), "denied", "the browser asked not to be tracked, in the United States"},
		{"its segment, not set", "DBABLA~" + us("111111222") + "." + bitText("010"), "granted", "not opted out of sale and sharing and advertising made for you in the United States"},
		{"California", "DBABBg~" + us("11112"), "denied", "opted out of sale in California"},
		{"a head without sections", "DBAA", "", ""},
		{"a section that is missing", "DBABLA", "", ""},
		{"no head", "~" + us("1111111"), "", ""},
		{"something else", "hello~world", "", ""},
		{"a head that promises thousands", bitText("000011 000001 111111111111 1 011 " + strings.Repeat("0", 18) + "11"), "", ""},
	} {
		if state, detail := gpp(tt.v, 0); state != tt.state || detail != tt.detail {
			t.Errorf("%s: gpp(%q) = %q, %q; want %q, %q", tt.name, tt.v, state, detail, tt.state, tt.detail)
		}
	}
}

// Every section that is known: a refusal of the sale is found where it stands,
// and a sale that is not refused is none.
func TestGPPSections(t *testing.T) {
	t.Parallel()
	fib := func(n int) string { // n in Fibonacci coding
		var f []int
		for a, b := 1, 2; a <= n; a, b = b, a+b {
			f = append(f, a)
		}
		code := []byte(strings.Repeat("0", len(f)))
		for i := len(f) - 1; i >= 0; i-- {
			if n >= f[i] {
				n, code[i] = n-f[i], '1'
			}
		}
		return string(code) + "1"
	}
	for id, us := range usSections {
		head := bitText("000011 000001" + binary(1, 12) + "0" + fib(id))
		for answer, want := range map[string]string{"01": "denied", "10": "granted", "00": ""} {
			section := bitText("000001" + strings.Repeat("00", us.sale-1) + answer + strings.Repeat("00", 6))
			if state, _ := gpp(head+"~"+section, 0); state != want {
				t.Errorf("section %d, sale %s: %q, want %q", id, answer, state, want)
			}
		}
	}
}

// FuzzConsent: whatever a page sends, reading it ends, and the state is one
// that the sentence knows.
func FuzzConsent(f *testing.F) {
	for _, s := range []string{"DBABMA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA", "DBABLA~BVQVAAAAAAA.QA", "1YYN", "G100", "13p3p3p2p5", "CP-_~", ""} {
		f.Add(s, 91)
	}
	f.Fuzz(func(t *testing.T, v string, vendor int) {
		for _, as := range []string{"gcs", "gcd", "tcf", "us_privacy", "gpp", "ldu"} {
			c := consent{spec: &ConsentSpec{As: as, Vendor: vendor}}
			switch state, _ := c.read(v); state {
			case "", "granted", "denied", "partial":
			default:
				t.Errorf("%s of %q is %q", as, v, state)
			}
		}
	})
}
