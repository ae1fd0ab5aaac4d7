package rewrite

import (
	"bufio"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// coding undoes and does a content coding.
type coding struct {
	undo func(io.Reader) (io.ReadCloser, error)
	do   func(io.Writer) encoder
}

// encoder is what all compressors have in common.
type encoder interface {
	io.WriteCloser
	Flush() error
}

const (
	// maxWindow is the memory that zstd may ask for (RFC 9659).
	maxWindow = 8 << 20
	// Levels at which compressing costs little: the way to the browser is
	// short, or was paid for by the site.
	gzipLevel   = 2
	brotliLevel = 1
)

var codings = map[string]coding{
	"gzip":    {ungzip, dogzip},
	"x-gzip":  {ungzip, dogzip},
	"deflate": {undeflate, func(w io.Writer) encoder { e, _ := zlib.NewWriterLevel(w, gzipLevel); return e }},
	"br": {
		func(r io.Reader) (io.ReadCloser, error) { return io.NopCloser(brotli.NewReader(r)), nil },
		func(w io.Writer) encoder { return brotli.NewWriterLevel(w, brotliLevel) },
	},
	"zstd": {unzstd, dozstd},
}

func ungzip(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) }

func dogzip(w io.Writer) encoder { e, _ := gzip.NewWriterLevel(w, gzipLevel); return e }

// undeflate reads what the name means, zlib, and the bare format that half the
// world sends.
func undeflate(r io.Reader) (io.ReadCloser, error) {
	br := bufio.NewReader(r)
	if b, _ := br.Peek(2); len(b) == 2 && b[0]&0x0f == 8 && (uint(b[0])<<8|uint(b[1]))%31 == 0 {
		return zlib.NewReader(br)
	}
	return flate.NewReader(br), nil
}

func unzstd(r io.Reader) (io.ReadCloser, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

func dozstd(w io.Writer) encoder {
	e, _ := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(256<<10))
	return e
}
