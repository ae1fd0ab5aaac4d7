package filterlist

import (
	"slices"

	"github.com/quench-proxy/quench/internal/detect"
)

// page is what is known of a request's page. A query keeps it for the next
// request: those of one page come one after another.
type page struct {
	url   string // in buf, so that no request's string is kept alive
	host  string // a part of url, or a copy
	buf   [maxPageKept]byte
	hits  nameHits
	found bool // hits is filled

	// What lists except for the whole page, if asked is set, when lists are on.
	lists    [maxListsKept]uint64
	nlists   int
	asked    bool
	document RuleID
	// important is a document exception that is important.
	important, generic RuleID
}

// A page is kept if its URL has at most maxPageKept bytes, its exceptions if
// at most 64*maxListsKept lists are on.
const (
	maxPageKept  = 1024
	maxListsKept = 4
)

// setPage makes url the page, unless it already is.
func (q *query) setPage(url string) {
	p := &q.pageNow
	if url == p.url {
		return
	}
	p.url, p.found, p.asked = url, false, false
	if len(url) <= maxPageKept {
		p.url = bytesString(p.buf[:copy(p.buf[:], url)])
	}
	p.host = detect.HostOf(p.url)
}

// dropPage forgets a page that is not kept.
func (q *query) dropPage() {
	if p := &q.pageNow; len(p.url) > maxPageKept {
		p.url, p.host, p.hits.name, p.found, p.asked = "", "", "", false, false
	}
}

func (q *query) pageName() string { return q.pageNow.host }

// pageHits returns the names that cover the page's host.
func (q *query) pageHits() *nameHits {
	p := &q.pageNow
	if !p.found {
		p.hits.fill(q.s, p.host)
		p.found = true
	}
	return &p.hits
}

// exceptions finds out what is excepted on the whole page.
func (q *query) exceptions() *page {
	p := &q.pageNow
	if p.asked && slices.Equal(q.lists, p.lists[:p.nlists]) {
		return p
	}
	p.document, p.important, p.generic = 0, 0, 0
	sub := q.s.get(q.lists)
	sub.sub = detect.Request{URL: p.url, Host: p.host, Page: p.url, Type: detect.TypeDocument, Method: "GET"}
	if q.document {
		sub.sub.URL, sub.sub.Host, sub.sub.Page = q.url, q.host, q.url
	}
	if sub.sub.URL != "" {
		sub.request(&sub.sub, Want{})
		p.document = sub.first(PageDocument, flagException)
		p.generic = sub.first(PageGenericBlock, flagException)
		if q.s.realms&hasImportantException != 0 && p.document != 0 {
			p.important = sub.first(PageDocument, flagException|flagImportant)
		}
	}
	q.s.put(sub)
	p.asked = !q.document && len(q.lists) <= maxListsKept
	p.nlists = copy(p.lists[:], q.lists)
	return p
}

// first returns the first rule for pages that has the flags of need.
func (q *query) first(pages Pages, need uint32) RuleID {
	p := picker{need: need, pages: pages}
	q.find(realmPage, &p)
	return p.id
}
