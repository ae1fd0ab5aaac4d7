package filterlist_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/filterlist"
	"github.com/quench-proxy/quench/internal/detect/filterlist/reference"
)

// pairs is how many (rule, request) pairs the ordinary run compares; the whole
// million by QUENCH_PAIRS=1000000.
const pairs = 40_000

// TestAgreesWithReference holds the index against a matcher that tries every
// rule, on random subsets of all public lists' rules and real requests. Most
// rules of each subset share a word with one of its requests, or are what all
// lists together say of it, or most pairs would be easy.
func TestAgreesWithReference(t *testing.T) {
	t.Parallel()
	want := pairs
	if n, err := strconv.Atoi(os.Getenv("QUENCH_PAIRS")); err == nil {
		want = n
	}
	var lines []string
	all := dataSources(t, "filter/easylist.txt", "filter/easyprivacy.txt", "filter/ubo-filters.txt",
		"filter/ubo-privacy.txt", "filter/ubo-unbreak.txt")
	for _, src := range all {
		lines = append(lines, strings.Split(string(src.Text), "\n")...)
	}
	full, _ := filterlist.Compile(all, filterlist.Options{})
	byWord := wordIndex(lines)
	reqs := dataRequests(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	blocked, excepted, wrong := 0, 0, 0
	for done := 0; done < want && wrong < 10; {
		some := make([]detect.Request, 50)
		for i := range some {
			some[i] = vary(rnd, reqs[rnd.IntN(len(reqs))])
		}
		var near []string
		for i := range some {
			m := full.Match(&some[i], allLists(len(all)), filterlist.Want{Exceptions: true})
			for _, id := range []filterlist.RuleID{m.Block, m.Important, m.Exception} {
				if id != 0 {
					near = append(near, full.Info(id).Text)
				}
			}
		}
		sources := subset(rnd, lines, near, byWord, some)
		set, _ := filterlist.Compile(sources, filterlist.Options{Seed: rnd.Uint64() | 1})
		ref := reference.New(sources...)
		for i := range some {
			lists := []uint64{rnd.Uint64() & 7}
			got, is := set.Match(&some[i], lists, filterlist.Want{Exceptions: true}), ref.Match(&some[i], lists)
			done += len(ref.Rules)
			if why := differs(set, got, is); why != "" {
				wrong++
				t.Errorf("%s\n%s on %s (%s), lists %b\n%s", why, some[i].URL, some[i].Page, some[i].Type, lists, explain(set, got)+told(is))
			}
			if is.Blocked {
				blocked++
			}
			if len(is.Exceptions) > 0 {
				excepted++
			}
		}
	}
	t.Logf("%d blocked, %d with exceptions", blocked, excepted)
	if blocked < want/1000 || excepted < want/20000 {
		t.Errorf("only %d blocked, %d with exceptions: the subsets prove little", blocked, excepted)
	}
}

// differs says how the two answers are not one; "" if they are.
func differs(s *filterlist.Set, got filterlist.Match, want reference.Result) string {
	among := func(id filterlist.RuleID, rules []*reference.Rule) bool {
		info := s.Info(id)
		for _, r := range rules {
			if r.List == info.List && r.Line == info.Line {
				return true
			}
		}
		return false
	}
	switch {
	case got.Blocked() != want.Blocked:
		return fmt.Sprintf("blocked %v, want %v", got.Blocked(), want.Blocked)
	case (got.Important != 0) != want.ByImportant:
		return fmt.Sprintf("important %v, want %v", got.Important != 0, want.ByImportant)
	case got.Important != 0 && !among(got.Important, want.Important):
		return "the important rule does not hold"
	case got.Block != 0 && !among(got.Block, want.Block) && !among(got.Block, want.Important):
		return "the blocking rule does not hold"
	case got.Exception != 0 && !among(got.Exception, want.Exceptions):
		return "the exception does not hold"
	case got.Important == 0 && got.Exception == 0 && len(want.Important) == 0 && len(want.Exceptions) > 0:
		return "no exception"
	}
	return ""
}

func told(r reference.Result) string {
	var w strings.Builder
	for _, list := range [][]*reference.Rule{r.Important, r.Block, r.Exceptions} {
		for _, rule := range list {
			w.WriteString("\twant " + rule.Text + "\n")
		}
	}
	return w.String()
}

func wordIndex(lines []string) map[string][]int {
	index := map[string][]int{}
	for i, l := range lines {
		if strings.Contains(l, "#") || strings.HasPrefix(l, "!") {
			continue
		}
		for _, w := range wordsOf(l) {
			if len(w) > 2 && len(index[w]) < 2000 {
				index[w] = append(index[w], i)
			}
		}
	}
	return index
}

func wordsOf(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
}

// subset makes three lists of random rules.
func subset(rnd *rand.Rand, lines, near []string, byWord map[string][]int, reqs []detect.Request) []filterlist.Source {
	var lists [3]bytes.Buffer
	put := func(line string) {
		w := &lists[rnd.IntN(3)]
		switch rnd.IntN(25) {
		case 0:
			line = strings.TrimPrefix(line, "@@") + option(line, "important")
		case 1:
			line += option(line, "badfilter")
		case 2:
			line = "@@" + strings.TrimPrefix(line, "@@")
		case 3: // the same rule in two lists
			fmt.Fprintln(&lists[rnd.IntN(3)], line)
		}
		fmt.Fprintln(w, line)
	}
	for _, line := range near {
		put(line)
	}
	for range 20 {
		put(lines[rnd.IntN(len(lines))])
	}
	for _, r := range reqs {
		words := wordsOf(r.URL + " " + r.Page)
		for range 2 {
			if near := byWord[words[rnd.IntN(len(words))]]; len(near) > 0 {
				put(lines[near[rnd.IntN(len(near))]])
			}
		}
	}
	var out []filterlist.Source
	for i := range lists {
		out = append(out, filterlist.Source{Name: strconv.Itoa(i + 1), Text: lists[i].Bytes(), Format: filterlist.FormatAdblock})
	}
	return out
}

func option(line, name string) string {
	if strings.Contains(line, "$") {
		return "," + name
	}
	return "$" + name
}

// vary changes a request a little now and then.
func vary(rnd *rand.Rand, r detect.Request) detect.Request {
	if rnd.IntN(3) == 0 {
		r.Type = detect.Type(rnd.IntN(int(detect.TypeObject) + 1))
	}
	switch rnd.IntN(12) {
	case 0:
		r.URL = strings.ToUpper(r.URL)
	case 1:
		r.Page = ""
	case 2:
		r.Method = "POST"
	case 3:
		r.URL = r.URL[:len("https://")+rnd.IntN(len(r.URL)-len("https://"))+1]
		r.Host = detect.HostOf(r.URL)
	case 4:
		r.Page = r.URL
	}
	return r
}
