//go:build !unix

package proxy

// fileLimit returns how many descriptors this process may hold, 0 if that is
// not known.
func fileLimit() int { return 0 }
