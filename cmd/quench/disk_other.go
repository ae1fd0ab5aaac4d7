//go:build !linux && !darwin && !freebsd

package main

// freeSpace does not know on this system.
func freeSpace(string) (uint64, bool) { return 0, false }
