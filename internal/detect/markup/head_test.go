package markup

import (
	"strings"
	"testing"
)

func TestFirstPlace(t *testing.T) {
	t.Parallel()
	tests := []struct {
		src   string // "|" is the place
		final bool
		found bool
	}{
		{"<!doctype html><html lang=a><head class=x>|<script>", false, true},
		{"\ufeff <!-- a --> <HTML><HEAD>|", false, true},
		{"<!doctype html>|<title>x</title>", false, true},
		{"<html>|<body>", false, true},
		{" \n|words", false, true},
		{"|<script>1</script>", false, true},
		{"<!doctype html><html><he", false, false},
		{"<!doctype html><html", false, false},
		{"<!-- never ends", false, false},
		{"<", false, false},
		{"\xef", false, false},
		{"", true, true},
		{"<!doctype html>", true, true},
		{"<html", true, true},
		{"</head><script>", false, true},
		{"<!--" + strings.Repeat("x", MaxHead), false, true},
	}
	for _, tt := range tests {
		want := strings.IndexByte(tt.src, '|')
		src := strings.Replace(tt.src, "|", "", 1)
		at, found := FirstPlace([]byte(src), tt.final)
		if at != want || found != tt.found {
			t.Errorf("FirstPlace(%.60q, %v) = %d, %v; want %d, %v", src, tt.final, at, found, want, tt.found)
		}
	}
}

func TestNamed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		src  string
		want bool
	}{
		{`<img src="https://h.test/" width=1>`, false},
		{`<img src="https://h.test/" ID=a>`, true},
		{`<img onload="go()" src="https://h.test/">`, true},
		{`<img name=p src="https://h.test/">`, true},
		{`<img class=on src="https://h.test/">`, false},
	}
	for _, tt := range tests {
		n := 0
		Walk([]byte(tt.src), Options{}, func(r *Ref) {
			n++
			if r.Named != tt.want {
				t.Errorf("%s: Named is %v, want %v", tt.src, r.Named, tt.want)
			}
		})
		if n != 1 {
			t.Errorf("%s: %d references, want 1", tt.src, n)
		}
	}
}
