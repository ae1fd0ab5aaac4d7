//go:build race

package dnsfilter

// underRace: the race detector makes everything many times slower.
const underRace = true
