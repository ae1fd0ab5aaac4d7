//go:build unix

package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/quench-proxy/quench/bench/filters/measure"
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/filterlist"
)

// hostsName is a public list of domains.
const hostsName = "stevenblack-2022.domains.txt"

// ofHosts asks a public list of domains about the hosts of the requests.
func ofHosts(s *measure.Sample, data string, passes int) error {
	text, err := os.ReadFile(filepath.Join(data, "hosts", hostsName))
	if err != nil {
		return err
	}
	for line := range bytes.Lines(text) {
		if name := bytes.TrimSpace(line); len(name) > 0 && name[0] != '#' {
			s.Names += int64(len(name))
		}
	}
	reqs, err := measure.Requests(filepath.Join(data, "filter", "requests.tsv"))
	if err != nil {
		return err
	}
	asks := hostQuestions(reqs)
	set := ask(s, text, asks, passes)
	said := make([]byte, len(asks))
	for i := range asks {
		said[i] = digit(set.Host(&asks[i], enabled[:]))
	}
	s.Verdicts = string(said)
	return nil
}

func hostQuestions(reqs []measure.Request) []detect.HostQuestion {
	asks := make([]detect.HostQuestion, len(reqs))
	for i := range reqs {
		asks[i].Host = detect.HostOf(reqs[i].URL)
	}
	return asks
}

// ask loads a list of domains and asks it.
func ask(s *measure.Sample, text []byte, asks []detect.HostQuestion, passes int) *filterlist.Set {
	src := []filterlist.Source{{Name: "names", Text: text, Format: filterlist.FormatDomains}}
	var set *filterlist.Set
	before := measure.Live()
	s.Load, s.LoadCPU = measure.Best(1, func() { set, _ = filterlist.Compile(src, filterlist.Options{Seed: seed}) })
	s.Rules, s.Loaded = set.Len(), measure.Live()-before
	s.Asked(len(asks), passes, func(i int) { set.Host(&asks[i], enabled[:]) })
	s.Matched = measure.Live() - before
	runtime.KeepAlive(src)
	return set
}

// asked is how many questions a list of random names gets.
const asked = 20_000

// ofNames asks a list of n random names, half of the time about a name below
// one of the list's, half about one that is not on it.
func ofNames(s *measure.Sample, n, passes int) error {
	on := newNamer(7)
	var text []byte
	asks := make([]detect.HostQuestion, asked)
	step, next := max(1, 2*n/asked), 0
	for i := range n {
		start := len(text)
		text = on.append(text)
		s.Names += int64(len(text) - start)
		if i%step == 0 && next < asked {
			asks[next].Host = "www." + string(text[start:])
			next += 2
		}
		text = append(text, '\n')
	}
	off := newNamer(8)
	for i := range asks {
		if asks[i].Host == "" {
			asks[i].Host = string(off.append(nil))
		}
	}
	rand.New(rand.NewPCG(9, 1)).Shuffle(asked, func(i, j int) { asks[i], asks[j] = asks[j], asks[i] })
	set := ask(s, text, asks, passes)
	found := 0
	for i := range asks {
		if set.Host(&asks[i], enabled[:]).Blocked() {
			found++
		}
	}
	s.Verdicts = strconv.Itoa(found)
	return nil
}

// namer makes names: always the same ones from the same seed.
type namer struct{ rnd *rand.Rand }

func newNamer(seed uint64) *namer { return &namer{rand.New(rand.NewPCG(seed, 1))} }

// append appends one name to b.
func (n *namer) append(b []byte) []byte {
	tlds := [...]string{"com", "net", "org", "de", "co.uk", "io", "info"}
	for range 1 + n.rnd.IntN(2) {
		for range 4 + n.rnd.IntN(9) {
			b = append(b, 'a'+byte(n.rnd.IntN(26)))
		}
		b = append(b, '.')
	}
	return append(b, tlds[n.rnd.IntN(len(tlds))]...)
}
