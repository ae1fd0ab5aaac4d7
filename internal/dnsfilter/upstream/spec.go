package upstream

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

const (
	// maxSpecs bounds the upstreams of one configuration, maxSpecText the text of
	// one, maxSpecDomains its domains.
	maxSpecs       = 256
	maxSpecText    = 4096
	maxSpecDomains = 256
)

// PrivatePTR is the word that stands, among the domains of a Spec, for the
// reverse zones of all private networks.
const PrivatePTR = "private-ptr"

// privateZones are the reverse zones of networks whose names only their own
// resolver can know (RFC 6303, RFC 7793).
var privateZones = func() []string {
	out := []string{"10.in-addr.arpa", "168.192.in-addr.arpa", "254.169.in-addr.arpa",
		"c.f.ip6.arpa", "d.f.ip6.arpa", "8.e.f.ip6.arpa", "9.e.f.ip6.arpa", "a.e.f.ip6.arpa", "b.e.f.ip6.arpa"}
	for i := 16; i < 32; i++ {
		out = append(out, strconv.Itoa(i)+".172.in-addr.arpa")
	}
	for i := 64; i < 128; i++ {
		out = append(out, strconv.Itoa(i)+".100.in-addr.arpa")
	}
	return out
}()

type scheme uint8

const (
	schemeUDP scheme = iota
	schemeTCP
	schemeTLS
	schemeHTTPS
	schemeQUIC
	schemeH3
)

var schemes = map[string]struct {
	scheme scheme
	port   uint16
}{
	"udp": {schemeUDP, 53}, "tcp": {schemeTCP, 53}, "tls": {schemeTLS, 853},
	"https": {schemeHTTPS, 443}, "quic": {schemeQUIC, 853}, "h3": {schemeH3, 443},
}

func (s scheme) encrypted() bool { return s >= schemeTLS }

// Spec is one upstream as Parse read it. The zero Spec is of no use. It is a
// value, and safe to share.
type Spec struct {
	// Domains are the names (lower case, no trailing dot) for which, with all
	// below them, this upstream is asked and no other; nil is all that no other
	// Spec names. "" stands for names of a single label.
	Domains []string

	name    string // as written, without secrets
	scheme  scheme
	host    string     // a name, or ""
	addr    netip.Addr // valid if host is ""
	port    uint16
	verify  string   // the name that its certificate must hold
	url     *url.URL // of https and h3
	get     bool     // ask by GET
	general bool     // "#": the general upstreams, for Domains
}

// String is the upstream as the user wrote it, without user, path or query: fit
// for logs.
func (s Spec) String() string { return s.name }

// Named reports whether the upstream is given by a name, which a bootstrap
// server must resolve.
func (s Spec) Named() bool { return s.host != "" }

// SpecError says what is wrong with one text given to Parse.
type SpecError struct {
	// Index is its place, from 0.
	Index int
	// Spec is the text, without what may be a secret.
	Spec string
	Err  error
}

// Error implements error.
func (e *SpecError) Error() string { return fmt.Sprintf("upstream %q: %v", e.Spec, e.Err) }

// Unwrap gives the cause.
func (e *SpecError) Unwrap() error { return e.Err }

// Parse reads upstreams: an address ("192.0.2.1", "[2001:db8::1]:5353") or
//
//	udp://192.0.2.1          UDP, and TCP for what does not fit
//	tcp://192.0.2.1          TCP only
//	tls://dns.example        DNS over TLS; tls://192.0.2.1#dns.example names the certificate
//	https://dns.example/q    DNS over HTTPS by POST; with {?dns} at the end by GET
//	h3://dns.example/q       the same over HTTP/3
//	quic://dns.example       DNS over QUIC
//
// each with a port if it is not the usual one. [/lan/home.arpa/]192.168.1.1 is
// asked for those names and all below them only, never for others, and nobody
// else for them; among the domains "private-ptr" stands for the reverse zones of
// private networks, and none at all ([//]) for names of one label. [/pub.lan/]#
// gives a part of such a domain back to the general upstreams.
//
// All that is wrong is reported, joined; each part is a *SpecError.
func Parse(specs []string) ([]Spec, error) {
	if len(specs) > maxSpecs {
		return nil, fmt.Errorf("%d upstreams, at most %d", len(specs), maxSpecs)
	}
	var out []Spec
	var errs []error
	seen := map[string]bool{}
	for i, text := range specs {
		s, err := parse(strings.TrimSpace(text))
		if key := strings.ToLower(text); err == nil && seen[key] {
			err = errors.New("named twice")
		} else {
			seen[key] = true
		}
		if err != nil {
			errs = append(errs, &SpecError{Index: i, Spec: public(text), Err: err})
			continue
		}
		out = append(out, s)
	}
	return out, errors.Join(errs...)
}

func parse(text string) (Spec, error) {
	if len(text) > maxSpecText {
		return Spec{}, fmt.Errorf("%d characters, at most %d", len(text), maxSpecText)
	}
	domains, rest, err := parseDomains(text)
	if err != nil {
		return Spec{}, err
	}
	s := Spec{Domains: domains, name: public(rest)}
	switch {
	case rest == "":
		return Spec{}, errors.New("no address")
	case rest == "#" && domains == nil:
		return Spec{}, errors.New(`"#" needs domains, as in [/example.org/]#`)
	case rest == "#":
		s.general = true
		return s, nil
	case !strings.Contains(rest, "://"):
		return s, s.plain(rest)
	}
	return s, s.link(rest)
}

// parseDomains reads what stands between [/ and /] and returns the rest.
func parseDomains(text string) (domains []string, rest string, err error) {
	if !strings.HasPrefix(text, "[/") {
		return nil, text, nil
	}
	inside, rest, ok := strings.Cut(text[2:], "/]")
	if !ok && strings.HasPrefix(text, "[//]") {
		inside, rest, ok = "", text[4:], true
	}
	if !ok {
		return nil, "", errors.New(`"[/" without "/]"`)
	}
	parts := strings.Split(inside, "/")
	if len(parts) > maxSpecDomains {
		return nil, "", fmt.Errorf("%d domains, at most %d", len(parts), maxSpecDomains)
	}
	for _, d := range parts {
		d = strings.ToLower(strings.TrimPrefix(strings.TrimSuffix(strings.TrimSpace(d), "."), "*."))
		switch _, valid := dns.IsDomainName(d); {
		case d == PrivatePTR:
			domains = append(domains, privateZones...)
		case d != "" && !valid || strings.ContainsAny(d, " *:@"):
			return nil, "", fmt.Errorf("%q is no domain", d)
		default:
			domains = append(domains, d)
		}
	}
	slices.Sort(domains)
	return slices.Compact(domains), strings.TrimSpace(rest), nil
}

// plain reads an address without a scheme.
func (s *Spec) plain(text string) error {
	s.port = 53
	if a, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		s.addr = a.Unmap()
		return s.fit()
	}
	if ap, err := netip.ParseAddrPort(text); err == nil {
		s.addr, s.port = ap.Addr().Unmap(), ap.Port()
		return s.fit()
	}
	return errors.New("not an address; for a name write udp://NAME, tls://NAME, quic://NAME or https://NAME/dns-query")
}

// link reads an address with a scheme.
func (s *Spec) link(text string) error {
	get := false
	if before, ok := strings.CutSuffix(text, "{?dns}"); ok {
		text, get = before, true
	}
	u, err := url.Parse(text)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // the whole would repeat the text
		}
		return err
	}
	kind, ok := schemes[strings.ToLower(u.Scheme)]
	if !ok {
		return fmt.Errorf("unknown scheme %q: want udp, tcp, tls, https, h3 or quic", u.Scheme)
	}
	s.scheme, s.port, s.get = kind.scheme, kind.port, get
	if p := u.Port(); p != "" {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return fmt.Errorf("port %q is none", p)
		}
		s.port = uint16(n)
	}
	s.verify = u.Hostname()
	if err := s.hostOf(u.Hostname()); err != nil {
		return err
	}
	if err := s.path(u); err != nil {
		return err
	}
	return s.fit()
}

func (s *Spec) hostOf(host string) error {
	if a, err := netip.ParseAddr(host); err == nil {
		s.addr = a.Unmap()
		s.verify = s.addr.WithZone("").String()
		return nil
	}
	if _, ok := dns.IsDomainName(host); !ok || strings.TrimSuffix(host, ".") == "" || strings.ContainsAny(host, " *\\") {
		return errors.New("no host name or address")
	}
	s.host = strings.ToLower(strings.TrimSuffix(host, "."))
	s.verify = s.host
	return nil
}

// path reads what follows the host, as far as the scheme knows of such.
func (s *Spec) path(u *url.URL) error {
	if u.Fragment != "" {
		if !s.scheme.encrypted() || s.host != "" {
			return errors.New("a name after # is for the certificate of an encrypted upstream given by its address")
		}
		if _, ok := dns.IsDomainName(u.Fragment); !ok {
			return fmt.Errorf("%q is no name for a certificate", u.Fragment)
		}
		s.verify = strings.ToLower(strings.TrimSuffix(u.Fragment, "."))
	}
	if s.scheme != schemeHTTPS && s.scheme != schemeH3 {
		if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.User != nil || s.get {
			return errors.New("only https:// and h3:// have a path, a query or a user")
		}
		return nil
	}
	c := *u
	c.Scheme, c.Fragment, c.RawFragment = "https", "", ""
	if c.Path == "" || c.Path == "/" {
		c.Path, c.RawPath = "/dns-query", ""
	}
	c.Host = s.verify
	if strings.Contains(s.verify, ":") {
		c.Host = "[" + s.verify + "]"
	}
	if s.port != 443 {
		c.Host = net.JoinHostPort(s.verify, strconv.Itoa(int(s.port)))
	}
	s.url = &c
	return nil
}

// fit reports what no upstream can be.
func (s *Spec) fit() error {
	switch {
	case s.port == 0:
		return errors.New("port 0 is none")
	case s.host == "" && (s.addr.IsUnspecified() || s.addr.IsMulticast() || s.addr == netip.AddrFrom4([4]byte{255, 255, 255, 255})):
		return fmt.Errorf("nobody has the address %s", s.addr)
	}
	return nil
}

// public leaves out of a text what may be a secret: user, path and query.
func public(text string) string {
	head, rest, ok := strings.Cut(text, "://")
	if !ok {
		return clip(text)
	}
	if i := strings.IndexAny(rest, "/?#{"); i >= 0 {
		rest = rest[:i]
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = rest[i+1:]
	}
	return clip(head + "://" + rest)
}

// maxText bounds what is shown of a text.
const maxText = 200

func clip(s string) string {
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}
