//go:build linux

package main

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/miekg/dns"
)

// respond is the upstream of all servers, and also the bare miekg/dns server
// that is measured: it answers every question.
func respond(ctx context.Context, addr string) error {
	conn, err := net.ListenPacket("udp", addr)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	udp := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(answer), UDPSize: 4096}
	tcp := &dns.Server{Listener: ln, Handler: dns.HandlerFunc(answer)}
	failed := make(chan error, 2)
	go func() { failed <- udp.ActivateAndServe() }()
	go func() { failed <- tcp.ActivateAndServe() }()
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	_, _ = conn.Close(), ln.Close()
	return err
}

// answerTTL outlasts a run, so that what is cached stays so.
const answerTTL = 24 * time.Hour

func answer(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg).SetReply(q)
	m.RecursionAvailable = true
	if q.IsEdns0() != nil {
		m.SetEdns0(1232, false)
	}
	if len(q.Question) == 1 {
		h := dns.RR_Header{Name: q.Question[0].Name, Rrtype: q.Question[0].Qtype, Class: dns.ClassINET, Ttl: uint32(answerTTL / time.Second)}
		switch h.Rrtype {
		case dns.TypeA:
			m.Answer = append(m.Answer, &dns.A{Hdr: h, A: net.IPv4(192, 0, 2, 1)})
		case dns.TypeAAAA:
			m.Answer = append(m.Answer, &dns.AAAA{Hdr: h, AAAA: net.ParseIP("2001:db8::1")})
		}
	}
	m.Compress = true
	_ = w.WriteMsg(m)
}
