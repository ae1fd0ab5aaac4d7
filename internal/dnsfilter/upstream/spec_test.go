package upstream

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	t.Parallel()
	type parsed struct {
		Name, Host, Addr string
		Scheme           scheme
		Port             uint16
		Verify, URL      string
		Get, General     bool
		Domains          string
	}
	for text, want := range map[string]parsed{
		"192.0.2.1":                          {Name: "192.0.2.1", Addr: "192.0.2.1", Port: 53},
		" 192.0.2.1:5353 ":                   {Name: "192.0.2.1:5353", Addr: "192.0.2.1", Port: 5353},
		"2001:db8::1":                        {Name: "2001:db8::1", Addr: "2001:db8::1", Port: 53},
		"[2001:db8::1]:54":                   {Name: "[2001:db8::1]:54", Addr: "2001:db8::1", Port: 54},
		"fe80::1%eth0":                       {Name: "fe80::1%eth0", Addr: "fe80::1%eth0", Port: 53},
		"udp://192.0.2.1":                    {Name: "udp://192.0.2.1", Addr: "192.0.2.1", Port: 53, Verify: "192.0.2.1"},
		"UDP://router.lan:53":                {Name: "UDP://router.lan:53", Host: "router.lan", Port: 53, Verify: "router.lan"},
		"tcp://[::ffff:192.0.2.1]":           {Name: "tcp://[::ffff:192.0.2.1]", Addr: "192.0.2.1", Scheme: schemeTCP, Port: 53, Verify: "192.0.2.1"},
		"tls://DNS.example.":                 {Name: "tls://DNS.example.", Host: "dns.example", Scheme: schemeTLS, Port: 853, Verify: "dns.example"},
		"tls://192.0.2.1#Dns.example":        {Name: "tls://192.0.2.1", Addr: "192.0.2.1", Scheme: schemeTLS, Port: 853, Verify: "dns.example"},
		"quic://192.0.2.1:8853":              {Name: "quic://192.0.2.1:8853", Addr: "192.0.2.1", Scheme: schemeQUIC, Port: 8853, Verify: "192.0.2.1"},
		"https://dns.example/dns-query":      {Name: "https://dns.example", Host: "dns.example", Scheme: schemeHTTPS, Port: 443, Verify: "dns.example", URL: "https://dns.example/dns-query"},
		"https://dns.example":                {Name: "https://dns.example", Host: "dns.example", Scheme: schemeHTTPS, Port: 443, Verify: "dns.example", URL: "https://dns.example/dns-query"},
		"https://u:p@dns.example/my-id?x=1":  {Name: "https://dns.example", Host: "dns.example", Scheme: schemeHTTPS, Port: 443, Verify: "dns.example", URL: "https://u:p@dns.example/my-id?x=1"},
		"https://dns.example:444/q{?dns}":    {Name: "https://dns.example:444", Host: "dns.example", Scheme: schemeHTTPS, Port: 444, Verify: "dns.example", URL: "https://dns.example:444/q", Get: true},
		"https://192.0.2.1/q#dns.example":    {Name: "https://192.0.2.1", Addr: "192.0.2.1", Scheme: schemeHTTPS, Port: 443, Verify: "dns.example", URL: "https://dns.example/q"},
		"h3://[2001:db8::1]/q":               {Name: "h3://[2001:db8::1]", Addr: "2001:db8::1", Scheme: schemeH3, Port: 443, Verify: "2001:db8::1", URL: "https://[2001:db8::1]/q"},
		"[/Lan/home.arpa./*.corp/]192.0.2.1": {Name: "192.0.2.1", Addr: "192.0.2.1", Port: 53, Domains: "corp home.arpa lan"},
		"[//]192.0.2.1":                      {Name: "192.0.2.1", Addr: "192.0.2.1", Port: 53, Domains: ""},
		"[/pub.lan/]#":                       {Name: "#", General: true, Domains: "pub.lan"},
	} {
		out, err := Parse([]string{text})
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		s := out[0]
		got := parsed{Name: s.String(), Host: s.host, Scheme: s.scheme, Port: s.port, Verify: s.verify, Get: s.get, General: s.general, Domains: strings.Join(s.Domains, " ")}
		if s.addr.IsValid() {
			got.Addr = s.addr.String()
		}
		if s.url != nil {
			got.URL = s.url.String()
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q: want -, got +\n%s", text, d)
		}
		if s.Named() != (want.Host != "") {
			t.Errorf("%q: Named() = %v", text, s.Named())
		}
	}
}

func TestParsePrivatePTR(t *testing.T) {
	t.Parallel()
	g := newGroup(t, Options{}, "[/private-ptr/]192.0.2.1", "192.0.2.2")
	for a, want := range map[string]bool{
		"10.1.2.3": true, "172.15.0.1": false, "172.16.0.1": true, "172.31.255.1": true, "172.32.0.1": false, "192.168.7.8": true,
		"169.254.1.1": true, "100.64.0.1": true, "100.128.0.1": false, "192.0.2.1": false, "fd00::1": true, "fe80::1": true, "fec0::1": false, "2001:db8::1": false,
	} {
		if got := g.Covers(reverse(t, a)); got != want {
			t.Errorf("%s: covered %v, want %v", a, got, want)
		}
	}
}

// reverse is the name under which an address is asked for.
func reverse(t *testing.T, text string) string {
	a := netip.MustParseAddr(text)
	if b := a.AsSlice(); a.Is4() {
		return fmt.Sprintf("%d.%d.%d.%d.in-addr.arpa", b[3], b[2], b[1], b[0])
	}
	hex := strings.ReplaceAll(a.StringExpanded(), ":", "")
	var out strings.Builder
	for i := len(hex) - 1; i >= 0; i-- {
		out.WriteString(hex[i:i+1] + ".")
	}
	return out.String() + "ip6.arpa"
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                              `upstream "": no address`,
		"dns.example":                   `upstream "dns.example": not an address; for a name write udp://NAME, tls://NAME, quic://NAME or https://NAME/dns-query`,
		"192.0.2.1:0":                   `upstream "192.0.2.1:0": port 0 is none`,
		"192.0.2.1:99999":               `upstream "192.0.2.1:99999": not an address; for a name write udp://NAME, tls://NAME, quic://NAME or https://NAME/dns-query`,
		"0.0.0.0":                       `upstream "0.0.0.0": nobody has the address 0.0.0.0`,
		"udp://224.0.0.251":             `upstream "udp://224.0.0.251": nobody has the address 224.0.0.251`,
		"ftp://192.0.2.1":               `upstream "ftp://192.0.2.1": unknown scheme "ftp": want udp, tcp, tls, https, h3 or quic`,
		"tls://":                        `upstream "tls://": no host name or address`,
		"tls://a b":                     `upstream "tls://a b": invalid character " " in host name`,
		"tls://dns.example:x":           `upstream "tls://dns.example:x": invalid port ":x" after host`,
		"tls://dns.example:70000":       `upstream "tls://dns.example:70000": port "70000" is none`,
		"tls://dns.example/path":        `upstream "tls://dns.example": only https:// and h3:// have a path, a query or a user`,
		"tls://u:secret@dns.example":    `upstream "tls://dns.example": only https:// and h3:// have a path, a query or a user`,
		"tls://dns.example#other":       `upstream "tls://dns.example": a name after # is for the certificate of an encrypted upstream given by its address`,
		"udp://192.0.2.1#dns.example":   `upstream "udp://192.0.2.1": a name after # is for the certificate of an encrypted upstream given by its address`,
		"https://u:secret@/secret":      `upstream "https://": no host name or address`,
		"[/lan/192.0.2.1":               `upstream "[/lan/192.0.2.1": "[/" without "/]"`,
		"[/l n/]192.0.2.1":              `upstream "[/l n/]192.0.2.1": "l n" is no domain`,
		"[/lan/]":                       `upstream "[/lan/]": no address`,
		"#":                             `upstream "#": "#" needs domains, as in [/example.org/]#`,
		strings.Repeat("a", 5000):       `upstream "` + strings.Repeat("a", maxText) + `": 5000 characters, at most 4096`,
		strings.Repeat("x/", 400) + "]": "",
	} {
		_, err := Parse([]string{"192.0.2.9", text})
		var se *SpecError
		if !errors.As(err, &se) || se.Index != 1 || want != "" && err.Error() != want {
			t.Errorf("%.60q: got %v, want %s at place 1", text, err, want)
		}
	}
	_, err := Parse([]string{"192.0.2.1", "192.0.2.1", "bad"})
	if want := "upstream \"192.0.2.1\": named twice\nupstream \"bad\": not an address"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := Parse(make([]string, maxSpecs+1)); err == nil || err.Error() != "257 upstreams, at most 256" {
		t.Errorf("too many: got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"192.0.2.1", "[/lan/]udp://r.lan", "https://u:p@dns.example/x{?dns}", "tls://[::1]:1#a.b", "[//]#", "h3://%41"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		out, err := Parse([]string{text})
		if err != nil {
			return
		}
		s := out[0]
		if !s.general && (s.port == 0 || s.addr.IsValid() == (s.host != "")) {
			t.Errorf("%q: got %+v", text, s)
		}
		if i := strings.Index(s.name, "://"); i > 0 && strings.ContainsAny(s.name[i+3:], "/?@") {
			t.Errorf("%q: shown as %q", text, s.name)
		}
	})
}
