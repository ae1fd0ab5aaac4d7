package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/quench-proxy/quench/internal/control"
	"github.com/quench-proxy/quench/internal/dnsfilter"
)

// isDNS reports whether a listener of that name answers DNS.
func isDNS(name string) bool { return slices.Contains([]string{"dns", "dot", "doh", "doq"}, name) }

// examineDNSListener asks a listener of the DNS door for a name that never
// leaves this machine.
func (a *app) examineDNSListener(ctx context.Context, r *report, l control.Listener, cfg *config) {
	what := l.Name + " on " + l.Address
	if reachesOut(l.Address) {
		what += ", for " + strings.Join(cfg.DNS.AllowFrom, ", ")
	}
	ctx, cancel := context.WithTimeout(ctx, listenerTime)
	defer cancel()
	var err error
	switch l.Name {
	case "dns":
		err = errors.Join(askLocal(ctx, "udp", dialable(l.Address)), askLocal(ctx, "tcp", dialable(l.Address)))
	case "dot", "doh":
		var c net.Conn
		if c, err = (&net.Dialer{}).DialContext(ctx, "tcp", dialable(l.Address)); err == nil {
			err = c.Close()
		}
	}
	if err != nil {
		r.add("listener", fail, what+": it does not answer", "stop quench and start it again; if that does not help, a firewall of this machine may stand between")
		return
	}
	r.add("listener", ok, what, "")
}

// askLocal asks for the name that counts as no question; any answer will do.
func askLocal(ctx context.Context, network, addr string) error {
	c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if end, ok := ctx.Deadline(); ok {
		_ = c.SetDeadline(end)
	}
	var id [2]byte
	_, _ = rand.Read(id[:]) // never fails
	m := dnsmessage.Message{
		Header: dnsmessage.Header{ID: binary.BigEndian.Uint16(id[:]), RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(dnsfilter.HealthName + "."), Type: dnsmessage.TypeA,
			Class: dnsmessage.ClassINET}},
	}
	pkt, err := m.Pack()
	if err != nil {
		return err
	}
	buf := make([]byte, 512)
	if network == "tcp" {
		pkt = append(binary.BigEndian.AppendUint16(nil, uint16(len(pkt))), pkt...)
		if _, err = c.Write(pkt); err == nil {
			_, err = io.ReadFull(c, buf[:14])
		}
		buf = buf[2:]
	} else if _, err = c.Write(pkt); err == nil {
		_, err = c.Read(buf)
	}
	if err == nil && [2]byte(buf[:2]) != id {
		err = errors.New("another question's answer")
	}
	return err
}

// examineDNS is what only the service knows of its DNS door.
func (s *service) examineDNS(ctx context.Context, r *report) {
	d := s.dns.Load()
	if d == nil || d.switched.Group() == nil {
		r.add("dns", ok, "is off", "")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	asked := d.switched.Group().Check(ctx)
	if len(asked) == 0 {
		r.add("upstream", fail, "this system names no resolver that could be asked", "is this machine online? Name one under dns.upstreams")
	}
	for _, h := range asked {
		if h.Err != nil {
			r.add("upstream", fail, upstreamText(h.Err), "is this machine online? Name others under dns.upstreams")
			continue
		}
		name := h.Name
		if h.Domains != nil {
			name += ", for names of its own"
		}
		r.add("upstream", ok, fmt.Sprintf("%s answered in %s", name, max(h.RTT.Round(time.Millisecond), time.Millisecond)), "")
	}
	if d.looped(ctx) {
		r.add("upstream", fail, "one of them asks us what we ask it: a loop", "name another under dns.upstreams than the router that has us as its resolver")
	}
	d.examineCert(r)
	st := d.door.Stats()
	if n := st.Strangers; n > 0 {
		r.add("strangers", warn, plural(int(n), "question")+" from beyond dns.allow_from refused", "close port 53 to the internet in the router, or name the network they come from")
	}
	if n := st.Rebinding; n > 0 {
		r.add("rebinding", warn, plural(int(n), "answer")+" with private addresses for a public name refused", "if the name is your own: dns.private_names")
	}
	s.examineDevices(r, d)
}

// certSoon is how long before its end the door's certificate is warned about.
const certSoon = 14 * 24 * time.Hour

func (d *dnsDoor) examineCert(r *report) {
	c := d.cert.Load()
	if c == nil {
		return
	}
	if d.keyOpen.Load() {
		r.add("dns certificate", warn, "others on this machine can read its key", "chmod 600 the file that dns.tls.key names")
	}
	end := c.Leaf.NotAfter
	says := fmt.Sprintf("for %s, until %s", strings.Join(certNames(c.Leaf), ", "), end.Format(time.DateOnly))
	switch now := time.Now(); {
	case now.After(end):
		r.add("dns certificate", fail, says+": it has ended", "renew it, then reload quench (SIGHUP)")
	case end.Sub(now) < certSoon:
		r.add("dns certificate", warn, says, "renew it, then reload quench (SIGHUP)")
	default:
		r.add("dns certificate", ok, says, "")
	}
}

// maxListed bounds the devices that the doctor names.
const maxListed = 20

// examineDevices says who has arrived, who goes round, and what is left to do.
func (s *service) examineDevices(r *report, d *dnsDoor) {
	all := s.arrivals.list()
	others := 0
	for i, x := range all {
		name := x.Label
		if name == "" {
			name = "this machine"
		} else {
			others++
		}
		if i < maxListed && x.Count > 0 {
			r.add("device", ok, fmt.Sprintf("%s asks here: %s since the start, the last at %s", name,
				plural(int(x.Count), "question"), x.Last.Local().Format(time.TimeOnly)), "")
		}
		for _, h := range sortedKeys(x.Past) {
			r.add("device", warn, fmt.Sprintf("%s asked for %s %s: it may resolve names there, past us", name, h, plural(int(x.Past[h]), "time")),
				"turn off its own DNS: Android \"Private DNS\", \"secure DNS\" in browsers, iCloud Private Relay")
		}
	}
	if others > 0 {
		return
	}
	out := false
	for _, l := range d.listeners() {
		out = out || l.Name == "dns" && reachesOut(l.Address)
	}
	if !out {
		r.add("devices", ok, "only this machine can ask; docs/dns.md says how to serve the others", "")
		return
	}
	r.add("devices", warn, "no other device has asked yet",
		"in the router's DHCP settings make "+strings.Join(lanAddresses(), " or ")+" the only DNS server (a second one is no fallback, it is used too), and the same for IPv6 (RDNSS); devices follow when they next join")
}

func sortedKeys(m map[string]int64) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// lanAddresses are the private addresses of this machine, as others reach it.
func lanAddresses() []string {
	addrs, _ := net.InterfaceAddrs()
	var out []string
	for _, x := range addrs {
		if n, ok := x.(*net.IPNet); ok {
			if a, ok := netip.AddrFromSlice(n.IP); ok && a.Unmap().IsPrivate() {
				out = append(out, a.Unmap().String())
			}
		}
	}
	if len(out) == 0 {
		return []string{"this machine's address"}
	}
	return out
}

// examineDNSPort says whether the addresses for DNS can be had, if no service has
// them.
func (a *app) examineDNSPort(r *report, cfg *config) {
	for _, addr := range addresses(cfg.DNS.Listen) {
		u, err := net.ListenPacket("udp", addr)
		if err == nil {
			_ = u.Close()
			var t net.Listener
			if t, err = net.Listen("tcp", addr); err == nil {
				_ = t.Close()
				r.add("dns port", ok, addr+" is free", "")
				continue
			}
		}
		err = dnsPortError(err)
		says, fix, _ := strings.Cut(err.Error(), "\n")
		r.add("dns port", fail, says, fix)
	}
}

// examineNameServers compares what this machine asks with us.
func examineNameServers(r *report, conf string, listeners []control.Listener) {
	data, err := os.ReadFile(conf)
	if err != nil {
		return
	}
	var ours []string
	for _, l := range listeners {
		if l.Name == "dns" {
			ours = append(ours, l.Address)
		}
	}
	own := ownOf(ours)
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != "nameserver" {
			continue
		}
		if a, err := netip.ParseAddr(f[1]); err == nil && own(netip.AddrPortFrom(a, 53)) {
			r.add("this machine", ok, "asks us ("+f[1]+")", "")
			return
		}
	}
}
