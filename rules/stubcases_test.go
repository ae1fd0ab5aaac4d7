package rules_test

import "slices"

// The vendors' public snippets, as far as their queues go; each leaves out the
// element that loads the script.
const (
	metaSnippet = `!function(f){if(f.fbq)return;var n=f.fbq=function(){n.callMethod?n.callMethod.apply(n,arguments):n.queue.push(arguments)};
		if(!f._fbq)f._fbq=n;n.push=n;n.loaded=!0;n.version='2.0';n.queue=[]}(window);`
	xSnippet    = `!function(e){var s;e.twq||(s=e.twq=function(){s.exe?s.exe.apply(s,arguments):s.queue.push(arguments)},s.version='1.1',s.queue=[])}(window);`
	gtagSnippet = `window.dataLayer=window.dataLayer||[];function gtag(){dataLayer.push(arguments)}gtag('js',new Date());`
	uaSnippet   = `(function(i,r){i['GoogleAnalyticsObject']=r;i[r]=i[r]||function(){(i[r].q=i[r].q||[]).push(arguments)};i[r].l=1*new Date()})(window,'ga');`
	gtmSnippet  = `(function(w,l){w[l]=w[l]||[];w[l].push({'gtm.start':1,event:'gtm.js'})})(window,'dataLayer');`
	adrollSnip  = `adroll_adv_id='ADVEXAMPLE';adroll_pix_id='PIXEXAMPLE';adroll_version='2.0';(function(w,a){w.__adroll_loaded=true;w.adroll=w.adroll||[];w.adroll.f=['setProperties','identify','track'];
		for(a=0;a<w.adroll.f.length;a++)w.adroll[w.adroll.f[a]]=w.adroll[w.adroll.f[a]]||(function(n){return function(){w.adroll.push([n,arguments])}})(w.adroll.f[a])})(window);`
	linkedSnip = `_linkedin_partner_id='1234567';window._linkedin_data_partner_ids=window._linkedin_data_partner_ids||[];window._linkedin_data_partner_ids.push(_linkedin_partner_id);
		if(!window.lintrk){window.lintrk=function(a,b){window.lintrk.q.push([a,b])};window.lintrk.q=[]}`
	tiktokSnip = `!function(w,t){w.TiktokAnalyticsObject=t;var q=w[t]=w[t]||[];q.methods=['page','track','identify','instances','debug','on','off','once','ready','alias','group','enableCookie','disableCookie','holdConsent','revokeConsent','grantConsent'];
		q.setAndDefer=function(t,e){t[e]=function(){t.push([e].concat(Array.prototype.slice.call(arguments,0)))}};for(var i=0;i<q.methods.length;i++)q.setAndDefer(q,q.methods[i]);
		q.instance=function(t){for(var e=q._i[t]||[],n=0;n<q.methods.length;n++)q.setAndDefer(e,q.methods[n]);return e};q.load=function(e){q._i=q._i||{};q._i[e]=[]};q.load('CEXAMPLE')}(window,'ttq');`
	uetOnload     = `(function(w,u){var o={ti:'12345678'};o.q=w[u],w[u]=new UET(o),w[u].push('pageLoad')})(window,'uetq');`
	pinterestSnip = `!function(){if(!window.pintrk){window.pintrk=function(){window.pintrk.queue.push(Array.prototype.slice.call(arguments))};var n=window.pintrk;n.queue=[];n.version='3.0'}}();`
	// SHA-256 of someone@example.org
	someoneHash = "79a6123c2db3b110c92f2872d217545dfc5ff5147bbdd47e67e72f223747a538"
)

type stubCase struct {
	name   string
	stub   string
	src    string // where the page loads the script from
	again  string // and from where once more, "" if it does not
	before string // the page's script before it
	after  string // and after it
	// want are the reports in order, each with the parameters it must have.
	want []map[string]string
	// said are the sentences that the reports give, in order.
	said  []string
	calls []string // what the page noted, in order
	// loads are loaders that the stand-in asks for, more what those tell.
	loads, more []string
}

func stubCases() []stubCase {
	return slices.Concat(metaAndXCases(), otherCases(), gtagCases(), analyticsCases(), adsCases(), pixelCases(), analysisCases(), strictCases(), slotCases(), managerCases())
}

func metaAndXCases() []stubCase {
	return []stubCase{{
		name: "meta queue, address hashed, call after load", stub: "fbevents", src: "https://connect.facebook.net/en_US/fbevents.js",
		before: metaSnippet + `fbq('init','123456789012345',{em:' Someone@Example.org'});fbq('track','PageView');`,
		after: `fbq('track','Purchase',{value:49.9,currency:'EUR',content_ids:['sku-7']},{eventID:'order-1001'});
			fbq('trackSingle','543210987654321','Lead');fbq.push(['x']);note('queue',fbq.queue.length);note('pixels',fbq.getState().pixels.length)`,
		want: []map[string]string{
			{"id": "123456789012345", "ev": "PageView", "dl": "https://shop.example/thanks?a=b", "rl": "https://search.example/", "sw": "1920", "sh": "1080", "ud[em]": someoneHash},
			{"id": "123456789012345", "ev": "Purchase", "cd[value]": "49.9", "cd[currency]": "EUR", "cd[content_ids]": `["sku-7"]`, "eid": "order-1001"},
			{"id": "543210987654321", "ev": "Lead"},
		},
		said: []string{
			"shop.example tried to tell Meta Pixel (Meta Platforms) that you opened a page on /thanks; it carried the page you came from, a fingerprint of your e-mail address and your screen size. Your IP address and browser go with every request. Blocked.",
			"shop.example tried to tell Meta Pixel (Meta Platforms) that you bought something for 49.9 EUR on /thanks; it carried the page you came from, a fingerprint of your e-mail address, the products and your screen size. Your IP address and browser go with every request. Blocked.",
		},
		calls: []string{"queue=0", "pixels=1"},
	}, {
		name: "meta keeps what was revoked until it is granted", stub: "fbevents", src: "https://connect.facebook.net/en_US/fbevents.js",
		before: metaSnippet + `fbq('consent','revoke');fbq('init','123456789012345');fbq('track','PageView');`,
		after:  `note('held');fbq('consent','grant')`,
		want:   []map[string]string{{"ev": "PageView"}},
		calls:  []string{"held"},
	}, {
		name: "x configuration, event, older track", stub: "uwt", src: "https://static.ads-twitter.com/uwt.js",
		before: xSnippet + `twq('config','o1abc');`,
		after:  `twq('event','tw-o1abc-o1abd',{value:49.9,currency:'EUR',email_address:'someone@example.org'});twq('track','Purchase',{value:'5'});note('queue',twq.queue.length)`,
		want: []map[string]string{
			{"txn_id": "o1abc", "events": `[["pageview",{}]]`, "tw_document_href": "https://shop.example/thanks?a=b"},
			{"txn_id": "tw-o1abc-o1abd", "event": `{"value":49.9,"currency":"EUR","email_address":"` + someoneHash + `"}`},
			{"txn_id": "o1abc", "events": `[["purchase",{"value":"5"}]]`},
		},
		said: []string{
			"shop.example tried to tell X pixel (X Corp.) that you opened a page on /thanks; it carried the page you came from. Your IP address and browser go with every request. Blocked.",
			"shop.example tried to tell X pixel (X Corp.) that you did what the site counts as a result of its advertising for 49.9 EUR on /thanks; it carried the page you came from and a fingerprint of your e-mail address. Your IP address and browser go with every request. Blocked.",
			"shop.example tried to tell X pixel (X Corp.) that you bought something for 5 on /thanks; it carried the page you came from. Your IP address and browser go with every request. Blocked.",
		},
		calls: []string{"queue=0"},
	}, {
		name: "x conversion of the oldest script", stub: "uwt", src: "https://platform.twitter.com/oct.js",
		after: `twttr.conversion.trackPid('o1abc',{tw_sale_amount:12.5,tw_order_quantity:1})`,
		want:  []map[string]string{{"txn_id": "o1abc", "tw_sale_amount": "12.5", "tw_order_quantity": "1"}},
		said:  []string{"shop.example tried to tell X pixel (X Corp.) that you did what the site counts as a result of its advertising for 12.5 on /thanks; it carried the page you came from. Your IP address and browser go with every request. Blocked."},
	}}
}

func otherCases() []stubCase {
	return []stubCase{{
		name: "adroll queue and conversion", stub: "roundtrip", src: "https://s.adroll.com/j/ADVEXAMPLE/roundtrip.js",
		before: adrollSnip + `adroll.track('pageView');`,
		after:  `adroll.identify({email:'someone@example.org'});adroll.track('purchase',{conversion_value:49.9,currency:'EUR',order_id:'order-1001'});__adroll.record_user({adroll_segments:'vip'});__adroll.whatever()`,
		want: []map[string]string{
			{"advertisable": "ADVEXAMPLE", "arrfrr": "https://shop.example/thanks?a=b", "adroll_s_ref": "https://search.example/"},
			{"ev": "purchase", "conversion_value": "49.9", "currency": "EUR", "order_id": "order-1001", "adroll_email": someoneHash},
			{"advertisable": "ADVEXAMPLE"},
		},
	}, {
		name: "adroll of before version 2 reports by itself", stub: "roundtrip", src: "https://s.adroll.com/j/roundtrip.js",
		before: `adroll_adv_id='ADVEXAMPLE';adroll_pix_id='PIXEXAMPLE';adroll_conversion_value='12.5';adroll_currency='USD';`,
		want:   []map[string]string{{"advertisable": "ADVEXAMPLE", "conversion_value": "12.5", "currency": "USD"}},
	}, {
		name: "linkedin visit and conversion", stub: "insight", src: "https://snap.licdn.com/li.lms-analytics/insight.min.js",
		before: linkedSnip + `lintrk('setUserData',{email:'someone@example.org'});`,
		after:  `lintrk('track',{conversion_id:7654321,commandCallback:function(){back('called')}})`,
		want: []map[string]string{
			{"pid": "1234567", "url": "https://shop.example/thanks?a=b", "hem": someoneHash},
			{"pid": "1234567", "conversionId": "7654321"},
		},
		calls: []string{"called"},
	}, {
		name: "tiktok queue, ready, instance, consent", stub: "ttq", src: "https://analytics.tiktok.com/i18n/pixel/events.js?sdkid=CEXAMPLE&lib=ttq",
		before: tiktokSnip + `ttq.identify({email:'someone@example.org'});ttq.page();ttq.ready(function(){back('ready')});`,
		after: `ttq.track('CompletePayment',{value:49.9,currency:'EUR',contents:[{content_id:'sku-7',content_name:'Red shoes'}]},{event_id:'order-1001'});
			ttq.instance('CEXAMPLE').track('Search',{query:'red shoes'});ttq.holdConsent();ttq.track('Contact');ttq.grantConsent();ttq.holdConsent();ttq.track('Download');ttq.revokeConsent();note('many',ttq.instances().length)`,
		want: []map[string]string{
			{"event": "Pageview", "context.pixel.code": "CEXAMPLE", "context.page.url": "https://shop.example/thanks?a=b", "context.user.email": someoneHash},
			{"event": "CompletePayment", "properties.value": "49.9", "properties.contents.0.content_name": "Red shoes", "event_id": "order-1001"},
			{"event": "Search", "properties.query": "red shoes"},
			{"event": "Contact"},
		},
		calls: []string{"ready", "many=1"},
	}, {
		name: "microsoft constructor, queue in one row, consent", stub: "bat", src: "https://bat.bing.com/bat.js",
		before: `window.uetq=window.uetq||[];uetq.push('consent','default',{ad_storage:'denied'});uetq.push('event','purchase',{revenue_value:49.9,currency:'EUR'});uetq.push({ec:'shop',ea:'click'});`,
		after:  uetOnload + `uetq.push('event','page_view',{page_path:'/next'});uetq.push('event','lonely')`,
		want: []map[string]string{
			{"ti": "12345678", "evt": "custom", "ea": "purchase", "gv": "49.9", "gc": "EUR", "asc": "D"},
			{"evt": "custom", "ec": "shop", "ea": "click"},
			{"evt": "pageLoad", "p": "https://shop.example/thanks?a=b", "sw": "1920", "lg": "en-GB"},
			{"evt": "page", "p": "https://shop.example/next"},
			{"evt": "custom", "ea": "lonely"},
		},
	}, {
		name: "pinterest load, page, track with callback", stub: "core", src: "https://s.pinimg.com/ct/core.js",
		before: pinterestSnip + `pintrk('load','2612345678901',{em:'someone@example.org'});pintrk('page');`,
		after:  `pintrk('track','Checkout',{value:49.9,currency:'EUR'},function(ok){back('done',ok)})`,
		want: []map[string]string{
			{"tid": "2612345678901", "event": "init", "pd": `{"em":"` + someoneHash + `"}`},
			{"tid": "2612345678901", "event": "pagevisit"},
			{"tid": "2612345678901", "event": "checkout", "ed": `{"value":49.9,"currency":"EUR"}`},
		},
		calls: []string{"done=true"},
	}}
}

func gtagCases() []stubCase {
	return []stubCase{{
		name: "gtag queue, callbacks, consent, product", stub: "gtag", src: "https://www.googletagmanager.com/gtag/js?id=G-EXAMPLE001",
		before: gtagSnippet + `gtag('consent','default',{ad_storage:'denied',analytics_storage:'denied'});gtag('config','G-EXAMPLE001',{user_id:'customer-42'});gtag('config','AW-123456789');
			gtag('event','early',{event_callback:function(){back('early')}});`,
		after: `gtag('event','purchase',{value:49.9,currency:'EUR',transaction_id:'order-1001',items:[{item_id:'sku-7',item_name:'Red shoes'}],event_callback:function(){back('late')}});
			gtag('get','G-EXAMPLE001','client_id',function(v){back('got',v.split('.').length)});note('pushed',dataLayer.push({x:1}))`,
		want: []map[string]string{
			{"tid": "G-EXAMPLE001", "en": "page_view", "dl": "https://shop.example/thanks?a=b", "uid": "customer-42", "gcs": "G100"},
			{"tid": "G-EXAMPLE001", "en": "early"},
			{"tid": "G-EXAMPLE001", "en": "purchase", "epn.value": "49.9", "cu": "EUR", "ep.transaction_id": "order-1001", "pr1": "idsku-7~nmRed shoes~qt1"},
		},
		said: []string{
			"shop.example tried to tell Google Analytics 4 (Google) that you opened a page on /thanks; it carried the title of the page, the page you came from, your account number on that site, your screen size and your language. Your IP address and browser go with every request. It tried although you had refused. Blocked.",
			"shop.example tried to tell Google Analytics 4 (Google) that something the site calls “early” happened on /thanks; it carried the title of the page, the page you came from, your account number on that site, your screen size and your language. Your IP address and browser go with every request. It tried although you had refused. Blocked.",
			"shop.example tried to tell Google Analytics 4 (Google) that you bought something for 49.9 EUR on /thanks; it carried the title of the page, the page you came from, your account number on that site, the order number, the products, your screen size and your language. Your IP address and browser go with every request. It tried although you had refused. Blocked.",
		},
		calls: []string{"early", "pushed=8", "late", "got=2"},
		loads: []string{"https://www.googletagmanager.com/gtag/js?id=AW-123456789"},
		more: []string{
			"shop.example tried to tell Google Ads (Google) that you opened a page on /thanks; it carried the title of the page, the page you came from and your language. Your IP address and browser go with every request. It tried although you had refused. Blocked.",
			"shop.example tried to tell Google Ads (Google) that something the site calls “early” happened on /thanks; it carried the title of the page, the page you came from and your language. Your IP address and browser go with every request. It tried although you had refused. Blocked.",
			"shop.example tried to tell Google Ads (Google) that you bought something for 49.9 EUR on /thanks; it carried the title of the page, the page you came from, the order number and your language. Your IP address and browser go with every request. It tried although you had refused. Blocked.",
		},
	}, {
		name: "gtag that also serves an advertising account, in one snippet", stub: "gtag", src: "https://www.googletagmanager.com/gtag/js?id=G-EXAMPLE001&l=dataLayer",
		before: gtagSnippet + `gtag('config','G-EXAMPLE001');gtag('config','AW-123456789');gtag('config','AW-987654321');`,
		after:  `gtag('event','conversion',{send_to:'AW-123456789/AbCdEfGh',value:49.9,currency:'EUR',transaction_id:'order-1001',event_callback:function(){back('bought')}})`,
		want:   []map[string]string{{"tid": "G-EXAMPLE001", "en": "page_view"}},
		calls:  []string{"bought"},
		loads:  []string{"https://www.googletagmanager.com/gtag/js?id=AW-123456789&l=dataLayer"},
		more: []string{
			"shop.example tried to tell Google Ads (Google) that you opened a page on /thanks; it carried the title of the page, the page you came from and your language. Your IP address and browser go with every request. Blocked.",
			"shop.example tried to tell Google Ads (Google) that you opened a page on /thanks; it carried the title of the page, the page you came from and your language. Your IP address and browser go with every request. Blocked.",
			"shop.example tried to tell Google Ads (Google) that you did what the site counts as a result of its advertising for 49.9 EUR on /thanks; it carried the title of the page, the page you came from, the order number and your language. Your IP address and browser go with every request. Blocked.",
		},
	}, {
		name: "gtag for an advertising account", stub: "gtag", src: "https://www.googletagmanager.com/gtag/js?id=AW-123456789",
		before: gtagSnippet + `gtag('config','AW-123456789',{send_page_view:false});`,
		after:  `gtag('event','conversion',{send_to:'AW-123456789/AbCdEfGh',value:'49.90',currency:'EUR',transaction_id:'order-1001'})`,
		want:   []map[string]string{{"tid": "AW-123456789", "type": "AbCdEfGh", "en": "conversion", "epn.value": "49.90"}},
		said:   []string{"shop.example tried to tell Google Ads (Google) that you did what the site counts as a result of its advertising for 49.90 EUR on /thanks; it carried the title of the page, the page you came from, the order number and your language. Your IP address and browser go with every request. Blocked."},
	}, {
		name: "gtag for floodlight", stub: "gtag", src: "https://www.googletagmanager.com/gtag/js?id=DC-1234567",
		before: gtagSnippet + `gtag('config','DC-1234567',{send_page_view:false});`,
		after:  `gtag('event','purchase',{send_to:'DC-1234567/sales0/order0+transactions',value:12.5})`,
		want:   []map[string]string{{"tid": "DC-1234567", "type": "sales0", "cat": "order0", "epn.value": "12.5"}},
		said:   []string{"shop.example tried to tell DoubleClick Floodlight (Google) that something the site calls “order0” happened for 12.5 on /thanks; it carried the title of the page, the page you came from, your screen size and your language. Your IP address and browser go with every request. Blocked."},
	}, {
		name: "gtag loaded for two accounts calls back once", stub: "gtag",
		src: "https://www.googletagmanager.com/gtag/js?id=G-EXAMPLE001", again: "https://www.googletagmanager.com/gtag/js?id=G-EXAMPLE002",
		before: gtagSnippet + `gtag('config','G-EXAMPLE001');gtag('event','x',{event_callback:function(){back('once')}});`,
		after:  `gtag('event','y',{send_to:'G-EXAMPLE002',event_callback:function(){back('again')}})`,
		want: []map[string]string{
			{"tid": "G-EXAMPLE001", "en": "page_view"},
			{"tid": "G-EXAMPLE001", "en": "x"},
			{"tid": "G-EXAMPLE002", "en": "y"},
		},
		calls: []string{"once", "again"},
	}, {
		name: "gtag loaded for two products calls back once", stub: "gtag",
		src: "https://www.googletagmanager.com/gtag/js?id=G-EXAMPLE001", again: "https://www.googletagmanager.com/gtag/js?id=AW-123456789",
		before: gtagSnippet + `gtag('config','G-EXAMPLE001');`,
		after:  `gtag('event','x',{event_callback:function(){back('once')}})`,
		want:   []map[string]string{{"tid": "G-EXAMPLE001", "en": "page_view"}, {"tid": "G-EXAMPLE001", "en": "x"}},
		calls:  []string{"once"},
	}, {
		name: "gtag for universal analytics, own name of the list", stub: "gtag", src: "https://www.googletagmanager.com/gtag/js?id=UA-1234567-1&l=other",
		before: `window.other=[];function gtag(){other.push(arguments)}gtag('config','UA-1234567-1');`,
		want:   []map[string]string{{"tid": "UA-1234567-1", "t": "pageview"}},
		said:   []string{"shop.example tried to tell Universal Analytics (Google) that you opened a page on /thanks; it carried the title of the page, the page you came from, your screen size and your language. Your IP address and browser go with every request. Blocked."},
	}}
}

func analyticsCases() []stubCase {
	return []stubCase{{
		name: "analytics.js commands, callbacks, tracker", stub: "analytics", src: "https://www.google-analytics.com/analytics.js",
		before: uaSnippet + `ga('create','UA-1234567-1','auto');ga('set','userId','customer-42');ga('send','pageview');ga(function(t){back('tracker',t.get('trackingId'))});
			window.dataLayer={hide:{end:function(){}}};`,
		after: `ga('send','event','video','play','intro',{hitCallback:function(){back('hit')}});ga('ec:setAction','purchase',{id:'order-1001',revenue:'49.90'});ga('send','pageview');
			ga('t0.send','pageview','/virtual');note('all',ga.getAll().length);note('link',new gaplugins.Linker().decorate('https://x.example/'));note('param',typeof ga.getByName('t0').get('linkerParam'));
			ga('set','hitCallback',function(){back('set')});ga.q.push(['send','social','net','like','x'])`,
		want: []map[string]string{
			{"tid": "UA-1234567-1", "t": "pageview", "dl": "https://shop.example/thanks?a=b", "uid": "customer-42"},
			{"t": "event", "ec": "video", "ea": "play", "el": "intro"},
			{"t": "pageview", "pa": "purchase", "ti": "order-1001", "tr": "49.90"},
			{"t": "pageview", "dp": "/virtual"},
			{"t": "social"},
		},
		said: []string{
			"shop.example tried to tell Universal Analytics (Google) that you opened a page on /thanks; it carried the title of the page, the page you came from, your account number on that site, your screen size and your language. Your IP address and browser go with every request. Blocked.",
			"shop.example tried to tell Universal Analytics (Google) that something the site calls “play” happened on /thanks; it carried the title of the page, the page you came from, your account number on that site, what you clicked on, your screen size and your language. Your IP address and browser go with every request. Blocked.",
			"shop.example tried to tell Universal Analytics (Google) that you bought something for 49.90 on /thanks; it carried the title of the page, the page you came from, your account number on that site, the order number, your screen size and your language. Your IP address and browser go with every request. Blocked.",
		},
		calls: []string{"tracker=UA-1234567-1", "all=1", "link=https://x.example/", "param=string", "hit", "set"},
	}, {
		name: "ga.js queue, shop, every method", stub: "ga", src: "https://ssl.google-analytics.com/ga.js",
		before: `var _gaq=_gaq||[];_gaq.push(['_setAccount','UA-1234567-1']);_gaq.push(['_trackPageview']);_gaq.push(function(){back('function')});`,
		after: `_gaq.push(['_addTrans','order-1001','','49.90'],['_addItem','order-1001','sku-7','Red shoes'],['_trackTrans']);_gaq.push(['_set','hitCallback',function(){back('hit')}]);
			var t=_gat._getTracker('UA-7654321-1');t._setDomainName('x');t._anyOther();t._trackEvent('video','play');note('link',t._getLinkerUrl('https://x.example/'));_gaq.push(['_link','https://next.example/']);note('at',location.href)`,
		want: []map[string]string{
			{"utmac": "UA-1234567-1", "utmp": "/thanks?a=b", "utmdt": "Thanks"},
			{"utmt": "tran", "utmtid": "order-1001", "utmtto": "49.90", "utmipn": "Red shoes"},
			{"utmac": "UA-7654321-1", "utmt": "event", "utme": "5(video*play)"},
		},
		said: []string{
			"shop.example tried to tell Universal Analytics (Google) that you opened a page on /thanks; it carried the title of the page, the page you came from, your screen size and your language. Your IP address and browser go with every request. Blocked.",
			"shop.example tried to tell Universal Analytics (Google) that you bought something for 49.90 on /thanks; it carried the title of the page, the page you came from, the order number, the products, your screen size and your language. Your IP address and browser go with every request. Blocked.",
			"shop.example tried to tell Universal Analytics (Google) that something the site calls “play” happened on /thanks; it carried the title of the page, the page you came from, your screen size and your language. Your IP address and browser go with every request. Blocked.",
		},
		calls: []string{"function", "link=https://x.example/", "at=https://next.example/", "hit"},
	}}
}

func adsCases() []stubCase {
	return []stubCase{{
		name: "conversion on call, with callback", stub: "conversion", src: "https://www.googleadservices.com/pagead/conversion_async.js",
		after: `google_trackConversion({google_conversion_id:123456789,google_conversion_label:'AbCdEfGh',google_conversion_value:49.9,google_conversion_currency:'EUR',google_custom_params:{ecomm_prodid:'sku-7'},onload_callback:function(){back('go')}})`,
		want:  []map[string]string{{"tid": "AW-123456789", "label": "AbCdEfGh", "value": "49.9", "data.ecomm_prodid": "sku-7"}},
		said:  []string{"shop.example tried to tell Google Ads (Google) that you did what the site counts as a result of its advertising for 49.9 EUR on /thanks; it carried the title of the page, the page you came from, the products, your screen size and your colour depth. Your IP address and browser go with every request. Blocked."},
		calls: []string{"go"},
	}, {
		name: "conversion of the oldest script", stub: "conversion", src: "https://www.googleadservices.com/pagead/conversion.js",
		before: `var google_conversion_id=123456789,google_remarketing_only=true;`,
		want:   []map[string]string{{"tid": "AW-123456789", "en": "remarketing"}},
		said:   []string{"shop.example tried to tell Google Ads (Google) that you were there, so that its advertisements can follow you to other sites on /thanks; it carried the title of the page, the page you came from, your screen size and your colour depth. Your IP address and browser go with every request. Blocked."},
	}, {
		name: "a container in strict mode", stub: "gtm", src: "https://www.googletagmanager.com/gtm.js?id=GTM-EXAMPLE",
		before: `window.dataLayer=[];dataLayer.hide={end:function(){note('shown')}};` + gtmSnippet + `dataLayer.push({event:'early',eventCallback:function(id){back('early',id)}});`,
		after: `dataLayer.push({event:'purchase',ecommerce:{value:49.9,currency:'EUR',transaction_id:'order-1001'},eventCallback:function(){back('go')},eventTimeout:2000});
			dataLayer.push(function(){back('get',this.get('event'))});note('model',typeof google_tag_manager['GTM-EXAMPLE'].dataLayer.get)`,
		want: []map[string]string{
			{"id": "GTM-EXAMPLE", "en": "gtm.js"},
			{"id": "GTM-EXAMPLE", "en": "early"},
			{"id": "GTM-EXAMPLE", "en": "purchase", "epn.value": "49.9", "ep.transaction_id": "order-1001"},
		},
		said: []string{
			"shop.example tried to tell Google Tag Manager (Google) that you opened a page (reported automatically) on /thanks; it carried the title of the page, the page you came from, your screen size and your language. Your IP address and browser go with every request. Blocked.",
			"shop.example tried to tell Google Tag Manager (Google) that something the site calls “early” happened on /thanks; it carried the title of the page, the page you came from, your screen size and your language. Your IP address and browser go with every request. Blocked.",
			"shop.example tried to tell Google Tag Manager (Google) that you bought something for 49.9 EUR on /thanks; it carried the title of the page, the page you came from, the order number, your screen size and your language. Your IP address and browser go with every request. Blocked.",
		},
		calls: []string{"shown", "early=GTM-EXAMPLE", "model=function", "go", "get=purchase"},
	}}
}
