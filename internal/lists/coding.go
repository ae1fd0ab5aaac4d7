package lists

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

const (
	// codings is what we accept, the best first.
	codings = "br, zstd, gzip"
	// maxWindow bounds the memory a zstd stream may ask for. RFC 9659 has the
	// same bound for the web.
	maxWindow = 8 << 20
)

// decoded returns the text of a body in a content coding, and a function that
// gives up what decoding holds.
func decoded(body io.Reader, coding string) (io.Reader, func(), error) {
	none := func() {}
	switch strings.ToLower(strings.TrimSpace(coding)) {
	case "", "identity":
		return body, none, nil
	case "gzip", "x-gzip":
		r, err := gzip.NewReader(body)
		if err != nil {
			return nil, none, fmt.Errorf("gzip: %w", err)
		}
		return r, none, nil
	case "br":
		return brotli.NewReader(body), none, nil
	case "zstd":
		r, err := zstd.NewReader(body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, none, fmt.Errorf("zstd: %w", err)
		}
		return r, r.Close, nil
	}
	return nil, none, fmt.Errorf("the content coding %.20q was not asked for", coding)
}

// errTooLarge is what a bounded reader says past its bound.
var errTooLarge = errors.New("too large")

// bounded reads at most left bytes and then fails, unlike io.LimitReader, which
// makes a part look like the whole.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n + int(b.left), errTooLarge
	}
	return n, err
}
