package dnsfilter

import (
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/dnsfilter/clients"
)

func policyOf(p *detect.Policy) func(*clients.Client, *detect.Policy) *detect.Policy {
	return func(_ *clients.Client, base *detect.Policy) *detect.Policy {
		if base != nil {
			return base
		}
		return p
	}
}
