package dnsfilter

import (
	"net"
	"sync"
)

// gatedConn tells once that it is closed.
type gatedConn struct {
	net.Conn
	once  sync.Once
	leave func()
}

func (g *gatedConn) Close() error {
	g.once.Do(g.leave)
	return g.Conn.Close()
}
