package show

import (
	"fmt"
	"io"
	"sort"
	"strings"

	"github.com/quench-proxy/quench/internal/scan"
)

// maxPairs is how many differing URLs are printed, unless verbose.
const maxPairs = 25

// Comparison prints which bytes of which URLs are one copy's alone, in [].
func Comparison(out io.Writer, c *scan.Comparison, verbose bool) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s are the same in both copies, %d are not.\n", counted(c.Same, "URL"), len(c.Pairs))
	for i := range c.Own {
		o := &c.Own[i]
		if i == 0 {
			b.WriteString("\nWhat tells the copies apart, and in how many URLs it stands:\n")
		}
		if i == maxTable {
			break
		}
		fmt.Fprintf(&b, "  %4d  %s  |  %s\n", o.Count, Printable(short(o.A, 60)), Printable(short(o.B, 60)))
	}
	for i := range c.Pairs {
		if i == maxPairs && !verbose {
			fmt.Fprintf(&b, "\nand %d more (-v shows all)\n", len(c.Pairs)-i)
			break
		}
		pair(&b, &c.Pairs[i])
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func pair(b *strings.Builder, p *scan.Pair) {
	fmt.Fprintf(b, "\n%s\n", p.When)
	var as, bs [][2]int
	for _, x := range p.Pieces {
		as, bs = append(as, x.RangeA), append(bs, x.RangeB)
	}
	for _, side := range [...]struct {
		name, url string
		at        [][2]int
	}{{"a", p.A, as}, {"b", p.B, bs}} {
		if side.url == "" {
			fmt.Fprintf(b, "  %s  (not in this copy)\n", side.name)
			continue
		}
		fmt.Fprintf(b, "  %s  %s\n", side.name, Printable(marked(side.url, side.at)))
	}
	for _, s := range p.Proofs {
		fmt.Fprintf(b, "     holds %s\n", Printable(s))
	}
}

// marked puts the ranges of u into brackets.
func marked(u string, at [][2]int) string {
	sort.Slice(at, func(i, j int) bool { return at[i][0] < at[j][0] })
	var b strings.Builder
	last := 0
	for _, r := range at {
		if r[0] < last || r[1] > len(u) {
			continue
		}
		b.WriteString(u[last:r[0]] + "[" + u[r[0]:r[1]] + "]")
		last = r[1]
	}
	b.WriteString(u[last:])
	return b.String()
}
