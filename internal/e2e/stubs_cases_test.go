package e2e

import "slices"

// stubPages are the vendors' public snippets, with load() in place of the
// element that each makes for itself.
func stubPages() []*stubPage {
	return slices.Concat(stubPixelPages(), stubAnalysisPages(), stubStrictPages())
}

func stubPixelPages() []*stubPage {
	return []*stubPage{{
		name: "meta", stub: "fbevents", form: true,
		snippet: `!function(f){if(f.fbq)return;var n=f.fbq=function(){n.callMethod?n.callMethod.apply(n,arguments):n.queue.push(arguments)};if(!f._fbq)f._fbq=n;n.push=n;n.loaded=!0;n.version='2.0';n.queue=[];load('https://connect.facebook.net/en_US/fbevents.js')}(window);
fbq('init','123456789012345');fbq('track','PageView');`,
		act: `fbq('track','Lead');next();`,
	}, {
		name: "x", stub: "uwt",
		snippet: `!function(e){var s;e.twq||(s=e.twq=function(){s.exe?s.exe.apply(s,arguments):s.queue.push(arguments)},s.version='1.1',s.queue=[],load('https://static.ads-twitter.com/uwt.js'))}(window);twq('config','o1abc');`,
		act:     `twq('event','tw-o1abc-o1abd',{value:1});next();`,
	}, {
		name: "x-old", stub: "uwt",
		snippet: `load('https://platform.twitter.com/oct.js',function(){twttr.conversion.trackPid('o1abc',{tw_sale_amount:0,tw_order_quantity:0})});`,
		act:     `twttr.conversion.trackPid('o1abd');next();`,
	}, {
		name: "bing", stub: "bat", firefox: true,
		snippet: `(function(w,u){w[u]=w[u]||[];load('https://bat.bing.com/bat.js',function(){var o={ti:'12345678',enableAutoSpaTracking:true};o.q=w[u],w[u]=new UET(o),w[u].push('pageLoad')})})(window,'uetq');`,
		act:     `uetq.push('event','purchase',{revenue_value:1});next();`,
	}, {
		name: "linkedin", stub: "insight",
		snippet: `_linkedin_partner_id='1234567';window._linkedin_data_partner_ids=window._linkedin_data_partner_ids||[];window._linkedin_data_partner_ids.push(_linkedin_partner_id);
(function(l){if(!l){window.lintrk=function(a,b){window.lintrk.q.push([a,b])};window.lintrk.q=[]}load('https://snap.licdn.com/li.lms-analytics/insight.min.js')})(window.lintrk);`,
		act: `lintrk('track',{conversion_id:7654321,commandCallback:next});`,
	}, {
		name: "pinterest", stub: "core", form: true,
		snippet: `!function(e){if(!window.pintrk){window.pintrk=function(){window.pintrk.queue.push(Array.prototype.slice.call(arguments))};var n=window.pintrk;n.queue=[];n.version='3.0';load(e)}}('https://s.pinimg.com/ct/core.js');pintrk('load','2612345678901');pintrk('page');`,
		act:     `pintrk('track','lead',{},next);`,
	}, {
		name: "adroll", stub: "roundtrip",
		snippet: `adroll_adv_id='ADVEXAMPLE';adroll_pix_id='PIXEXAMPLE';adroll_version='2.0';(function(w,a){w.__adroll_loaded=true;w.adroll=w.adroll||[];w.adroll.f=['setProperties','identify','track'];
for(a=0;a<w.adroll.f.length;a++)w.adroll[w.adroll.f[a]]=w.adroll[w.adroll.f[a]]||(function(n){return function(){w.adroll.push([n,arguments])}})(w.adroll.f[a]);load('https://s.adroll.com/j/ADVEXAMPLE/roundtrip.js')})(window);adroll.track('pageView');`,
		act: `adroll.track('purchase',{conversion_value:1});next();`,
	}, {
		name: "tiktok", stub: "ttq", firefox: true,
		snippet: `!function(w,d,t){w.TiktokAnalyticsObject=t;var ttq=w[t]=w[t]||[];ttq.methods=['page','track','identify','instances','debug','on','off','once','ready','alias','group','enableCookie','disableCookie'];ttq.setAndDefer=function(t,e){t[e]=function(){t.push([e].concat(Array.prototype.slice.call(arguments,0)))}};
for(var i=0;i<ttq.methods.length;i++)ttq.setAndDefer(ttq,ttq.methods[i]);ttq.instance=function(t){for(var e=ttq._i[t]||[],n=0;n<ttq.methods.length;n++)ttq.setAndDefer(e,ttq.methods[n]);return e};
ttq.load=function(e){ttq._i=ttq._i||{};ttq._i[e]=[];load('https://analytics.tiktok.com/i18n/pixel/events.js?sdkid='+e+'&lib='+t)};ttq.load('CEXAMPLE');ttq.page()}(window,document,'ttq');`,
		act: `ttq.track('Subscribe');ttq.ready(next);`,
	}, {
		name: "snap", stub: "scevent", firefox: true,
		snippet: `(function(e,t,n){if(e.snaptr)return;var a=e.snaptr=function(){a.handleRequest?a.handleRequest.apply(a,arguments):a.queue.push(arguments)};a.queue=[];load(n)})(window,document,'https://sc-static.net/scevent.min.js');
snaptr('init','0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9',{user_email:'ada@shop.example'});snaptr('track','PAGE_VIEW');`,
		act: `snaptr('track','PURCHASE',{price:1,currency:'EUR'});next();`,
	}, {
		name: "reddit", stub: "rdt", form: true,
		snippet: `!function(w,d){if(!w.rdt){var p=w.rdt=function(){p.sendEvent?p.sendEvent.apply(p,arguments):p.callQueue.push(arguments)};p.callQueue=[];load('https://www.redditstatic.com/ads/pixel.js')}}(window,document);rdt('init','t2_example');rdt('track','PageVisit');`,
		act:     `rdt('track','SignUp');next();`,
	}, {
		name: "quora", stub: "qevents",
		snippet: `!function(q,e,v,n){if(q.qp)return;n=q.qp=function(){n.qp?n.qp.apply(n,arguments):n.queue.push(arguments)};n.queue=[];load(v)}(window,'script','https://a.quora.com/qevents.js');qp('init','0123456789abcdef');qp('track','ViewContent');`,
		act:     `qp('track','GenerateLead');next();`,
	}, {
		name: "adwords", stub: "conversion", firefox: true,
		snippet: `load('https://www.googleadservices.com/pagead/conversion_async.js',function(){google_trackConversion({google_conversion_id:123456789,google_remarketing_only:true})});`,
		act:     `google_trackConversion({google_conversion_id:123456789,google_conversion_label:'AbC',onload_callback:next});`,
	}, {
		name: "naver", stub: "wcslog",
		snippet: `load('https://wcs.naver.net/wcslog.js',function(){if(!window.wcs_add)window.wcs_add={};wcs_add.wa='s_0123456789ab';if(window.wcs){wcs.inflow();wcs_do()}});`,
		act:     `var _nasa={};_nasa.cnv=wcs.cnv('1','10');wcs_do(_nasa);next();`,
	}, {
		name: "pardot", stub: "pd", form: true,
		snippet: `piAId='123456';piCId='7890';piHostname='pi.pardot.com';load('https://pi.pardot.com/pd.js');`,
		act:     `piTracker('https://pardot.stub.example/sent');next();`,
	}, {
		name: "munchkin", stub: "munchkin",
		snippet: `(function(){var didInit=false;load('https://munchkin.marketo.net/munchkin.js',function(){if(didInit===false){didInit=true;Munchkin.init('000-ABC-123')}})})();`,
		act:     `Munchkin.munchkinFunction('visitWebPage',{url:'/sent'});next();`,
	}}
}

func stubAnalysisPages() []*stubPage {
	return []*stubPage{{
		name: "ua", stub: "analytics", firefox: true,
		snippet: `(function(i,s,o,g,r){i['GoogleAnalyticsObject']=r;i[r]=i[r]||function(){(i[r].q=i[r].q||[]).push(arguments)},i[r].l=1*new Date();load(g)})(window,document,'script','https://www.google-analytics.com/analytics.js','ga');ga('create','UA-1234567-1','auto');ga('send','pageview');`,
		act:     `ga('send','event','outbound','click',{hitCallback:next});`,
	}, {
		name: "ga-old", stub: "ga",
		snippet: `var _gaq=_gaq||[];_gaq.push(['_setAccount','UA-1234567-1']);_gaq.push(['_trackPageview']);load('https://ssl.google-analytics.com/ga.js');`,
		act:     `_gaq.push(['_set','hitCallback',next]);_gaq.push(['_trackEvent','a','b']);`,
	}, {
		name: "ga4", stub: "gtag", firefox: true, form: true,
		snippet: `load('https://www.googletagmanager.com/gtag/js?id=G-EXAMPLE001');window.dataLayer=window.dataLayer||[];function gtag(){dataLayer.push(arguments)}gtag('js',new Date());gtag('config','G-EXAMPLE001');`,
		act:     `gtag('event','generate_lead',{event_callback:next,event_timeout:2000});`,
	}, {
		name: "hotjar", stub: "hotjar",
		snippet: `(function(h,o,t,j){h.hj=h.hj||function(){(h.hj.q=h.hj.q||[]).push(arguments)};h._hjSettings={hjid:1234567,hjsv:6};load(t+h._hjSettings.hjid+j+h._hjSettings.hjsv)})(window,document,'https://static.hotjar.com/c/hotjar-','.js?sv=');`,
		act:     `hj('event','sent');hj('identify','c-42',{});hj.ready(next);`,
	}, {
		name: "clarity", stub: "clarity", firefox: true,
		snippet: `(function(c,l,a,r,i){c[a]=c[a]||function(){(c[a].q=c[a].q||[]).push(arguments)};load('https://www.clarity.ms/tag/'+i)})(window,document,'clarity','script','abcde12345');`,
		act:     `clarity('metadata',next,false);`,
	}, {
		name: "fullstory", stub: "fs", firefox: true,
		snippet: `window._fs_host='fullstory.com';window._fs_script='edge.fullstory.com/s/fs.js';window._fs_org='EXAMPLE';window._fs_namespace='FS';(function(m,n,e){var g=m[e]=function(a,b,s){g.q?g.q.push([a,b,s]):g._api(a,b,s)};g.q=[];load('https://'+_fs_script);
g.identify=function(i,v,s){g('user',{uid:i},s);if(v)g('user',v,s)};g.event=function(i,v,s){g('event',{n:i,p:v},s)}})(window,document,window._fs_namespace);FS.identify('c-42',{displayName:'Ada'});`,
		act: `FS.event('sent',{});FS('observe',{type:'start',callback:next});`,
	}, {
		name: "chartbeat", stub: "chartbeat", shown: `getComputedStyle(document.body).visibility == "visible"`,
		snippet: `document.head.insertAdjacentHTML('beforeend','<style id=chartbeat-flicker-control-style>body{visibility:hidden!important}</style>');(function(){var c=window._sf_async_config=(window._sf_async_config||{});c.uid=12345;c.domain='news.example';load('https://static.chartbeat.com/js/chartbeat_mab.js')})();`,
		act:     `pSUPERFLY.virtualPage('/sent','Sent');next();`,
	}, {
		name: "comscore", stub: "comscore",
		snippet: `var _comscore=_comscore||[];_comscore.push({c1:'2',c2:'12345678'});load('https://sb.scorecardresearch.com/cs/12345678/beacon.js');`,
		act:     `COMSCORE.beacon({c1:'2',c2:'12345678'});COMSCORE.purge(next);`,
	}, {
		name: "nielsen", stub: "nielsen",
		snippet: `!function(t,n){t[n]=t[n]||{nlsQ:function(e,o,c){load('https://cdn-gl.imrworldwide.com/novms/js/2/nlsSDK600.bundle.min.js');return t[n][o]={g:c||{},ggPM:function(a,b){(t[n][o].q=t[n][o].q||[]).push([a,b])}},t[n][o]}}}(window,'NOLBUNDLE');
var nSdk=NOLBUNDLE.nlsQ('PEXAMPLE','first',{apid:'PEXAMPLE'});nSdk.ggPM('staticstart',{section:'sport',assetName:'Match'});`,
		act: `NOLBUNDLE.nlsQ('PEXAMPLE','first').ggPM('staticstart',{section:'news'});next();`,
	}, {
		name: "mixpanel", stub: "mixpanel", firefox: true,
		snippet: `(function(c,a){var b=window;b.mixpanel=a;a._i=[];a.init=function(q,f,d){function e(j,k){var h=k.split('.');2==h.length&&(j=j[h[0]],k=h[1]);j[k]=function(){j.push([k].concat(Array.prototype.slice.call(arguments,0)))}}var l=a;l.people=l.people||[];
'disable track track_links track_forms identify alias people.set register reset'.split(' ').forEach(function(m){e(l,m)});a._i.push([q,f,d])};a.__SV=1.2;load('https://cdn.mxpnl.com/libs/mixpanel-2-latest.min.js')})(document,window.mixpanel||[]);mixpanel.init('0123456789abcdef0123456789abcdef',{track_pageview:true});`,
		act: `mixpanel.track('Sent',{a:1},next);`,
	}, {
		name: "amplitude", stub: "amplitude", form: true,
		snippet: `!function(e){var r=e.amplitude||{_q:[],_iq:{}};e.amplitude=r;r.invoked=!0;['init','add','track','identify','setUserId','flush'].forEach(function(m){r[m]=function(){var a=[].slice.call(arguments);return{promise:new Promise(function(v){r._q.push({name:m,args:a,resolve:v})})}}});
load('https://cdn.amplitude.com/libs/analytics-browser-2.11.1-min.js.gz',function(){e.amplitude.runQueuedFunctions||console.error('[Amplitude] Error: could not load SDK')})}(window);amplitude.init('KEYEXAMPLE');amplitude.track('Opened');`,
		act: `amplitude.track('Sent').promise.then(next);`,
	}, {
		name: "amplitude-script", stub: "amplitude",
		snippet: `load('https://cdn.amplitude.com/script/0123456789abcdef.js',function(){window.amplitude.add(window.sessionReplay.plugin({sampleRate:1}));window.amplitude.init('0123456789abcdef',{autocapture:true});amplitude.track('Opened')});`,
		act:     `amplitude.logEvent('Sent',{},next);`,
	}, {
		name: "heap", stub: "heap", firefox: true,
		snippet: `window.heap=window.heap||[],heap.load=function(e,t){window.heap.appid=e,window.heap.config=t=t||{};load('https://cdn.heapanalytics.com/js/heap-'+e+'.js');for(var n=function(e){return function(){heap.push([e].concat(Array.prototype.slice.call(arguments,0)))}},p=['addEventProperties','addUserProperties','clearEventProperties','identify','track'],o=0;o<p.length;o++)heap[p[o]]=n(p[o])};heap.load('1234567890');heap.track('Opened');`,
		act:     `heap.track('Sent');heap.onReady(next);`,
	}, {
		name: "matomo", stub: "matomo", firefox: true, form: true,
		snippet: `var _paq=window._paq=window._paq||[];_paq.push(['trackPageView']);_paq.push(['enableLinkTracking']);(function(){var u='https://stats.shop.example/';_paq.push(['setTrackerUrl',u+'matomo.php']);_paq.push(['setSiteId','7']);load(u+'matomo.js')})();`,
		act:     `_paq.push(['trackEvent','form','sent','newsletter',1,{},next]);`,
	}, {
		name: "metrica", stub: "ym", firefox: true,
		snippet: `(function(m,e,t,r,i){m[i]=m[i]||function(){(m[i].a=m[i].a||[]).push(arguments)};m[i].l=1*new Date();load(r)})(window,document,'script','https://mc.yandex.ru/metrika/tag.js','ym');ym(12345678,'init',{clickmap:true,trackLinks:true});`,
		shown:   `typeof yaCounter12345678.reachGoal == "function"`,
		act:     `ym(12345678,'reachGoal','sent',{},next);`,
	}, {
		name: "metrica-old", stub: "ym",
		snippet: `(function(d,w,c){(w[c]=w[c]||[]).push(function(){try{w.yaCounter12345678=new Ya.Metrika({id:12345678,clickmap:true})}catch(e){}});load('https://mc.yandex.ru/metrika/watch.js')})(document,window,'yandex_metrika_callbacks');`,
		shown:   `!!window.yaCounter12345678`,
		act:     `yaCounter12345678.extLink('https://next.example/',{callback:next});`,
	}}
}
