// Package hello reads a TLS ClientHello from the first bytes of a connection,
// without answering it: the name asked for, and the shape of the program that
// asks.
//
// In flow raw bytes from a peer, which may be anything; out flows a Hello, or
// word that more bytes are needed, or an error. It keeps no reference to its
// input and does no I/O.
package hello

import (
	"errors"
	"fmt"
)

// MaxSize is the most bytes of records that a ClientHello may take. Browsers
// with post-quantum key shares send about 2 KB.
const MaxSize = 64 << 10

const (
	recordHandshake = 22
	recordHeader    = 5
	maxRecord       = 1 << 14 // RFC 8446 §5.1, plaintext
	msgClientHello  = 1
	msgHeader       = 4
)

// ErrShort says that the bytes are the beginning of a ClientHello.
var ErrShort = errors.New("client hello is not complete")

// Hello is what a ClientHello says. Lists are in the order sent, GREASE
// values (RFC 8701) included.
type Hello struct {
	// ServerName is lower case without trailing dot, "" if none was sent. It is
	// what the client wrote, not checked to be a valid name.
	ServerName string
	Versions   []uint16 // supported_versions, or the legacy version alone
	Ciphers    []uint16
	Groups     []uint16
	SigAlgs    []uint16
	ALPN       []string
	// ECH is set if an encrypted_client_hello extension is there, real or GREASE.
	ECH bool
	// EarlyData is set if the client sends data before the handshake ends.
	EarlyData bool
}

// LooksLikeTLS reports whether first, the first byte of a connection, begins a
// TLS handshake record.
func LooksLikeTLS(first byte) bool { return first == recordHandshake }

// Parse reads the ClientHello that raw begins with; bytes after it are left
// alone. The error is ErrShort if raw ends before it does.
func Parse(raw []byte) (*Hello, error) {
	msg, err := message(raw)
	if err != nil {
		return nil, err
	}
	h := &Hello{}
	if !h.body(reader(msg)) {
		return nil, errors.New("client hello is malformed")
	}
	return h, nil
}

// message joins the fragments of the first handshake message.
func message(raw []byte) ([]byte, error) {
	var msg []byte
	for pos := 0; ; {
		if len(raw)-pos < recordHeader {
			if pos < len(raw) && raw[pos] != recordHandshake {
				return nil, fmt.Errorf("record type %d in place of a client hello", raw[pos])
			}
			return nil, short(len(raw))
		}
		size := int(raw[pos+3])<<8 | int(raw[pos+4])
		switch {
		case raw[pos] != recordHandshake:
			return nil, fmt.Errorf("record type %d in place of a client hello", raw[pos])
		case raw[pos+1] != 3:
			return nil, fmt.Errorf("record version %d.%d is not TLS", raw[pos+1], raw[pos+2])
		case size == 0 || size > maxRecord:
			return nil, fmt.Errorf("record of %d bytes in a client hello", size)
		}
		pos += recordHeader
		end := min(pos+size, len(raw))
		msg = append(msg, raw[pos:end]...)
		if done, err := complete(msg); done || err != nil {
			return trim(msg), err
		}
		if end-pos < size {
			return nil, short(len(raw))
		}
		pos = end
	}
}

func short(n int) error {
	if n >= MaxSize {
		return fmt.Errorf("client hello is longer than %d bytes", MaxSize)
	}
	return ErrShort
}

// complete reports whether msg holds the whole message.
func complete(msg []byte) (bool, error) {
	if len(msg) == 0 {
		return false, nil
	}
	if msg[0] != msgClientHello {
		return false, fmt.Errorf("handshake message %d in place of a client hello", msg[0])
	}
	if len(msg) < msgHeader {
		return false, nil
	}
	n := length(msg)
	if n > MaxSize {
		return false, fmt.Errorf("client hello of %d bytes is longer than %d", n, MaxSize)
	}
	return len(msg) >= msgHeader+n, nil
}

func trim(msg []byte) []byte {
	if len(msg) < msgHeader || len(msg) < msgHeader+length(msg) {
		return nil
	}
	return msg[msgHeader : msgHeader+length(msg)]
}

func length(msg []byte) int { return int(msg[1])<<16 | int(msg[2])<<8 | int(msg[3]) }
