package filter

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/proxy/answer"
)

const (
	// pageLife is how long a block page's form is good, for one use.
	pageLife = 10 * time.Minute
	// maxPages is how many block pages are remembered.
	maxPages = 1000
	// maxForm is the longest form that is read, maxFormWait how long for.
	maxForm     = 1 << 10
	maxFormWait = 5 * time.Second
	// maxReasons is how many reasons a page names.
	maxReasons = 4
)

// shown is a block page that a person may answer.
type shown struct {
	client string
	origin string // scheme and host, as the browser writes an Origin
	url    string // where the person wanted to go
	host   string // what an allow is about
	until  time.Time
}

// pages remembers block pages. The zero value is ready.
type pages struct {
	mu sync.Mutex
	m  bounded[string, shown]
}

func (s *pages) put(token string, p shown, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.m.dropWhile(func(p shown) bool { return now.After(p.until) })
	s.m.put(token, p, maxPages)
}

// take uses a page up.
func (s *pages) take(token, client, origin string, now time.Time) (shown, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.m.get(token)
	if !ok || p.client != client || p.origin != origin {
		return shown{}, false
	}
	s.m.take(token)
	return p, !now.After(p.until)
}

// page shows a person why a document did not open, and offers to let it.
func (f *Filter) page(ex *Exchange) *http.Response {
	p := answer.BlockPage{Host: ex.req.Host}
	if v := ex.set.Explain(f.seen(ex, detect.ReplyPage, nil), ex.d); len(v) > 0 {
		if t := v[0].Tracker; t != nil {
			p.Tracker, p.Company = t.Name, t.Company
		}
		p.Sentence = v[0].Sentence
		for _, e := range v[0].Evidence[:min(len(v[0].Evidence), maxReasons)] {
			p.Reasons = append(p.Reasons, reason(e))
		}
	}
	if f.Allow != nil && ex.r.Method == http.MethodGet {
		token, now := f.marks.make(f.Secret, allowMark), f.now()
		f.pages.put(token, shown{
			client: ex.client.key(), origin: originOf(ex.r.URL), url: ex.r.URL.String(),
			host: ex.req.Host, until: now.Add(pageLife),
		}, now)
		p.Action = ownPath + allowPart + token
	}
	return answer.Page(ex.r, p)
}

func reason(e detect.Evidence) string {
	if e.Source == "" {
		return e.Detail
	}
	return e.Detail + " (" + e.Source + ")"
}

// originOf writes an origin as browsers do (RFC 6454, 6.1).
func originOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "http":
		host = strings.TrimSuffix(host, ":80")
	case "https":
		host = strings.TrimSuffix(host, ":443")
	}
	return u.Scheme + "://" + host
}

// allow carries out what a person chose on a block page.
func (f *Filter) allow(r *http.Request, c Client, token string) *http.Response {
	if r.Method != http.MethodPost {
		return answer.Notice(r, http.StatusMethodNotAllowed, "Nothing to see here", "This address only takes the answer to a question that Quench asked.")
	}
	if !byPerson(r) {
		return answer.Notice(r, http.StatusForbidden, "Nothing was allowed", "A page tried to answer a question that only you can answer.")
	}
	to, life, ok := choice(r)
	if !ok {
		return answer.Notice(r, http.StatusBadRequest, "Nothing was allowed", "The answer could not be read. Go back, load the page again and choose once more.")
	}
	p, ok := f.pages.take(token, c.key(), originOf(r.URL), f.now())
	if !ok || f.Allow == nil {
		return answer.Notice(r, http.StatusForbidden, "Nothing was allowed", "This question is too old or was answered before. Go back, load the page again and choose once more.")
	}
	a := AllowRequest{For: life, Client: c}
	if to {
		a.To = p.host
	} else {
		a.On = p.host
	}
	if err := f.Allow(a); err != nil {
		if f.Log != nil {
			f.Log.Warn("an allow from a block page failed", "host", p.host, "err", err)
		}
		return answer.Notice(r, http.StatusInternalServerError, "Nothing was allowed", "Quench could not save your choice. Its log says why.")
	}
	return answer.SeeOther(r, p.url)
}

// byPerson reports whether our own page sent the form because a person pressed
// a button. Browsers that send Fetch Metadata at all must say so; others must
// at least name the page.
func byPerson(r *http.Request) bool {
	h := r.Header
	if h.Get("Origin") != originOf(r.URL) || len(h["Origin"]) != 1 {
		return false
	}
	site, mode, user := h.Get("Sec-Fetch-Site"), h.Get("Sec-Fetch-Mode"), h.Get("Sec-Fetch-User")
	if site == "" && mode == "" && user == "" && h.Get("Sec-Fetch-Dest") == "" {
		return true
	}
	return site == "same-origin" && mode == "navigate" && user == "?1"
}

// choice reads the form: whether the destination (else the page) is meant, and
// for how long (0 = always).
func choice(r *http.Request) (to bool, life time.Duration, ok bool) {
	if r.Body == nil || r.ContentLength > maxForm {
		return false, 0, false
	}
	form, whole := newTap(r.Body, maxForm).wait(maxFormWait)
	v, err := url.ParseQuery(string(form))
	if !whole || err != nil || len(v["choice"]) != 1 {
		return false, 0, false
	}
	switch v.Get("choice") {
	case "to-15m":
		return true, 15 * time.Minute, true
	case "to-always":
		return true, 0, true
	case "on-15m":
		return false, 15 * time.Minute, true
	case "on-always":
		return false, 0, true
	}
	return false, 0, false
}
