package hello

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"math/rand"
	"net"
	"slices"
	"testing"
	"time"
)

// capture returns the first flight of a real TLS client.
func capture(t testing.TB, cfg *tls.Config) []byte {
	t.Helper()
	client, server := net.Pipe()
	defer server.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = tls.Client(client, cfg).Handshake()
	}()
	_ = server.SetDeadline(time.Now().Add(10 * time.Second))
	head := make([]byte, recordHeader)
	if _, err := io.ReadFull(server, head); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, int(head[3])<<8|int(head[4]))
	if _, err := io.ReadFull(server, body); err != nil {
		t.Fatal(err)
	}
	client.Close()
	<-done
	return append(head, body...)
}

func TestParseRealHello(t *testing.T) {
	t.Parallel()
	raw := capture(t, &tls.Config{ServerName: "Shop.Example.", NextProtos: []string{"h2", "http/1.1"}})
	h, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if h.ServerName != "shop.example" || !slices.Equal(h.ALPN, []string{"h2", "http/1.1"}) {
		t.Errorf("name %q alpn %v", h.ServerName, h.ALPN)
	}
	if !slices.Contains(h.Versions, tls.VersionTLS13) || len(h.Ciphers) == 0 || len(h.Groups) == 0 || len(h.SigAlgs) == 0 {
		t.Errorf("lists: %+v", h)
	}
	if h.ECH || h.EarlyData {
		t.Errorf("ech %v early %v, want neither", h.ECH, h.EarlyData)
	}
}

func TestParseFragmentsAndPrefixes(t *testing.T) {
	t.Parallel()
	raw := capture(t, &tls.Config{ServerName: "a.example"})
	for n := range raw {
		if _, err := Parse(raw[:n]); !errors.Is(err, ErrShort) {
			t.Fatalf("first %d of %d bytes: %v, want ErrShort", n, len(raw), err)
		}
	}
	want, _ := Parse(raw)
	for _, size := range []int{1, 2, 7, 100} {
		var b []byte
		for rest := raw[recordHeader:]; len(rest) > 0; {
			n := min(size, len(rest))
			b = append(b, recordHandshake, 3, 1, 0, byte(n))
			b = append(b, rest[:n]...)
			rest = rest[n:]
		}
		got, err := Parse(append(b, "trailing"...))
		if err != nil || got.ServerName != want.ServerName || got.Shape() != want.Shape() {
			t.Errorf("records of %d: %v %v", size, got, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	endless := bytes.Repeat([]byte{recordHandshake, 3, 1, 0, 1, 1}, MaxSize)
	huge := []byte{recordHandshake, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff}
	long := append([]byte{recordHandshake, 3, 1, 0x40, 0, 1, 1, 0, 0}, bytes.Repeat([]byte{0}, 1<<14-4)...)
	for len(long) < MaxSize {
		long = append(long, append([]byte{recordHandshake, 3, 1, 0, 1}, 0)...)
	}
	raw := capture(t, &tls.Config{ServerName: "a.example"})
	broken := slices.Clone(raw)
	broken[recordHeader+msgHeader+34] = 0xff // session id longer than the message
	for name, b := range map[string][]byte{
		"http":         []byte("GET / HTTP/1.1\r\n"),
		"ssl2":         {0x80, 0x2e, 1, 0, 2},
		"alert":        {21, 3, 1, 0, 2, 1, 0},
		"empty record": {22, 3, 1, 0, 0},
		"giant record": {22, 3, 1, 0xff, 0xff},
		"server hello": {22, 3, 1, 0, 4, 2, 0, 0, 0},
		"endless":      endless, "huge": huge, "past the bound": long, "broken": broken,
		"not tls": {22, 2, 0, 0, 1},
	} {
		if _, err := Parse(b); err == nil || errors.Is(err, ErrShort) {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
}

func TestShape(t *testing.T) {
	t.Parallel()
	base := Hello{Versions: []uint16{0x0304, 0x0303}, Ciphers: []uint16{0x1301, 0x1302, 0xc02b},
		Groups: []uint16{29, 23}, SigAlgs: []uint16{0x0403, 0x0804}}
	greased := func(list []uint16, g uint16) []uint16 { return append([]uint16{g}, list...) }
	rng := rand.New(rand.NewSource(1))
	for i := range 64 {
		h := base
		g := uint16(i%16)<<12 | uint16(i%16)<<4 | 0x0a0a
		h.Versions, h.Ciphers = greased(base.Versions, g), greased(base.Ciphers, g)
		h.Groups, h.SigAlgs = greased(base.Groups, g), append(slices.Clone(base.SigAlgs), g)
		rng.Shuffle(len(h.SigAlgs), func(i, j int) { h.SigAlgs[i], h.SigAlgs[j] = h.SigAlgs[j], h.SigAlgs[i] })
		h.ALPN, h.ServerName, h.ECH = []string{"h2"}, "other.example", i%2 == 0
		if got, want := h.Shape(), base.Shape(); got != want {
			t.Fatalf("grease %#x: %s, want %s", g, got, want)
		}
	}
	for name, other := range map[string]Hello{
		"version": {Versions: base.Versions[:1], Ciphers: base.Ciphers, Groups: base.Groups, SigAlgs: base.SigAlgs},
		"cipher":  {Versions: base.Versions, Ciphers: base.Ciphers[:2], Groups: base.Groups, SigAlgs: base.SigAlgs},
		"group":   {Versions: base.Versions, Ciphers: base.Ciphers, Groups: []uint16{29, 24}, SigAlgs: base.SigAlgs},
		"sigalg":  {Versions: base.Versions, Ciphers: base.Ciphers, Groups: base.Groups, SigAlgs: nil},
		"moved":   {Versions: base.Versions, Ciphers: base.Ciphers, Groups: append(slices.Clone(base.Groups), 0x403), SigAlgs: base.SigAlgs[1:]},
	} {
		if other.Shape() == base.Shape() {
			t.Errorf("%s: shape did not change", name)
		}
	}
}

func TestShapeOfRealClients(t *testing.T) {
	t.Parallel()
	shape := func(cfg *tls.Config) string {
		h, err := Parse(capture(t, cfg))
		if err != nil {
			t.Fatal(err)
		}
		return h.Shape()
	}
	one := shape(&tls.Config{ServerName: "a.example"})
	if two := shape(&tls.Config{ServerName: "b.example", NextProtos: []string{"h2"}}); one != two {
		t.Errorf("same program, other host: %s and %s", one, two)
	}
	if old := shape(&tls.Config{ServerName: "a.example", MaxVersion: tls.VersionTLS12}); one == old {
		t.Error("a TLS 1.2 client has the shape of a TLS 1.3 client")
	}
}

func TestGrease(t *testing.T) {
	t.Parallel()
	n := 0
	for v := range 1 << 16 {
		if grease(uint16(v)) {
			n++
		}
	}
	if n != 16 || !grease(0x0a0a) || !grease(0xfafa) || grease(0x0a1a) {
		t.Errorf("%d grease values, want 16", n)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(capture(f, &tls.Config{ServerName: "a.example", NextProtos: []string{"h2"}}))
	f.Add([]byte{22, 3, 1, 0, 4, 1, 0, 0, 0})
	f.Add([]byte("CONNECT"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := Parse(b)
		if (h == nil) == (err == nil) {
			t.Fatalf("hello %v and error %v", h, err)
		}
		if err != nil {
			return
		}
		if len(h.Shape()) != 16 {
			t.Errorf("shape %q", h.Shape())
		}
		again, err := Parse(append(slices.Clone(b), b...))
		if err != nil || again.Shape() != h.Shape() {
			t.Errorf("what follows the hello changed it: %v", err)
		}
	})
}
