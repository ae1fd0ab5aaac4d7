package filter

import "container/list"

// bounded is a map that forgets what was not used for the longest time when it
// has more than max entries. It is not safe for concurrent use. The zero value
// is empty.
type bounded[K comparable, V any] struct {
	byKey map[K]*list.Element
	order list.List // of entry[K, V], last used in front
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

func (b *bounded[K, V]) put(key K, value V, limit int) {
	if b.byKey == nil {
		b.byKey = make(map[K]*list.Element)
	}
	if e, ok := b.byKey[key]; ok {
		e.Value = entry[K, V]{key, value}
		b.order.MoveToFront(e)
		return
	}
	b.byKey[key] = b.order.PushFront(entry[K, V]{key, value})
	for b.order.Len() > limit {
		b.remove(b.order.Back())
	}
}

func (b *bounded[K, V]) get(key K) (value V, ok bool) {
	e, ok := b.byKey[key]
	if !ok {
		return value, false
	}
	b.order.MoveToFront(e)
	return e.Value.(entry[K, V]).value, true
}

// take gets and removes.
func (b *bounded[K, V]) take(key K) (value V, ok bool) {
	e, ok := b.byKey[key]
	if !ok {
		return value, false
	}
	b.remove(e)
	return e.Value.(entry[K, V]).value, true
}

// dropWhile removes from the least used end as long as old says so.
func (b *bounded[K, V]) dropWhile(old func(V) bool) {
	for e := b.order.Back(); e != nil && old(e.Value.(entry[K, V]).value); e = b.order.Back() {
		b.remove(e)
	}
}

func (b *bounded[K, V]) len() int { return b.order.Len() }

func (b *bounded[K, V]) remove(e *list.Element) {
	b.order.Remove(e)
	delete(b.byKey, e.Value.(entry[K, V]).key)
}
