package filter

import (
	"strings"

	"github.com/quench-proxy/quench/internal/proxy/coding"
)

const (
	// maxDecoded is the longest body after its content coding is undone.
	maxDecoded = 1 << 20
	// maxRatio is how many times longer a body may become by that; short ones
	// may always become minDecoded long.
	maxRatio   = 100
	minDecoded = 64 << 10
	// maxCodings is how many codings may lie over each other.
	maxCodings = 3
)

// decode undoes the content codings of body (RFC 9110, 8.4) and returns at
// most limit bytes, fewer if they grow out of all proportion. whole is false
// if that is not all of it, be it cut, broken or of an unknown coding.
func decode(c *coding.Coders, codings string, body []byte, limit int) (out []byte, whole bool) {
	list := strings.Split(codings, ",")
	if len(list) > maxCodings {
		return nil, false
	}
	limit = min(limit, max(minDecoded, maxRatio*len(body)))
	out, whole = body, true
	for i := len(list) - 1; i >= 0; i-- {
		kind, ok := coding.Named(list[i])
		if !ok {
			return nil, false
		}
		if kind == coding.None {
			continue
		}
		var all bool
		out, all = c.Decode(kind, out, limit)
		whole = whole && all
	}
	if len(out) > limit {
		return out[:limit], false
	}
	return out, whole
}
