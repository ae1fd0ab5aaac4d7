package rules_test

// More of the vendors' public snippets, without the element that loads the script.
const (
	snapSnippet   = `(function(e){if(e.snaptr)return;var a=e.snaptr=function(){a.handleRequest?a.handleRequest.apply(a,arguments):a.queue.push(arguments)};a.queue=[]})(window);`
	redditSnippet = `!function(w){if(!w.rdt){var p=w.rdt=function(){p.sendEvent?p.sendEvent.apply(p,arguments):p.callQueue.push(arguments)};p.callQueue=[]}}(window);`
	quoraSnippet  = `!function(q){var n;if(q.qp)return;n=q.qp=function(){n.qp?n.qp.apply(n,arguments):n.queue.push(arguments)};n.queue=[]}(window);`
	hotjarSnippet = `(function(h){h.hj=h.hj||function(){(h.hj.q=h.hj.q||[]).push(arguments)};h._hjSettings={hjid:1234567,hjsv:6}})(window);`
	claritySnip   = `(function(c,a){c[a]=c[a]||function(){(c[a].q=c[a].q||[]).push(arguments)}})(window,'clarity');`
	fullstorySnip = `window._fs_org='EXAMPLE';window._fs_namespace='FS';(function(m,e){var g=m[e]=function(h,d){return function(b,d,j,r,i,c){g._api?g._api(b,d,j,r,i,c):g.q&&g.q.push([b,d,j,r,i,c])}.call(0,h,d)};g.q=[];
		g.identify=function(i,v){g('user',{uid:i});if(v)g('user',v)};g.event=function(i,v){g('event',{n:i,p:v})}})(window,'FS');`
	chartbeatSnip = `var _sf_async_config=window._sf_async_config=(window._sf_async_config||{});_sf_async_config.uid=12345;_sf_async_config.sections='sport';`
	ymSnippet     = `(function(m,i){m[i]=m[i]||function(){(m[i].a=m[i].a||[]).push(arguments)};m[i].l=1*new Date()})(window,'ym');`
	matomoSnippet = `var _paq=window._paq=window._paq||[];_paq.push(['trackPageView']);_paq.push(['enableLinkTracking']);(function(){_paq.push(['setTrackerUrl','https://stats.shop.example/matomo.php']);_paq.push(['setSiteId','7'])})();`
)

func pixelCases() []stubCase {
	return []stubCase{{
		name: "snap queue, address hashed, purchase", stub: "scevent", src: "https://sc-static.net/scevent.min.js",
		before: snapSnippet + `snaptr('init','0a1b2c3d',{user_email:' Someone@Example.org'});snaptr('track','PAGE_VIEW');`,
		after:  `snaptr('track','PURCHASE',{price:49.9,currency:'EUR',transaction_id:'order-1001',item_ids:['sku-7','sku-9']});note('queue',snaptr.queue.length)`,
		want: []map[string]string{
			{"pid": "0a1b2c3d", "ev": "PAGE_VIEW", "pl": "https://shop.example/thanks?a=b", "u_hem": someoneHash},
			{"ev": "PURCHASE", "e_pr": "49.9", "e_iids": "sku-7,sku-9"},
		},
		said:  []string{"", "shop.example tried to tell Snap Pixel (Snap) that you bought something for 49.9 EUR on /thanks; it carried the page you came from, a fingerprint of your e-mail address, the order number and the products. Your IP address and browser go with every request. Blocked."},
		calls: []string{"queue=0"},
	}, {
		name: "reddit queue, address hashed, purchase", stub: "rdt", src: "https://www.redditstatic.com/ads/pixel.js",
		before: redditSnippet + `rdt('init','t2_example',{email:'someone@example.org',optOut:true});rdt('track','PageVisit');`,
		after:  `rdt('track','Purchase',{value:49.9,currency:'EUR',transactionId:'order-1001',products:[{id:'sku-7',name:'Red shoes'}]});note('queue',rdt.callQueue.length)`,
		want: []map[string]string{
			{"id": "t2_example", "event": "PageVisit", "esurl": "https://shop.example/thanks?a=b", "em": someoneHash, "sh": "1920"},
			{"event": "Purchase", "m.value": "49.9", "m.products": `[{"id":"sku-7","name":"Red shoes"}]`},
		},
		said:  []string{"", "shop.example tried to tell Reddit Pixel (Reddit) that you bought something for 49.9 EUR on /thanks; it carried a fingerprint of your e-mail address, the order number, the products and your screen size. Your IP address and browser go with every request. It tried although you had refused. Blocked."},
		calls: []string{"queue=0"},
	}, {
		name: "quora queue and purchase", stub: "qevents", src: "https://a.quora.com/qevents.js",
		before: quoraSnippet + `qp('init','0123456789abcdef',{email:'someone@example.org'});qp('track','ViewContent');`,
		after:  `qp('track','Purchase',{value:49.9});note('queue',qp.queue.length)`,
		want: []map[string]string{
			{"path.account": "0123456789abcdef", "tag": "ViewContent", "u": "https://shop.example/thanks?a=b", "em": someoneHash},
			{"tag": "Purchase", "value": "49.9"},
		},
		said:  []string{"", "shop.example tried to tell Quora Pixel (Quora) that you bought something for 49.9 on /thanks; it carried a fingerprint of your e-mail address. Your IP address and browser go with every request. Blocked."},
		calls: []string{"queue=0"},
	}, {
		name: "hotjar queue, change of page", stub: "hotjar", src: "https://static.hotjar.com/c/hotjar-1234567.js?sv=6",
		before: hotjarSnippet + `hj('identify','customer-42',{plan:'gold'});hj('event','early');`,
		after:  `hj('stateChange','/next');hj('event','late');hj.ready(function(){back('ready')})`,
		want:   []map[string]string{{"site_id": "1234567", "url": "https://shop.example/thanks?a=b"}, {"url": "https://shop.example/next"}},
		said:   []string{"shop.example tried to tell Hotjar (Contentsquare) that you opened a page (reported automatically) on /thanks. Your IP address and browser go with every request. Blocked."},
		calls:  []string{"ready"},
	}, {
		name: "clarity metadata, once", stub: "clarity", src: "https://www.clarity.ms/tag/abcde12345",
		before: claritySnip + `clarity('set','plan','gold');clarity('metadata',function(m){back('queued',m.projectId)});`,
		after:  `clarity('event','late');clarity('metadata',function(m){back('late',m.pageNum)},false,true);clarity('identify','customer-42').then(function(){note('identified')})`,
		want:   []map[string]string{{"e.4": "abcde12345", "e.11": "https://shop.example/thanks?a=b"}},
		said:   []string{"shop.example tried to tell Microsoft Clarity (Microsoft) that you moved, scrolled, clicked or typed, filmed as it happened (reported automatically) on /thanks. Your IP address and browser go with every request. Blocked."},
		calls:  []string{"queued=abcde12345", "identified", "late=1"},
	}, {
		name: "fullstory queue, identity, observers", stub: "fs", src: "https://edge.fullstory.com/s/fs.js",
		before: fullstorySnip + `FS.identify('customer-42',{email:'someone@example.org',displayName:'Some One'});FS.event('early',{});window._fs_ready=function(){back('ready')};`,
		after: `note('session',FS.getCurrentSessionURL());note('v2',FS('getSession'));FS('observe',{type:'start',callback:function(){back('started')}});
			FS('observe',{type:'start',callback:function(){back('never')}}).disconnect();FS('getSessionAsync').then(function(s){note('promise',s)});FS('setIdentity',{uid:'customer-43',properties:{email:'b@example.org'}})`,
		want: []map[string]string{
			{"OrgId": "EXAMPLE", "Url": "https://shop.example/thanks?a=b", "Uid": "customer-42", "Email": "someone@example.org"},
			{"Uid": "customer-43", "Email": "b@example.org"},
		},
		said:  []string{"shop.example tried to tell FullStory that you opened a page (reported automatically) on /thanks; it carried the page you came from, your e-mail address, in clear, your name, in clear, your account number on that site and your screen size. Your IP address and browser go with every request. Blocked."},
		calls: []string{"ready", "session=null", "v2=null", "promise=null", "started"},
	}, {
		name: "chartbeat page and virtual page", stub: "chartbeat", src: "https://static.chartbeat.com/js/chartbeat.js",
		before: chartbeatSnip + `window._cbq=[['_acct','anon']];`,
		after:  `pSUPERFLY.virtualPage({path:'/next',title:'Next'});note('pushed',_cbq.push(['_x']))`,
		want:   []map[string]string{{"g": "12345", "p": "/thanks", "g0": "sport"}, {"p": "/next", "i": "Next"}},
		said:   []string{"shop.example tried to tell what looks like Chartbeat that you spent time with a page (reported automatically); it carried the title of the page, the page you came from, the section of the site and the page you were on. Your IP address and browser go with every request. Blocked."},
		calls:  []string{"pushed=2"},
	}, {
		name: "comscore queue, later beacon, streaming", stub: "comscore", src: "https://sb.scorecardresearch.com/cs/12345678/beacon.js",
		before: `var _comscore=_comscore||[];_comscore.push({c1:'2',c2:'12345678'});`,
		after: `COMSCORE.beacon({c1:'2',c2:'12345678',c7:'https://shop.example/next'});COMSCORE.purge(function(){back('purged')});
			var s=new ns_.StreamingAnalytics();s.setMetadata(new s.Builder().x().y());s.notifyPlay()`,
		want:  []map[string]string{{"c2": "12345678", "c7": "https://shop.example/thanks?a=b", "c8": "Thanks"}, {"c7": "https://shop.example/next"}},
		said:  []string{"shop.example tried to tell Comscore that you opened a page on /thanks; it carried the title of the page and the page you came from. Your IP address and browser go with every request. Blocked."},
		calls: []string{"purged"},
	}, {
		name: "nielsen bundle and the older tag", stub: "nielsen", src: "https://cdn-gl.imrworldwide.com/novms/js/2/nlsSDK600.bundle.min.js",
		before: `!function(t,n){t[n]=t[n]||{nlsQ:function(e,o,c){return t[n][o]={g:c||{},ggPM:function(a,b){(t[n][o].q=t[n][o].q||[]).push([a,b])}},t[n][o]}}}(window,'NOLBUNDLE');
			var inst=NOLBUNDLE.nlsQ('PEXAMPLE','first',{apid:'PEXAMPLE'});inst.ggPM('staticstart',{section:'sport',assetName:'Match'});`,
		after: `NOLBUNDLE.nlsQ('PEXAMPLE','first').ggPM('staticend',{});NOLCMB.getInstance('x').ggInitialize({apid:'POTHER'});var trac=nol_t({cid:'us-1',content:'0'});trac.record().post()`,
		want:  []map[string]string{{"ci": "PEXAMPLE", "cg": "sport", "tl": "Match"}, {"ci": "us-1"}},
		said:  []string{"shop.example tried to tell what looks like Nielsen Digital (Nielsen) that you opened a page on /thanks; it carried the title of the page, the page you came from, the section of the site and your screen size. Your IP address and browser go with every request. Blocked."},
	}, {
		name: "naver page and conversion", stub: "wcslog", src: "https://wcs.naver.net/wcslog.js",
		after: `if(!window.wcs_add)window.wcs_add={};wcs_add.wa='s_0123456789ab';if(window.wcs){wcs.inflow('shop.example');wcs_do()}var _nasa={};_nasa.cnv=wcs.cnv('1','49900');wcs_do(_nasa)`,
		want:  []map[string]string{{"wa": "s_0123456789ab", "u": "https://shop.example/thanks?a=b"}, {"cnv": "1,49900"}},
		said:  []string{"", "shop.example tried to tell what looks like Naver Analytics (Naver) that you bought something for 49900 on /thanks; it carried the page you came from, your screen size and your language. Your IP address and browser go with every request. Blocked."},
	}, {
		name: "metrica queue, goal with callback, inited", stub: "ym", src: "https://mc.yandex.ru/metrika/tag.js",
		before: ymSnippet + `ym(12345678,'init',{clickmap:true});ym(12345678,'getClientID',function(){back('id')});window.yandex_metrika_callbacks2=[function(){back('older',typeof Ya.Metrika2)}];`,
		after: `ym(12345678,'reachGoal','basket',{order_price:49.9,currency:'EUR'},function(){back('goal',this.k)},{k:'ctx'});ym(12345678,'hit','/next',{callback:function(){back('hit')}});
			yaCounter12345678.reachGoal('counted');note('id',typeof ym(12345678,'userParams',{a:1}));new Ya.Metrika({id:7,defer:true}).hit('/last')`,
		want: []map[string]string{
			{"path.account": "12345678", "page-url": "https://shop.example/thanks?a=b", "page-ref": "https://search.example/"},
			{"page-url": "goal://shop.example/basket", "site-info": `{"order_price":49.9,"currency":"EUR"}`},
			{"page-url": "https://shop.example/next"},
			{"page-url": "goal://shop.example/counted"},
			{"path.account": "7", "page-url": "https://shop.example/last"},
		},
		said: []string{
			"shop.example tried to tell Yandex Metrica (Yandex) that you opened a page on /thanks; it carried the page you came from, your screen size, your colour depth and your language. Your IP address and browser go with every request. Blocked.",
			"shop.example tried to tell Yandex Metrica (Yandex) that something the site calls “basket” happened for 49.9 EUR; it carried further details the site chose, your screen size, your colour depth and your language. Your IP address and browser go with every request. Blocked.",
		},
		calls: []string{"id", "older=function", "id=undefined", "goal=ctx", "hit"},
	}, {
		name: "matomo queue, shop, functions", stub: "matomo", src: "https://stats.shop.example/matomo.js",
		before: matomoSnippet + `_paq.push([function(){note('visitor',this.getVisitorId())}]);window.matomoAsyncInit=function(){note('init',typeof Matomo.getAsyncTracker)};`,
		after: `_paq.push(['setUserId','customer-42'],['addEcommerceItem','sku-7','Red shoes','Shoes',49.9,1],['trackEcommerceOrder','order-1001',49.9]);_paq.push(['trackEvent','video','play','intro']);
			_paq.push(['trackPageView','Next',{},function(){back('tracked')}]);note('out',Matomo.getTracker('x','8').isUserOptedOut());_paq.push(['x::trackSiteSearch','red shoes'])`,
		want: []map[string]string{
			{"idsite": "7", "e_a": "page", "url": "https://shop.example/thanks?a=b", "res": "1920x1080"},
			{"e_a": "order", "ec_id": "order-1001", "revenue": "49.9", "uid": "customer-42"},
			{"e_a": "play", "e_c": "video"},
			{"e_a": "page", "action_name": "Next"},
			{"e_a": "search", "search": "red shoes"},
		},
		said: []string{
			"shop.example tried to tell Matomo that you opened a page on /thanks; it carried the title of the page, the page you came from and your screen size. Your IP address and browser go with every request. Blocked.",
			"shop.example tried to tell Matomo that you bought something for 49.9 on /thanks; it carried the title of the page, the page you came from, your account number on that site, the order number, the products, the kind of product and your screen size. Your IP address and browser go with every request. Blocked.",
		},
		calls: []string{"init=function", "visitor=", "out=false", "tracked"},
	}}
}
