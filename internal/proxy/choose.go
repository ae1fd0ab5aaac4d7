package proxy

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/netip"
	"slices"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/memory"
)

// choice is what is done with a TLS tunnel.
type choice uint8

const (
	splice choice = iota
	refuse
	intercept
)

// Reasons by which splices are counted, beside those of the never-list, which
// brings its own, and those of memory.
const (
	reasonMode     = "not intercepted by configuration"
	reasonUnproven = "unproven client"
	reasonRefusing = "client refuses our certificate"
	reasonECH      = "encrypted name"
	reasonNoLeaf   = "no certificate can be made"
	reasonNotHTTP  = "not HTTP"
)

// choose decides about a tunnel whose ClientHello was read, and carries it out.
// It reports whether the connection now belongs to the inner server.
func (t *tunnel) choose(c *peeked) (handed bool) {
	t.client.Key = t.key(t.hello.Shape())
	name, dec := t.named()
	what, reason, probe := t.decide(name, dec)
	switch what {
	case refuse:
		t.refuse(c, name, dec, nil)
	case intercept:
		return t.intercept(c, name, probe)
	default:
		t.pass(c, reason)
	}
	return false
}

// named returns the name that the tunnel is judged by and what the rules say
// of it alone: the server name where CONNECT gave an address, else the CONNECT
// host, unless only the server name is a tracker's.
func (t *tunnel) named() (string, detect.Decision) {
	name := t.host
	if t.ip && t.sni != "" {
		name = t.sni
	}
	d := t.judge(name)
	if t.sni != "" && t.sni != name && d.Action != detect.Block && !t.hello.ECH {
		if other := t.judge(t.sni); other.Action == detect.Block {
			return t.sni, other
		}
	}
	return name, d
}

func (t *tunnel) judge(host string) detect.Decision {
	if t.set == nil {
		return detect.Decision{}
	}
	return t.set.Host(&detect.HostQuestion{Host: host}, t.policy)
}

// decide is decision 2 of the design. probe says that the interception is, or
// may serve as, a test of whether the client trusts us.
func (t *tunnel) decide(name string, d detect.Decision) (what choice, reason string, probe bool) {
	blocked := d.Action == detect.Block
	keep := func(reason string) (choice, string, bool) {
		if blocked {
			return refuse, "", false
		}
		return splice, reason, false
	}
	if t.s.mode == Never {
		return keep(reasonMode)
	}
	if why, ok := t.neverIntercepted(name); ok {
		return keep(why)
	}
	if !t.speaksHTTP() {
		return keep(reasonNotHTTP)
	}
	if t.hello.ECH && !t.ip && t.sni != t.host {
		return keep(reasonECH)
	}
	what, reason, probe = t.decideByTrust(name, blocked)
	if what == intercept {
		if _, err := t.s.p.CA.Leaf(t.leafName()); err != nil {
			return keep(reasonNoLeaf)
		}
	}
	return what, reason, probe
}

func (t *tunnel) decideByTrust(name string, blocked bool) (choice, string, bool) {
	key, clients := t.client.Key, t.s.core.clients
	trust := clients.Trust(key)
	if blocked {
		return t.decideBlocked(trust, clients.RefusedBefore(key, name))
	}
	if why, left := clients.Left(key, name); left {
		return splice, string(why), false
	}
	switch {
	case t.s.mode == Always || trust == memory.Proven:
		return intercept, "", false
	case trust == memory.Refusing:
		return splice, reasonRefusing, false
	}
	return splice, reasonUnproven, false
}

// decideBlocked is for hosts that may be refused by name: they are never
// spliced, so trying to intercept one costs nothing.
func (t *tunnel) decideBlocked(trust memory.Trust, refusedBefore bool) (choice, string, bool) {
	switch {
	case refusedBefore:
		return refuse, "", false
	case t.s.mode == Always || trust == memory.Proven:
		return intercept, "", true
	case trust == memory.Refusing:
		return refuse, "", false
	}
	return intercept, "", true
}

func (t *tunnel) neverIntercepted(name string) (string, bool) {
	if t.s.p.Never == nil {
		return "", false
	}
	if why, ok := t.s.p.Never(name); ok {
		return why, true
	}
	if t.host != name {
		if why, ok := t.s.p.Never(t.host); ok {
			return why, true
		}
	}
	if t.sni != "" && t.sni != name {
		return t.s.p.Never(t.sni)
	}
	return "", false
}

// otherPorts are those where TLS carries something else by registration. In
// mail and chat the server speaks first, so that we would wait for each other.
var otherPorts = []uint16{465, 563, 587, 636, 853, 989, 990, 992, 993, 994, 995, 5061, 5223, 5269, 5349, 5671, 6514, 6697, 8883}

// speaksHTTP reports whether the tunnel may carry HTTP, going by the protocols
// that the client offers (RFC 7301), else by the port. We can answer nothing else.
func (t *tunnel) speaksHTTP() bool {
	if len(t.hello.ALPN) == 0 {
		return !slices.Contains(otherPorts, t.port)
	}
	return slices.Contains(t.hello.ALPN, "h2") || slices.Contains(t.hello.ALPN, "http/1.1")
}

// leafName is the name that our certificate must bear.
func (t *tunnel) leafName() string {
	if t.sni != "" {
		return t.sni
	}
	return t.host
}

// refusalRecord is a fatal unrecognized_name alert (RFC 6066 §3) in the clear:
// of a bare close browsers think that it was an accident, and try again.
var refusalRecord = []byte{recordAlert, 3, 3, 0, 2, 2, 112}

// refuse ends a tunnel to a host that is refused by name.
func (t *tunnel) refuse(c *peeked, name string, d detect.Decision, chain []string) {
	t.s.p.stats.count(&t.s.p.stats.Refused)
	t.recordRefusal(name, d, chain)
	if _, err := c.Conn.Write(refusalRecord); err != nil {
		return
	}
	// Closing with unread bytes would reset the connection and could take the
	// alert with it.
	if closeWrite(c.Conn) == nil {
		_ = c.Conn.SetReadDeadline(time.Now().Add(time.Second))
		_, _ = io.CopyN(io.Discard, c.Conn, 64<<10)
	}
}

// clientKey joins what tells one client from another. It is a hash, since it
// is kept on disk and a User-Agent says much about its owner.
func clientKey(addr netip.Addr, shape, agent, owner string) string {
	sum := sha256.New()
	for _, part := range [...]string{addr.String(), shape, agent, owner} {
		_, _ = io.WriteString(sum, part)
		_, _ = sum.Write([]byte{0})
	}
	return hex.EncodeToString(sum.Sum(nil)[:12])
}
