package trust

import (
	"container/list"
	"crypto/tls"
	"sync"
	"time"
)

// leafCache keeps the maxLeaves certificates used last. The zero value is
// empty and ready.
type leafCache struct {
	mu    sync.Mutex
	order list.List // front is the newest; values are *cachedLeaf
	byKey map[string]*list.Element
}

type cachedLeaf struct {
	name string
	cert *tls.Certificate
}

// get returns the certificate for name if it is good for leafRenew from now;
// nil otherwise. A clock set back makes a
// certificate useless too.
func (c *leafCache) get(name string, now time.Time) *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[name]
	if e == nil {
		return nil
	}
	cert := e.Value.(*cachedLeaf).cert
	if now.Before(cert.Leaf.NotBefore) || cert.Leaf.NotAfter.Sub(now) < leafRenew {
		return nil
	}
	c.order.MoveToFront(e)
	return cert
}

func (c *leafCache) put(name string, cert *tls.Certificate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byKey[name]; e != nil {
		e.Value.(*cachedLeaf).cert = cert
		c.order.MoveToFront(e)
		return
	}
	if c.byKey == nil {
		c.byKey = make(map[string]*list.Element)
	}
	c.byKey[name] = c.order.PushFront(&cachedLeaf{name: name, cert: cert})
	if c.order.Len() > maxLeaves {
		oldest := c.order.Back()
		delete(c.byKey, c.order.Remove(oldest).(*cachedLeaf).name)
	}
}

func (c *leafCache) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.order.Len()
}
