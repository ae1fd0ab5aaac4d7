package vendor

import (
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
)

// asSent gives a field that holds an e-mail address or a telephone number the
// name of what was sent: sites put them in clear where a vendor asks for a
// fingerprint or for a number of the site's own, and fingerprints where it asks
// for the address, and the sentence must not say the one for the other. Any
// other field comes back as it is.
func asSent(f detect.Field) detect.Field {
	switch {
	case (f.Name == "email_hash" || f.Name == "user_id") && looksPlain(f.Value):
		return newField("email_plain", f.Value)
	case f.Name == "phone_hash" && looksDialled(f.Value):
		return newField("phone_plain", f.Value)
	case f.Name == "phone_plain" && looksHashed(f.Value):
		return newField("phone_hash", f.Value)
	case f.Name == "email_plain" && looksHashed(f.Value):
		return newField("email_hash", f.Value)
	}
	return f
}

// looksPlain: v has an address's "@" with a name before and a host after it.
func looksPlain(v string) bool {
	name, host, ok := strings.Cut(v, "@")
	return ok && name != "" && strings.Contains(host, ".")
}

// looksDialled: v has the digits of a telephone number (E.164) and what people
// write between them.
func looksDialled(v string) bool {
	digits := 0
	for _, c := range v {
		if c >= '0' && c <= '9' {
			digits++
		} else if !strings.ContainsRune("+ -()./", c) {
			return false
		}
	}
	return digits >= 7 && digits <= 15
}

// looksHashed: v is the hexadecimal of an MD5, SHA-1, SHA-256 or SHA-512.
func looksHashed(v string) bool {
	switch len(v) {
	case 32, 40, 64, 128:
	default:
		return false
	}
	return strings.Trim(v, "0123456789abcdefABCDEF") == ""
}
