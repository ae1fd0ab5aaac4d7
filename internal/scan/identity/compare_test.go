package identity

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	a := []string{
		"https://cdn.example/logo.png",
		"https://t.example/c/aB3xZ9/17?u=1001&m=9",
		"https://t.example/c/aB3xZ9/18?u=1001&m=9",
		"https://t.example/o/8f3a9c01/o.gif",
		"https://a77.t.example/p.gif",
		"https://only.example/a",
	}
	b := []string{
		"https://cdn.example/logo.png",
		"https://t.example/c/Qq7yW1/17?u=1044&m=9",
		"https://t.example/c/Qq7yW1/18?u=1044&m=9&extra=1",
		"https://t.example/o/8f3b1c01/o.gif",
		"https://b12.t.example/p.gif",
		"https://elsewhere.example/b/c",
	}
	c := Compare(a, b)
	var got []string
	for _, p := range c.Pairs {
		line := fmt.Sprintf("%d-%d", p.A, p.B)
		for _, d := range p.Pieces {
			line += fmt.Sprintf(" %s:%s:", d.Where, d.Param)
			if p.A >= 0 && p.B >= 0 {
				line += a[p.A][d.A.Start:d.A.End] + "|" + b[p.B][d.B.Start:d.B.End]
			}
		}
		got = append(got, line)
	}
	want := []string{
		"0-0", "1-1 path::aB3xZ9|Qq7yW1 query:u:01|44", "2-2 path::aB3xZ9|Qq7yW1 query:u:01|44 query:extra:|1",
		"3-3 path::a9|b1", "4-4 subdomain::a77|b12", "5--1", "-1-5",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pairs (-want +got):\n%s", diff)
	}
	if c.Same != 1 {
		t.Errorf("same: got %d, want 1", c.Same)
	}
	if len(c.Own) == 0 || c.Own[0].Count != 2 {
		t.Errorf("own values: got %+v, want one that stands in two links first", c.Own)
	}
}

func TestCompareBounds(t *testing.T) {
	t.Parallel()
	var a, b []string
	for i := range MaxPairs + 10 {
		a = append(a, fmt.Sprintf("https://t.example/%d", i))
		b = append(b, fmt.Sprintf("https://t.example/%d", i+1))
	}
	if got := len(Compare(a, b).Pairs); got > 2*MaxPairs {
		t.Errorf("got %d pairs, want at most %d", got, 2*MaxPairs)
	}
	if got := Compare(nil, nil); len(got.Pairs) != 0 || got.Same != 0 {
		t.Errorf("nothing beside nothing: got %+v", got)
	}
	long, other := "https://t.example/?", "https://t.example/?"
	for i := range 3 * MaxPieces {
		long += fmt.Sprintf("&p%d=a", i)
		other += fmt.Sprintf("&p%d=b", i)
	}
	c := Compare([]string{long}, []string{other})
	if p := c.Pairs[0]; len(p.Pieces) != MaxPieces || !p.More {
		t.Errorf("got %d pieces, more %v; want %d and more", len(p.Pieces), p.More, MaxPieces)
	}
}
