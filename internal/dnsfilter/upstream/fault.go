package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// kind is in what way an upstream failed, the more telling the later.
type kind uint8

const (
	kindSlow      kind = iota // nothing came in time
	kindNetwork               // could not be reached
	kindDied                  // ended the connection before its answer
	kindMalformed             // its answer does not parse
	kindOther                 // answered something else
	kindFlood                 // too many packets that answer nothing we asked
	kindCut                   // its answer over UDP was cut off, and TCP failed
	kindStatus                // an HTTP status
	kindName                  // its own name could not be resolved
	kindOwn                   // it is this resolver
	kindCert                  // its certificate is wrong
)

// fault is why one upstream gave no answer.
type fault struct {
	kind kind
	text string // instead of the usual one for kind
	err  error
}

func (f *fault) Error() string {
	text := f.text
	if text == "" {
		text = kindTexts[f.kind]
	}
	if f.err != nil {
		text += ": " + f.err.Error()
	}
	return text
}

func (f *fault) Unwrap() error { return f.err }

var kindTexts = [...]string{
	kindSlow:      "did not answer in time",
	kindNetwork:   "cannot be reached",
	kindDied:      "ended the connection before its answer",
	kindMalformed: "sent an answer that does not parse",
	kindOther:     "answered another question",
	kindFlood:     "sent too many answers that nobody asked for",
	kindCut:       "sent half an answer and does not give it over TCP",
	kindStatus:    "did not answer with DNS",
	kindName:      "its name could not be resolved",
	kindOwn:       "is this resolver itself",
	kindCert:      "its certificate is not valid",
}

// code is the extended error that fits (RFC 8914).
func (k kind) code() uint16 {
	switch k {
	case kindSlow, kindName, kindOwn:
		return dns.ExtendedErrorCodeNoReachableAuthority
	case kindMalformed, kindOther:
		return dns.ExtendedErrorCodeInvalidData
	}
	return dns.ExtendedErrorCodeNetworkError
}

// faultOf finds out what an error of a transport means.
func faultOf(err error) *fault {
	var f *fault
	if errors.As(err, &f) {
		return f
	}
	if text := certText(err); text != "" {
		return &fault{kind: kindCert, text: text, err: err}
	}
	var ne net.Error
	var no syscall.Errno
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &ne) && ne.Timeout():
		return &fault{kind: kindSlow, err: err}
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, net.ErrClosed):
		return &fault{kind: kindDied, err: err}
	case errors.As(err, &no):
		return &fault{kind: kindNetwork, text: kindTexts[kindNetwork] + " (" + no.Error() + ")", err: err}
	}
	return &fault{kind: kindNetwork, err: err}
}

// certText says what is wrong with a certificate, "" if that is not it.
func certText(err error) string {
	var invalid x509.CertificateInvalidError
	var host x509.HostnameError
	var unknown x509.UnknownAuthorityError
	var verify *tls.CertificateVerificationError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		if time.Now().Before(invalid.Cert.NotBefore) {
			return "its certificate is not valid before " + invalid.Cert.NotBefore.UTC().Format(time.DateOnly) + "; is the clock right?"
		}
		return "its certificate expired on " + invalid.Cert.NotAfter.UTC().Format(time.DateOnly)
	case errors.As(err, &host):
		return fmt.Sprintf("its certificate is not for %q", host.Host)
	case errors.As(err, &unknown):
		return "its certificate is signed by nobody whom this system trusts"
	case errors.As(err, &invalid), errors.As(err, &verify):
		return kindTexts[kindCert]
	}
	return ""
}

// tell makes of a fault what clients may read.
func (f *fault) tell(name string) *Error {
	text := f.text
	if text == "" {
		text = kindTexts[f.kind]
	}
	return &Error{Code: f.kind.code(), Text: clip(name + " " + text), Err: f.err}
}
