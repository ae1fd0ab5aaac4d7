package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/quench-proxy/quench/internal/ledger"
)

// Bounds and measures of the plots, in units of their view boxes.
const (
	plotWidth   = 720
	plotRows    = 15  // companies
	plotColumns = 28  // sites
	plotDays    = 400 // columns of the days
	rowHeight   = 24
	nameWidth   = 190
	daysHeight  = 120
	cellSize    = 18
	siteHeight  = 110
)

// bars is the plot of companies by sites.
type bars struct {
	Height int
	Rows   []bar
	Axis   []tick
}

type bar struct {
	Name          string
	Y, Text       int
	Linked, Sites int
	LinkedWidth   int // of the part joined by one value
	Width         int // of all
	End           int // where the figure stands
}

type tick struct {
	At   int
	Text string
}

// cut shortens a name for a plot.
func cut(s string, n int) string {
	r := []rune(plain(s))
	if len(r) <= n {
		return string(r)
	}
	return string(r[:n-1]) + "…"
}

func (r *Report) bars() *bars {
	var b bars
	most := 1
	for i := range r.Companies {
		most = max(most, len(r.Companies[i].Sites))
	}
	const room = plotWidth - nameWidth - 60
	for i := range r.Companies {
		c := &r.Companies[i]
		if len(c.Sites) == 0 || len(b.Rows) == plotRows {
			break
		}
		y := len(b.Rows) * rowHeight
		width := max(2, len(c.Sites)*room/most)
		b.Rows = append(b.Rows, bar{Name: cut(mark(c), 28), Y: y + 4, Text: y + 17, Linked: c.Linked, Sites: len(c.Sites),
			LinkedWidth: c.Linked * room / most, Width: width, End: nameWidth + width + 6})
	}
	if len(b.Rows) == 0 {
		return nil
	}
	b.Height = len(b.Rows)*rowHeight + 4
	return &b
}

// days is the plot of requests by day.
type days struct {
	Columns      []column
	Ticks        []tick
	Most         string
	Width        int // of a column
	Base, Height int
	Table        []ledger.Day
}

type column struct {
	X                                int
	StoppedY, StoppedH, BareY, BareH int
	ToldY, ToldH                     int
	Title                            string
}

// days is nil if there is but one day, or too many.
func (r *Report) days() *days {
	if len(r.Days) < 2 {
		return nil
	}
	first, err1 := time.Parse(time.DateOnly, r.Days[0].Day)
	last, err2 := time.Parse(time.DateOnly, r.Days[len(r.Days)-1].Day)
	n := int(last.Sub(first)/(24*time.Hour)) + 1
	if err1 != nil || err2 != nil || n > plotDays {
		return nil
	}
	var most int64 = 1
	for i := range r.Days {
		most = max(most, r.Days[i].Requests)
	}
	const left = 60
	d := &days{Most: big(most), Base: daysHeight + 10, Height: daysHeight + 34, Table: r.Days, Width: max(1, (plotWidth-left)/n*4/5)}
	step := max(1, n/6)
	for i := range r.Days {
		c := &r.Days[i]
		at, _ := time.Parse(time.DateOnly, c.Day)
		d.Columns = append(d.Columns, stacked(c, left+int(at.Sub(first)/(24*time.Hour))*(plotWidth-left)/n, most))
	}
	for i := 0; i < n; i += step {
		if at := left + i*(plotWidth-left)/n; at <= plotWidth-50 {
			d.Ticks = append(d.Ticks, tick{at, first.AddDate(0, 0, i).Format("2 Jan")})
		}
	}
	return d
}

// stacked is a day's column: what was told lies at the bottom.
func stacked(d *ledger.Day, x int, most int64) column {
	c := column{X: x, Title: d.Day + ": " + big(d.Stopped) + " stopped, " + big(d.Stripped) + " passed bare, " + big(d.Told) + " told"}
	height := func(n int64) int {
		if n == 0 {
			return 0
		}
		return max(1, int(n*daysHeight/most))
	}
	base := daysHeight + 10
	c.ToldH, c.BareH, c.StoppedH = height(d.Told), height(d.Stripped), height(d.Stopped)
	c.ToldY = base - c.ToldH
	c.BareY = c.ToldY - c.BareH
	c.StoppedY = c.BareY - c.StoppedH
	return c
}

// matrix is the plot of who would have been on which site.
type matrix struct {
	Width, Height int
	Rows          []matrixRow
	Columns       []tick // sites
	More          int    // sites not shown
}

type matrixRow struct {
	Name  string
	Y     int
	Cells []cell
}

type cell struct {
	X, Y, Size int
	Linked     bool
	Title      string
}

func (r *Report) matrix() *matrix {
	sites := r.topSites()
	if len(sites) < 2 {
		return nil
	}
	m := &matrix{More: len(sites)}
	sites = sites[:min(len(sites), plotColumns)]
	m.More -= len(sites)
	at := map[string]int{}
	for i, s := range sites {
		at[s] = nameWidth + i*cellSize
		m.Columns = append(m.Columns, tick{at[s] + cellSize/2 + 4, cut(s, 20)})
	}
	for i := range r.Companies {
		c := &r.Companies[i]
		if len(c.Sites) == 0 || len(m.Rows) == plotRows {
			continue
		}
		y := siteHeight + len(m.Rows)*cellSize
		row := matrixRow{Name: cut(mark(c), 28), Y: y + 14}
		for k := range c.Sites {
			s := &c.Sites[k]
			if x, ok := at[s.Site]; ok {
				title := c.Company + " on " + s.Site + ": " + count(s.Requests, "request")
				row.Cells = append(row.Cells, cell{x + 2, y + 2, cellSize - 4, s.Linked, plain(title)})
			}
		}
		m.Rows = append(m.Rows, row)
	}
	m.Width, m.Height = max(plotWidth, nameWidth+len(sites)*cellSize+40), siteHeight+len(m.Rows)*cellSize+6
	return m
}

// topSites are all sites, those with the most companies first.
func (r *Report) topSites() []string {
	met := map[string]int{}
	var out []string
	for i := range r.Companies {
		for k := range r.Companies[i].Sites {
			s := r.Companies[i].Sites[k].Site
			if met[s]++; met[s] == 1 {
				out = append(out, s)
			}
		}
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Or(cmp.Compare(met[b], met[a]), cmp.Compare(a, b)) })
	return out
}
