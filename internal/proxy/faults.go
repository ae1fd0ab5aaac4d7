package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"

	"github.com/quench-proxy/quench/internal/proxy/guard"
)

// fault is why there is no answer, in words for people: never Go's own.
type fault struct {
	id     string // for tests and logs
	who    string // failed: the site, its certificate, the network, the DNS, us
	status int
	title  string
	text   string
}

var (
	errGarbled = errors.New("the site's answer makes no sense here")

	faultGarbled = fault{id: "garbled", who: "the site", status: http.StatusBadGateway,
		title: "The site's answer makes no sense", text: "It answered with something that was not asked for, or broke the rules of HTTP."}
	faultAuth = fault{id: "proxy-password", who: "the site", status: http.StatusBadGateway,
		title: "The site asked for a proxy password",
		text:  "Only a proxy may do that, and Quench does not. If another proxy stands behind Quench, it needs a password in Quench's configuration."}
	faultRefused = fault{id: "refused", who: "the site", status: http.StatusBadGateway,
		title: "The site refused the connection", text: "Its computer is there, but nothing answers at this port."}
	faultNetwork = fault{id: "network", who: "the network", status: http.StatusBadGateway,
		title: "The site cannot be reached", text: "The network knows no way there. Is this computer online?"}
	faultTimeout = fault{id: "timeout", who: "the site", status: http.StatusGatewayTimeout,
		title: "The site did not answer in time", text: "It may be overloaded or switched off. Trying again later may help."}
	faultClosed = fault{id: "closed", who: "the site", status: http.StatusBadGateway,
		title: "The site hung up", text: "It closed the connection without an answer."}
	faultTLS = fault{id: "tls", who: "the site", status: http.StatusBadGateway,
		title: "No secure connection to the site",
		text:  "The site and Quench found no common way to encrypt, or the site broke off."}
	faultStepAside = fault{id: "client-certificate", who: "Quench", status: http.StatusBadGateway,
		title: "This site wants a certificate of yours", text: "Only your browser can show one. Quench steps aside for this site now: please reload the page."}
	faultNotTLS = fault{id: "not-tls", who: "the site", status: http.StatusBadGateway,
		title: "The site does not speak TLS here", text: "It answered in the clear where encryption was expected. Perhaps the address should begin with http:."}
	faultNoName = fault{id: "no-name", who: "the address", status: http.StatusBadGateway,
		title: "This name does not exist", text: "This computer's DNS knows no such site. Is the address spelt right?"}
	faultDNSTimeout = fault{id: "dns-timeout", who: "this computer's DNS", status: http.StatusGatewayTimeout,
		title: "The DNS did not answer", text: "This computer's DNS did not say in time where the site is. Is this computer online?"}
	faultDNS = fault{id: "dns", who: "this computer's DNS", status: http.StatusBadGateway,
		title: "The DNS failed", text: "This computer's DNS could not say where the site is."}
	faultNull = fault{id: "null-address", who: "your DNS", status: http.StatusBadGateway,
		title: "Already blocked by your DNS", text: "Your DNS answered with a null address: another filter has blocked this site before Quench saw it."}
	faultBadName = fault{id: "bad-name", who: "the address", status: http.StatusBadRequest,
		title: "This is not an address", text: "The host or port in the address cannot exist."}
	faultOther = fault{id: "other", who: "the site, as far as Quench can tell", status: http.StatusBadGateway,
		title: "No answer that makes sense", text: "What came from the site's side, if anything did, is no answer by the rules of HTTP."}
)

// faultOf finds the words for an error.
func faultOf(err error) fault { return faultFor(err, "this address") }

func faultFor(err error, host string) fault {
	var g *guardError
	var dns *net.DNSError
	if f, ok := certificateFault(err, host); ok {
		return f
	}
	if f, ok := localFault(err); ok {
		return f
	}
	switch {
	case errors.As(err, &g):
		return guardFault(g.why)
	case errors.Is(err, errNullAddress):
		return faultNull
	case errors.Is(err, errNoName):
		return faultBadName
	case errors.Is(err, errGarbled):
		return faultGarbled
	case errors.As(err, &dns):
		return dnsFault(dns)
	}
	return wireFault(err)
}

func dnsFault(err *net.DNSError) fault {
	switch {
	case err.IsNotFound:
		return faultNoName
	case err.IsTimeout:
		return faultDNSTimeout
	}
	return faultDNS
}

func wireFault(err error) fault {
	var record tls.RecordHeaderError
	var ne net.Error
	if errors.As(err, &record) {
		return faultNotTLS
	}
	if _, alert := remoteAlert(err); alert {
		return faultTLS
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return faultRefused
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return faultNetwork
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &ne) && ne.Timeout():
		return faultTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return faultClosed
	}
	return faultOther
}

func guardFault(why guard.Why) fault {
	f := fault{id: "guard", who: "Quench", status: http.StatusForbidden, title: "Quench does not go there"}
	switch why {
	case guard.Rebinding:
		f.text = "A public name led to an address inside a private network. That is how a web page breaks into the devices at home. " +
			"If the name is yours, add it to proxy.private_names."
	case guard.LAN:
		f.text = "Other devices may not use this proxy to reach the private network or this computer."
	case guard.CrossSite:
		f.text = "A page of the public web asked for something inside the private network."
	case guard.Own:
		f.text = "That is a port of Quench itself."
	case guard.Metadata:
		f.text = "That address belongs to a cloud's own machinery, never to a web site."
	case guard.NoName:
		return faultBadName
	case guard.Nowhere:
		return faultNoName
	}
	return f
}
