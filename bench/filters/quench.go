//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quench-proxy/quench/bench/filters/measure"
	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/filterlist"
	"github.com/quench-proxy/quench/internal/lists"
)

// seed keeps the tables the same from run to run.
const seed = 1

// child is one measurement of Quench: requests, hosts, or a number of names.
func child(what, data string, passes int) (*measure.Sample, error) {
	s := &measure.Sample{Engine: "Quench", Clock: measure.Clock()}
	switch what {
	case "requests":
		return s, ofRequests(s, data, passes)
	case "hosts":
		return s, ofHosts(s, data, passes)
	}
	n, err := strconv.Atoi(what)
	if err != nil || n < 1 {
		return nil, fmt.Errorf("no measurement %q", what)
	}
	return s, ofNames(s, n, passes)
}

// both are the two lists of the requests.
var both = [...]string{"easylist.txt", "easyprivacy.txt"}

func sources(data string) ([]filterlist.Source, error) {
	var out []filterlist.Source
	for _, name := range both {
		b, err := os.ReadFile(filepath.Join(data, "filter", name))
		if err != nil {
			return nil, err
		}
		out = append(out, filterlist.Source{Name: name, Text: b})
	}
	return out, nil
}

// requests reads the recorded requests and the types they have in our words.
func requests(data string) ([]measure.Request, []detect.Type, error) {
	reqs, err := measure.Requests(filepath.Join(data, "filter", "requests.tsv"))
	if err != nil {
		return nil, nil, err
	}
	kinds := make([]detect.Type, len(reqs))
	for i, r := range reqs {
		word := r.Type
		if word == "sub_frame" {
			word = "subdocument"
		}
		var ok bool
		if kinds[i], ok = detect.ParseType(word); !ok {
			return nil, nil, fmt.Errorf("request %d has the type %q", i+1, r.Type)
		}
	}
	return reqs, kinds, nil
}

// match asks about one recorded request, of which only strings are known.
func match(set *filterlist.Set, r *measure.Request, kind detect.Type) filterlist.Match {
	q := detect.Request{URL: r.URL, Host: detect.HostOf(r.URL), Page: r.Page, PageFrom: detect.PageReferer, Type: kind, Method: "GET"}
	return set.Match(&q, enabled[:], filterlist.Want{})
}

// enabled turns on the first 64 lists; there are two at most.
var enabled = [1]uint64{1<<64 - 1}

func ofRequests(s *measure.Sample, data string, passes int) error {
	src, err := sources(data)
	if err != nil {
		return err
	}
	reqs, kinds, err := requests(data)
	if err != nil {
		return err
	}
	var set *filterlist.Set
	before := measure.Live()
	s.Load, s.LoadCPU = measure.Best(3, func() { set, _ = filterlist.Compile(src, filterlist.Options{Seed: seed}) })
	s.Rules, s.Loaded = set.Len(), measure.Live()-before
	s.Asked(len(reqs), passes, func(i int) { match(set, &reqs[i], kinds[i]) })
	s.Matched = measure.Live() - before
	said := make([]byte, len(reqs))
	for i := range reqs {
		said[i] = digit(match(set, &reqs[i], kinds[i]))
	}
	s.Verdicts = string(said)
	runtime.KeepAlive(src)
	if s.Open, err = openCache(set); err != nil {
		return err
	}
	s.Store, err = openStore(data)
	return err
}

func digit(m filterlist.Match) byte {
	switch {
	case m.Blocked():
		return '1'
	case m.Exception != 0:
		return '2'
	}
	return '0'
}

// openCache returns how long it takes to open a file of the compiled lists.
func openCache(set *filterlist.Set) (float64, error) {
	var b bytes.Buffer
	if err := set.Save(&b, filterlist.Key{}); err != nil {
		return 0, err
	}
	f, err := os.CreateTemp("", "quench-filters-*.bin")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(b.Bytes()); err != nil {
		return 0, errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return 0, err
	}
	var errs error
	best, _ := measure.Best(21, func() { errs = errors.Join(errs, mapAndOpen(f.Name())) })
	return best, errs
}

func mapAndOpen(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	set, err := filterlist.Open(mem, filterlist.Key{}, nil)
	if err == nil && set.Len() == 0 {
		err = errors.New("the opened cache is empty")
	}
	return errors.Join(err, unix.Munmap(mem))
}

// openStore returns how long it takes a store of lists that has compiled them
// before to have them in force: what a start of the program does.
func openStore(data string) (float64, error) {
	dir, err := os.MkdirTemp("", "quench-filters-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if _, err := load(dir, data); err != nil {
		return 0, err
	}
	var errs error
	best, _ := measure.Best(11, func() {
		cached, err := load(dir, data)
		if err == nil && !cached {
			err = errors.New("the store compiled the lists again")
		}
		errs = errors.Join(errs, err)
	})
	return best, errs
}

func load(dir, data string) (cached bool, err error) {
	store, err := lists.Open(lists.Options{Dir: filepath.Join(dir, lists.DirName)})
	if err != nil {
		return false, err
	}
	var refs []lists.Ref
	for _, name := range both {
		path, err := filepath.Abs(filepath.Join(data, "filter", name))
		if err != nil {
			return false, err
		}
		r, err := (&lists.Catalogue{}).Resolve(path, "", lists.FromConfig)
		if err != nil {
			return false, err
		}
		refs = append(refs, r)
	}
	if err := store.Select(refs); err != nil {
		return false, err
	}
	err = store.Load(context.Background())
	return store.Current().Cached, err
}

// profiles writes where the time to match, to load and to answer for a host
// goes, and what is live.
func profiles(data, prefix string) error {
	src, err := sources(data)
	if err != nil {
		return err
	}
	reqs, kinds, err := requests(data)
	if err != nil {
		return err
	}
	names, err := os.ReadFile(filepath.Join(data, "hosts", hostsName))
	if err != nil {
		return err
	}
	set, _ := filterlist.Compile(src, filterlist.Options{Seed: seed})
	byName, _ := filterlist.Compile([]filterlist.Source{{Name: "names", Text: names, Format: filterlist.FormatDomains}}, filterlist.Options{Seed: seed})
	asks := hostQuestions(reqs)
	err = errors.Join(
		profiled(prefix+"match.pprof", func() {
			for i := range reqs {
				match(set, &reqs[i], kinds[i])
			}
		}),
		profiled(prefix+"hosts.pprof", func() {
			for i := range asks {
				byName.Host(&asks[i], enabled[:])
			}
		}),
		profiled(prefix+"load.pprof", func() { filterlist.Compile(src, filterlist.Options{Seed: seed}) }))
	byName = nil
	f, ferr := os.Create(prefix + "heap.pprof")
	if ferr != nil {
		return errors.Join(err, ferr)
	}
	measure.Live()
	err = errors.Join(err, pprof.WriteHeapProfile(f), f.Close())
	runtime.KeepAlive(set)
	return err
}

// profiled repeats f for ten seconds under the profiler.
func profiled(path string, f func()) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(out); err != nil {
		return errors.Join(err, out.Close())
	}
	for start := time.Now(); time.Since(start) < 10*time.Second; {
		f()
	}
	pprof.StopCPUProfile()
	return out.Close()
}
