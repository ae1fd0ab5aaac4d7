package vendor

import (
	"strconv"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
)

// Bounds on what one hit may hold; beyond them it is explained in part.
const (
	maxParams  = 2000    // Adobe and replay payloads have thousands; a sentence needs a few
	maxValue   = 8 << 10 // bytes of one value
	maxEvents  = 50      // events of one batch
	maxInflate = 1 << 20 // bytes of an inflated body
	maxDepth   = 16      // nesting of JSON
)

// payload is what a hit carries: keys in the order they came, brackets written
// as dots.
type payload struct {
	keys   []string
	values map[string]string
}

func newPayload() *payload { return &payload{values: map[string]string{}} }

// add keeps the first value of a key; an empty one gives way.
func (p *payload) add(key, value string) {
	if old, ok := p.values[key]; ok {
		if old == "" {
			p.values[key] = value
		}
		return
	}
	if len(p.keys) >= maxParams {
		return
	}
	if len(value) > maxValue {
		value = strings.ToValidUTF8(value[:maxValue], "")
	}
	p.keys = append(p.keys, key)
	p.values[key] = value
}

func (p *payload) merge(prefix string, q *payload) {
	for _, k := range q.keys {
		p.add(prefix+k, q.values[k])
	}
}

// decode gives one payload per event of a hit.
func (ru *rule) decode(q *detect.Request, report []byte) []*payload {
	shared := newPayload()
	var events []*payload
	if report != nil {
		shared = decodePairs(string(report), "&")
	} else {
		ru.decodePath(shared, q)
		events = decodeBody(ru.hit.Body, q.Body)
		ru.addCookies(shared, q)
	}
	ru.expand(shared)
	if len(events) == 1 {
		ru.expand(events[0])
		if split := splitList(events[0], ru.hit.Split); split != nil {
			shared.merge("", split.rest)
			events = split.items
		}
	}
	if len(events) == 0 {
		return []*payload{shared}
	}
	for i, e := range events {
		all := newPayload()
		ru.expand(e)
		all.merge("", e)
		all.merge("", shared)
		events[i] = all
	}
	return events
}

func (ru *rule) decodePath(p *payload, q *detect.Request) {
	path, query := detect.Split(q.URL)
	if ru.pathRE != nil {
		re := ru.pathRE.get()
		m := re.FindStringSubmatch(path)
		for i, name := range re.SubexpNames() {
			if name != "" && i < len(m) && m[i] != "" {
				p.add("path."+name, unescape(m[i]))
			}
		}
	}
	p.merge("", decodePairs(query, "&"))
	if i := strings.IndexByte(path, ';'); ru.hit.Matrix && i >= 0 {
		p.merge("", decodePairs(strings.TrimSuffix(path[i+1:], "?"), ";"))
	}
}

func (ru *rule) addCookies(p *payload, q *detect.Request) {
	if q.Header == nil || len(ru.tracker.cookies) == 0 {
		return
	}
	for _, line := range q.Header.Values("Cookie") {
		for _, kv := range strings.Split(line, ";") {
			k, v, _ := strings.Cut(strings.TrimSpace(kv), "=")
			if c := ru.tracker.cookies[k]; c != nil && !c.Secret {
				p.add("cookie."+k, unescape(v))
			}
		}
	}
}

// expand decodes the parameters that hold a payload of their own. A key with
// "*" stands for all that fit.
func (ru *rule) expand(p *payload) {
	for key, codec := range ru.hit.Params {
		for _, k := range p.matching(key) {
			if v := p.values[k]; v != "" {
				p.merge(k+".", decodeParam(codec, v))
			}
		}
	}
}

// matching gives the keys that fit a pattern with at most one "*", which
// stands for any text without a dot.
func (p *payload) matching(pattern string) []string {
	pre, post, star := strings.Cut(pattern, "*")
	if !star {
		if _, ok := p.values[pattern]; ok {
			return []string{pattern}
		}
		return nil
	}
	var out []string
	for _, k := range p.keys {
		if len(k) >= len(pre)+len(post) && strings.HasPrefix(k, pre) && strings.HasSuffix(k, post) &&
			strings.IndexByte(k[len(pre):len(k)-len(post)], '.') < 0 {
			out = append(out, k)
		}
	}
	return out
}

type splitted struct {
	items []*payload
	rest  *payload
}

// splitList takes a payload apart by the items of the list at key; nil if
// there is no such list.
func splitList(p *payload, key string) *splitted {
	if key == "" {
		return nil
	}
	prefix := ""
	if key != "." {
		prefix = key + "."
	}
	s := &splitted{rest: newPayload()}
	at := map[string]*payload{}
	for _, k := range p.keys {
		rest, ok := strings.CutPrefix(k, prefix)
		n, name, _ := strings.Cut(rest, ".")
		if _, err := strconv.Atoi(n); !ok || err != nil {
			s.rest.add(k, p.values[k])
			continue
		}
		item := at[n]
		if item == nil && len(s.items) < maxEvents {
			item = newPayload()
			at[n] = item
			s.items = append(s.items, item)
		}
		if item != nil {
			item.add(name, p.values[k])
		}
	}
	if len(s.items) == 0 {
		return nil
	}
	return s
}
