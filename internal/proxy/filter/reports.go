package filter

import (
	"math/bits"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/intake"
	"github.com/quench-proxy/quench/internal/ledger"
)

const (
	// maxReports is how many reports one stub may make, each with a number of
	// its own below maxReportNumber.
	maxReports      = 20
	maxReportNumber = 64
	// reportLife is how long a stub may report.
	reportLife = 30 * time.Minute
	// maxStubs is how many stubs are remembered.
	maxStubs = 10_000
	// maxReport is the longest report that is read.
	maxReport = 16 << 10
)

// loader is what a stub was given for.
type loader struct {
	sighting ledger.Sighting // of the loader; its Seen is a pattern for the reports'
	client   string
	host     string // where reports must come to
	page     string // host of the page, "" if unknown
	until    time.Time
	used     *uint64 // bit n: report n was made
}

// reports remembers the stubs that may report. The zero value is ready.
type reports struct {
	mu sync.Mutex
	m  bounded[string, loader]
}

// loader describes the exchange of a loader that gets a stub. The body of its
// request is of no use later.
func (f *Filter) loader(ex *Exchange) loader {
	seen := f.seen(ex, detect.ReplyStub, nil)
	seen.Request.Body = nil
	return loader{
		sighting: ledger.Sighting{Set: ex.set, Seen: seen, Decision: ex.d, Door: "proxy", Client: ex.client.Label},
		client:   ex.client.key(), host: ex.r.URL.Host, page: detect.HostOf(ex.req.Page),
		until: seen.At.Add(reportLife), used: new(uint64),
	}
}

func (s *reports) issue(token string, l loader) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := l.sighting.Seen.At
	s.m.dropWhile(func(l loader) bool { return now.After(l.until) })
	s.m.put(token, l, maxStubs)
}

// use takes one report of a stub; ok is false if it may not make it.
func (s *reports) use(token, client, host string, number int, now time.Time) (l loader, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok = s.m.get(token)
	if !ok || l.client != client || l.host != host || now.After(l.until) ||
		*l.used&(1<<number) != 0 || bits.OnesCount64(*l.used) >= maxReports {
		return loader{}, false
	}
	*l.used |= 1 << number
	return l, true
}

// report records what a stub says that its page asked for. Whatever is wrong
// with a report, it ends here: the vendor must not get it.
func (f *Filter) report(r *http.Request, c Client, token, number string) {
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n >= maxReportNumber || r.Method != http.MethodGet || len(r.URL.RawQuery) > maxReport {
		return
	}
	req := intake.Request(r.Method, absolute(r.URL), r.Header)
	now := f.now()
	page := detect.HostOf(req.Page)
	f.reports.mu.Lock()
	l, known := f.reports.m.get(token)
	f.reports.mu.Unlock()
	if !known || page != "" && l.page != "" && page != l.page {
		return
	}
	if l, known = f.reports.use(token, c.key(), r.URL.Host, n, now); !known || f.Recorder == nil {
		return
	}
	s := l.sighting
	copied := *s.Seen.Request
	if page != "" && page == l.page && len(req.Page) > len(copied.Page) {
		copied.Page = req.Page // the loader's request may have told only the origin
	}
	s.Seen.Request = &copied
	s.Seen.Report = []byte(r.URL.RawQuery)
	s.Seen.At = now
	f.Recorder.Record(s)
}
