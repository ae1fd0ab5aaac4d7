package proxy

import (
	"net/netip"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/ledger"
)

const door = "proxy"

// recordRefusal records a host refused by name.
func (t *tunnel) recordRefusal(name string, d detect.Decision, chain []string) {
	rec := t.s.p.Recorder
	if rec == nil {
		return
	}
	d.Reply = detect.ReplyRefused
	rec.Record(ledger.Sighting{
		Set: t.set, Decision: d, Door: door, Client: t.client.Label,
		Seen: detect.Seen{
			Request: &detect.Request{Host: name, Method: "CONNECT"},
			Policy:  t.policy, Chain: chain, Reply: detect.ReplyRefused, At: t.s.p.now(),
		},
	})
}

// noteLeft records that a host is left alone for a day, and why. It is never
// called for the never-list or for unproven clients.
func (t *tunnel) noteLeft(host, why, kind string) {
	t.note(host, why, kind, host+" is left alone for a day: "+why+".")
}

func (t *tunnel) noteClientLeft(host string) {
	t.note(host, "a program does not accept Quench's certificate", "heuristic",
		"A program is left alone for a day: it does not accept Quench's certificate (seen with "+host+
			"). Trackers are still refused by their names. Installing the certificate with \"quench ca install\" ends this.")
}

func (t *tunnel) note(host, detail, kind, sentence string) {
	t.s.log.Info("tunnel left alone", "host", host, "why", detail)
	rec := t.s.p.Recorder
	if rec == nil {
		return
	}
	rec.Note(ledger.Event{
		Schema: ledger.Schema, Time: t.s.p.now(), Door: door, Client: t.client.Label, Count: 1,
		Request: ledger.Request{Method: "CONNECT", Host: host},
		Verdict: detect.Verdict{
			Action:   detect.Allow,
			Evidence: []detect.Evidence{{Kind: kind, Detail: detail}},
			Sentence: sentence,
		},
	})
}

func sameIP(a, b string) bool {
	x, err1 := netip.ParseAddr(a)
	y, err2 := netip.ParseAddr(b)
	return err1 == nil && err2 == nil && x.Unmap() == y.Unmap()
}
