//go:build race

package filterlist_test

// raceEnabled: the race detector makes pools forget on purpose.
const raceEnabled = true
