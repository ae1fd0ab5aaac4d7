package main

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/intake"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/har"
)

const (
	// reportPath is where the proxy's stand-in scripts report to it, on the host
	// whose script they stand in for; a token and a number follow.
	reportPath = "/.well-known/quench/"
	// reportToken is how long a token is, in bytes.
	reportToken = 24
	// maxArchiveStubs is how many hosts' stand-ins of one archive are remembered.
	maxArchiveStubs = 1000
)

// stubs are the scripts of one archive that the proxy stands in for, by host.
type stubs map[string]stub

type stub struct {
	seen   ledger.Sighting
	script []byte // as the archive holds it, nil if it does not
}

// see remembers an entry that the proxy would answer by a stand-in.
func (s *stubs) see(e *har.Entry, g ledger.Sighting) {
	u, err := url.Parse(e.Request.URL)
	if err != nil || g.Set == nil || g.Seen.Reply != detect.ReplyStub || len(*s) >= maxArchiveStubs {
		return
	}
	if *s == nil {
		*s = stubs{}
	}
	(*s)[u.Host] = stub{g, e.Response.Start}
}

// report reads an entry that a stand-in script sent to the proxy, which
// answered it: its query is what the page wanted to send. In an archive that
// was not recorded behind the proxy, or without the script, the token proves
// nothing, and the entry is only said to look like one.
func (s stubs) report(e *har.Entry) (out scan.Replayed, ours bool) {
	u, err := url.Parse(e.Request.URL)
	if err != nil {
		return out, false
	}
	token, ok := tokenOf(u.Path)
	if !ok {
		return out, false
	}
	l, known := s[u.Host]
	if !known {
		return scan.Replayed{Request: intake.Request(e.Request.Method, e.Request.URL, e.Request.Header), Unsure: true}, true
	}
	if len(l.script) > 0 && !bytes.Contains(l.script, []byte(token)) {
		return out, false
	}
	seen := l.seen.Seen
	seen.Report, seen.At = []byte(u.RawQuery), e.Started
	return scan.Replayed{
		Request: *seen.Request, Decision: l.seen.Decision, Own: true, Verdicts: l.seen.Set.Explain(seen, l.seen.Decision),
	}, true
}

// tokenOf finds the token in the path of a report.
func tokenOf(path string) (token string, ok bool) {
	rest, ok := strings.CutPrefix(path, reportPath)
	if !ok {
		return "", false
	}
	token, number, _ := strings.Cut(rest, "/")
	b, err := base64.RawURLEncoding.DecodeString(token)
	_, nerr := strconv.ParseUint(number, 10, 16)
	return token, err == nil && nerr == nil && len(b) == reportToken
}
