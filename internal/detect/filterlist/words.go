package filterlist

import (
	"encoding/binary"
	"unsafe"
)

// The arrays of a Set are made of 32-bit words only; here they become bytes and
// bytes become them, in place where the machine's order is the file's.

// littleEndian is the order of this machine.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// wordBytes returns the little-endian bytes of an array of words.
func wordBytes[T any](a []T) []byte {
	if len(a) == 0 {
		return nil
	}
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(a))), len(a)*int(unsafe.Sizeof(a[0])))
	if littleEndian {
		return b
	}
	out := make([]byte, len(b))
	for i := 0; i < len(b); i += 4 {
		binary.LittleEndian.PutUint32(out[i:], binary.NativeEndian.Uint32(b[i:]))
	}
	return out
}

// fromBytes returns the array of n-word elements that wordBytes made b of; ok
// becomes false if b holds no whole number of them.
func fromBytes[T any](b []byte, n int, ok *bool) []T {
	if len(b) == 0 {
		return nil
	}
	if len(b)%(4*n) != 0 {
		*ok = false
		return nil
	}
	p := unsafe.SliceData(b)
	if !littleEndian || uintptr(unsafe.Pointer(p))%4 != 0 {
		words := make([]uint32, len(b)/4)
		for i := range words {
			words[i] = binary.LittleEndian.Uint32(b[4*i:])
		}
		p = (*byte)(unsafe.Pointer(unsafe.SliceData(words)))
	}
	return unsafe.Slice((*T)(unsafe.Pointer(p)), len(b)/(4*n))
}
