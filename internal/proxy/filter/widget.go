package filter

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/widgets"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/proxy/answer"
)

const (
	// showParam is what a click on a placeholder adds to the frame's address.
	// The path stays: a page's policy may name it.
	showParam = "quench-show"
	// alwaysPart precedes the token of the click that holds for good.
	alwaysPart = "always-"
	// offerLife is how long a placeholder can be clicked.
	offerLife = 12 * time.Hour
	// shownLife is how long a frame that a person asked for loads by itself on
	// that site, and followTime how long after the click it may come without a
	// word of where it stands: a sandbox says nothing.
	shownLife  = time.Hour
	followTime = 30 * time.Second
	maxOffers  = 2000
	maxShown   = 1000
)

// offer is a placeholder that a person may click.
type offer struct {
	client, url string
	host, page  string // what "always" is about
	until       time.Time
}

// shownKey is a frame that a person has asked for on a page, a host, "" if
// unknown.
type shownKey struct{ client, url, page string }

// offers remembers placeholders and what became of them. The zero value is
// ready.
type offers struct {
	mu    sync.Mutex
	made  bounded[string, offer]
	shown bounded[shownKey, time.Time] // until when
}

func (o *offers) put(token string, x offer, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.made.dropWhile(func(x offer) bool { return now.After(x.until) })
	o.made.put(token, x, maxOffers)
}

// accept returns what client was offered under token for url, and lets it pass
// from then on.
func (o *offers) accept(token, client, url string, now time.Time) (offer, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	x, ok := o.made.get(token)
	if !ok || x.client != client || x.url != url || now.After(x.until) {
		return offer{}, false
	}
	o.made.take(token)
	o.shown.put(shownKey{client, url, ""}, now.Add(followTime), maxShown)
	o.shown.put(shownKey{client, url, x.page}, now.Add(shownLife), maxShown)
	return x, true
}

func (o *offers) isShown(k shownKey, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	until, ok := o.shown.get(k)
	return ok && now.Before(until)
}

// widget puts a box in the place of a social network's frame, until the person
// asks for it. nil lets the request pass.
func (f *Filter) widget(ex *Exchange) *http.Response {
	rules := ex.set.Widgets()
	if rules == nil || f.KeepWidgets || ex.req.Type != detect.TypeSubdocument || ex.d.Action == detect.Block ||
		ex.policy != nil && ex.policy.Observe || ex.r.Method != http.MethodGet {
		return nil
	}
	w := rules.Find(ex.req.Host, ex.req.URL)
	if w == nil {
		return nil
	}
	if token, rest, ok := cutShow(ex.req.URL); ok {
		if resp := f.show(ex, token, rest); resp != nil {
			return resp
		}
	}
	page := ""
	if ex.req.PageFrom != detect.PageGuess {
		page = detect.HostOf(ex.req.Page)
	}
	if ex.req.Party() != detect.ThirdParty || w.Home(page) || f.spared(ex) || ex.policy != nil && ex.policy.Allows.Match(ex.req.Host, page) ||
		f.offers.isShown(shownKey{ex.client.key(), ex.req.URL, page}, f.now()) {
		return nil
	}
	ex.over = true
	f.noteWidget(ex, w, page)
	return answer.Placeholder(ex.r, f.offer(ex, w, page))
}

// offer makes the box and remembers what its links stand for.
func (f *Filter) offer(ex *Exchange, w *widgets.Widget, page string) answer.Stand {
	now := f.now()
	link := func(prefix string) string {
		token := prefix + f.marks.make(f.Secret, showMark)
		f.offers.put(token, offer{
			client: ex.client.key(), url: ex.req.URL, host: ex.req.Host, page: page, until: now.Add(offerLife),
		}, now)
		path, query := detect.Split(ex.req.URL)
		if query != "" {
			query += "&"
		}
		return path + "?" + query + showParam + "=" + token
	}
	s := answer.Stand{Name: w.Name, Company: w.Company, Page: page, Show: link("")}
	if f.Allow != nil && page != "" {
		s.Always = link(alwaysPart)
	}
	return s
}

// show carries out a click on a box: the frame is asked for anew, as the page
// wrote it. nil means that the token is none of ours for this client and frame.
func (f *Filter) show(ex *Exchange, token, url string) *http.Response {
	if !f.marks.ours(f.Secret, showMark, strings.TrimPrefix(token, alwaysPart)) {
		return nil
	}
	ex.over = true
	if !clicked(ex.r) {
		return answer.SeeOther(ex.r, url)
	}
	x, ok := f.offers.accept(token, ex.client.key(), url, f.now())
	if ok && strings.HasPrefix(token, alwaysPart) && f.Allow != nil {
		a := AllowRequest{Override: detect.Override{To: x.host, On: x.page}, Client: ex.client}
		if err := f.Allow(a); err != nil && f.Log != nil {
			f.Log.Warn("an allow from a placeholder failed", "host", x.host, "err", err)
		}
	}
	return answer.SeeOther(ex.r, url)
}

// clicked reports whether a person pressed a link. Browsers that say how a
// request came about say so; of others the token, which no page can read, is
// all there is.
func clicked(r *http.Request) bool {
	h := r.Header
	if h.Get("Sec-Fetch-Dest") == "" && h.Get("Sec-Fetch-Mode") == "" {
		return true
	}
	return h.Get("Sec-Fetch-Mode") == "navigate" && h.Get("Sec-Fetch-User") == "?1"
}

// cutShow takes a click's token off a URL.
func cutShow(url string) (token, rest string, ok bool) {
	i := strings.LastIndex(url, showParam+"=")
	if i < 1 || url[i-1] != '?' && url[i-1] != '&' {
		return "", "", false
	}
	token = url[i+len(showParam)+1:]
	return token, url[:i-1], !strings.ContainsAny(token, "&#/?")
}

// noteWidget records who would have learned of the visit.
func (f *Filter) noteWidget(ex *Exchange, w *widgets.Widget, page string) {
	if f.Recorder == nil {
		return
	}
	who := page
	if who == "" {
		who = "A page"
	}
	e := ledger.Event{
		Schema: ledger.Schema, Time: f.now(), Door: "proxy", Client: ex.client.Label, Count: 1,
		Request: ledger.Request{Method: ex.r.Method, Host: ex.req.Host, Page: origin(ex.req.Page), Type: detect.TypeSubdocument.String()},
		Verdict: detect.Verdict{
			Action: detect.Block, Reply: detect.ReplyPage,
			Tracker:   &detect.Tracker{ID: "widget-" + w.ID, Name: w.Name, Company: w.Company, Category: "social"},
			Evidence:  []detect.Evidence{{Kind: "vendor", Detail: "a social network's frame on another site", Source: "rules/widgets.yaml"}},
			Activity:  &detect.Activity{Name: "widget", Says: "you opened a page", Automatic: true},
			Disclosed: []detect.Field{{Name: "page_url", Label: "the page you were on", Value: origin(ex.req.Page)}},
			Sentence: who + " shows " + w.Name + ". Loading it would have told " + w.Company +
				" that you are there, whether you look at it or not. A click loads it.",
		},
	}
	f.Recorder.Note(e)
}

// origin is scheme and host of a URL.
func origin(url string) string {
	if i := strings.Index(url, "://"); i >= 0 {
		if j := strings.IndexAny(url[i+3:], "/?#"); j >= 0 {
			return url[:i+3+j]
		}
	}
	return url
}
