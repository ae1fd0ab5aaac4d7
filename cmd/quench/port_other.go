//go:build !linux

package main

const portHint = `find who holds it with "lsof -nP -iTCP -sTCP:LISTEN" (macOS, BSD) or "netstat -abno" (Windows), or choose another with --proxy`

// portHolder does not know on this system.
func portHolder(string) string { return "" }

// dnsPortHolder does not know either.
func dnsPortHolder(string) string { return "" }
