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
	maxCookies = 100     // of the vendor, for which there is room beside the parameters
	maxBody    = 1 << 20 // bytes of a body; the proxy holds less
	maxInflate = 1 << 20 // bytes of an inflated body
	maxWraps   = 4       // layers of base64 and gzip, the payload itself among them
	maxDepth   = 16      // nesting of JSON
)

// decode gives one payload per event of a hit.
func (ru *rule) decode(q *detect.Request, report []byte) []*payload {
	shared := &payload{}
	var events []*payload
	if report != nil {
		shared.addPairs(string(report), "&")
	} else {
		ru.decodePath(shared, q)
		events = decodeBody(ru.hit.Body, q.Body)
		ru.addCookies(shared, q)
	}
	ru.expand(shared)
	if len(events) == 1 {
		ru.expand(events[0])
		if split := splitFirst(events[0], ru.hit.Split); split != nil {
			shared.merge("", split.rest)
			shared.cut = shared.cut || events[0].cut
			events = split.items
		}
	}
	if len(events) == 0 {
		return []*payload{shared}
	}
	for _, e := range events {
		ru.expand(e)
		e.share(shared)
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
	p.addPairs(query, "&")
	if i := strings.IndexByte(path, ';'); ru.hit.Matrix && i >= 0 {
		p.addPairs(strings.TrimSuffix(path[i+1:], "?"), ";")
	}
}

func (ru *rule) addCookies(p *payload, q *detect.Request) {
	if q.Header == nil || len(ru.tracker.cookies)+len(ru.tracker.wildCookies) == 0 {
		return
	}
	for _, line := range q.Header.Values("Cookie") {
		for kv := range strings.SplitSeq(line, ";") {
			k, v, _ := strings.Cut(strings.TrimSpace(kv), "=")
			if c := ru.tracker.cookie(k); c != nil && !c.Secret {
				p.addUpTo(maxParams+maxCookies, "cookie."+k, unescape(v))
			}
		}
	}
}

// expand decodes the parameters that hold a payload of their own. A key with
// "*" stands for all that fit.
func (ru *rule) expand(p *payload) {
	for i := range ru.params {
		pa := &ru.params[i]
		for j, kv := range p.pairs { // as they are now: what is added is not looked at
			if kv.value == "" || !pa.key.fits(kv.key) {
				continue
			}
			if len(pa.rewrite) > 0 {
				kv.value = bounded(rewritten(pa.rewrite, kv.value))
				p.pairs[j].value = kv.value
			}
			if pa.codec != "" {
				p.merge(kv.key+".", decodeParam(pa.codec, kv.value))
			}
		}
	}
}

// rewritten changes a value by each of the rewriters, in order. A value that
// one of them cannot read stays as it is.
func rewritten(rewrite []string, value string) string {
	for _, how := range rewrite {
		switch how {
		case "unescape":
			value = unescape(value)
		case "b64":
			if b := unbase64([]byte(value)); len(b) > 0 {
				value = strings.ToValidUTF8(string(b), "\uFFFD")
			}
		}
	}
	return value
}

// splitFirst takes a payload apart at the first of keys that holds a list; nil
// if none does.
func splitFirst(p *payload, keys string) *splitted {
	for key := range strings.FieldsSeq(keys) {
		if s := splitList(p, key); s != nil {
			return s
		}
	}
	return nil
}

type splitted struct {
	items []*payload
	rest  *payload
}

// splitList takes a payload apart by the items of the list at key; nil if
// there is no such list.
func splitList(p *payload, key string) *splitted {
	prefix := ""
	if key != "." {
		prefix = key + "."
	}
	s := &splitted{rest: &payload{}}
	at := map[string]*payload{}
	for _, kv := range p.pairs {
		k := kv.key
		rest, ok := strings.CutPrefix(k, prefix)
		n, name, _ := strings.Cut(rest, ".")
		if _, err := strconv.Atoi(n); !ok || err != nil {
			s.rest.add(k, kv.value)
			continue
		}
		item := at[n]
		if item == nil && len(s.items) < maxEvents {
			item = &payload{}
			at[n] = item
			s.items = append(s.items, item)
		}
		if item != nil {
			item.add(name, kv.value)
		}
	}
	if len(s.items) == 0 {
		return nil
	}
	return s
}
