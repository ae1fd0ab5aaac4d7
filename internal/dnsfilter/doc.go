// Package dnsfilter is the DNS door: a filtering, caching, forwarding resolver
// for a home or an office.
//
// In flow questions over UDP, TCP, TLS (DoT), HTTPS (DoH) and QUIC (DoQ); out
// flow answers, and sightings of trackers for the ledger. The door never
// answers strangers, never waits for the ledger, and never passes on what a
// client's EDNS options say about it.
//
// One question goes through small functions, in this order:
//
//	parse      intake.go    bytes to request; FORMERR, NOTIMP, BADVERS, silence
//	client     intake.go    who asks, and what policy is in force; strangers are refused
//	local      local.go     what is never forwarded: special-use names, DDR, RESINFO, canaries
//	decide     judge.go     the engine on the question's name
//	cache      fetch.go     package cache
//	upstream   fetch.go     package upstream, one flight for equal questions
//	inspect    inspect.go   CNAME targets, HTTPS/SVCB targets and hints, addresses
//	answer     answer.go    the null address and its kin, with the reason (RFC 8914)
//	record     record.go    a sighting, or only counters
//
// quick (handle.go) runs everything that never waits, slow the rest; listeners
// call quick where they read and slow in bounded goroutines. The fast path for
// UDP (package wire) answers the plainest questions from their bytes alone;
// quick is its oracle.
//
// miekg/dns is imported only here and in the packages below.
package dnsfilter
