//go:build race

package need

// Race reports whether the race detector is in: it makes pools forget on
// purpose, so that allocations cannot be counted.
const Race = true
