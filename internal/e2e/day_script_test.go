package e2e

import (
	"fmt"
	"net/url"
	"strings"
)

// teller is a company of the day: how its script speaks, and what it says.
type teller struct {
	company string
	says    map[string]string // by the script's word for what was done
	// joined is the label of the value that is the same on all sites, own that
	// of the value each site has of its own; "" if there is none.
	joined, own string
	follows     bool // it sells to those who want to follow a person
	looks       bool // only known by its looks
	allowed     bool // the person let it through
	ask         func(h *hit) ask
}

// hit is one thing that a page tells.
type hit struct {
	site, path string
	what       string
	refused    bool
	n          int // its number, so that no two are the same
}

// ask is a request of a page.
type ask struct{ method, url, cookie, body string }

func (h *hit) page() string { return "https://" + h.site + h.path }
func (h *hit) enc() string  { return url.QueryEscape(h.page()) }

// ofSite is a number that a site keeps for one browser.
func (h *hit) ofSite() string { return fmt.Sprintf("%x-0123456789", h.site) }

func byGet(cookie, format string, args ...any) ask {
	return ask{method: "GET", url: fmt.Sprintf(format, args...), cookie: cookie}
}

const (
	opened  = "you opened a page"
	looked  = "you looked at a product"
	basket  = "you put something into the basket"
	bought  = "you bought something"
	product = "sku-7-red-shoes"
	email   = "b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514"
)

// tellers are the twelve companies of the day.
var tellers = map[string]teller{
	"meta": {company: "Meta Platforms", joined: "the number Facebook keeps for this browser", own: "the number Meta keeps for this browser", follows: true,
		says: map[string]string{"view": opened, "look": looked, "buy": bought},
		ask: func(h *hit) ask {
			event := map[string]string{"view": "PageView", "look": "ViewContent&cd[content_ids]=" + product, "buy": "Purchase&cd[value]=49.90&cd[currency]=EUR&ud[em]=" + email}[h.what]
			return byGet("datr=meta-keeps-0001-this", "https://www.facebook.com/tr/?id=1234567890&dl=%s&fbp=fb.1.1741737600000.%x&it=%d&ec=%d&ev=%s", h.enc(), h.site, h.n, h.n, event)
		}},
	"google": {company: "Google", own: "the number Google Analytics keeps for this browser",
		says: map[string]string{"view": opened, "buy": bought},
		ask: func(h *hit) ask {
			event := map[string]string{"view": "page_view", "buy": "purchase&epn.value=49.90&cu=EUR"}[h.what]
			consent := "G111"
			if h.refused {
				consent = "G100"
			}
			return byGet("", "https://region1.google-analytics.com/g/collect?v=2&tid=G-ABC1234567&cid=%s&gcs=%s&_p=%d&_s=%d&dl=%s&en=%s", h.ofSite(), consent, h.n, h.n, h.enc(), event)
		}},
	"microsoft": {company: "Microsoft", joined: "Microsoft's own cookie for this browser", follows: true, says: map[string]string{"view": opened},
		ask: func(h *hit) ask {
			return byGet("MUID=0A1B2C3D4E5F60718293A4B5C6D7E8F9", "https://bat.bing.com/action/0?ti=123&Ver=2&mid=0a1b2c3d-%d&evt=pageLoad&p=%s&rn=%d", h.n, h.enc(), h.n)
		}},
	"tiktok": {company: "ByteDance", joined: "the number TikTok keeps for this browser", follows: true, says: map[string]string{"view": opened},
		ask: func(h *hit) ask {
			return ask{"POST", "https://analytics.tiktok.com/api/v2/pixel", "_ttp=2NabcdefghijklmnopQRSTUVwxy",
				fmt.Sprintf(`{"event":"Pageview","event_id":"e-%d","context":{"page":{"url":"%s"}}}`, h.n, h.page())}
		}},
	"pinterest": {company: "Pinterest", joined: "Pinterest's own cookie for this browser", follows: true, says: map[string]string{"view": opened, "basket": basket},
		ask: func(h *hit) ask {
			event, ed := "pagevisit", "{}"
			if h.what == "basket" {
				event, ed = "addtocart", `{"product_name":"`+product+`"}`
			}
			return byGet("_pinterest_ct_ua=TWc9PSZ4eXpwaW50ZXJlc3Q", "https://ct.pinterest.com/v3/?tid=123&event=%s&ed=%s&ad=%s&cb=%d", event, url.QueryEscape(ed), url.QueryEscape(`{"loc":"`+h.page()+`"}`), h.n)
		}},
	"linkedin": {company: "LinkedIn (Microsoft)", joined: "LinkedIn's own cookie for this browser", follows: true, says: map[string]string{"view": opened},
		ask: func(h *hit) ask {
			return byGet(`bcookie="v=2&0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"`, "https://px.ads.linkedin.com/collect?v=2&fmt=js&pid=123&time=%d&url=%s", h.n, h.enc())
		}},
	"criteo": {company: "Criteo", joined: "Criteo's own cookie for this browser", follows: true, says: map[string]string{"view": "you opened a page", "look": looked},
		ask: func(h *hit) ask {
			event := map[string]string{"view": "e=vpg", "look": "e=vp&p=" + product}[h.what]
			return byGet("uid=5a6b7c80-ff24-41ef-9a3b-d5c7e9f10213", "https://sslwidget.criteo.com/event?a=123&p0=%s&fu=%s&ceid=%d&dtycbr=%d", url.QueryEscape(event), h.enc(), h.n, h.n)
		}},
	"outbrain": {company: "Outbrain", joined: "Outbrain's own cookie for this browser", follows: true,
		says: map[string]string{"view": opened, "sync": "you are here, so that it can match the numbers of two companies"},
		ask: func(h *hit) ask {
			if h.what == "sync" {
				return byGet("obuid=obuid-0a1b2c3d4e5f", "https://sync.outbrain.com/cookie-sync?p=exchange&n=%d", h.n)
			}
			out := ""
			if h.refused {
				out = "&optOut=true"
			}
			return byGet("obuid=obuid-0a1b2c3d4e5f", "https://tr.outbrain.com/unifiedPixel?marketerId=00aa11&name=PAGE_VIEW&dl=%s&bust=%d%s", h.enc(), h.n, out)
		}},
	"yandex": {company: "Yandex", own: "the number Yandex keeps for this browser", says: map[string]string{"view": opened},
		ask: func(h *hit) ask {
			return byGet("", "https://mc.yandex.ru/watch/123?wmode=7&page-url=%s&browser-info=pv%%3A1%%3Arn%%3A%d%%3Au%%3A%s", h.enc(), h.n, h.ofSite())
		}},
	"reddit": {company: "Reddit", joined: "the number Reddit keeps for this browser", follows: true, allowed: true, says: map[string]string{"view": opened},
		ask: func(h *hit) ask {
			return byGet("", "https://alb.reddit.com/rp.gif?ts=%d&id=a2_0example&event=PageVisit&uuid=0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9&esurl=%s", h.n, h.enc())
		}},
	"chartbeat": {company: "Chartbeat", own: "the number Chartbeat keeps for this browser", looks: true, says: map[string]string{"view": "you spent time with a page"},
		ask: func(h *hit) ask {
			return byGet("", "https://ping.chartbeat.net/ping?h=%s&g=1&n=0&u=%s&sn=%d", h.site, h.ofSite(), h.n)
		}},
	"mailchimp": {company: "Intuit Mailchimp", says: map[string]string{"open": "you opened a mail"},
		ask: func(h *hit) ask {
			return byGet("", "https://shop.us1.list-manage.com/track/open.php?u=0123456789abcdef012345678&id=a1b2c3d4e5&e=f6e5d4c3b2")
		}},
}

// strangerHost is a company that no rule knows, whose pixel is one.
const strangerHost = "px.stranger.example"

// day is what the person does: where, and who is told what. "!" before a
// word says that the person has refused; a word without one is a view.
var day = []string{
	"news.example / meta google chartbeat outbrain",
	"news.example /politics meta google chartbeat outbrain outbrain.sync",
	"weather.example / google criteo pinterest stranger",
	"blog.example /running meta google pinterest",
	"shoes.example / meta google microsoft criteo pinterest",
	"shoes.example /red meta.look google microsoft criteo.look pinterest.basket",
	"shoes.example /thanks meta.buy google.buy microsoft",
	"recipes.example /soup google criteo meta pinterest",
	"webmail.example /inbox mailchimp.open",
	"travel.example / meta google microsoft tiktok criteo yandex",
	"travel.example /rome meta google microsoft tiktok yandex",
	"daily.example / google criteo outbrain chartbeat",
	"sport.example / meta google chartbeat criteo",
	"garden.example / !google !outbrain",
	"garden.example /roses !google !outbrain",
	"jobs.example / linkedin google microsoft",
	"jobs.example /engineer linkedin microsoft",
	"forum.example /t/1 reddit google",
	"games.example / reddit tiktok google yandex",
	"music.example / tiktok meta google stranger",
	"cars.example /electric meta google microsoft criteo linkedin",
	"books.example /novels google pinterest criteo",
	"toys.example / pinterest meta google tiktok",
	"video.example /watch google yandex tiktok reddit",
	"photo.example / pinterest google meta",
	"maps.example / google microsoft",
}

// doing is a visit of a page and what it tells.
type doing struct {
	site, path string
	hits       []told
}

// told is a hit and whom it is told to; nobody's if teller is "stranger".
type told struct {
	teller string
	hit    hit
}

// read takes the lines of the day apart.
func read(lines []string) []doing {
	var out []doing
	n := 0
	for _, line := range lines {
		words := strings.Fields(line)
		d := doing{site: words[0], path: words[1]}
		for _, w := range words[2:] {
			n++
			name, refused := strings.CutPrefix(w, "!")
			name, what, ok := strings.Cut(name, ".")
			if !ok {
				what = "view"
			}
			d.hits = append(d.hits, told{name, hit{site: d.site, path: d.path, what: what, refused: refused, n: n}})
		}
		out = append(out, d)
	}
	return out
}
