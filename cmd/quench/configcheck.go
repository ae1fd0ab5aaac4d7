package main

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/lists"
	"github.com/quench-proxy/quench/internal/memory"
	"github.com/quench-proxy/quench/internal/strictyaml"
)

// checker gathers the faults of a configuration that decoded.
type checker struct {
	file   string
	root   *yaml.Node // nil if the document is empty or no YAML
	faults []error
}

// fault notes a fault at a path of keys and indexes.
func (k *checker) fault(text string, path ...any) {
	k.faults = append(k.faults, &strictyaml.Fault{File: k.file, Line: k.line(path), Text: keyName(path) + text})
}

func keyName(path []any) string {
	var b strings.Builder
	for _, p := range path {
		switch p := p.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", p+1)
		case string:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(p)
		}
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	return b.String()
}

// line returns the line of the deepest node of path that is there.
func (k *checker) line(path []any) int {
	n, line := k.root, 0
	for _, p := range path {
		if n = child(n, p); n == nil {
			break
		}
		line = n.Line
	}
	return line
}

// has reports whether the document sets the key at path to something.
func (k *checker) has(path ...any) bool {
	n := k.root
	for _, p := range path {
		if n = child(n, p); n == nil {
			return false
		}
	}
	switch n.Kind {
	case yaml.MappingNode, yaml.SequenceNode:
		return len(n.Content) > 0
	}
	return n.Tag != "!!null" && n.Value != "" && n.Value != "false"
}

func child(n *yaml.Node, p any) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n == nil {
		return nil
	}
	switch p := p.(type) {
	case int:
		if n.Kind == yaml.SequenceNode && p < len(n.Content) {
			return n.Content[p]
		}
	case string:
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == p {
				return n.Content[i+1]
			}
		}
	}
	return nil
}

// checkConfig says what is wrong with the values of c, which data decoded to.
func checkConfig(file string, data []byte, c *config, trackers []string) error {
	k := &checker{file: file}
	var doc yaml.Node
	if len(data) <= strictyaml.MaxSize && yaml.Unmarshal(data, &doc) == nil && len(doc.Content) == 1 {
		k.root = doc.Content[0]
	}
	k.word(c.Mode, []string{"block", "observe"}, "mode")
	k.proxy(&c.Proxy)
	k.dns(&c.DNS)
	k.byList(c)
	k.clients(c)
	k.lists(c.Lists)
	for i, o := range c.Allow {
		if _, err := memory.CheckOverride(o); err != nil {
			k.fault(err.Error(), "allow", i)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.Vendors)) {
		k.vendor(id, c.Vendors[id], trackers)
	}
	k.ledger(&c.Ledger)
	k.metrics(&c.Metrics)
	k.clashes(c)
	return errors.Join(k.faults...)
}

func (k *checker) word(got string, known []string, path ...any) {
	if slices.Contains(known, got) {
		return
	}
	text := fmt.Sprintf("%q is none of %s", got, strings.Join(known, ", "))
	if n := strictyaml.Nearest(got, known); n != "" {
		text = fmt.Sprintf("unknown word %q; did you mean %q?", got, n)
	}
	k.fault(text, path...)
}

func (k *checker) proxy(p *proxyConfig) {
	k.word(p.Unknown, []string{"block", "strip", "observe", "off"}, "proxy", "unknown")
	if err := checkListen(p.Listen); err != nil {
		k.fault(err.Error(), "proxy", "listen")
	} else if err := checkReach(p.Listen, p); err != nil {
		k.fault(err.Error(), "proxy", "listen")
	}
	k.word(p.Fail, []string{"closed", "direct"}, "proxy", "fail")
	k.word(p.Intercept, []string{"auto", "always", "never"}, "proxy", "intercept")
	if u, err := url.Parse(p.Upstream); p.Upstream != "" && (err != nil || u.Scheme != "http" || u.Host == "") {
		k.fault(fmt.Sprintf("%q is not the URL of an HTTP proxy, such as http://proxy.example:3128", p.Upstream), "proxy", "upstream")
	}
	for i, h := range p.NeverIntercept {
		if _, err := memory.CleanHost(strings.TrimPrefix(h, ".")); err != nil {
			k.fault(err.Error(), "proxy", "never_intercept", i)
		}
	}
	for i, h := range p.PrivateNames {
		if _, err := memory.CleanHost(strings.TrimPrefix(h, ".")); err != nil {
			k.fault(err.Error(), "proxy", "private_names", i)
		}
	}
	for i, s := range p.AllowFrom {
		if _, err := parsePrefix(s); err != nil {
			k.fault(err.Error(), "proxy", "allow_from", i)
		}
	}
	for i, port := range p.ConnectPorts {
		if port < 1 || port > 65535 {
			k.fault(fmt.Sprintf("%d is not a port", port), "proxy", "connect_ports", i)
		}
	}
	k.bounds(p)
}

// What the bounds on clients may be. Less would cut off who means no harm, more
// would bound nothing.
const (
	minHeaderTime, maxHeaderTime = time.Second, 5 * time.Minute
	minStallTime, maxStallTime   = 10 * time.Second, 24 * time.Hour
	minConns, maxConns           = 16, 1 << 20
)

func (k *checker) bounds(p *proxyConfig) {
	span := func(s string, low, high time.Duration, key string) {
		if d, err := parseSpan(s); err != nil {
			k.fault(err.Error(), "proxy", key)
		} else if d < low || d > high {
			k.fault(fmt.Sprintf("%s is not between %s and %s", s, shortSpan(low), shortSpan(high)), "proxy", key)
		}
	}
	span(p.HeaderTimeout, minHeaderTime, maxHeaderTime, "header_timeout")
	span(p.StallTimeout, minStallTime, maxStallTime, "stall_timeout")
	count := func(n int, key string) {
		if n < minConns || n > maxConns {
			k.fault(fmt.Sprintf("%d is not between %d and %d", n, minConns, maxConns), "proxy", key)
		}
	}
	count(p.MaxConns, "max_connections")
	count(p.MaxClientConns, "max_connections_per_client")
	if k.has("proxy", "max_connections_per_client") && p.MaxClientConns > p.MaxConns {
		k.fault(fmt.Sprintf("%d is more than max_connections, %d", p.MaxClientConns, p.MaxConns), "proxy", "max_connections_per_client")
	}
}

// lists says which of the lists there are not.
func (k *checker) lists(specs []string) {
	cat, err := catalogue()
	if err != nil {
		k.fault(err.Error(), "lists")
		return
	}
	for i, spec := range specs {
		if text := listFault(cat, spec, filepath.Dir(k.file)); text != "" {
			k.fault(text, "lists", i)
		}
	}
	if len(specs) > lists.MaxLists {
		k.fault(fmt.Sprintf("more than %d lists", lists.MaxLists), "lists")
	}
}

func (k *checker) vendor(id string, v vendorConfig, trackers []string) {
	if trackers != nil && !slices.Contains(trackers, id) {
		text := "no rule has this id"
		if n := strictyaml.Nearest(id, trackers); n != "" {
			text += fmt.Sprintf("; did you mean %q?", n)
		}
		k.fault(text, "vendors", id)
	}
	if _, ok := detect.ParseLoaderMode(v.Loader); !ok {
		k.word(v.Loader, []string{"pass", "stub", "block"}, "vendors", id, "loader")
	}
}

// minLedger is the smallest ledger that can be kept within its bound.
const minLedger = 1 << 20

func (k *checker) ledger(l *ledgerConfig) {
	if _, err := parseSpan(l.Keep); err != nil {
		k.fault(err.Error(), "ledger", "keep")
	}
	if n, err := parseSize(l.MaxSize); err != nil {
		k.fault(err.Error(), "ledger", "max_size")
	} else if n < minLedger {
		k.fault("at least 1MB", "ledger", "max_size")
	}
	k.word(l.Detail, []string{"counts", "redacted", "full"}, "ledger", "detail")
}

func (k *checker) metrics(m *metricsConfig) {
	for i, s := range m.AllowFrom {
		if _, err := parsePrefix(s); err != nil {
			k.fault(err.Error(), "metrics", "allow_from", i)
		}
	}
	if m.Listen == "" {
		return
	}
	if err := checkListen(m.Listen); err != nil {
		k.fault(err.Error(), "metrics", "listen")
	} else if reachesOut(m.Listen) && len(m.AllowFrom) == 0 {
		k.fault(m.Listen+" can be reached from beyond this machine, but metrics.allow_from lets nobody in; name who scrapes", "metrics", "listen")
	}
}

// checkListen says what is wrong with an address to listen on.
func checkListen(s string) error {
	if s == "off" {
		return nil
	}
	host, port, err := net.SplitHostPort(s)
	if _, bare := netip.ParseAddr(strings.Trim(s, "[]")); bare == nil {
		return fmt.Errorf("%q names no port; write %s", s, net.JoinHostPort(strings.Trim(s, "[]"), "PORT"))
	}
	if err != nil {
		return fmt.Errorf("%q is not an address such as 127.0.0.1:8118, nor off", s)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%q has no port from 0 to 65535", s)
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "localhost" && host != "" {
		return fmt.Errorf("%q: listen on an IP address, localhost, or with nothing before the colon on all", s)
	}
	return nil
}

// parsePrefix reads a network or a single address.
func parsePrefix(s string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is neither a network such as 192.168.1.0/24 nor an address", s)
	}
	return netip.PrefixFrom(a, a.BitLen()), nil
}
