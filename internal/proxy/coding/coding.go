// Package coding undoes and does the content codings of HTTP bodies (RFC 9110,
// 8.4): gzip, deflate, br and zstd.
//
// In flows a body in a coding, out flows the body, and the other way round. A
// decoder and an encoder own tables and windows of up to megabytes: those of
// bodies that ended whole are used again for later ones. It never bounds how
// long a body becomes: the reader does.
package coding

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

const (
	// maxWindow is the memory that zstd may ask for (RFC 9659).
	maxWindow = 8 << 20
	// encodeWindow is how far our own zstd looks back.
	encodeWindow = 256 << 10
	// Levels at which compressing costs little: the way to the browser is
	// short, or was paid for by the site.
	gzipLevel   = 2
	brotliLevel = 1
)

// Kind is a coding.
type Kind uint8

// The codings. None is that of a body which has none, and of no name.
const (
	None Kind = iota
	Gzip
	Deflate
	Brotli
	Zstd
	// bareDeflate is deflate without zlib's frame, which half the world sends
	// under its name.
	bareDeflate
	kinds
)

// Named returns the coding that a name means in Content-Encoding, in any case
// and with space around it. ok is false for one that is not known; "" and
// "identity" are None.
func Named(name string) (k Kind, ok bool) {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "", "identity":
		return None, true
	case "gzip", "x-gzip":
		return Gzip, true
	case "deflate":
		return Deflate, true
	case "br":
		return Brotli, true
	case "zstd":
		return Zstd, true
	}
	return None, false
}

// Coders makes decoders and encoders. Its zero value is ready; it may be used
// from several goroutines and must not be copied.
type Coders struct {
	undo, do [kinds]sync.Pool
	room     sync.Pool // *[]byte, for Decode
}

// Encoder compresses. Flush passes on all that was written; Close ends the
// coding, without closing what is written to. Nothing may be called after Close.
type Encoder interface {
	io.WriteCloser
	Flush() error
}

// decoder is what the decoders have in common behind their wrappings.
type decoder interface {
	io.Reader
	Reset(io.Reader) error
}

// Decoder returns a reader of r without the coding, which reads ahead in r. It
// needs no closing; once it has returned io.EOF nothing may be read any more.
// Reading from r may fail here, as far as a coding begins with a header.
func (c *Coders) Decoder(k Kind, r io.Reader) (io.Reader, error) {
	switch k {
	case None:
		return r, nil
	case Deflate:
		br := bufio.NewReader(r)
		if b, _ := br.Peek(2); !framed(b) {
			k = bareDeflate
		}
		r = br
	}
	d := c.decoder(k)
	if err := d.Reset(r); err != nil {
		return nil, fmt.Errorf("content coding: %w", err)
	}
	return &pooled{d: d, home: &c.undo[k]}, nil
}

func (c *Coders) decoder(k Kind) decoder {
	if d, ok := c.undo[k].Get().(decoder); ok {
		return d
	}
	return newDecoder(k)
}

// framed reports whether b begins as zlib does (RFC 1950, 2.2).
func framed(b []byte) bool {
	return len(b) >= 2 && b[0]&0x0f == 8 && (uint(b[0])<<8|uint(b[1]))%31 == 0
}

// Decode undoes the coding of a whole body and returns at most limit bytes of
// it, a copy. whole is false if that is not all, be the body longer, broken or
// cut short.
func (c *Coders) Decode(k Kind, body []byte, limit int) (out []byte, whole bool) {
	switch {
	case k == None:
		return bytes.Clone(body[:min(len(body), limit)]), len(body) <= limit
	case k == Deflate && !framed(body):
		k = bareDeflate
	}
	d := c.decoder(k)
	room, _ := c.room.Get().(*[]byte)
	if room == nil {
		room = new([]byte)
	}
	*room = slices.Grow((*room)[:0], min(limit+1, leastRoom))
	err := d.Reset(bytes.NewReader(body))
	if err == io.EOF {
		err = io.ErrUnexpectedEOF // not even a header
	}
	for err == nil && len(*room) <= limit {
		*room = slices.Grow(*room, min(limit+1-len(*room), leastRoom))
		var n int
		n, err = d.Read((*room)[len(*room):min(cap(*room), limit+1)])
		*room = (*room)[:len(*room)+n]
	}
	out, whole = bytes.Clone((*room)[:min(len(*room), limit)]), err == io.EOF && len(*room) <= limit
	_ = d.Reset(nothing{})
	c.undo[k].Put(d)
	c.room.Put(room)
	return out, whole
}

// leastRoom is the room that Decode reads into at least.
const leastRoom = 4 << 10

// pooled gives its decoder back when the body has ended, and not before: whoever
// closes a body may still be reading it elsewhere. What fails is not used again.
type pooled struct {
	d    decoder
	home *sync.Pool
}

func (p *pooled) Read(b []byte) (int, error) {
	if p.d == nil {
		return 0, io.EOF
	}
	n, err := p.d.Read(b)
	if err == io.EOF {
		// Nothing of the body stays behind; an error shows in the next Reset.
		_ = p.d.Reset(nothing{})
		p.home.Put(p.d)
		p.d = nil
	}
	return n, err
}

type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, io.EOF }

func newDecoder(k Kind) decoder {
	switch k {
	case Gzip:
		return new(gzip.Reader)
	case Deflate:
		return new(zlibDecoder)
	case Brotli:
		return brotli.NewReader(nil)
	case Zstd:
		return newZstd()
	}
	return &flateDecoder{flate.NewReader(nil)}
}

// zlibDecoder is made with its first body: zlib has no reader without one.
type zlibDecoder struct{ io.ReadCloser }

func (z *zlibDecoder) Reset(r io.Reader) (err error) {
	if z.ReadCloser == nil {
		z.ReadCloser, err = zlib.NewReader(r)
		return err
	}
	return z.ReadCloser.(zlib.Resetter).Reset(r, nil)
}

type flateDecoder struct{ io.ReadCloser }

func (f *flateDecoder) Reset(r io.Reader) error { return f.ReadCloser.(flate.Resetter).Reset(r, nil) }

func newZstd() decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		panic(err) // an option is wrong
	}
	return d
}

// Encoder returns a compressor that writes to w, which for None only passes on.
func (c *Coders) Encoder(k Kind, w io.Writer) Encoder {
	if k == None {
		return plain{w}
	}
	e, _ := c.do[k].Get().(encoder)
	if e == nil {
		e = newEncoder(k)
	}
	e.Reset(w)
	return &lent{encoder: e, home: &c.do[k]}
}

type encoder interface {
	Encoder
	Reset(io.Writer)
}

// lent goes back to its home when the coding has ended.
type lent struct {
	encoder
	home *sync.Pool
}

func (l *lent) Close() error {
	err := l.encoder.Close()
	l.encoder.Reset(io.Discard)
	l.home.Put(l.encoder)
	l.encoder = nil
	return err
}

func newEncoder(k Kind) encoder {
	switch k {
	case Gzip:
		e, _ := gzip.NewWriterLevel(nil, gzipLevel)
		return e
	case Brotli:
		return brotli.NewWriterLevel(nil, brotliLevel)
	case Zstd:
		e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(encodeWindow))
		if err != nil {
			panic(err) // an option is wrong
		}
		return e
	}
	e, _ := zlib.NewWriterLevel(nil, gzipLevel)
	return e
}

type plain struct{ io.Writer }

func (plain) Flush() error { return nil }
func (plain) Close() error { return nil }
