package trust

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

const (
	leafLife     = 7 * 24 * time.Hour
	leafBackdate = time.Hour      // for clients whose clock is behind
	leafRenew    = 24 * time.Hour // minted anew when less than this is left
	maxLeaves    = 4096           // kept at once, about 2 KB each
	maxHostName  = 253            // RFC 1035 §2.3.4, without the trailing dot
	maxLabel     = 63
)

// ErrBadHost says that no certificate can be made for a name.
var ErrBadHost = errors.New("not a host name or IP address")

// Leaf returns a certificate for host: a DNS name (an internationalised one in
// either form, one trailing dot ignored) or an IP literal, with or without
// brackets. It names that host alone, and its chain ends with the root. It is
// shared and cached; the caller must not change it. The error wraps ErrBadHost
// for anything else.
func (ca *CA) Leaf(host string) (*tls.Certificate, error) {
	name, err := leafName(host)
	if err != nil {
		return nil, err
	}
	if c := ca.leaves.get(name, ca.now()); c != nil {
		return c, nil
	}
	v, err, _ := ca.minting.Do(name, func() (any, error) {
		now := ca.now()
		if c := ca.leaves.get(name, now); c != nil {
			return c, nil
		}
		c, err := ca.mint(name, now)
		if err != nil {
			return nil, err
		}
		ca.leaves.put(name, c)
		return c, nil
	})
	if err != nil {
		return nil, err
	}
	return v.(*tls.Certificate), nil
}

// GetCertificate returns a function for tls.Config.GetCertificate that serves
// the host of the ClientHello's server name, and fallback (the host of a
// CONNECT) when the client sent none, as it does for an IP address.
func (ca *CA) GetCertificate(fallback string) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if hello.ServerName != "" {
			return ca.Leaf(hello.ServerName)
		}
		return ca.Leaf(fallback)
	}
}

func (ca *CA) mint(name string, now time.Time) (*tls.Certificate, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	tmpl := &x509.Certificate{
		SerialNumber: serial,
		// The host is in the alternative names only: a common name ends at 64
		// characters, and browsers have not read it for years.
		Subject:               pkix.Name{Organization: []string{"Quench"}, OrganizationalUnit: []string{"made on this computer"}},
		NotBefore:             later(now.Add(-leafBackdate), ca.cert.NotBefore),
		NotAfter:              earlier(now.Add(leafLife), ca.cert.NotAfter),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		tmpl.IPAddresses = append(tmpl.IPAddresses, addr.AsSlice())
	} else {
		tmpl.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, ca.cert, &ca.leafKey.PublicKey, ca.key)
	if err != nil {
		return nil, fmt.Errorf("signing a certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("signing a certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der, ca.cert.Raw}, PrivateKey: ca.leafKey, Leaf: leaf}, nil
}

// leafName brings a host to the one form that keys the cache and enters the
// certificate: lower case, A-labels, no trailing dot, canonical addresses.
func leafName(host string) (string, error) {
	if addr, ok := parseIP(host); ok {
		return addr.String(), nil
	}
	name := strings.TrimSuffix(host, ".")
	if len(name) > 4*maxHostName { // before any work is done on it
		return "", fmt.Errorf("certificate for a name of %d bytes: %w", len(host), ErrBadHost)
	}
	switch {
	case isASCII(name):
		name = strings.ToLower(name)
	case !utf8.ValidString(name):
		return "", fmt.Errorf("certificate for %q: %w", host, ErrBadHost)
	default:
		var err error
		if name, err = idna.Lookup.ToASCII(name); err != nil {
			return "", fmt.Errorf("certificate for %q: %w", host, ErrBadHost)
		}
	}
	if !validName(name) {
		return "", fmt.Errorf("certificate for %q: %w", host, ErrBadHost)
	}
	return name, nil
}

func parseIP(host string) (netip.Addr, bool) {
	if n := len(host); n > 2 && host[0] == '[' && host[n-1] == ']' {
		host = host[1 : n-1]
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Zone() != "" {
		return netip.Addr{}, false
	}
	return addr.Unmap(), true
}

// validName takes what browsers take, which is more than RFC 1123: underscores
// and hyphens anywhere occur in real host names. A name that ends in a number
// is an address to every browser, so never a name.
func validName(name string) bool {
	if name == "" || len(name) > maxHostName {
		return false
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if label == "" || len(label) > maxLabel || !validLabel(label) {
			return false
		}
	}
	return strings.Trim(labels[len(labels)-1], "0123456789") != ""
}

func validLabel(label string) bool {
	for i := range len(label) {
		c := label[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
