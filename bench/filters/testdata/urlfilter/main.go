// Command urlfilter measures AdguardTeam/urlfilter. It is no part of Quench:
// the benchmark copies it into a module of its own, with the package measure
// beside it, and builds it there. What comes of that is under urlfilter's
// licence, GPL-3.0, and is never passed on.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/AdguardTeam/urlfilter"
	"github.com/AdguardTeam/urlfilter/filterlist"
	"github.com/AdguardTeam/urlfilter/rules"

	"peer/measure"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: urlfilter requests|hosts DATA PASSES")
		os.Exit(2)
	}
	passes, err := strconv.Atoi(os.Args[3])
	s := measure.Sample{Engine: "urlfilter", Version: "v0.22.1"}
	if err == nil {
		if os.Args[1] == "hosts" {
			err = hosts(&s, os.Args[2], passes)
		} else {
			err = requests(&s, os.Args[2], passes)
		}
	}
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "urlfilter:", err)
		os.Exit(1)
	}
}

func storage(texts ...string) *filterlist.RuleStorage {
	var lists []filterlist.Interface
	for i, text := range texts {
		lists = append(lists, filterlist.NewString(&filterlist.StringConfig{RulesText: text, ID: rules.ListID(i + 1), IgnoreCosmetic: true}))
	}
	st, err := filterlist.NewRuleStorage(lists)
	if err != nil {
		panic(err) // two lists of one number
	}
	return st
}

var types = map[string]rules.RequestType{
	"sub_frame": rules.TypeSubdocument, "stylesheet": rules.TypeStylesheet, "script": rules.TypeScript, "image": rules.TypeImage,
	"font": rules.TypeFont, "media": rules.TypeMedia, "xmlhttprequest": rules.TypeXmlhttprequest, "other": rules.TypeOther,
}

func requests(s *measure.Sample, data string, passes int) error {
	var texts []string
	for _, name := range []string{"easylist.txt", "easyprivacy.txt"} {
		b, err := os.ReadFile(filepath.Join(data, "filter", name))
		if err != nil {
			return err
		}
		texts = append(texts, string(b))
	}
	reqs, err := measure.Requests(filepath.Join(data, "filter", "requests.tsv"))
	if err != nil {
		return err
	}
	kinds := make([]rules.RequestType, len(reqs))
	for i := range reqs {
		kinds[i] = types[reqs[i].Type]
	}
	var e *urlfilter.NetworkEngine
	ask := func(i int) byte {
		rule, ok := e.Match(rules.NewRequest(reqs[i].URL, reqs[i].Page, kinds[i]))
		switch {
		case !ok:
			return '0'
		case rule.Whitelist:
			return '2'
		}
		return '1'
	}
	s.Clock = measure.Clock()
	before := measure.Live()
	s.Load, s.LoadCPU = measure.Best(3, func() { e = urlfilter.NewNetworkEngine(storage(texts...)) })
	s.Rules, s.Loaded = e.RulesCount, measure.Live()-before
	s.Asked(len(reqs), passes, func(i int) { ask(i) })
	s.Matched = measure.Live() - before
	verdicts := make([]byte, len(reqs))
	for i := range reqs {
		verdicts[i] = ask(i)
	}
	s.Verdicts = string(verdicts)
	return nil
}

// hosts asks for names. A bare name is to urlfilter that name alone, so each is
// given to it as the rule that means all below it, too.
func hosts(s *measure.Sample, data string, passes int) error {
	b, err := os.ReadFile(filepath.Join(data, "hosts", "stevenblack-2022.domains.txt"))
	if err != nil {
		return err
	}
	var w strings.Builder
	for line := range strings.Lines(string(b)) {
		if name := strings.TrimSpace(line); name != "" && name[0] != '#' {
			w.WriteString("||" + name + "^\n")
			s.Names += int64(len(name))
		}
	}
	text := w.String()
	reqs, err := measure.Requests(filepath.Join(data, "filter", "requests.tsv"))
	if err != nil {
		return err
	}
	names := make([]string, len(reqs))
	for i := range reqs {
		names[i] = rules.NewRequest(reqs[i].URL, "", rules.TypeOther).Hostname
	}
	var e *urlfilter.DNSEngine
	s.Clock = measure.Clock()
	before := measure.Live()
	s.Load, s.LoadCPU = measure.Best(1, func() { e = urlfilter.NewDNSEngine(storage(text)) })
	s.Rules, s.Loaded = e.RulesCount, measure.Live()-before
	s.Asked(len(names), passes, func(i int) { e.Match(names[i]) })
	s.Matched = measure.Live() - before
	verdicts := make([]byte, len(names))
	for i := range names {
		verdicts[i] = '0'
		if res, ok := e.Match(names[i]); ok && res.NetworkRule != nil && !res.NetworkRule.Whitelist {
			verdicts[i] = '1'
		}
	}
	s.Verdicts = string(verdicts)
	return nil
}
