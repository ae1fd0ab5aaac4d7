package dnsfilter

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// seeds are questions of many shapes.
func seeds(t testing.TB) [][]byte {
	out := [][]byte{{}, {1, 2, 3}, make([]byte, 12), bytes.Repeat([]byte{0xc0}, 40)}
	for _, m := range []*dns.Msg{
		query("a.example", dns.TypeA, nil), query("bad.example", dns.TypeAAAA, edns(1232, true)), query("shop.example", dns.TypeHTTPS, padded),
		query("_dns.resolver.arpa", dns.TypeSVCB, nil), query(`x\.y\000.example`, dns.TypeTXT, nil), query(".", dns.TypeNS, nil), query("none.example", dns.TypeANY, nil),
		query("a.example", dns.TypeA, func(m *dns.Msg) { m.SetTsig("key.", dns.HmacSHA256, 300, 0) }),
	} {
		out = append(out, pack(t, m))
	}
	return out
}

// checkAnswer holds what must be so of every answer to any packet.
func checkAnswer(t testing.TB, pkt, out []byte) {
	if out == nil {
		return
	}
	var m dns.Msg
	if err := m.Unpack(out); err != nil {
		t.Fatalf("answer to % x does not parse: %v: % x", pkt, err, out)
	}
	size := minUDP
	var q dns.Msg
	if q.Unpack(pkt) == nil {
		if o := q.IsEdns0(); o != nil {
			size = min(max(int(o.UDPSize()), minUDP), MaxUDP)
		} else if m.IsEdns0() != nil {
			t.Fatalf("OPT to a client without EDNS: % x", pkt)
		}
		if len(q.Question) == 1 && len(m.Question) == 1 && m.Question[0] != q.Question[0] {
			t.Fatalf("asked %v, answered %v", q.Question, m.Question)
		}
	}
	if !bytes.Equal(out[:2], pkt[:2]) || !m.Response || m.Authoritative || len(out) > size || m.Zero {
		t.Fatalf("answer to % x: %d bytes, %v", pkt, len(out), m)
	}
}

// packetDoor is a door whose upstream answers at once.
func packetDoor(t *testing.T) *rig {
	t.Helper()
	return newRig(t, Options{RateLimit: -1}, listed("bad.example"), "a.example. 300 IN A 93.184.216.34", "shop.example. 300 IN CNAME bad.example.")
}

func FuzzPacket(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	d := still(f, Options{Policy: policyOf(listed("bad.example"))})
	f.Fuzz(func(t *testing.T, pkt []byte) {
		out, _ := d.quick(pkt, loopback, UDP)
		checkAnswer(t, pkt, out)
	})
}

// TestMutatedPackets sends changed questions to a served door: each answer is
// sound, good questions between them are all answered, and memory stays. It
// runs alone: the heap is everybody's.
func TestMutatedPackets(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 20_000
	}
	g := packetDoor(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	all := seeds(t)
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range n {
		pkt := mutate(rnd, all)
		out, r := g.quick(pkt, loopback, UDP)
		if r != nil && i%50 == 0 { // the rest would only wait for a socket
			out = g.slow(g.ctx, r)
		}
		checkAnswer(t, pkt, out)
		if i%5000 == 0 {
			if m := g.ask(query("a.example", dns.TypeA, nil)); len(m.Answer) != 1 {
				t.Fatalf("after %d packets a good question got %v", i, m)
			}
		}
	}
	var after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&after)
	grown := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("the heap grew by %d kB over %d packets", grown>>10, n)
	if grown > 32<<20 {
		t.Errorf("the heap grew by %d bytes over %d packets, want less than 32 MB", grown, n)
	}
}

// mutate changes a few bytes of a packet, cuts it, or joins two.
func mutate(rnd *rand.Rand, all [][]byte) []byte {
	pkt := bytes.Clone(all[rnd.IntN(len(all))])
	switch rnd.IntN(4) {
	case 0:
		pkt = append(pkt, all[rnd.IntN(len(all))]...)
	case 1:
		pkt = pkt[:rnd.IntN(len(pkt)+1)]
	}
	for range rnd.IntN(6) {
		if len(pkt) > 0 {
			pkt[rnd.IntN(len(pkt))] = byte(rnd.Uint32())
		}
	}
	return pkt
}

// TestOnlyHere holds that nobody else speaks DNS with miekg's words.
func TestOnlyHere(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, path)
		rel = filepath.ToSlash(rel)
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasPrefix(rel, "internal/dnsfilter/") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range f.Imports {
			if strings.Contains(i.Path.Value, "miekg/dns") && !strings.HasPrefix(rel, "bench/") {
				t.Errorf("%s imports miekg/dns: only internal/dnsfilter does", rel)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
