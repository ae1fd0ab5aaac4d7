package mail

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect/markup"
)

func has(m *Message, w What) bool {
	return slices.ContainsFunc(m.Problems, func(p Problem) bool { return p.What == w })
}

// TestMaxDecoded: what is decoded past the bound is left out and said to be, in
// bodies and in messages inside encoded parts; the parts before it are whole.
func TestMaxDecoded(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x", 600)
	two := "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + text + "\r\n--b\r\n\r\n" + text + "\r\n--b--\r\n"
	for most, want := range map[int][]int{0: {600, 600}, 1200: {600, 600}, 1000: {600, 400}, 100: {100, 0}} {
		m := Read([]byte(two), RFC5322, Options{MaxDecoded: most})
		var got []int
		for _, p := range m.Parts[1:] {
			got = append(got, len(p.Body))
		}
		if past := want[1] < 600; !slices.Equal(got, want) || has(m, TooMuch) != past {
			t.Errorf("at most %d: bodies of %v bytes, problems %v; want %v", most, got, m.Problems, want)
		}
	}
	inner := forwarded(Base64, "message/rfc822", "Content-Type: text/html\r\n\r\n<img src=//h/>"+text)
	for most, parts := range map[int]int{0: 3, 500: 2} {
		m := Read([]byte(inner), RFC5322, Options{MaxDecoded: most})
		if len(m.Parts) != parts || has(m, TooMuch) != (parts == 2) {
			t.Errorf("at most %d: %d parts, problems %v; want %d parts", most, len(m.Parts), m.Problems, parts)
		}
	}
	if m := Read(nil, RFC5322, Options{}); m.most != MaxDecoded {
		t.Errorf("the bound is %d, want %d", m.most, MaxDecoded)
	}
}

// TestMaxProperties: lines of a calendar past the bound are not looked at.
func TestMaxProperties(t *testing.T) {
	t.Parallel()
	for _, before := range []int{MaxProperties - 1, MaxProperties} {
		src := "Content-Type: text/calendar\n\n" + strings.Repeat("A:b\n", before) + "URL:http://h.example/a\n"
		m := Read([]byte(src), RFC5322, Options{})
		n := 0
		m.Walk(markup.Options{}, func(r *Ref) { n++ })
		if past := before == MaxProperties; (n == 0) != past || has(m, AttachmentCut) != past {
			t.Errorf("after %d lines: %d references, problems %v", before, n, m.Problems)
		}
	}
}

// TestMaxAddress: what is longer than the bound is no address, and the one
// behind it is found.
func TestMaxAddress(t *testing.T) {
	t.Parallel()
	for _, n := range []int{MaxAddress, MaxAddress + 1} {
		long := strings.Repeat("a", n-len("@b.example")) + "@b.example"
		_, ok := NewAddress(long)
		got := fmt.Sprint(len(ParseAddresses(long + ", c@d.example")))
		want := map[bool]string{true: "2", false: "1"}[n == MaxAddress]
		if ok != (n == MaxAddress) || got != want {
			t.Errorf("%d bytes: an address %v, %s found; want %s", n, ok, got, want)
		}
	}
}
