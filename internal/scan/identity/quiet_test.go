package identity

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestQuietIsRight: what quiet clears holds nothing that a search finds, be it
// the matrix or addresses and digests inside random tokens.
func TestQuietIsRight(t *testing.T) {
	t.Parallel()
	s := New(append([]string{"ann@home.example", "böb.grün@mail.example"}, me...))
	forms := []string{"Jane.Roe+shop@Mail.Example.org", "jane.roe", "maxmustermann@googlemail.com", "max.mustermann", "ann@home.example",
		"ann", "somebody@else.example.com", "home-example", "a=home.example", ""}
	wraps := encodings(t)
	r := rand.New(rand.NewPCG(3, 4))
	const b64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-_/"
	noise := func(n int) string {
		var b strings.Builder
		for range r.IntN(n) {
			b.WriteByte(b64[r.IntN(len(b64))])
		}
		return b.String()
	}
	cleared, searched, found := 0, 0, 0
	check := func(s *Set, u string) {
		mine, others := s.search(u)
		quiet := s.quiet(u, 0)
		switch {
		case quiet && len(mine)+len(others) > 0:
			t.Errorf("%q is called quiet, but holds %+v %+v", u, mine, others)
		case quiet:
			cleared++
		default:
			searched++
		}
		found += len(mine)
	}
	plain := New([]string{"reader17@home.example"})
	for _, wrap := range wraps {
		for _, form := range forms {
			for k := range 40 {
				token := wrap(form)
				if k > 10 {
					token = noise(9) + token + noise(9)
				}
				u := []string{"https://a.shop.org/%s/x.gif", "https://a.shop.org/o?u=%s&y=1", "https://%s.shop.org/", "//x/%s", "%s"}[k%5]
				check(s, fmt.Sprintf(u, token))
				check(nobody, fmt.Sprintf(u, token))
			}
		}
	}
	for range 6_000 {
		check(plain, "https://click.shop.example/ls/"+noise(60)+"?upn="+noise(120)+"&e="+noise(20))
	}
	if cleared < 8_000 || searched < 5000 || found < 5000 {
		t.Errorf("%d cleared, %d searched with %d proofs: the test does not see enough of each", cleared, searched, found)
	}
	t.Logf("%d cleared, %d searched, %d proofs", cleared, searched, found)
}

// TestQuietClears: what most mail is made of needs no search.
func TestQuietClears(t *testing.T) {
	t.Parallel()
	s := New([]string{"reader17@home.example"})
	for _, u := range []string{
		"https://img.shop.example/spacer.gif", "https://shop.example/catalogue/winter-2026/boots_brown.html?size=42&colour=brown",
		"https://click.shop.example/ls/click?upn=u001.kq3ZrT0vYwXbLm9PdHsGfJcNaE2iUoB4", "https://shop.example/?q=%C3%A9t%C3%A9",
		"https://e.shop.example/o/0123456789abcdeffedcba9876543210", "",
	} {
		if !s.quiet(u, 0) {
			t.Errorf("quiet(%q) is false, want true", u)
		}
	}
	for _, u := range []string{"https://shop.example/@x", "https://shop.example/reader17", "https://shop.example/?u=HOME.example", "https://shop.example/a&#64;b"} {
		if s.quiet(u, 0) {
			t.Errorf("quiet(%q) is true, want false", u)
		}
	}
}

func BenchmarkQuiet(b *testing.B) {
	s := New([]string{"reader17@home.example"})
	r := rand.New(rand.NewPCG(1, 2))
	const b64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	var list []string
	size := 0
	for range 200 {
		u := []byte("https://click.shop17.example/ls/click?upn=u001.")
		for range 90 {
			u = append(u, b64[r.IntN(len(b64))])
		}
		list = append(list, string(u))
		size += len(u)
	}
	b.SetBytes(int64(size))
	for b.Loop() {
		for _, u := range list {
			s.Search(u)
		}
	}
}
