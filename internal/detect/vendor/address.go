package vendor

import (
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
)

// asSent gives a field that holds an e-mail address the name of what was sent:
// sites put addresses in clear where a vendor asks for a fingerprint, and
// fingerprints where it asks for the address, and the sentence must not say
// the one for the other. Any other field comes back as it is.
func asSent(f detect.Field) detect.Field {
	switch {
	case f.Name == "email_hash" && looksPlain(f.Value):
		return newField("email_plain", f.Value)
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

// looksHashed: v is the hexadecimal of an MD5, SHA-1, SHA-256 or SHA-512.
func looksHashed(v string) bool {
	switch len(v) {
	case 32, 40, 64, 128:
	default:
		return false
	}
	return strings.Trim(v, "0123456789abcdefABCDEF") == ""
}
