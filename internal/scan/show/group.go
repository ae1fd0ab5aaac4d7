package show

import (
	"fmt"
	"slices"
	"strings"

	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/judge"
)

// Group is findings of one message for which one sentence is enough.
type Group struct {
	// Findings are indexes in the Report's, in the order of Ranked; never empty.
	Findings []int
	// Hosts are where links lead that only may name the reader, if that is more
	// than one place.
	Hosts []string
	// Says is the sentence.
	Says string
}

// Groups are the findings worth a sentence, surest first. Links to one tracker
// are one group, for a newsletter has dozens, and so are all links that only
// may name the reader. With all nothing is left out or put together.
func Groups(r *scan.Report, all bool) []Group {
	var out []Group
	at := map[string]int{}
	for _, i := range r.Ranked() {
		f := &r.Findings[i]
		if !all && (f.Ladder == judge.Ordinary || f.When == "inert") {
			continue
		}
		k, ok := at[groupKey(f)]
		if !ok || all {
			k = len(out)
			at[groupKey(f)] = k
			out = append(out, Group{Says: f.Sentence})
		}
		out[k].Findings = append(out[k].Findings, i)
	}
	for i := range out {
		out[i].links(r)
	}
	return out
}

func groupKey(f *judge.Finding) string {
	who := f.Request.Host
	if f.Tracker != nil {
		who = f.Tracker.ID
	}
	switch {
	case f.Link && f.Ladder == judge.Token && who != "":
		return "token links"
	case f.Link && who != "":
		return "link " + f.Ladder.String() + " " + who
	case f.Request.Method != "" && f.Vector == "V180":
		return "sent " + f.Ladder.String() + " " + who
	}
	return f.Sentence
}

// maxHosts is how many hosts one sentence names.
const maxHosts = 5

// links puts a group of links to several hosts into words.
func (g *Group) links(r *scan.Report) {
	if f := &r.Findings[g.Findings[0]]; !f.Link || f.Ladder != judge.Token || f.Request.Host == "" {
		return
	}
	var hosts []string
	for _, i := range g.Findings {
		if h := r.Findings[i].Request.Host; !slices.Contains(hosts, h) {
			hosts = append(hosts, h)
		}
	}
	if len(hosts) < 2 {
		return
	}
	named := strings.Join(hosts[:len(hosts)-1], ", ") + " and " + hosts[len(hosts)-1]
	if n := len(hosts); n > maxHosts {
		named = strings.Join(hosts[:maxHosts], ", ") + fmt.Sprintf(" and %d more", n-maxHosts)
	}
	g.Hosts = hosts
	g.Says = fmt.Sprintf("%d links carry something that may name you, or only the page they lead to: those to %s. "+
		"Following one tells its host that you clicked it; your IP address and browser go with every click. That is possible, not more.", len(g.Findings), named)
}
