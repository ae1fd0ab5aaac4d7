package filter

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/links"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/proxy/answer"
)

const (
	// again is how soon a site must send a browser back to a link for it to
	// pass as it is: such a site insists.
	again = 10 * time.Second
	// maxCleaned is how many links are remembered for that.
	maxCleaned = 1000
)

// cleaned remembers links that were changed. The zero value is ready.
type cleaned struct {
	mu sync.Mutex
	m  bounded[string, time.Time]
}

// first reports whether a client was not sent to this link just before.
func (c *cleaned) first(key string, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m.dropWhile(func(t time.Time) bool { return now.Sub(t) > again })
	if _, ok := c.m.get(key); ok {
		return false
	}
	c.m.put(key, now, maxCleaned)
	return true
}

// link sends a person who follows a link from another site to the same place
// without what the link says about them: past a page that only records the
// click, without parameters that tell people apart. nil lets the request pass.
func (f *Filter) link(ex *Exchange) *http.Response {
	rules := ex.set.Links()
	if rules == nil || f.KeepLinks || ex.policy != nil && ex.policy.Observe || !ex.followed() || f.spared(ex) {
		return nil
	}
	url := ex.req.URL
	goal, by := rules.Target(url)
	if goal != "" {
		url = goal
	}
	url, taken := rules.Clean(url)
	if url == ex.req.URL || !f.cleaned.first(ex.client.key()+" "+url, f.now()) {
		return nil
	}
	f.noteLink(ex, detect.HostOf(url), by, taken)
	ex.over = true
	return answer.MovedTo(ex.r, url)
}

// spared reports whether the user or a veto lets the request pass as it is.
func (f *Filter) spared(ex *Exchange) bool {
	path, _ := detect.Split(ex.req.URL)
	if ex.d.Step == detect.StepUserAllow || ex.set.Vetoed(ex.req.Host, path) {
		return true
	}
	return ex.policy != nil && ex.policy.Allows.Match(ex.req.Host, ex.req.Host)
}

// followed reports whether a person goes from one site to another, or comes
// from outside the browser. Steps within a site keep what the site writes.
func (ex *Exchange) followed() bool {
	h := ex.r.Header
	if ex.r.Method != http.MethodGet || ex.req.Type != detect.TypeDocument {
		return false
	}
	if h.Get("Sec-Fetch-Dest") != "" {
		site := h.Get("Sec-Fetch-Site")
		return h.Get("Sec-Fetch-Dest") == "document" && h.Get("Sec-Fetch-Mode") == "navigate" && (site == "cross-site" || site == "none")
	}
	from := detect.HostOf(h.Get("Referer"))
	return strings.HasPrefix(h.Get("Accept"), "text/html") && h.Get("X-Requested-With") == "" &&
		(from == "" || detect.PartyOf(ex.req.Host, from) == detect.ThirdParty)
}

// noteLink records what was taken out of a link, or whom it was led past.
func (f *Filter) noteLink(ex *Exchange, to, by string, taken []links.Param) {
	if f.Recorder == nil {
		return
	}
	e := ledger.Event{
		Schema: ledger.Schema, Time: f.now(), Door: "proxy", Client: ex.client.Label, Count: 1,
		Request: ledger.Request{Method: ex.r.Method, Host: ex.req.Host, Type: detect.TypeDocument.String()},
		Verdict: detect.Verdict{Action: detect.Strip, Reply: detect.ReplyRedirect},
	}
	var said []string
	if by != "" {
		e.Evidence = append(e.Evidence, detect.Evidence{Kind: "vendor", Detail: "a page that records clicks and sends on", Source: "rules/links.yaml"})
		said = append(said, "The link to "+to+" led through "+by+", which would have learned that you follow it. You went straight there.")
	}
	var what []string
	for _, p := range taken {
		if !strings.Contains(strings.Join(what, ", "), p.What) {
			what = append(what, p.What)
		}
		e.Evidence = append(e.Evidence, detect.Evidence{Kind: "vendor", Detail: "a parameter that " + p.Owner + " writes into links", Source: "rules/links.yaml"})
	}
	if len(what) > 0 {
		said = append(said, "The link to "+to+" carried "+join(what)+". That was taken out before the page was opened.")
	}
	e.Sentence = strings.Join(said, " ")
	f.Recorder.Note(e)
}

// join joins words as people do.
func join(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
