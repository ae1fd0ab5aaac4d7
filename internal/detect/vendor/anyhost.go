package vendor

import (
	"regexp/syntax"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
)

// anyHost holds the rules for any host by a segment their paths must have, so
// that a request is compared with those few that its path could fit and not
// with all. Each list is in file order; a rule may stand in several.
type anyHost struct {
	last  map[string][]int32 // by the last segment, see lastSegment
	first map[string][]int32 // by the first, of paths of which only the beginning is known
	rest  []int32            // rules whose path tells neither: all requests are compared with them

	lastLengths, firstLengths lengths // of the keys
}

// lengths is a set of lengths of texts, which spares most looks into a map of
// few texts. All from 63 on count as one.
type lengths uint64

func (l *lengths) add(s string)     { *l |= 1 << min(len(s), 63) }
func (l lengths) has(s string) bool { return l>>min(len(s), 63)&1 != 0 }

// add files rule n. Each of its paths is filed by itself, for one of them is
// enough to match.
func (a *anyHost) add(n int32, ru *rule) {
	if len(ru.paths) == 0 && ru.pathRE == nil {
		a.rest = file(a.rest, n)
		return
	}
	for i := range ru.paths {
		tails, heads := ru.paths[i].ends()
		a.addPath(n, tails, heads)
	}
	if ru.pathRE != nil {
		re, err := syntax.Parse(ru.pathRE.src, syntax.Perl)
		if err != nil { // it was checked, so this cannot be
			a.rest = file(a.rest, n)
			return
		}
		a.addPath(n, textsOf(re, atEnd), textsOf(re, atStart))
	}
}

// addPath files a rule by the texts one of which ends the path, or else by
// those one of which begins it.
func (a *anyHost) addPath(n int32, tails, heads []string) {
	if keys := segments(tails, lastOf); keys != nil {
		for _, k := range keys {
			a.last[k] = file(a.last[k], n)
			a.lastLengths.add(k)
		}
		return
	}
	if keys := segments(heads, firstOf); keys != nil {
		for _, k := range keys {
			a.first[k] = file(a.first[k], n)
			a.firstLengths.add(k)
		}
		return
	}
	a.rest = file(a.rest, n)
}

// file appends n unless it is there: rules come in order.
func file(list []int32, n int32) []int32 {
	if len(list) > 0 && list[len(list)-1] == n {
		return list
	}
	return append(list, n)
}

// segments gives the segment of each text, nil if one of them has none.
func segments(texts []string, of func(string) (string, bool)) []string {
	var keys []string
	for _, t := range texts {
		k, ok := of(t)
		if !ok {
			return nil
		}
		keys = append(keys, k)
	}
	return keys
}

// lastOf gives what lastSegment says of every path that ends in tail; not ok
// if they differ.
func lastOf(tail string) (segment string, ok bool) {
	segment = lastSegment(tail)
	return segment, len(segment) < len(strings.TrimSuffix(tail, "/"))
}

// firstOf gives what firstSegment says of every path that begins with head; not
// ok if they differ.
func firstOf(head string) (segment string, ok bool) {
	if head == "" || head[0] != '/' || strings.IndexByte(head[1:], '/') < 0 {
		return "", false
	}
	return firstSegment(head), true
}

// lastSegment is what follows the last slash of a path, one slash at its very
// end aside: "collect" of "/g/collect" and of "/g/collect/".
func lastSegment(path string) string {
	path = strings.TrimSuffix(path, "/")
	return path[strings.LastIndexByte(path, '/')+1:]
}

// firstSegment is what stands before the second slash, without the first:
// "b" of "/b/ss/x".
func firstSegment(path string) string {
	path = strings.TrimPrefix(path, "/")
	if i := strings.IndexByte(path, '/'); i >= 0 {
		return path[:i]
	}
	return path
}

// considerAny compares a request with the rules for any host, in file order.
func (r *Rules) considerAny(m *Match, q *detect.Request, path, query string) {
	if m.Hit > 0 {
		return
	}
	a := &r.any
	var last, first []int32
	if s := lastSegment(path); a.lastLengths.has(s) {
		last = a.last[s]
	}
	if s := firstSegment(path); a.firstLengths.has(s) {
		first = a.first[s]
	}
	lists := [...][]int32{last, first, a.rest}
	for {
		n := take(&lists)
		if n < 0 || m.Hit > 0 {
			return
		}
		r.consider(m, n, q, path, query)
	}
}

// take takes the lowest number from the lists, each of which is sorted; -1 if
// all are empty.
func take(lists *[3][]int32) int32 {
	n := int32(-1)
	for _, l := range lists {
		if len(l) > 0 && (n < 0 || l[0] < n) {
			n = l[0]
		}
	}
	for i, l := range lists {
		if len(l) > 0 && l[0] == n {
			lists[i] = l[1:]
		}
	}
	return n
}
