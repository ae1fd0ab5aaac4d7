// Package guard keeps the browser's own guards alive behind a proxy: which
// targets may be reached, by whom, from which page.
//
// It is a pure table. In flow a target (the name asked for and the addresses it
// led to), where the request comes from, and what the user allows; out flows a
// Verdict with the addresses that may be dialled. It is asked for every
// request, not for every connection, because a pooled connection must not be a
// way round it.
package guard

import (
	"net/netip"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Target is where a request goes.
type Target struct {
	// Host is the name or IP literal asked for, lower case, without brackets,
	// port or trailing dot.
	Host string
	// Addrs is what the name led to; for an IP literal it may be empty.
	Addrs []netip.Addr
	Port  uint16
}

// From says where a request comes from.
type From struct {
	// Loopback: the client runs on this machine.
	Loopback bool
	// Opaque: the request is a tunnel whose content is not seen; the client is
	// trusted to keep its own guards.
	Opaque bool
	// Site, Mode and Dest are Sec-Fetch-Site, -Mode and -Dest, "" if not sent.
	Site, Mode, Dest string
	// Origin and Referer are these header fields, "" if not sent.
	Origin, Referer string
	// Method and Accept are the request's; Browser says that it was made by a
	// browser, behind which there can be a page.
	Method, Accept string
	Browser        bool
}

// Rules is what the user and the configuration allow.
type Rules struct {
	// AllowPrivate lifts everything but own listeners and metadata addresses.
	AllowPrivate bool
	// Names reports names that the user lists as private; nil means none.
	Names func(host string) bool
	// Own reports listeners of this program; nil means none.
	Own func(netip.AddrPort) bool
}

// Why is the reason of a Verdict.
type Why uint8

// The reasons. Public is the zero value.
const (
	Public    Why = iota // nothing private about it
	Private              // private, and allowed
	Own                  // a listener of this program
	Metadata             // a cloud's metadata service
	NoName               // ends in a number, yet is no address
	Rebinding            // a public name that leads to a private address
	LAN                  // a client beyond loopback asks for a private target
	CrossSite            // a public page asks for a private target
	Nowhere              // no address to dial
)

var whyNames = [...]string{"public", "private", "own listener", "metadata address", "not a name",
	"public name with a private address", "private target for a LAN client", "public page to private target", "no address"}

// String returns a few words for logs.
func (w Why) String() string {
	if int(w) < len(whyNames) {
		return whyNames[w]
	}
	return "unknown"
}

// Verdict is the guard's answer. If Allow is set, only Addrs may be dialled.
type Verdict struct {
	Allow bool
	// Private: the target is private; its connections are pooled apart.
	Private bool
	Why     Why
	Addrs   []netip.Addr
}

// Check decides about one request.
func Check(t Target, f From, r Rules) Verdict {
	addrs := t.Addrs
	if lit, ok := Literal(t.Host); ok {
		addrs = []netip.Addr{lit}
	} else if endsInNumber(t.Host) {
		return Verdict{Why: NoName}
	}
	if metadataNames[t.Host] {
		return Verdict{Why: Metadata}
	}
	if len(addrs) == 0 {
		return Verdict{Why: Nowhere}
	}
	private := false
	for _, a := range addrs {
		a = Effective(a)
		switch {
		case metadata(a):
			return Verdict{Why: Metadata}
		case r.Own != nil && r.Own(netip.AddrPortFrom(a, t.Port)):
			return Verdict{Why: Own}
		case IsPrivate(a):
			private = true
		}
	}
	if !private {
		return Verdict{Allow: true, Addrs: addrs}
	}
	return checkPrivate(t, f, r, addrs)
}

func checkPrivate(t Target, f From, r Rules, addrs []netip.Addr) Verdict {
	refuse := func(why Why) Verdict { return Verdict{Private: true, Why: why} }
	switch {
	case r.AllowPrivate:
	case !f.Loopback:
		return refuse(LAN)
	case !MayBePrivate(t.Host, r.Names):
		return refuse(Rebinding)
	case !f.Opaque && !pageMay(t, f, r):
		return refuse(CrossSite)
	}
	return Verdict{Allow: true, Private: true, Why: Private, Addrs: addrs}
}

// pageMay reports whether the page behind a request may ask for a private
// target. Browsers send Sec-Fetch only to secure contexts, so for plain HTTP
// Origin and Referer must do, and where those were suppressed nothing but a
// navigation passes.
func pageMay(t Target, f From, r Rules) bool {
	switch f.Site {
	case "same-origin", "same-site", "none":
		return true
	}
	page := pageHost(f)
	if page != "" {
		return page == t.Host || privatePage(page, r)
	}
	if f.Site != "" || f.Origin != "" || f.Referer != "" {
		return false
	}
	return !f.Browser || plainNavigation(f)
}

func plainNavigation(f From) bool {
	return (f.Method == "GET" || f.Method == "HEAD" || f.Method == "") && strings.Contains(f.Accept, "text/html")
}

func privatePage(host string, r Rules) bool {
	if a, ok := Literal(host); ok {
		return IsPrivate(Effective(a))
	}
	return MayBePrivate(host, r.Names)
}

// MayBePrivate reports whether a host may lead to a private address: an IP
// literal, a single label, a name whose top level is not in the ICANN part of
// the Public Suffix List, home.arpa, fritz.box, or one that names reports (nil: none).
func MayBePrivate(host string, names func(string) bool) bool {
	if _, ok := Literal(host); ok {
		return true
	}
	// Both are under a public top level, yet local by RFC 8375 and by custom.
	for _, zone := range [...]string{"home.arpa", "fritz.box"} {
		if host == zone || strings.HasSuffix(host, "."+zone) {
			return true
		}
	}
	if names != nil && names(host) {
		return true
	}
	if !strings.Contains(host, ".") {
		return host != ""
	}
	top := host[strings.LastIndexByte(host, '.')+1:]
	_, icann := publicsuffix.PublicSuffix(top)
	return !icann
}

// Literal reads an IP literal without brackets; ok is false for a name. Names
// are told apart at a glance, since netip's refusal of one costs an allocation.
func Literal(host string) (a netip.Addr, ok bool) {
	if host == "" || !strings.Contains(host, ":") && (host[len(host)-1] < '0' || host[len(host)-1] > '9') {
		return a, false
	}
	a, err := netip.ParseAddr(host)
	return a, err == nil
}

// endsInNumber follows the URL standard: such a host is an IPv4 address to a
// browser, so when it did not parse as one it is nothing, though resolvers of
// the C library take "127.1" and "0x7f.1".
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if strings.HasPrefix(last, "0x") {
		return strings.Trim(last[2:], "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}
