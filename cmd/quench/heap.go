package main

// spareHeap is how much may be allocated between two garbage collections even
// though little is in use: a proxy makes much garbage of a small heap, and
// would collect it every few hundred requests. GOGC alone would also double
// what a large heap takes, and a memory limit has the collector run without
// end once what is in use comes near it.
const spareHeap = 16 << 20

// spare returns memory that counts as in use, so that the collector waits for
// as much again. It is never touched, and so takes no room. It counts for as
// long as the caller keeps it.
func spare() []byte { return make([]byte, spareHeap) }
