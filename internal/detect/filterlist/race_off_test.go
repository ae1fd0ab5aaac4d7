//go:build !race

package filterlist_test

const raceEnabled = false
