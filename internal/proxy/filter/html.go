package filter

import (
	"net/http"
	"slices"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/proxy/rewrite"
)

// maxTakenOut is how many references are taken out of one document; what
// follows is answered when it is asked for.
const maxTakenOut = 1000

// pageHeader are the fields of a request for a document that its pixels would
// carry as well.
var pageHeader = [...]string{"Accept-Language", "Device-Memory", "Dpr", "Sec-Ch-Ua", "Sec-Ch-Ua-Mobile",
	"Sec-Ch-Ua-Platform", "Sec-Gpc", "User-Agent"}

// document changes a page on its way to the browser: hidden pixels and hints
// that lead to trackers go, and navigator.globalPrivacyControl says what the
// header says.
func (f *Filter) document(resp *http.Response, ex *Exchange) {
	if f.KeepPages || !ex.shown() {
		return
	}
	if resp.StatusCode == http.StatusNotModified {
		rewrite.Weaken(resp.Header) // as it was when it came
		return
	}
	// Without a base only what leaves the site is looked at, which is fast.
	o := rewrite.Options{Coders: &f.coders}
	if f.GPC {
		o.Script = gpcScript(resp.Header)
	}
	if ex.policy == nil || !ex.policy.Observe {
		c := &cutter{f: f, ex: ex, whole: strings.EqualFold(strings.TrimSpace(resp.Header.Get("Referrer-Policy")), "unsafe-url")}
		o.Decide, o.Only = c.decide, markup.NewVectors(imageSource, frameSource, pingOf, prefetchLink, lookupLink, connectLink)
	}
	rewrite.Document(resp, o)
}

// shown reports whether the browser will show the answer as a page, or a part
// of one.
func (ex *Exchange) shown() bool {
	if ex.r.Method != http.MethodGet {
		return false
	}
	switch dest := ex.r.Header.Get("Sec-Fetch-Dest"); dest {
	case "document", "iframe", "frame", "fencedframe":
		return true
	case "":
		return strings.HasPrefix(ex.r.Header.Get("Accept"), "text/html") && ex.r.Header.Get("X-Requested-With") == ""
	}
	return false
}

// cutter decides about the references of one document.
type cutter struct {
	f     *Filter
	ex    *Exchange
	head  http.Header
	whole bool // the page tells everybody its whole address
	count int
}

// decide takes out what would reach a tracker without a reader ever seeing it.
func (c *cutter) decide(r *markup.Ref) markup.Action {
	typ, live := cuttable(r)
	if typ == detect.TypeOther || c.count >= maxTakenOut || !r.Active() {
		return markup.Keep
	}
	url := r.URL
	if strings.HasPrefix(url, "//") {
		url = c.ex.r.URL.Scheme + ":" + url
	}
	if !web(url) {
		return markup.Keep
	}
	if r.When == markup.DNS {
		q := detect.HostQuestion{Host: detect.HostOf(url), Page: c.ex.req.URL}
		if q.Host == "" || c.ex.set.Host(&q, c.ex.policy).Action != detect.Block {
			return markup.Keep
		}
		c.count++
		return markup.TakeOut
	}
	req := c.request(url, typ)
	d := c.ex.set.Request(&req, c.ex.policy)
	if d.Action != detect.Block {
		return markup.Keep
	}
	c.count++
	if live {
		c.record(&req, d)
	}
	return markup.TakeOut
}

// cuttable says for what a reference that no reader would miss is fetched,
// TypeOther for all others; live is false for what a browser that runs scripts
// does not fetch by itself.
func cuttable(r *markup.Ref) (typ detect.Type, live bool) {
	if inert := len(r.Path) == 1 && r.Path[0].Kind == markup.StepNoscript; inert || len(r.Path) > 0 {
		switch {
		case !inert || r.When != markup.Opening || r.Attr != "src":
			return detect.TypeOther, false
		case r.Tag == "img":
			return detect.TypeImage, false
		case r.Tag == "iframe":
			return detect.TypeSubdocument, false
		}
		return detect.TypeOther, false
	}
	switch {
	case r.Attr == "ping" && r.When == markup.Click:
		return detect.TypePing, false
	case r.Tag == "link" && (r.When == markup.DNS || r.Vector == prefetchLink):
		return detect.TypeXHR, false
	case r.Tag == "img" && r.Attr == "src" && r.When == markup.Opening && !r.Named && unseen(r.Hidden):
		return detect.TypeImage, true
	}
	return detect.TypeOther, false
}

// The vectors of what may be taken out.
const (
	imageSource  markup.Vector = 1
	frameSource  markup.Vector = 24
	pingOf       markup.Vector = 40
	prefetchLink markup.Vector = 59
	lookupLink   markup.Vector = 60
	connectLink  markup.Vector = 61
)

// unseen reports whether an image cannot be seen whatever a script does to its
// surroundings: it has no size, or is out of display itself.
func unseen(h markup.Hidden) bool {
	const own = markup.ZeroSize | markup.TinySize | markup.DisplayNone | markup.VisibilityHidden
	return h.Sure == markup.Certain && h.Why&own != 0 && h.Why&(markup.ByParent|markup.ByRule|markup.ByMedia) == 0
}

func web(url string) bool {
	return strings.HasPrefix(url, "http://") || strings.HasPrefix(url, "https://")
}

// request is what the browser would ask for, with the page as its Referer.
func (c *cutter) request(url string, typ detect.Type) detect.Request {
	if c.head == nil {
		c.head = pick(c.ex.r.Header, pageHeader[:])
	}
	return detect.Request{
		URL: strings.Clone(url), Host: detect.HostOf(url), Page: c.page(url), PageFrom: detect.PageReferer,
		Type: typ, Method: http.MethodGet, Header: c.head,
	}
}

// page is the Referer that would go to url: the whole address stays within the
// site unless it says otherwise (Referrer Policy, 3.4 and 8.3).
func (c *cutter) page(url string) string {
	origin := originOf(c.ex.r.URL)
	if c.whole || strings.HasPrefix(url, origin+"/") {
		return c.ex.req.Page
	}
	return origin
}

// record tells of a pixel that the browser never learned of.
func (c *cutter) record(req *detect.Request, d detect.Decision) {
	if c.f.Recorder == nil {
		return
	}
	c.f.Recorder.Record(ledger.Sighting{
		Set: c.ex.set, Decision: d, Door: "proxy", Client: c.ex.client.Label,
		Seen: detect.Seen{Request: req, Policy: c.ex.policy, Reply: detect.ReplyRemoved, At: c.f.now()},
	})
}

// gpcScript is a script that says what the header Sec-GPC says, and leaves no
// trace; "" where the document's own policy does not let it run.
func gpcScript(h http.Header) string {
	nonce, ok := inlineAllowed(h)
	if !ok {
		return ""
	}
	open := "<script>"
	if nonce != "" {
		open = `<script nonce="` + nonce + `">`
	}
	return open + `try{navigator.globalPrivacyControl||Object.defineProperty(Navigator.prototype,"globalPrivacyControl",` +
		`{configurable:true,enumerable:true,get:function(){return true}})}catch(e){}` +
		`document.currentScript&&document.currentScript.remove()</script>`
}

// inlineAllowed reports whether the content security policies of a document let
// an inline script run, and the nonce it needs. Policies that only report count
// as well: the browser would tell the site of a script that is not the site's.
func inlineAllowed(h http.Header) (nonce string, ok bool) {
	for _, line := range slices.Concat(h.Values("Content-Security-Policy"), h.Values("Content-Security-Policy-Report-Only")) {
		for policy := range strings.SplitSeq(line, ",") {
			need, free := scriptSources(policy)
			switch {
			case free:
			case need == "" || nonce != "" && need != nonce:
				return "", false
			default:
				nonce = need
			}
		}
	}
	return nonce, true
}

// scriptSources reads one policy: whether any inline script may run, else the
// nonce with which one may, "" for none (CSP3, 6.7.3.2).
func scriptSources(policy string) (nonce string, free bool) {
	best, words := 4, []string(nil)
	for directive := range strings.SplitSeq(policy, ";") {
		list := strings.Fields(directive)
		if len(list) == 0 {
			continue
		}
		switch name := strings.ToLower(list[0]); {
		case name == "sandbox" && !slices.ContainsFunc(list[1:], func(w string) bool { return strings.EqualFold(w, "allow-scripts") }):
			return "", false
		default:
			rank := slices.Index([]string{"script-src-elem", "script-src", "default-src"}, name)
			if rank >= 0 && rank < best {
				best, words = rank, list[1:]
			}
		}
	}
	if best == 4 {
		return "", true
	}
	return readSources(words)
}

func readSources(words []string) (nonce string, free bool) {
	strict := false
	for _, w := range words {
		low := strings.ToLower(w)
		switch {
		case low == "'unsafe-inline'":
			free = true
		case low == "'strict-dynamic'", strings.HasPrefix(low, "'sha256-"), strings.HasPrefix(low, "'sha384-"), strings.HasPrefix(low, "'sha512-"):
			strict = true
		case strings.HasPrefix(low, "'nonce-") && len(w) > len("'nonce-'") && w[len(w)-1] == '\'':
			strict = true
			if nonce == "" && plainNonce(w[len("'nonce-"):len(w)-1]) {
				nonce = w[len("'nonce-") : len(w)-1]
			}
		}
	}
	return nonce, free && !strict
}

// plainNonce reports whether a nonce is of the letters that one has (CSP3,
// 2.3.1), so that it can stand in an attribute.
func plainNonce(s string) bool {
	return strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=") == ""
}
