package proxy

import "encoding/binary"

// littleEndian says how this machine orders bytes.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1
