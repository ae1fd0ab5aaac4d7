package judge

import (
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
)

// origin is what the host of a URL says, found once for each host of a message.
type origin struct {
	host    string // as detect.HostOf reads it
	site    string // its registrable domain
	word    string // the clearest word among the labels below site
	words   int    // see outline
	proxies uint32 // bits of the imageProxies whose host it is
	gateway string // who runs it, if it is a gateway
	links   int    // how many links lead to it, each once
	last    *facts // the last link counted
}

func originOf(host string) *origin {
	o := &origin{host: host, site: detect.Registrable(host)}
	var labels outline
	for label := range strings.SplitSeq(strings.TrimSuffix(host, o.site), ".") {
		labels.read(strings.TrimRight(label, "0123456789"))
	}
	o.word, o.words = labels.word, labels.words
	for i := range imageProxies {
		if detect.UnderDomain(host, imageProxies[i].host) {
			o.proxies |= 1 << i
		}
	}
	if o.gateway = gatewayOf(host); o.gateway != "" {
		o.proxies = 0 // a scanner of links is no proxy of pictures
	}
	return o
}

// link is a URL in its parts.
type link struct {
	url         string
	path, query string // as detect.Split gives them
	origin      *origin
}

// linkOf takes u apart.
func linkOf(u string) link {
	l := link{url: u, origin: originOf(detect.HostOf(u))}
	l.path, l.query = detect.Split(u)
	return l
}

// fragment is what follows the "#"; "" if there is none.
func (l *link) fragment() string {
	_, f, _ := strings.Cut(l.url, "#")
	return f
}

// origins keeps what is known of the hosts of one message.
type origins struct {
	last *origin
	all  map[string]*origin
}

func (o *origins) link(u string) link {
	l := link{url: u}
	l.path, l.query = detect.Split(u)
	host := detect.HostOf(u)
	if o.last != nil && o.last.host == host {
		l.origin = o.last
		return l
	}
	l.origin = o.all[host]
	if l.origin == nil {
		l.origin = originOf(host)
		o.all[host] = l.origin
	}
	o.last = l.origin
	return l
}
