package trust

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestHandshake lets a client that trusts the root alone connect by name and
// by address.
func TestHandshake(t *testing.T) {
	t.Parallel()
	ca := newTestCA(t)
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate())
	for _, tc := range []struct{ connect, client string }{
		{"shop.example", "shop.example"},
		{"shop.example.", "shop.example"},
		{"SHOP.Example", "shop.example"},
		{"r3---sn-4g5_x.cdn.example", "r3---sn-4g5_x.cdn.example"},
		{"bücher.example", "xn--bcher-kva.example"},
		{"192.0.2.7", "192.0.2.7"},
		{"2001:db8::7", "2001:db8::7"},
		{"[2001:db8::7]", "2001:db8::7"},
		{"::ffff:192.0.2.7", "192.0.2.7"},
	} {
		t.Run(tc.connect, func(t *testing.T) {
			t.Parallel()
			state, err := handshake(ca, tc.connect, &tls.Config{RootCAs: roots, ServerName: tc.client})
			if err != nil {
				t.Fatal(err)
			}
			if n := len(state.PeerCertificates); n != 2 || !state.PeerCertificates[1].Equal(ca.Certificate()) {
				t.Errorf("chain of %d, want the leaf and the root", n)
			}
		})
	}
	if _, err := handshake(ca, "shop.example", &tls.Config{ServerName: "shop.example"}); err == nil {
		t.Error("a client that does not trust the root accepted the leaf")
	}
	other := &tls.Config{RootCAs: roots, ServerName: "192.0.2.8"}
	if _, err := handshake(ca, "192.0.2.7", other); err == nil {
		t.Error("a leaf for 192.0.2.7 was accepted for 192.0.2.8")
	}
}

func handshake(ca *CA, connect string, client *tls.Config) (tls.ConnectionState, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	server := tls.Server(far, &tls.Config{GetCertificate: ca.GetCertificate(connect)})
	go func() { _ = server.HandshakeContext(ctx) }()
	conn := tls.Client(near, client)
	err := conn.HandshakeContext(ctx)
	return conn.ConnectionState(), err
}

func TestLeafFields(t *testing.T) {
	t.Parallel()
	ca := newTestCA(t)
	now := time.Now()
	c, err := ca.Leaf("a.example")
	if err != nil {
		t.Fatal(err)
	}
	leaf := c.Leaf
	if diff := cmp.Diff([]string{"a.example"}, leaf.DNSNames); diff != "" || leaf.Subject.CommonName != "" || len(leaf.IPAddresses) != 0 {
		t.Errorf("names (-want +got) %s, common name %q, want the one name only", diff, leaf.Subject.CommonName)
	}
	if diff := cmp.Diff([]x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, leaf.ExtKeyUsage); diff != "" || leaf.IsCA {
		t.Errorf("usage (-want +got) %s, IsCA %v", diff, leaf.IsCA)
	}
	if early := now.Sub(leaf.NotBefore); early < 59*time.Minute {
		t.Errorf("valid since %v ago, want an hour", early)
	}
	if left := leaf.NotAfter.Sub(now); left > leafLife+time.Minute || left < leafLife-time.Minute {
		t.Errorf("valid for %v, want %v", left, leafLife)
	}
	if bits := leaf.SerialNumber.BitLen(); bits < 64 || leaf.SerialNumber.Sign() <= 0 {
		t.Errorf("serial %v has %d bits, want about 128 and positive", leaf.SerialNumber, bits)
	}
	other, err := ca.Leaf("b.example")
	if err != nil {
		t.Fatal(err)
	}
	if other.PrivateKey != c.PrivateKey {
		t.Error("two leaves have two keys, want one for the process")
	}
	if other.Leaf.SerialNumber.Cmp(leaf.SerialNumber) == 0 {
		t.Error("two leaves share a serial number")
	}
}

func TestLeafNeverOutlivesRoot(t *testing.T) {
	t.Parallel()
	ca := newTestCA(t)
	end := ca.Certificate().NotAfter
	ca.now = func() time.Time { return end.Add(-time.Hour) }
	c, err := ca.Leaf("a.example")
	if err != nil {
		t.Fatal(err)
	}
	if c.Leaf.NotAfter.After(end) {
		t.Errorf("leaf ends %v, after the root's %v", c.Leaf.NotAfter, end)
	}
}

func TestLeafRefuses(t *testing.T) {
	t.Parallel()
	ca := newTestCA(t)
	label := strings.Repeat("a", maxLabel)
	for _, host := range []string{
		"", ".", "..", "a..b", ".a", "a b", "*.example", "a/b", "a:443", "user@a.example", "a\x00b", "a\n.example",
		"1.2.3", "300.1.1.1", "fe80::1%eth0", "[fe80::1%25eth0]", "[a.example]",
		label + "a.example", strings.Repeat(label+".", 4) + "example", strings.Repeat("é", 2000), "\xff\xfe.example",
	} {
		if c, err := ca.Leaf(host); !errors.Is(err, ErrBadHost) {
			t.Errorf("Leaf(%q) = a leaf: %v, error %v, want ErrBadHost", host, c != nil, err)
		}
	}
	if n := ca.leaves.len(); n != 0 {
		t.Errorf("%d leaves kept for refused names", n)
	}
}

func TestLeafIsCachedAndRenewed(t *testing.T) {
	t.Parallel()
	ca := newTestCA(t)
	start := time.Now()
	at := func(d time.Duration, host string) *tls.Certificate {
		ca.now = func() time.Time { return start.Add(d) }
		c, err := ca.Leaf(host)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := at(0, "a.example")
	if at(time.Hour, "A.example.") != first {
		t.Error("the same host an hour later has another leaf")
	}
	if at(leafLife-leafRenew-time.Minute, "a.example") != first {
		t.Error("renewed with more than a day left")
	}
	second := at(leafLife-leafRenew+time.Minute, "a.example")
	if second == first {
		t.Error("not renewed with less than a day left")
	}
	if at(0, "a.example") == second {
		t.Error("a leaf of the future was served after the clock went back")
	}
}

func TestLeafCacheIsBounded(t *testing.T) {
	t.Parallel()
	ca := newTestCA(t)
	first, err := ca.Leaf("0.example")
	if err != nil {
		t.Fatal(err)
	}
	shared := &tls.Certificate{Leaf: first.Leaf}
	for i := 1; i < maxLeaves; i++ {
		ca.leaves.put(fmt.Sprintf("%d.example", i), shared)
	}
	if c := ca.leaves.get("0.example", ca.now()); c != first { // now the newest
		t.Fatal("evicted before the bound")
	}
	ca.leaves.put("extra.example", shared)
	if n := ca.leaves.len(); n != maxLeaves || len(ca.leaves.byKey) != maxLeaves {
		t.Errorf("%d leaves kept (%d keys), want %d", n, len(ca.leaves.byKey), maxLeaves)
	}
	if ca.leaves.get("0.example", ca.now()) == nil {
		t.Error("the leaf used last was evicted")
	}
	if ca.leaves.get("1.example", ca.now()) != nil {
		t.Error("the oldest leaf was kept past the bound")
	}
}

func TestLeafConcurrently(t *testing.T) {
	t.Parallel()
	ca := newTestCA(t)
	var wg sync.WaitGroup
	got := make([]*tls.Certificate, 32)
	for i := range got {
		wg.Go(func() {
			c, err := ca.Leaf("busy.example")
			if err != nil {
				t.Error(err)
			}
			got[i] = c
		})
	}
	wg.Wait()
	for i, c := range got {
		if c != got[0] {
			t.Errorf("caller %d has another leaf than caller 0", i)
		}
	}
}

func FuzzLeafName(f *testing.F) {
	for _, s := range []string{"shop.example.", "bücher.example", "[::1]", "1.2.3.4", "a_b.c", "..", "xn--a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, host string) {
		name, err := leafName(host)
		if err != nil {
			return
		}
		if again, err := leafName(name); err != nil || again != name {
			t.Fatalf("leafName(%q) = %q, of which leafName makes %q, %v", host, name, again, err)
		}
	})
}

func BenchmarkMint(b *testing.B) {
	ca := newTestCA(b)
	for b.Loop() {
		if _, err := ca.mint("shop.example", ca.now()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLeafCached(b *testing.B) {
	ca := newTestCA(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ca.Leaf("shop.example"); err != nil {
			b.Fatal(err)
		}
	}
}
