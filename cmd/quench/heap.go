package main

import "runtime/debug"

// spareHeap is how much may be allocated between two garbage collections even
// though little is in use: a proxy makes much garbage of a small heap, and
// would collect it every few hundred requests. GOGC alone would also double
// what a large heap takes, and a memory limit has the collector run without
// end once what is in use comes near it.
const spareHeap = 16 << 20

// scanPercent is the garbage collector's target for a scan, which makes much
// garbage of each message and keeps nothing: a mailbox of 10 GB stays within
// 128 MB of memory with it, for a fifth less work.
const scanPercent = 200

// easeCollector lets garbage grow to scanPercent for the rest of the process,
// unless the user has said what is to be.
func (a *app) easeCollector() {
	if a.getenv("GOGC") == "" {
		debug.SetGCPercent(scanPercent)
	}
}

// spare returns memory that counts as in use, so that the collector waits for
// as much again. It is never touched, and so takes no room. It counts for as
// long as the caller keeps it.
func spare() []byte { return make([]byte, spareHeap) }
