package identity

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestTwoParts: an address whose halves stand in two values is found, and
// nothing that only looks like it.
func TestTwoParts(t *testing.T) {
	t.Parallel()
	s := New([]string{"alice@example.com", "bo@example.org", "info@shop.example", "Carla.Ruiz+n@gmail.com"})
	for _, tt := range []struct{ url, param, address string }{
		{"https://t.example/o.gif?user=alice&domain=example.com", "user", "alice@example.com"},
		{"https://t.example/o.gif?d=Example.COM&n=1&u=ALICE", "u", "alice@example.com"},
		{"https://t.example/o/example.com/alice/p.gif", "", "alice@example.com"},
		{"https://t.example/o?u=%61lice;d=example%2Ecom", "u", "alice@example.com"},
		{"https://t.example/o?u=carla.ruiz&d=gmail.com", "u", "Carla.Ruiz+n@gmail.com"},
		{"https://t.example/o?u=carlaruiz&d=gmail.com", "u", "Carla.Ruiz+n@gmail.com"},
	} {
		got := s.Find(tt.url)
		if len(got) != 1 || got[0].Form != TwoParts || got[0].Weak || got[0].Param != tt.param || got[0].Address != tt.address {
			t.Errorf("%s: got %+v, want %s in two parts in %q", tt.url, got, tt.address, tt.param)
		}
	}
	for _, u := range []string{
		"https://example.com/o?user=alice", "https://t.example/?user=alice&d=example.net", "https://t.example/?user=bo&d=example.org",
		"https://t.example/?user=info&d=shop.example", "https://t.example/?user=alice2&d=example.com", "https://t.example/?user=alice&d=www.example.com",
		"https://t.example/?user=carlaruiz&d=example.com",
	} {
		for _, p := range s.Find(u) {
			if !p.Weak {
				t.Errorf("%s: got %+v, want no proof", u, p)
			}
		}
	}
	// Beside the whole address the halves say nothing new.
	if got := s.Find("https://t.example/?e=alice@example.com&u=alice&d=example.com"); len(got) == 0 || got[0].Form != Address {
		t.Errorf("beside the whole address: got %+v", got)
	}
	r := rand.New(rand.NewPCG(7, 8))
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	for range 10_000 {
		var b strings.Builder
		for range 3 + r.IntN(12) {
			b.WriteByte(letters[r.IntN(len(letters))])
		}
		u := fmt.Sprintf("https://t.example/%s?user=%s&domain=example.com", b.String(), b.String())
		for _, p := range s.Find(u) {
			if !p.Weak && b.String() != "alice" {
				t.Fatalf("%s: false proof %+v", u, p)
			}
		}
	}
}

func TestShared(t *testing.T) {
	t.Parallel()
	s := New([]string{"sales@example.com", "alice@example.com", "talk-owner@lists.example"})
	for u, want := range map[string]bool{
		"https://t.example/?e=sales@example.com": true, "https://t.example/?e=alice@example.com": false, "https://t.example/?e=talk-owner@lists.example": true,
	} {
		if got := s.Find(u); len(got) != 1 || got[0].Shared != want || got[0].Named() == want {
			t.Errorf("%s: got %+v, want shared %v", u, got, want)
		}
	}
	_, others := s.Search("https://t.example/?e=support@other.example.com&f=joe@other.example.com")
	if len(others) != 2 || !others[0].Shared || others[1].Shared {
		t.Errorf("others: got %+v, want the first shared", others)
	}
}

func packedText(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	if _, err := w.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestWhatLiesPastABound: an address is found up to each bound and not past it.
func TestWhatLiesPastABound(t *testing.T) {
	t.Parallel()
	const mine = "jane.roe@mail.example"
	s := New([]string{mine})
	pad := func(n int) string { return strings.Repeat("=", n) }
	inflated := func(n int) string {
		return base64.RawURLEncoding.EncodeToString([]byte(packedText(t, strings.Repeat(" ", n)+mine)))
	}
	streams := func(n int) string { // starts of compressed data that break off, then one that does not
		return base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("\x78\x9c\xff", n) + packedText(t, mine)))
	}
	for _, tt := range []struct{ name, within, past string }{
		{"MaxURL", "//t.example/" + pad(MaxURL-12-len(mine)) + mine, "//t.example/" + pad(MaxURL-12) + mine},
		{"MaxInflated", "//t.example/" + pad(4000) + inflated(MaxInflated-100), "//t.example/" + pad(4000) + inflated(MaxInflated+100)},
		{"maxStreams", "//t.example/" + streams(maxStreams-1), "//t.example/" + streams(maxStreams)},
		{"maxSigns", "//t.example/" + strings.Repeat("@/", maxSigns-1) + mine, "//t.example/" + strings.Repeat("@/", maxSigns) + mine},
		{"maxParts", "//t.example/?" + strings.Repeat("a=1234&", maxParts-3) + "u=jane.roe&d=mail.example", "//t.example/?" + strings.Repeat("a=1234&", maxParts) + "u=jane.roe&d=mail.example"},
	} {
		strong := func(u string) bool {
			for _, p := range s.Find(u) {
				if !p.Weak {
					return true
				}
			}
			return false
		}
		if !strong(tt.within) {
			t.Errorf("%s: nothing found within it", tt.name)
		}
		if strong(tt.past) {
			t.Errorf("%s: found past it", tt.name)
		}
	}
}
