package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/quench-proxy/quench/internal/lists"
)

// progress shows how far an update of lists is: a bar on a terminal, and one
// line for each list that is done.
type progress struct {
	out, err io.Writer
	bar      bool
	drawn    bool
	count    int // lists that are done
}

// barWidth is the bar's own width; the line stays within 79 columns.
const barWidth = 30

func (a *app) newProgress() *progress {
	p := &progress{out: a.out, err: a.err}
	if f, ok := a.err.(*os.File); ok && !a.quiet && a.getenv("TERM") != "dumb" {
		st, err := f.Stat()
		p.bar = err == nil && st.Mode()&os.ModeCharDevice != 0
	}
	return p
}

// told hears of progress.
func (p *progress) told(g lists.Progress) {
	if g.State == lists.Fetching {
		p.draw(g)
		return
	}
	p.end()
	p.count++
	switch g.State {
	case lists.Updated:
		fmt.Fprintf(p.out, "%s: updated, %s\n", g.List, plural(g.Rules, "rule"))
		for _, m := range g.Missing {
			fmt.Fprintf(p.err, "%s: it could not include %s\n", g.List, m)
		}
	case lists.Unchanged:
		fmt.Fprintf(p.out, "%s: unchanged, %s\n", g.List, plural(g.Rules, "rule"))
	case lists.Failed: // the command's error says why
	}
}

func (p *progress) draw(g lists.Progress) {
	if !p.bar {
		return
	}
	p.drawn = true
	name := g.List
	if r := []rune(name); len(r) > 24 {
		name = string(r[:23]) + "…"
	}
	if g.Total <= 0 {
		fmt.Fprintf(p.err, "\r\x1b[K%-24s %s", name, sizeText(g.Done))
		return
	}
	full := int(min(g.Done, g.Total) * barWidth / g.Total)
	fmt.Fprintf(p.err, "\r\x1b[K%-24s [%s%s] %s", name, strings.Repeat("#", full), strings.Repeat(".", barWidth-full), sizeText(g.Done))
}

// end takes the bar away.
func (p *progress) end() {
	if p.drawn {
		fmt.Fprint(p.err, "\r\x1b[K")
		p.drawn = false
	}
}

func sizeText(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d kB", n>>10)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}
