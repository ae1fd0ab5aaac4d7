// Package wire reads plain DNS questions and writes plain answers as bytes,
// without allocation.
//
// It is for the common case only: whatever is unusual in a packet it leaves to
// the door's general path, which reads it with miekg/dns and is this package's
// oracle in tests: for any packet both give the same answer, or this package
// gives none.
package wire

// MaxName is the longest name in wire form (RFC 1035 §2.3.4), MaxLabel the
// longest label.
const (
	MaxName  = 255
	MaxLabel = 63
)

// AppendHost appends the name that begins at name[0] (wire form, no pointers,
// closed by the root label) as rules know it: lower case, no trailing dot. A
// byte that a host name cannot hold (a dot or backslash inside a label, a
// control, a space, anything beyond ASCII) becomes \DDD, so that it can
// neither hit nor dodge a rule by looking like a label's end. A name that is
// cut off or has a label beyond MaxLabel ends where that happens.
func AppendHost(dst, name []byte) []byte {
	for i, first := 0, true; i < len(name) && name[i] != 0; first = false {
		n := int(name[i])
		if n > MaxLabel || i+1+n > len(name) {
			return dst
		}
		if !first {
			dst = append(dst, '.')
		}
		for _, c := range name[i+1 : i+1+n] {
			switch {
			case c >= 'A' && c <= 'Z':
				dst = append(dst, c+'a'-'A')
			case c <= ' ' || c >= 0x7f || c == '.' || c == '\\':
				dst = append(dst, '\\', '0'+c/100, '0'+c/10%10, '0'+c%10)
			default:
				dst = append(dst, c)
			}
		}
		i += 1 + n
	}
	return dst
}
