package proxy

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"syscall"
)

// upstreamError says that the proxy behind us failed, not the site.
type upstreamError struct {
	status int   // of its answer to CONNECT; 0 if there is none
	err    error // nil if there is a status
}

func (e *upstreamError) Error() string {
	if e.err != nil {
		return "the proxy behind this one: " + e.err.Error()
	}
	return "the proxy behind this one answered " + strconv.Itoa(e.status)
}

func (e *upstreamError) Unwrap() error { return e.err }

var (
	faultUpstream = fault{id: "upstream", who: "the proxy behind Quench", status: http.StatusBadGateway,
		title: "The proxy behind Quench cannot be reached", text: "Quench is set up to go through another proxy (proxy.upstream), and that one does not answer."}
	faultUpstreamNo = fault{id: "upstream-refused", who: "the proxy behind Quench, or the site behind that", status: http.StatusBadGateway,
		title: "The proxy behind Quench opened no way to the site"}
	faultUpstreamAuth = fault{id: "upstream-password", who: "the proxy behind Quench", status: http.StatusBadGateway,
		title: "The proxy behind Quench wants a password", text: "None, or a wrong one, stands in Quench's configuration (proxy.upstream)."}
	faultExhausted = fault{id: "exhausted", who: "Quench", status: http.StatusServiceUnavailable,
		title: "Quench has run out of connections", text: "This computer gives it no more for now. Closing some pages, or waiting a moment, may help."}
	faultForbidden = fault{id: "forbidden", who: "this computer", status: http.StatusBadGateway,
		title: "This computer does not let Quench out", text: "A firewall or another guard of this computer forbids the connection."}
	faultStopping = fault{id: "stopping", who: "Quench", status: http.StatusServiceUnavailable,
		title: "Quench is stopping", text: "It was told to end, or to start anew, while it waited for the site."}
	faultLoopback = fault{id: "loopback-address", who: "your DNS", status: http.StatusForbidden,
		title: "Already blocked by your DNS",
		text: "Your DNS says that this public site is on this very computer. Filters answer so to block a site, and so do pages that attack this computer. " +
			"Quench does not go there. If the name is yours, add it to proxy.private_names."}
)

// localFault finds the words for what failed on this side of the site.
func localFault(err error) (fault, bool) {
	var up *upstreamError
	var g *guardError
	switch {
	case errors.As(err, &up):
		return upstreamFault(up.status), true
	case errors.As(err, &g):
		return faultLoopback, g.loopback
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.ENOBUFS),
		errors.Is(err, syscall.ENOMEM), errors.Is(err, syscall.EADDRNOTAVAIL):
		return faultExhausted, true
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES):
		return faultForbidden, true
	case errors.Is(err, syscall.ENETDOWN):
		return faultNetwork, true
	case errors.Is(err, context.Canceled):
		return faultStopping, true
	}
	return fault{}, false
}

func upstreamFault(status int) fault {
	switch status {
	case 0:
		return faultUpstream
	case http.StatusProxyAuthRequired:
		return faultUpstreamAuth
	}
	f := faultUpstreamNo
	f.text = "It answered with the code " + strconv.Itoa(status) + "."
	return f
}
