//go:build linux

package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
)

// tlds end the names of the lists and of the questions.
var tlds = [...]string{"com", "net", "org", "io", "de", "info", "ru", "co.uk", "xyz", "fr", "nl", "top", "com.br", "pl", "it", "online", "eu", "jp", "cn", "biz"}

// listed returns the n names of the block list, the same in each run; a longer
// list begins with the shorter.
func listed(n int) []string {
	r := rand.New(rand.NewPCG(42, 4242))
	out := make([]string, n)
	for i := range out {
		// The number makes each name its own, and the x keeps the questions that
		// nobody blocks apart.
		name := fmt.Sprintf("%s%dx.%s", word(r, 3+r.IntN(9)), i, tlds[r.IntN(len(tlds))])
		if r.IntN(5) < 2 {
			for range 1 + r.IntN(2) {
				name = word(r, 2+r.IntN(7)) + "." + name
			}
		}
		out[i] = name
	}
	return out
}

func word(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(r.IntN(26))
	}
	return string(b)
}

// open returns n names that no list holds: of listed ones each has a label that
// ends in x, of these none.
func open(n int, seed uint64) []string {
	r := rand.New(rand.NewPCG(seed, 7))
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("www.%s%dy.%s", word(r, 3+r.IntN(9)), i, tlds[r.IntN(len(tlds))])
	}
	return out
}

const (
	blockedNames = 50_000 // distinct ones asked, or all of a shorter list
	cachedNames  = 2_000
	// blockedShare is one in how many questions of the mixed load.
	blockedShare = 5
	mixedAsked   = 100_000
)

// questions returns the lines that dnsperf reads for a load.
func questions(load string, names []string) []string {
	r := rand.New(rand.NewPCG(1, 2))
	known := open(cachedNames, 1)
	one := func(name string) string {
		if r.IntN(4) == 0 {
			return name + " AAAA"
		}
		return name + " A"
	}
	var out []string
	switch load {
	case "blocked":
		for _, i := range r.Perm(len(names))[:min(blockedNames, len(names))] {
			out = append(out, one(names[i]))
		}
	case "cached": // both types, so that one pass warms what the mixed load asks
		for _, name := range known {
			out = append(out, name+" A", name+" AAAA")
		}
	case "mixed":
		for range mixedAsked {
			from := known
			if r.IntN(blockedShare) == 0 {
				from = names
			}
			out = append(out, one(from[r.IntN(len(from))]))
		}
	}
	return out
}

// writeLines writes a file of the lines of form, a format with the name as all
// of its arguments.
func writeLines(path, head string, names []string, form string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<16)
	fmt.Fprint(w, head)
	for _, name := range names {
		fmt.Fprintf(w, form+"\n", name)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}
