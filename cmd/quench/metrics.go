package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/quench-proxy/quench/internal/dnsfilter"
	"github.com/quench-proxy/quench/internal/dnsfilter/upstream"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/metrics"
	"github.com/quench-proxy/quench/internal/proxy"
)

// samples reads all figures.
func (s *service) samples() []metrics.Sample {
	out := []metrics.Sample{
		{Name: "trackers", Help: "Trackers known by the rules in force.", Value: float64(s.rules.Load().about.Trackers), Gauge: true},
		{Name: "start_time_seconds", Help: "When it was started, in Unix time.", Value: float64(s.started.Unix()), Gauge: true},
	}
	out = append(out, proxySamples(s.proxy.Stats())...)
	if d := s.dns.Load(); d != nil {
		out = append(out, dnsSamples(d.door.Stats())...)
		if g := d.switched.Group(); g != nil {
			out = append(out, upstreamSamples(g.Stats())...)
		}
		if d.queries != nil {
			out = append(out, metrics.Sample{Name: "dns_query_log_lost_total", Help: "Questions that the query log had no time for.", Value: float64(d.queries.lost.Load())})
		}
	}
	if s.ledger != nil {
		out = append(out, ledgerSamples(s.ledger.Stats())...)
	}
	return out
}

func proxySamples(st proxy.Stats) []metrics.Sample {
	out := []metrics.Sample{
		{Name: "proxy_intercepted_total", Help: "Tunnels looked into.", Value: float64(st.Intercepted)},
		{Name: "proxy_refused_total", Help: "Tunnels refused by name.", Value: float64(st.Refused)},
		{Name: "proxy_certificate_refusals_total", Help: "Clients that refused our certificate.", Value: float64(st.Refusals)},
	}
	for why, n := range st.Spliced {
		out = append(out, metrics.Sample{Name: "proxy_spliced_total", Help: "Tunnels left alone, by reason.", Labels: []string{"reason", why}, Value: float64(n)})
	}
	return out
}

func dnsSamples(st dnsfilter.Stats) []metrics.Sample {
	var out []metrics.Sample
	for via, n := range st.Queries {
		out = append(out, metrics.Sample{Name: "dns_queries_total", Help: "Questions by transport; proxy is this program itself.", Labels: []string{"via", via}, Value: float64(n)})
	}
	for code, n := range st.RCodes {
		out = append(out, metrics.Sample{Name: "dns_answers_total", Help: "Answers by their code.", Labels: []string{"rcode", strconv.Itoa(code)}, Value: float64(n)})
	}
	for _, c := range []struct {
		name, help string
		n          int64
	}{
		{"blocked", "Questions blocked.", st.Blocked}, {"cached", "Questions answered from the cache.", st.Cached},
		{"stale", "Questions answered from the cache past its time.", st.Stale}, {"prefetched", "Names asked for before the end of their time.", st.Prefetched},
		{"forwarded", "Questions passed on.", st.Upstream}, {"failed", "Questions passed on that nobody answered.", st.Failed},
		{"dropped", "Packets that are no questions.", st.Dropped}, {"strangers", "Questions from networks that may not ask.", st.Strangers},
		{"limited", "Questions told to come by TCP.", st.Limited}, {"busy", "Questions without room to wait.", st.Busy},
		{"lost", "Blocked questions that came faster than the ledger could be told.", st.Lost},
		{"panics", "Faults of ours that a question met.", st.Panics}, {"rebinding", "Private addresses of public names taken out.", st.Rebinding},
		{"connections", "Connections accepted.", st.Connections}, {"refused_connections", "Connections closed at once.", st.RefusedConnections},
	} {
		out = append(out, metrics.Sample{Name: "dns_" + c.name + "_total", Help: c.help, Value: float64(c.n)})
	}
	return out
}

func upstreamSamples(all []upstream.Stat) []metrics.Sample {
	var out []metrics.Sample
	for i, st := range all {
		who := []string{"upstream", st.Name, "place", strconv.Itoa(i + 1)}
		up := 1.0
		if st.Out {
			up = 0
		}
		out = append(out,
			metrics.Sample{Name: "dns_upstream_asked_total", Help: "Questions to an upstream.", Labels: who, Value: float64(st.Asked)},
			metrics.Sample{Name: "dns_upstream_answered_total", Help: "Usable answers of an upstream.", Labels: who, Value: float64(st.Answered)},
			metrics.Sample{Name: "dns_upstream_failed_total", Help: "Questions that an upstream left without a usable answer.", Labels: who, Value: float64(st.Failed)},
			metrics.Sample{Name: "dns_upstream_bad_total", Help: "Packets of an upstream that answered nothing asked.", Labels: who, Value: float64(st.Bad)},
			metrics.Sample{Name: "dns_upstream_rtt_seconds", Help: "How long an upstream takes of late.", Labels: who, Value: st.RTT.Seconds(), Gauge: true},
			metrics.Sample{Name: "dns_upstream_up", Help: "0 while an upstream is left out.", Labels: who, Value: up, Gauge: true},
		)
	}
	return out
}

func ledgerSamples(st ledger.Stats) []metrics.Sample {
	return []metrics.Sample{
		{Name: "ledger_written_total", Help: "Events in the store.", Value: float64(st.Written)},
		{Name: "ledger_folded_total", Help: "Events that raised another's count.", Value: float64(st.Folded)},
		{Name: "ledger_lost_total", Help: "Events that were not kept.", Value: float64(st.Lost.Total())},
		{Name: "ledger_queued", Help: "Events that wait to be written.", Value: float64(st.Queued), Gauge: true},
		{Name: "ledger_queued_bytes", Help: "Their size.", Value: float64(st.QueuedBytes), Gauge: true},
	}
}

// Bounds of the listener for metrics.
const (
	metricsTime      = 10 * time.Second
	maxMetricsHeader = 8 << 10
)

// metricsListener opens the listener that the configuration asks for; nil if it
// asks for none.
func (s *service) metricsListener() (net.Listener, error) {
	addr := s.cfg.Load().Metrics.Listen
	if addr == "" || addr == "off" {
		return nil, nil
	}
	ln, err := s.listen("metrics", addr)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return ln, nil
}

// serveMetrics answers those that may ask until ctx ends.
func (s *service) serveMetrics(ctx context.Context, ln net.Listener) error {
	h := metrics.Handler(s.samples, s.log)
	var from []netip.Prefix
	for _, text := range s.cfg.Load().Metrics.AllowFrom {
		if p, err := parsePrefix(text); err == nil {
			from = append(from, p)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if !scraper(r, from) {
			http.Error(w, "not for you: metrics.allow_from", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
	srv := &http.Server{Handler: mux, ReadTimeout: metricsTime, WriteTimeout: metricsTime, IdleTimeout: time.Minute, MaxHeaderBytes: maxMetricsHeader}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(ln); err != nil && ctx.Err() == nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

// scraper reports whether a request comes from this machine or one of the
// networks, and by an address: a page that had its name bent to us gets nothing.
func scraper(r *http.Request, from []netip.Prefix) bool {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "localhost" && len(from) == 0 {
		return false
	}
	a := ap.Addr().Unmap().WithZone("")
	if a.IsLoopback() {
		return true
	}
	for _, p := range from {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
