package proxy

import (
	"context"
	"errors"
	"net"

	"github.com/elazarl/goproxy"

	"net/http"

	"github.com/quench-proxy/quench/internal/detect"
)

// hijacked is goproxy's hook: the connection is ours now.
func (t *tunnel) hijacked(_ *http.Request, conn net.Conn, _ *goproxy.ProxyCtx) { t.serve(conn) }

// pass splices the tunnel to where it wants to go, untouched and unseen, and
// counts it by reason.
func (t *tunnel) pass(c *peeked, reason string) {
	if t.hello == nil {
		// What is not TLS still has a name in its CONNECT.
		if d := t.judge(t.host); d.Action == detect.Block {
			t.s.p.stats.count(&t.s.p.stats.Refused)
			t.recordRefusal(t.host, d, nil)
			return
		}
	}
	far, err := t.dialFar()
	var tracker *trackerError
	if errors.As(err, &tracker) && t.hello != nil {
		t.refuse(c, t.host, tracker.d, tracker.chain)
		return
	}
	if err != nil {
		t.s.log.Debug("tunnel not opened", "host", t.host, "why", faultOf(err).who)
		return
	}
	t.s.p.stats.spliced(reason)
	c.past.Store(true)
	relay(c, far, relayOptions{idle: orDefault(t.s.p.TunnelIdle, defaultIdle)})
}

// trackerError says that a name on the way to a host is a tracker's.
type trackerError struct {
	d     detect.Decision
	chain []string
}

func (*trackerError) Error() string { return "the name leads to a tracker" }

// dial opens the far side of a splice: resolved, checked by name and guarded.
func (t *tunnel) dial(ctx context.Context) (net.Conn, error) {
	core := t.s.core
	if core.upstream != nil {
		return core.dialThrough(ctx, t.target(nil), t.from(), t.address(), t.via)
	}
	place, err := core.locate(ctx, t.target(nil), t.from(), t.client.Addr)
	if len(place.chain) > 0 {
		if d := t.judgeChain(place.chain); d.Action == detect.Block {
			return nil, &trackerError{d: d, chain: place.chain}
		}
	}
	if err != nil {
		return nil, err
	}
	return core.dialAddrs(ctx, place.verdict.Addrs, t.port)
}

func (t *tunnel) judgeChain(chain []string) detect.Decision {
	if t.set == nil {
		return detect.Decision{}
	}
	return t.set.Chain(&detect.Request{Host: t.host}, chain, t.policy)
}
