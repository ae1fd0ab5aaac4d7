package main

import (
	"runtime"
	"runtime/metrics"
	"testing"
)

// TestSpare: while it is kept, the collector waits for as much again.
func TestSpare(t *testing.T) {
	goal := func() uint64 {
		runtime.GC()
		s := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}}
		metrics.Read(s)
		return s[0].Value.Uint64()
	}
	before := goal()
	kept := spare()
	with := goal()
	runtime.KeepAlive(kept)
	if with < before+spareHeap {
		t.Errorf("the collector waits for %d bytes, want %d more than %d", with, spareHeap, before)
	}
}
