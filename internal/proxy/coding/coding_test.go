package coding

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

var all = map[string]Kind{"gzip": Gzip, "deflate": Deflate, "br": Brotli, "zstd": Zstd}

func TestNamed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		want Kind
		ok   bool
	}{
		{"", None, true}, {" identity ", None, true}, {"GZIP", Gzip, true}, {"x-gzip", Gzip, true},
		{"deflate", Deflate, true}, {" br", Brotli, true}, {"zstd", Zstd, true}, {"dcb", None, false}, {"gzip,br", None, false},
	}
	for _, tt := range tests {
		if got, ok := Named(tt.name); got != tt.want || ok != tt.ok {
			t.Errorf("Named(%q) = %v, %v; want %v, %v", tt.name, got, ok, tt.want, tt.ok)
		}
	}
}

// text is n bytes that compress somewhat, different for every seed.
func text(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, 0, n+16)
	for len(b) < n {
		b = fmt.Appendf(b, "<p>%d words</p>", r.IntN(1000))
	}
	return b[:n]
}

func packed(t testing.TB, c *Coders, k Kind, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	e := c.Encoder(k, &b)
	half := len(body) / 2
	_, err1 := e.Write(body[:half])
	err2 := e.Flush()
	_, err3 := e.Write(body[half:])
	if err := errors.Join(err1, err2, err3, e.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func unpacked(c *Coders, k Kind, body []byte) ([]byte, error) {
	r, err := c.Decoder(k, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// TestUsedAgain: what bodies before it were, whole, broken or left half read,
// shows in no body.
func TestUsedAgain(t *testing.T) {
	t.Parallel()
	for name, k := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var c Coders
			for i := range 24 {
				want := text(uint64(i), 1+i*i*197)
				b := packed(t, &c, k, want)
				if got, err := unpacked(&c, k, b); err != nil || !bytes.Equal(got, want) {
					t.Fatalf("body %d of %d bytes: got %d bytes, %v", i, len(want), len(got), err)
				}
				if got, whole := c.Decode(k, b, len(want)); !whole || !bytes.Equal(got, want) {
					t.Fatalf("body %d of %d bytes at once: got %d bytes, whole %v", i, len(want), len(got), whole)
				}
				if got, whole := c.Decode(k, b, len(want)-1); whole || !bytes.Equal(got, want[:len(want)-1]) {
					t.Fatalf("body %d of %d bytes, one byte less: got %d bytes, whole %v", i, len(want), len(got), whole)
				}
				if got, whole := c.Decode(k, b[:len(b)/2], len(want)); whole {
					t.Fatalf("half of body %d at once is taken for all: %d bytes", i, len(got))
				}
				switch i % 3 {
				case 0:
					if got, err := unpacked(&c, k, b[:len(b)/2]); err == nil {
						t.Fatalf("half of body %d is taken for all: %d bytes", i, len(got))
					}
				case 1:
					b[len(b)/2] ^= 0x55
					_, _ = unpacked(&c, k, b)
				case 2:
					r, err := c.Decoder(k, bytes.NewReader(b))
					if err != nil {
						t.Fatal(err)
					}
					_, _ = r.Read(make([]byte, 10))
				}
			}
		})
	}
}

// TestAtOnce: bodies that flow at the same time share nothing.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	var c Coders
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 5 {
				for name, k := range all {
					want := text(uint64(i*100+j), 20000)
					if got, err := unpacked(&c, k, packed(t, &c, k, want)); err != nil || !bytes.Equal(got, want) {
						t.Errorf("%s: got %d bytes, %v; want %d", name, len(got), err, len(want))
					}
				}
			}
		})
	}
	wg.Wait()
}

// TestEnd: a decoder that has ended stays at its end, though somebody else has
// it by then.
func TestEnd(t *testing.T) {
	t.Parallel()
	for name, k := range all {
		var c Coders
		b := packed(t, &c, k, []byte("one"))
		first, err := c.Decoder(k, bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(first); string(got) != "one" || err != nil {
			t.Fatalf("%s: %q, %v", name, got, err)
		}
		second, err := c.Decoder(k, bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if n, err := first.Read(make([]byte, 10)); n != 0 || err != io.EOF {
			t.Errorf("%s: reading on gives %d, %v", name, n, err)
		}
		if got, err := io.ReadAll(second); string(got) != "one" || err != nil {
			t.Errorf("%s: the second body is %q, %v", name, got, err)
		}
	}
}

// TestBareDeflate: deflate without zlib's frame, as half the world sends it.
func TestBareDeflate(t *testing.T) {
	t.Parallel()
	var c Coders
	want := text(1, 5000)
	for range 3 {
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, 5)
		if _, err := w.Write(want); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := unpacked(&c, Deflate, b.Bytes()); err != nil || !bytes.Equal(got, want) {
			t.Errorf("got %d bytes, %v", len(got), err)
		}
		if got, err := unpacked(&c, Deflate, packed(t, &c, Deflate, want)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("framed: got %d bytes, %v", len(got), err)
		}
	}
}

// TestWindow: zstd that asks for more memory than the web allows is refused.
func TestWindow(t *testing.T) {
	t.Parallel()
	// A frame's head with a window of 16 MB (RFC 8878, 3.1.1), one empty block.
	frame := "\x28\xb5\x2f\xfd\x00\x70\x01\x00\x00"
	for window, ok := range map[byte]bool{0x68: true, 0x70: false} {
		b := []byte(strings.Replace(frame, "\x70", string([]byte{window}), 1))
		if _, err := unpacked(new(Coders), Zstd, b); (err == nil) != ok {
			t.Errorf("window descriptor %#x: %v", window, err)
		}
	}
}

// FuzzDecoder: a decoder that others have used gives what a new one gives.
func FuzzDecoder(f *testing.F) {
	var c Coders
	for _, k := range all {
		f.Add(uint8(k), packed(f, &c, k, []byte("some words, some words")))
	}
	const most = 1 << 16
	f.Add(uint8(Gzip), []byte{0x1f})
	read := func(c *Coders, k Kind, b []byte) ([]byte, bool) {
		r, err := c.Decoder(k, bytes.NewReader(b))
		if err != nil {
			return nil, false
		}
		out, err := io.ReadAll(io.LimitReader(r, most))
		return out, err == nil
	}
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) {
		k := Kind(kind) % bareDeflate
		got, whole := read(&c, k, b)
		want, also := read(new(Coders), k, b)
		if !bytes.Equal(got, want) || whole != also {
			t.Errorf("coding %d: %d bytes, whole %v; a new decoder gives %d, %v", k, len(got), whole, len(want), also)
		}
		if at, all := c.Decode(k, b, most-1); !bytes.Equal(at, want[:min(len(want), most-1)]) || all != (also && len(want) < most) {
			t.Errorf("coding %d at once: %d bytes, whole %v; a reader gives %d, %v", k, len(at), all, len(want), also)
		}
	})
}
