package filter

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

const (
	// maxDecoded is the longest body after its content coding is undone.
	maxDecoded = 1 << 20
	// maxRatio is how many times longer a body may become by that; short ones
	// may always become minDecoded long.
	maxRatio   = 100
	minDecoded = 64 << 10
	// maxCodings is how many codings may lie over each other.
	maxCodings = 3
	// maxWindow is the memory that zstd may ask for (RFC 9659).
	maxWindow = 8 << 20
)

// decode undoes the content codings of body (RFC 9110, 8.4) and returns at
// most limit bytes, fewer if they grow out of all proportion. whole is false
// if that is not all of it, be it cut, broken or of an unknown coding.
func decode(codings string, body []byte, limit int) (out []byte, whole bool) {
	list := strings.Split(codings, ",")
	if len(list) > maxCodings {
		return nil, false
	}
	limit = min(limit, max(minDecoded, maxRatio*len(body)))
	out, whole = body, true
	for i := len(list) - 1; i >= 0; i-- {
		name := strings.ToLower(strings.TrimSpace(list[i]))
		if name == "" || name == "identity" {
			continue
		}
		var all bool
		out, all = undo(name, out, limit)
		whole = whole && all
	}
	if len(out) > limit {
		return out[:limit], false
	}
	return out, whole
}

// undo undoes one coding.
func undo(name string, body []byte, limit int) (out []byte, whole bool) {
	rd, err := decoder(name, body)
	if err != nil {
		return nil, false
	}
	defer rd.Close()
	out, err = io.ReadAll(io.LimitReader(rd, int64(limit)+1))
	if len(out) > limit {
		return out[:limit], false
	}
	return out, err == nil
}

func decoder(name string, body []byte) (io.ReadCloser, error) {
	src := bytes.NewReader(body)
	switch name {
	case "gzip", "x-gzip":
		return gzip.NewReader(src)
	case "deflate":
		// The name means zlib; half the world sends the bare format.
		br := bufio.NewReader(src)
		if b, _ := br.Peek(2); len(b) == 2 && b[0]&0x0f == 8 && (uint(b[0])<<8|uint(b[1]))%31 == 0 {
			return zlib.NewReader(br)
		}
		return flate.NewReader(br), nil
	case "br":
		return io.NopCloser(brotli.NewReader(src)), nil
	case "zstd":
		d, err := zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return nil, fmt.Errorf("content coding %q is not known", name)
}
