package vendor

import "strings"

// payload is what a hit carries: pairs in the order they came, each key once,
// brackets in keys written as dots.
type payload struct {
	pairs []pair
	// at finds the pairs of a large payload; nil while there are few, which are
	// faster looked through.
	at map[string]int
	// cut: there was more than is kept, or the text broke off.
	cut bool
}

type pair struct{ key, value string }

// indexFrom is the number of pairs from which a payload has an index.
const indexFrom = 32

// find returns where key stands in pairs, -1 if it is not there.
func (p *payload) find(key string) int {
	if p.at != nil {
		if i, ok := p.at[key]; ok {
			return i
		}
		return -1
	}
	for i := range p.pairs {
		if p.pairs[i].key == key {
			return i
		}
	}
	return -1
}

// lookup returns the value of key and whether it is there.
func (p *payload) lookup(key string) (value string, ok bool) {
	if i := p.find(key); i >= 0 {
		return p.pairs[i].value, true
	}
	return "", false
}

// get returns the value of key, "" if it is not there.
func (p *payload) get(key string) string {
	v, _ := p.lookup(key)
	return v
}

// add keeps the first value of a key; an empty one gives way.
func (p *payload) add(key, value string) { p.addUpTo(maxParams, key, value) }

// addUpTo is add for a payload that may hold so many pairs.
func (p *payload) addUpTo(limit int, key, value string) {
	if i := p.find(key); i >= 0 {
		if p.pairs[i].value == "" {
			p.pairs[i].value = bounded(value)
		}
		return
	}
	if len(p.pairs) >= limit {
		p.cut = true
		return
	}
	p.pairs = append(p.pairs, pair{key, bounded(value)})
	switch {
	case p.at != nil:
		p.at[key] = len(p.pairs) - 1
	case len(p.pairs) == indexFrom:
		p.at = make(map[string]int, 2*indexFrom)
		for i := range p.pairs {
			p.at[p.pairs[i].key] = i
		}
	}
}

func bounded(value string) string {
	if len(value) > maxValue {
		return strings.ToValidUTF8(value[:maxValue], "")
	}
	return value
}

// merge adds all of q with prefix before its keys.
func (p *payload) merge(prefix string, q *payload) {
	for i := range q.pairs {
		p.add(prefix+q.pairs[i].key, q.pairs[i].value)
	}
}

// share adds all of q, which stands for several events: a full payload is no
// reason to forget it.
func (p *payload) share(q *payload) {
	for i := range q.pairs {
		p.addUpTo(2*maxParams, q.pairs[i].key, q.pairs[i].value)
	}
	p.cut = p.cut || q.cut
}

// keyPattern is a payload key with at most one "*", which stands for any text
// without a dot.
type keyPattern struct {
	text      string
	pre, post string
	star      bool
}

func newKeyPattern(text string) keyPattern {
	k := keyPattern{text: text}
	k.pre, k.post, k.star = strings.Cut(text, "*")
	return k
}

func (k *keyPattern) fits(key string) bool {
	if !k.star {
		return key == k.text
	}
	return len(key) >= len(k.pre)+len(k.post) && strings.HasPrefix(key, k.pre) && strings.HasSuffix(key, k.post) &&
		strings.IndexByte(key[len(k.pre):len(key)-len(k.post)], '.') < 0
}
