package vendor

import (
	"github.com/quench-proxy/quench/internal/detect"
)

// consent reads what the hit itself claims about consent: the first signal
// that says something wins.
func (ru *rule) consent(p *payload) *detect.Consent {
	for i := range ru.tracker.consent {
		c := &ru.tracker.consent[i]
		v, ok := p.lookup(c.spec.From)
		if !ok {
			continue
		}
		state, detail := c.read(v)
		if state != "" {
			return &detect.Consent{State: state, Detail: detail}
		}
	}
	return &detect.Consent{State: "unknown"}
}

func (c *consent) read(v string) (state, detail string) {
	switch c.spec.As {
	case "gcs":
		return gcs(v)
	case "gcd":
		return gcd(v)
	case "tcf":
		return tcf(v, c.spec.Vendor)
	case "gpp":
		return gpp(v, c.spec.Vendor)
	case "us_privacy":
		return usPrivacy(v)
	case "ldu":
		if v != "" && v != "[]" && v != "0" && v != "false" {
			return "partial", "limited data use asked for"
		}
		return "", ""
	}
	switch {
	case c.denied != nil && c.denied.match(v):
		return "denied", ""
	case c.granted != nil && c.granted.match(v):
		return "granted", ""
	}
	return "", ""
}

// gcs reads G1xy: x stands for advertising, y for statistics; 1 is granted.
func gcs(v string) (state, detail string) {
	if len(v) < 4 || v[0] != 'G' {
		return "", ""
	}
	switch v[2:4] {
	case "11":
		return "granted", ""
	case "00":
		return "denied", ""
	case "10":
		return "partial", "advertising yes, statistics no"
	case "01":
		return "partial", "advertising no, statistics yes"
	}
	return "", ""
}

// gcd reads the letters behind each digit, at positions 3, 5, 7, 9: granted,
// denied, or (unset, or a letter nobody documented) unknown.
func gcd(v string) (state, detail string) {
	var granted, denied, other int
	for i := 2; i < len(v) && i <= 8; i += 2 {
		switch v[i] {
		case 'n', 'r', 't', 'v':
			granted++
		case 'm', 'p', 'q', 'u':
			denied++
		default:
			other++
		}
	}
	switch {
	case denied > 0 && granted == 0 && other == 0:
		return "denied", ""
	case granted > 0 && denied == 0 && other == 0:
		return "granted", ""
	case granted > 0 && denied > 0:
		return "partial", "some purposes granted, some refused"
	}
	return "", ""
}

// usPrivacy reads the four characters version, notice, opted out, LSPA.
func usPrivacy(v string) (state, detail string) {
	if len(v) != 4 || v[0] != '1' {
		return "", ""
	}
	switch v[2] {
	case 'Y', 'y':
		return "denied", "opted out of sale"
	case 'N', 'n':
		return "granted", "not opted out of sale"
	}
	return "", ""
}
