package proxy

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"

	"github.com/quench-proxy/quench/internal/proxy/guard"
)

// pacText is a proxy auto-configuration file. The rule is fixed: what is near
// goes there without us. It is written with string functions alone, because
// isInNet and its like resolve names, and isPlainHostName takes every IPv6
// address for a single label.
const pacText = `function FindProxyForURL(url, host) {
  var h = host.toLowerCase().replace(/^\[/, "").replace(/\]$/, "").replace(/\.$/, "");
  if (h.indexOf(":") >= 0) {
    if (/^(::1|f[cd][0-9a-f][0-9a-f]:.*|fe[89ab][0-9a-f]:.*)$/.test(h)) return "DIRECT";
  } else if (/^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$/.test(h)) {
    if (/^(10|127|169\.254|172\.(1[6-9]|2[0-9]|3[01])|192\.168|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7]))\./.test(h)) return "DIRECT";
  } else if (h.indexOf(".") < 0 || /(^|\.)home\.arpa$/.test(h) || /\.local$/.test(h)) {
    return "DIRECT";
  }
  return "PROXY %s%s";
}
`

// pacAsked reports a request for the auto-configuration file: at the path that
// people give, or at the one that browsers guess.
func pacAsked(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) &&
		(r.URL.Path == "/proxy.pac" || r.URL.Path == "/wpad.dat")
}

// servePAC answers with the auto-configuration file. Systems fetch it without a
// password, and it holds nothing but the address that it was fetched from. To a
// web page, and under a name that a stranger could own, we are not there.
func (s *server) servePAC(w http.ResponseWriter, r *http.Request) {
	addr, ok := s.pacAddress(r)
	if !ok || fromPage(r.Header) {
		notProxied(w, r)
		return
	}
	last := ""
	if s.p.FailOpen {
		last = "; DIRECT"
	}
	h := w.Header()
	h.Set("Content-Type", "application/x-ns-proxy-autoconfig")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	_, _ = fmt.Fprintf(w, pacText, addr, last)
}

// fromPage reports a request that a page made, as opposed to a system that
// looks for its settings or a person who wants to see them.
func fromPage(h http.Header) bool {
	site := h.Get("Sec-Fetch-Site")
	return h.Get("Origin") != "" || h.Get("Referer") != "" || site != "" && site != "none"
}

// pacAddress is where the client reaches us. An address in Host is that, also
// where a port forwarder stands between; no page can make a browser send one
// that is not. A name must be one that leads to private addresses by its kind,
// else it may be a stranger's that was bent to us; then the address is that of
// the connection.
func (s *server) pacAddress(r *http.Request) (netip.AddrPort, bool) {
	host, port := hostPort(r.Host, 80)
	if a, err := netip.ParseAddr(host); err == nil {
		ap := netip.AddrPortFrom(a.Unmap(), port)
		return ap, a.Zone() == "" && port != 0 && !a.IsUnspecified()
	}
	if !plainHost(host) || !guard.MayBePrivate(host, s.p.PrivateNames) {
		return netip.AddrPort{}, false
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return netip.AddrPort{}, false
	}
	ap, err := netip.ParseAddrPort(local.String())
	return plainPort(ap), err == nil
}
