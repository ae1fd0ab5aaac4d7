package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/dnsfilter/upstream"
	"github.com/quench-proxy/quench/internal/memory"
)

// What the bounds of the DNS door may be.
const (
	minCache, maxCache       = 64 << 10, 4 << 30
	minBlockTTL, maxBlockTTL = time.Second, 24 * time.Hour
	maxRate                  = 1_000_000
	maxBlockAddrs            = 8
)

// addresses splits what a listening key names; none if it is off.
func addresses(text string) []string {
	var out []string
	for _, a := range strings.Split(text, ",") {
		if a = strings.TrimSpace(a); a != "" && a != "off" {
			out = append(out, a)
		}
	}
	return out
}

func checkListens(text string) error {
	if text == "" || text == "off" {
		return nil
	}
	for _, a := range strings.Split(text, ",") {
		if a = strings.TrimSpace(a); a == "off" {
			return errors.New("off stands alone")
		} else if err := checkListen(a); err != nil {
			return err
		}
	}
	return nil
}

func (k *checker) dns(d *dnsConfig) {
	for _, l := range []struct{ key, text string }{{"listen", d.Listen}, {"dot", d.DoT}, {"doh", d.DoH}, {"doq", d.DoQ}} {
		if err := checkListens(l.text); err != nil {
			k.fault(err.Error(), "dns", l.key)
			continue
		}
		for _, a := range addresses(l.text) {
			if err := checkResolverReach(a, d.AllowFrom); err != nil {
				k.fault(err.Error(), "dns", l.key)
			}
		}
	}
	k.upstreams(d)
	k.certificate(d)
	for i, s := range d.AllowFrom {
		if p, err := parsePrefix(s); err != nil {
			k.fault(err.Error(), "dns", "allow_from", i)
		} else if half(p) {
			k.fault(fmt.Sprintf("%s is everybody, or a good part: an open resolver, which others use for attacks; name your own networks", s), "dns", "allow_from", i)
		}
	}
	for i, h := range d.PrivateNames {
		if _, err := memory.CleanHost(strings.TrimPrefix(h, ".")); err != nil {
			k.fault(err.Error(), "dns", "private_names", i)
		}
	}
	k.blocking(d)
	k.dnsBounds(d)
}

func (k *checker) blocking(d *dnsConfig) {
	if _, _, err := parseBlock(d.Block); err != nil {
		k.fault(err.Error(), "dns", "block")
	}
	for _, name := range slices.Sorted(maps.Keys(d.BlockByList)) {
		if _, _, err := parseBlock(d.BlockByList[name]); err != nil {
			k.fault(err.Error(), "dns", "block_by_list", name)
		}
	}
}

func (k *checker) dnsBounds(d *dnsConfig) {
	if n, err := parseSize(d.CacheSize); err != nil {
		k.fault(err.Error(), "dns", "cache_size")
	} else if n < minCache || n > maxCache {
		k.fault("not between 64kB and 4GB", "dns", "cache_size")
	}
	if t, err := parseSpan(d.BlockTTL); err != nil {
		k.fault(err.Error(), "dns", "block_ttl")
	} else if t < minBlockTTL || t > maxBlockTTL {
		k.fault(fmt.Sprintf("%s is not between %s and %s", d.BlockTTL, minBlockTTL, shortSpan(maxBlockTTL)), "dns", "block_ttl")
	}
	if d.RateLimit < 0 || d.RateLimit > maxRate {
		k.fault(fmt.Sprintf("%d is not between 0 (no limit) and %d", d.RateLimit, maxRate), "dns", "rate_limit")
	}
}

// parseBlock reads how blocked names are answered.
func parseBlock(s string) (detect.Reply, []netip.Addr, error) {
	switch s {
	case "", "null":
		return detect.ReplyNullAddress, nil, nil
	case "nodata":
		return detect.ReplyNoData, nil, nil
	case "nxdomain":
		return detect.ReplyNXDomain, nil, nil
	case "refused":
		return detect.ReplyRefused, nil, nil
	}
	var addrs []netip.Addr
	for _, f := range strings.Split(s, ",") {
		a, err := netip.ParseAddr(strings.TrimSpace(f))
		if err != nil || len(addrs) == maxBlockAddrs {
			return 0, nil, fmt.Errorf("%q is none of null, nodata, nxdomain, refused and no address", s)
		}
		addrs = append(addrs, a)
	}
	return detect.ReplyAddress, addrs, nil
}

// upstreams says what is wrong with whom we are to ask, at its line.
func (k *checker) upstreams(d *dnsConfig) {
	if _, ok := upstream.ParseStrategy(d.Strategy); !ok {
		k.word(d.Strategy, []string{"parallel", "strict", "fastest"}, "dns", "strategy")
	}
	o := upstream.Options{}
	faulty := false
	for _, l := range []struct {
		key   string
		specs []string
		into  *[]upstream.Spec
	}{{"upstreams", d.Upstreams, &o.Servers}, {"fallback", d.Fallback, &o.Fallback}, {"bootstrap", d.Bootstrap, &o.Bootstrap}} {
		specs, err := upstream.Parse(l.specs)
		if *l.into = specs; err == nil {
			continue
		}
		faulty = true
		for _, err := range parts(err) {
			var at *upstream.SpecError
			if errors.As(err, &at) {
				k.fault(err.Error(), "dns", l.key, at.Index)
			} else {
				k.fault(err.Error(), "dns", l.key)
			}
		}
	}
	if faulty || len(d.Upstreams) == 0 {
		return
	}
	g, err := upstream.New(o) // asks nobody
	if err != nil {
		k.fault(err.Error(), "dns", "upstreams")
		return
	}
	_ = g.Close()
}

// parts takes a joined error apart.
func parts(err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return j.Unwrap()
	}
	return []error{err}
}

// certificate says what is wrong with the certificate of the encrypted
// transports.
func (k *checker) certificate(d *dnsConfig) {
	for _, l := range []struct{ key, text string }{{"dot", d.DoT}, {"doh", d.DoH}, {"doq", d.DoQ}} {
		if len(addresses(l.text)) > 0 && d.TLS == (tlsConfig{}) {
			k.fault("encrypted DNS needs a certificate of your own for this resolver's name: dns.tls {cert, key}", "dns", l.key)
		}
	}
	if d.TLS == (tlsConfig{}) {
		if d.Name != "" {
			k.fault("it is a name in the certificate, and there is none (dns.tls)", "dns", "name")
		}
		return
	}
	cert, err := d.load(filepath.Dir(k.file))
	switch {
	case err != nil:
		k.fault(err.Error(), "dns", "tls")
	case d.Name != "":
		if err := cert.Leaf.VerifyHostname(d.Name); err != nil {
			k.fault(fmt.Sprintf("the certificate is not for %q but for %s", d.Name, strings.Join(certNames(cert.Leaf), ", ")), "dns", "name")
		}
	}
}

// load reads the certificate; files are relative to dir.
func (d *dnsConfig) load(dir string) (*tls.Certificate, error) {
	if d.TLS.Cert == "" || d.TLS.Key == "" {
		return nil, errors.New("a certificate and its key belong together: tls: {cert: FILE, key: FILE}")
	}
	cert, err := tls.LoadX509KeyPair(within(dir, d.TLS.Cert), within(dir, d.TLS.Key))
	if err != nil {
		return nil, fmt.Errorf("certificate %s with key %s: %w", d.TLS.Cert, d.TLS.Key, err)
	}
	return &cert, nil
}

// within is where the configuration in dir means path to be.
func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// keyOpen reports whether every user of this machine can read the key.
func (d *dnsConfig) keyOpen(dir string) bool {
	info, err := os.Stat(within(dir, d.TLS.Key))
	return err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o004 != 0
}

// certNames lists what a certificate is for.
func certNames(c *x509.Certificate) []string {
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return []string{"no name"}
	}
	return names
}

// allowFrom is who may ask; without any, this machine.
func (d *dnsConfig) allowFrom() []netip.Prefix {
	out := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, s := range d.AllowFrom {
		if p, err := parsePrefix(s); err == nil {
			out = append(out, p)
		}
	}
	return out
}
