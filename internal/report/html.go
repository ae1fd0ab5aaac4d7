package report

import (
	_ "embed"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/quench-proxy/quench/internal/ledger"
)

// Bounds on a page; what lies past one is counted on it.
const (
	pageCompanies = 150
	pageItems     = 25 // of one kind, of one company
)

//go:embed style.css
var style string

//go:embed report.html
var reportPage string

//go:embed disclosure.html
var disclosurePage string

// functions are what the pages may call.
var functions = template.FuncMap{
	"plain": plain, "big": big, "mark": mark, "chain": chainSays, "sync": syncSays, "unknown": unknownSays,
	"ids": idsSay, "activity": activitySays,
	"day":      func(t time.Time) string { return t.Format(time.DateOnly) },
	"sites":    func(n int) string { return count(n, "site") },
	"pages":    func(n int) string { return count(n, "page") },
	"times":    func(n int64) string { return count(n, "request") },
	"join":     func(s []string) string { return strings.Join(s, ", ") },
	"minus":    func(a, b int) int { return a - b },
	"first":    firstItems[ledger.SiteSeen],
	"firstAct": firstItems[ledger.ActivityCount], "firstField": firstItems[ledger.FieldCount],
	"firstCompany": func(c []ledger.Company) []ledger.Company { return c[:min(len(c), pageCompanies)] },
	"firstUnknown": firstItems[ledger.Unknown], "firstSync": firstItems[ledger.Sync],
}

func firstItems[T any](s []T) []T { return s[:min(len(s), pageItems)] }

// HTML writes the report as one page that needs nothing else: no script, no
// font, no picture; light and dark, for the screen and for paper.
func (r *Report) HTML(w io.Writer) error {
	return page(w, reportPage, struct {
		*Report
		Style  template.CSS
		Bars   *bars
		Days   *days
		Matrix *matrix
	}{r, template.CSS(style), r.bars(), r.days(), r.matrix()}) // the style is our own
}

func page(w io.Writer, layout string, data any) error {
	t, err := template.New("page").Funcs(functions).Parse(layout)
	if err != nil {
		return err
	}
	return t.Execute(w, data)
}
