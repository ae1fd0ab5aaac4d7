package vendor

// bits reads the base64url text of a consent string from its most significant
// bit on, six to a character. Past the end it reads zeros and is over.
type bits struct {
	text string
	at   int // in bits
	over bool
}

// sextet gives the value of a base64url character (RFC 4648 section 5; the
// older alphabet is met too), -1 for another.
func sextet(c byte) int {
	switch {
	case c >= 'A' && c <= 'Z':
		return int(c - 'A')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 26
	case c >= '0' && c <= '9':
		return int(c-'0') + 52
	case c == '-', c == '+':
		return 62
	case c == '_', c == '/':
		return 63
	}
	return -1
}

func (b *bits) bit() int {
	i := b.at / 6
	if i >= len(b.text) {
		b.over = true
		return 0
	}
	v := sextet(b.text[i])
	if v < 0 {
		b.over = true
		return 0
	}
	v = v >> (5 - b.at%6) & 1
	b.at++
	return v
}

// number reads n bits, 31 at the most.
func (b *bits) number(n int) int {
	v := 0
	for range n {
		v = v<<1 | b.bit()
	}
	return v
}

func (b *bits) bool() bool { return b.bit() == 1 }

// fibonacci reads a number in Fibonacci coding, which two ones end.
func (b *bits) fibonacci() int {
	sum, one := 0, false
	for f, next := 1, 2; f < 1<<20 && !b.over; f, next = next, f+next {
		bit := b.bool()
		if bit && one {
			return sum
		}
		if bit {
			sum += f
		}
		one = bit
	}
	b.over = true
	return 0
}

// Where the core of a TC string v2 (IAB Transparency and Consent Framework) has
// what is read here, in bits.
const (
	tcfPurposes = 152 // 24 of consent, then 24 of legitimate interest
	tcfVendors  = 213 // the vendors, first those consented to
	tcfPurpose  = 11  // purposes there are; TCF 2.0 knew 10
)

// tcf reads the core segment of a TC string: the purposes, and if the company's
// number is known, whether it was agreed to. The purposes alone decide where
// the list of vendors is cut off.
func tcf(v string, vendor int) (state, detail string) {
	core := &bits{text: v}
	for i := 0; i < len(v); i++ {
		if v[i] == '.' || v[i] == '=' {
			core.text = v[:i]
			break
		}
	}
	if core.number(6) != 2 {
		return "", ""
	}
	core.at = tcfPurposes
	purposes := core.number(tcfPurpose)
	core.at = tcfPurposes + 23
	if core.bit(); core.over {
		return "", ""
	}
	const first, all, all20 = 1 << (tcfPurpose - 1), 1<<tcfPurpose - 1, 1<<tcfPurpose - 2
	if purposes == 0 {
		return "denied", ""
	}
	if vendor > 0 {
		if consent, interest, known := core.vendor(vendor); known && !consent && !interest {
			return "denied", "this company was refused"
		}
	}
	switch {
	case purposes == all, purposes == all20:
		return "granted", ""
	case purposes&first == 0:
		return "partial", "keeping anything on your device refused, other purposes granted"
	}
	return "partial", "some purposes granted, some refused"
}

// vendor reads whether the company of this number was agreed to, and whether it
// may claim a legitimate interest; not known if the string ends before.
func (b *bits) vendor(n int) (consent, interest, known bool) {
	b.at = tcfVendors
	consent = b.vendorIn(n)
	interest = b.vendorIn(n)
	return consent, interest, !b.over
}

// vendorIn reads one list of vendors to its end: a bit each, or ranges.
func (b *bits) vendorIn(n int) bool {
	highest := b.number(16)
	if !b.bool() {
		start := b.at
		in := false
		if n <= highest {
			b.at = start + n - 1
			in = b.bool()
		}
		b.at = start + highest
		if b.at > 6*len(b.text) {
			b.over = true
		}
		return in && !b.over
	}
	in := false
	for range b.number(12) {
		if b.over {
			return false
		}
		isRange := b.bool()
		from := b.number(16)
		to := from
		if isRange {
			to = b.number(16)
		}
		in = in || n >= from && n <= to
	}
	return in && !b.over
}
