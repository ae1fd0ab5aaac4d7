package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/memory"
	"github.com/quench-proxy/quench/internal/proxy"
)

// gaSnippet and managerSnippet are how pages get analytics.js and a container.
const (
	gaSnippet = `(function(i,r){i['GoogleAnalyticsObject']=r;i[r]=i[r]||function(){(i[r].q=i[r].q||[]).push(arguments)};i[r].l=1*new Date();load('https://www.google-analytics.com/analytics.js')})(window,'ga');ga('create','UA-1234567-1','auto');ga('send','pageview');`

	managerSnippet = `(function(w,l,i){w[l]=w[l]||[];w[l].push({'gtm.start':new Date().getTime(),event:'gtm.js'});load('https://www.googletagmanager.com/gtm.js?id='+i)})(window,'dataLayer','GTM-EXAMPLE');`
)

// knownBreakage are pages like those that blockers are known to have broken;
// each is named by the report of it.
func knownBreakage() []*stubPage {
	return []*stubPage{{
		// duracelltomi/gtm4wp #27, #17: the shop's links lead on in eventCallback.
		name: "gtm4wp-27", strict: true, snippet: managerSnippet,
		act: `dataLayer.push({event:'gtm4wp.productClickEEC',ecommerce:{click:{products:[{name:'Red shoes'}]}},eventCallback:function(){next()},eventTimeout:2000});`,
	}, {
		// AdguardTeam/Scriptlets #127: "Proceed to checkout" is dead until eventCallback is honoured.
		name: "scriptlets-127", strict: true, form: true, snippet: managerSnippet,
		act: `dataLayer.push({event:'checkout',ecommerce:{checkout:{actionField:{step:1}}},eventCallback:next});`,
	}, {
		// AdguardTeam/Scriptlets #98, #81: the same by gtag, also where the event names its account.
		name: "scriptlets-98", form: true,
		snippet: `load('https://www.googletagmanager.com/gtag/js?id=UA-1234567-1');window.dataLayer=window.dataLayer||[];function gtag(){dataLayer.push(arguments)}gtag('js',new Date());gtag('config','UA-1234567-1');`,
		act:     `gtag('event','checkout_progress',{send_to:'UA-1234567-1',event_callback:next});`,
	}, {
		// uBlockOrigin/uAssets #4114: a booking form waits for ga(callback).
		name: "uassets-4114", form: true, snippet: gaSnippet,
		act: `ga(function(tracker){if(typeof tracker.get('linkerParam')=='string')next()});`,
	}, {
		// uBlockOrigin/uBlock-issues #1629: what stood in dataLayer before the script came must run too.
		name: "ublock-1629", strict: true,
		snippet: `window.dataLayer=[];`,
		act:     `dataLayer.push({event:'early',eventCallback:next});load('https://www.googletagmanager.com/gtm.js?id=GTM-EXAMPLE');`,
	}, {
		// segmentio/analytics.js-integrations #54: one script that fails to load stops all others.
		name:    "segment-54",
		snippet: `var left=0;function integrate(){['https://connect.facebook.net/en_US/fbevents.js','https://bat.bing.com/bat.js','https://static.criteo.net/js/ld/ld.js','https://s.pinimg.com/ct/core.js','https://static.hotjar.com/c/hotjar-1234567.js?sv=6','https://c.amazon-adsystem.com/aat/amzn.js'].forEach(function(u){left++;load(u,function(){if(--left==0)next()})})}`,
		act:     `integrate();`,
	}, {
		// webcomponents/webcomponents.org #728: a button is dead, for hitCallback is never called.
		name: "webcomponents-728", snippet: gaSnippet,
		act: `ga('send',{hitType:'event',eventCategory:'demo',eventAction:'open',hitCallback:next});`,
	}, {
		// EFForg/privacybadger #862: pages wait for Facebook's SDK.
		name: "privacybadger-862", strict: true,
		snippet: `var article=new Promise(function(show){window.fbAsyncInit=function(){FB.init({appId:'1'});FB.Event.subscribe('auth.statusChange',function(){});FB.getLoginStatus(show)}});load('https://connect.facebook.net/en_US/sdk.js');`,
		act:     `article.then(next);`,
	}, {
		// DuckDuckGo's list of exceptions, most of which are gpt.js: an article is put together in its queue.
		name: "exceptions-gpt", strict: true,
		snippet: `window.googletag=window.googletag||{};googletag.cmd=googletag.cmd||[];load('https://www.googletagservices.com/tag/js/gpt.js');
var slots={};googletag.cmd.push(function(){['top','side'].forEach(function(id){slots[id]=googletag.defineSlot('/1/'+id,[[300,250]],id).setTargeting('k',['v']).addService(googletag.pubads())});googletag.pubads().setTargeting('page','x').collapseEmptyDivs(true);googletag.pubads().disableInitialLoad();googletag.enableServices()});`,
		act: `googletag.cmd.push(function(){googletag.pubads().refresh([slots.top,slots.side]);if(slots.top.getTargeting('k').length==0&&googletag.pubads().getSlots().length==2)next()});`,
	}, {
		// amtunlimited/average-response #4: a promise that is refused stops the page.
		name: "average-response-4", snippet: ``,
		act: `fetch('https://www.google-analytics.com/g/collect?v=2&tid=G-EXAMPLE001&en=sent',{method:'POST',credentials:'include',body:'x'}).then(next);`,
	}, {
		// matomo-org/matomo #17159: a beacon's answer with a body is an error in the console.
		name: "matomo-17159", snippet: ``,
		act: `navigator.sendBeacon('https://stats.shop.example/matomo.php?idsite=7&rec=1&action_name=x');next();`,
	}, {
		// An image whose onload leads on, as in the oldest snippets.
		name: "image-onload", snippet: ``,
		act: `var i=new Image();i.onload=next;i.src='https://www.facebook.com/tr?id=123456789012345&ev=Lead';`,
	}}
}

// TestKnownBreakage does on each of the pages what people could not do.
func TestKnownBreakage(t *testing.T) {
	t.Parallel()
	n := newFakenet(t)
	w := newWorld(t, n, proxy.Always)
	pages := knownBreakage()
	serveStubPages(t, n, pages)
	b := w.open("chromium", w.CA)
	openStubPages(t, w, b, pages)
	w.settle(t)
	checkNothingLeft(t, n)
	for _, p := range pages {
		if len(sentences(w.events.list(), p.host())) == 0 {
			t.Errorf("%s: the ledger tells nothing", p.name)
		}
	}
	t.Run("what most exceptions are for passes", func(t *testing.T) { passByDefault(b.on(t), w) })
}

// passByDefault has the libraries that pages need most reach the page, as they
// do unless the mode is strict.
func passByDefault(b *tab, w *world) {
	scripts := []string{
		"https://securepubads.g.doubleclick.net/tag/js/gpt.js", "https://connect.facebook.net/en_US/sdk.js", "https://c.amazon-adsystem.com/aax2/apstag.js",
		"https://tags.tiqcdn.com/utag/examplecorp/main/prod/utag.js", "https://cdn.optimizely.com/js/1234567890.js", "https://imasdk.googleapis.com/js/sdkloader/ima3.js",
		"https://www.googletagmanager.com/gtm.js?id=GTM-EXAMPLE", "https://cdn.cookielaw.org/scripttemplates/otSDKStub.js",
	}
	w.Memory.SetConfig(memory.Config{})
	var page strings.Builder
	page.WriteString(`<!doctype html><title>News</title><link rel=icon href=data:,><script>var came=0</script>`)
	for _, u := range scripts {
		host, _, _ := strings.Cut(strings.TrimPrefix(u, "https://"), "/")
		w.Net.Handle(host, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write([]byte("came++"))
		}))
		page.WriteString(`<script src="` + u + `"></script>`)
	}
	w.Net.Handle("paper.example", html(map[string]string{"/": page.String()}))
	b.navigate("https://paper.example/")
	b.want("came", "8")
	b.quiet()
}
