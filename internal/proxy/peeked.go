package proxy

import (
	"errors"
	"net"
	"reflect"
	"sync/atomic"
)

// peeked is a tunnel's connection to the client. It gives back the bytes that
// were read to choose, and during the handshake it looks for an alert that is
// not encrypted: OpenSSL sends one after our encrypted flight, and crypto/tls
// can only call that a bad record.
type peeked struct {
	net.Conn
	t    *tunnel
	head []byte

	past  atomic.Bool // the handshake is over: look no more
	watch alertWatch
}

func (c *peeked) Read(p []byte) (n int, err error) {
	if len(c.head) > 0 {
		n = copy(p, c.head)
		if c.head = c.head[n:]; len(c.head) == 0 {
			c.head = nil
		}
	} else {
		n, err = c.Conn.Read(p)
	}
	if !c.past.Load() {
		c.watch.see(p[:n])
	}
	return n, err
}

// CloseWrite ends our direction alone.
func (c *peeked) CloseWrite() error { return closeWrite(c.Conn) }

const recordAlert = 21

// alertWatch follows a stream of TLS records for a plaintext alert.
type alertWatch struct {
	header [5]byte
	have   int // bytes of the header
	left   int // bytes of the record's body
	alert  []byte
}

func (w *alertWatch) see(b []byte) {
	for len(b) > 0 {
		if w.have < len(w.header) {
			n := copy(w.header[w.have:], b)
			w.have += n
			b = b[n:]
			if w.have == len(w.header) {
				w.left = int(w.header[3])<<8 | int(w.header[4])
			}
		} else {
			n := min(w.left, len(b))
			if w.header[0] == recordAlert && len(w.alert) < 2 {
				w.alert = append(w.alert, b[:min(n, 2-len(w.alert))]...)
			}
			w.left -= n
			b = b[n:]
		}
		if w.have == len(w.header) && w.left == 0 {
			w.have = 0
		}
	}
}

// code returns the alert seen, if its record was a plain one: an encrypted
// alert of TLS 1.2 is longer than two bytes and has no sense here.
func (w *alertWatch) code() (uint8, bool) {
	if len(w.alert) == 2 && w.header[0] == recordAlert && w.header[3] == 0 && w.header[4] == 2 {
		return w.alert[1], true
	}
	return 0, false
}

// refusalOf returns the alert by which a client refused our certificate: one
// of 42 to 46, or 48 (unknown_ca). A connection that just ends is none.
func refusalOf(err error, w *alertWatch) (code uint8, ok bool) {
	code, ok = remoteAlert(err)
	if !ok {
		code, ok = w.code()
	}
	return code, ok && (code >= 42 && code <= 46 || code == 48)
}

// remoteAlert takes the number out of an error that crypto/tls made of an
// alert; its type is not exported, but it is a uint8.
func remoteAlert(err error) (uint8, bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return 0, false
	}
	v := reflect.ValueOf(op.Err)
	if v.Kind() != reflect.Uint8 {
		return 0, false
	}
	return uint8(v.Uint()), true
}
