package rules_test

// The public snippets of libraries for analysis, which queue by method.
const (
	mixpanelSnip = `(function(b){var a=window.mixpanel=[];a._i=[];a.__SV=1.2;a.people=[];
		function f(o,h){var p=h.split('.');if(p.length==2){o=o[p[0]];h=p[1]}o[h]=function(){o.push([h].concat([].slice.call(arguments)))}}
		a.init=function(t,c,n){var o=a;if(n){o=a[n]=[];o.people=[]}'track identify register people.set get_distinct_id'.split(' ').forEach(function(m){f(o,m)});a._i.push([t,c,n])}})();`
	amplitudeSnip = `(function(w){var a=w.amplitude={_q:[],_iq:{},invoked:true};['init','track','setUserId','identify','flush'].forEach(function(m){a[m]=function(){var x=[].slice.call(arguments);return{promise:new Promise(function(r){a._q.push({name:m,args:x,resolve:r})})}}});a.Identify=function(){}})(window);`
	amplitudeOld  = `(function(w){var a=w.amplitude={_q:[],_iq:{}};function p(o){['init','logEvent','setUserId'].forEach(function(m){o[m]=function(){o._q.push([m].concat([].slice.call(arguments)))}})}p(a);
		a.getInstance=function(n){n=n||'$default_instance';if(!a._iq[n]){a._iq[n]={_q:[]};p(a._iq[n])}return a._iq[n]}})(window);`
	heapSnippet    = `window.heap=window.heap||[];heap.load=function(e){heap.appid=e;['identify','track','addUserProperties'].forEach(function(m){heap[m]=function(){heap.push([m].concat([].slice.call(arguments)))}})};heap.load('1234567890');`
	posthogSnippet = `!function(t){var e=t.posthog=[];e._i=[];e.__SV=1;e.init=function(k,c){e.people=[];['capture','identify','onFeatureFlags','register'].forEach(function(m){e[m]=function(){e.push([m].concat([].slice.call(arguments)))}});e._i.push([k,c])}}(window);`
	segmentSnippet = `!function(){var a=window.analytics=window.analytics||[];a.invoked=!0;a.methods=['track','page','identify','ready','trackLink','on'];a.factory=function(e){return function(){var t=[].slice.call(arguments);t.unshift(e);a.push(t);return a}};
		a.methods.forEach(function(k){a[k]=a.factory(k)});a._writeKey='EXAMPLEKEY';a.load=function(){}}();`
)

func analysisCases() []stubCase {
	return []stubCase{{
		name: "mixpanel queue, profile, callbacks, second account", stub: "mixpanel", src: "https://cdn.mxpnl.com/libs/mixpanel-2-latest.min.js",
		before: mixpanelSnip + `mixpanel.init('0123456789abcdef',{track_pageview:true,loaded:function(m){back('loaded',m.get_distinct_id())}});mixpanel.identify('customer-42');mixpanel.people.set({$email:'someone@example.org'});`,
		after: `mixpanel.track('Purchase',{revenue:49.9,currency:'EUR',product_name:'Red shoes'},function(){back('tracked')});note('out',mixpanel.has_opted_out_tracking());mixpanel.any_other('x');
			mixpanel.init('fedcba','','two');mixpanel.two.track('Login');mixpanel.people.set('plan','gold',function(){back('profile')})`,
		want: []map[string]string{
			{"event": "$mp_web_page_view", "properties.token": "0123456789abcdef", "properties.$current_url": "https://shop.example/thanks?a=b"},
			{"event": "$identify", "properties.$user_id": "customer-42"},
			{"$set.$email": "someone@example.org"},
			{"event": "Purchase", "properties.revenue": "49.9"},
			{"event": "Login", "properties.token": "fedcba"},
			{"$set.plan": "gold"},
		},
		calls: []string{"loaded=", "out=false", "tracked", "profile"},
	}, {
		name: "amplitude queue with promises", stub: "amplitude", src: "https://cdn.amplitude.com/libs/analytics-browser-2.11.1-min.js.gz",
		before: amplitudeSnip + `amplitude.init('KEYEXAMPLE',{}).promise.then(function(r){note('init',r.code)});amplitude.track('Search',{query:'red shoes'});`,
		after:  `amplitude.track({event_type:'Purchase',event_properties:{revenue:49.9}}).promise.then(function(r){note('tracked',r.code)});amplitude.identify(new amplitude.Identify().set('a',1).add('b',2));amplitude.add(sessionReplay.plugin({}));note('id',amplitude.getDeviceId())`,
		want: []map[string]string{
			{"api_key": "KEYEXAMPLE", "event_type": "Search", "event_properties.query": "red shoes"},
			{"event_type": "Purchase", "event_properties.revenue": "49.9"},
		},
		said:  []string{"", "shop.example tried to tell Amplitude that you bought something for 49.9 on /thanks. Your IP address and browser go with every request. Blocked."},
		calls: []string{"init=200", "id=", "tracked=200"},
	}, {
		name: "amplitude of before version 2", stub: "amplitude", src: "https://cdn.amplitude.com/libs/amplitude-8.21.9-min.gz.js",
		before: amplitudeOld + `amplitude.getInstance().init('KEYEXAMPLE','customer-42',{},function(){back('init')});amplitude.getInstance().logEvent('Login');`,
		after:  `amplitude.runQueuedFunctions();amplitude.getInstance().logEvent('Next',{},function(code){back('sent',code)})`,
		want:   []map[string]string{{"api_key": "KEYEXAMPLE", "user_id": "customer-42", "event_type": "Login"}, {"event_type": "Next"}},
		calls:  []string{"init", "sent=200"},
	}, {
		name: "heap queue, ready", stub: "heap", src: "https://cdn.heapanalytics.com/js/heap-1234567890.js",
		before: heapSnippet + `heap.track('Search',{query:'red shoes'});heap.identify('customer-42');window.heapReadyCb=[{name:'x',fn:function(){back('ready')}}];`,
		after:  `heap.track('Purchase',{price:49.9});note('loaded',heap.loaded);heap.onReady(function(){back('later')})`,
		want: []map[string]string{
			{"a": "1234567890", "url": "https://shop.example/thanks?a=b"},
			{"event": "Search", "properties.query": "red shoes"},
			{"event": "Purchase", "i": "customer-42"},
		},
		calls: []string{"ready", "loaded=true", "later"},
	}, {
		name: "posthog in strict mode", stub: "posthog", src: "https://eu-assets.i.posthog.com/static/array.js",
		before: posthogSnippet + `posthog.init('phc_example',{loaded:function(p){back('loaded',p.get_distinct_id())}});posthog.onFeatureFlags(function(f){back('flags',f.length)});`,
		after:  `posthog.capture('bought',{price:49.9});note('flag',posthog.isFeatureEnabled('new-basket'));note('value',posthog.getFeatureFlag('x'));posthog.identify('customer-42',{email:'someone@example.org'});posthog.getActiveMatchingSurveys(function(s){back('surveys',s.length)})`,
		want: []map[string]string{
			{"event": "$pageview", "properties.token": "phc_example", "properties.$current_url": "https://shop.example/thanks?a=b"},
			{"event": "bought", "properties.price": "49.9"},
			{"event": "$identify", "$set.email": "someone@example.org"},
		},
		calls: []string{"loaded=", "flags=0", "flag", "value", "surveys=0"},
	}, {
		name: "segment in strict mode", stub: "segment", src: "https://cdn.segment.com/analytics.js/v1/EXAMPLEKEY/analytics.min.js",
		before: segmentSnippet + `analytics.identify('customer-42',{email:'someone@example.org'});analytics.page();analytics.ready(function(){back('ready')});`,
		after: `analytics.track('Order Completed',{revenue:49.9,currency:'EUR',order_id:'order-1001',products:[{name:'Red shoes'}]},function(){back('tracked')}).then(function(){note('promise')});
			note('user',analytics.user().id());analytics.on('track',function(){note('never')});analytics.trackLink({addEventListener:function(e,f){note('on',e);f()}},'Clicked',{});analytics.group('g')`,
		want: []map[string]string{
			{"type": "identify", "writeKey": "EXAMPLEKEY", "userId": "customer-42", "traits.email": "someone@example.org"},
			{"type": "page", "context.page.url": "https://shop.example/thanks?a=b"},
			{"type": "track", "event": "Order Completed", "properties.revenue": "49.9", "properties.products.0.name": "Red shoes"},
			{"event": "Clicked"},
			{"type": "group"},
		},
		calls: []string{"ready", "user=null", "on=click", "promise", "tracked"},
	}}
}

func strictCases() []stubCase {
	return []stubCase{{
		name: "optimizely in strict mode", stub: "optimizely", src: "https://cdn.optimizely.com/js/1234567890.js",
		before: `window.optimizely=window.optimizely||[];optimizely.push({type:'addListener',filter:{type:'lifecycle',name:'initialized'},handler:function(){back('initialized')}});optimizely.push({type:'event',eventName:'early'});`,
		after: `optimizely.push({type:'event',eventName:'purchase',tags:{revenue:4990}});note('active',optimizely.get('state').getActiveExperimentIds().length);note('map',JSON.stringify(optimizely.get('state').getVariationMap()));
			note('data',Object.keys(optimizely.get('data').experiments).length);optimizely.push(['trackEvent','old']);optimizely.push(function(){back('function')})`,
		want: []map[string]string{
			{"account_id": "1234567890", "visitors.0.snapshots.0.events.0.key": "early", "visitors.0.snapshots.0.events.0.url": "https://shop.example/thanks?a=b"},
			{"visitors.0.snapshots.0.events.0.key": "purchase", "visitors.0.snapshots.0.events.0.value": "49.9"},
			{"visitors.0.snapshots.0.events.0.key": "old"},
		},
		calls: []string{"initialized", "active=0", "map={}", "data=0", "function"},
	}, {
		name: "vwo in strict mode shows the page", stub: "vwo", src: "https://dev.visualwebsiteoptimizer.com/j.php?a=12345&u=x&f=1",
		before: `window.clearTimeout=function(n){note('stopped',n)};window._vwo_settings_timer=7;window._vwo_code={finish:function(){note('shown')}};window.VWO=window.VWO||[];VWO.push(['track.goalConversion',3]);window._vis_opt_queue=[function(){back('queued')}];`,
		after:  `VWO.push(['track.revenueConversion',49.9]);VWO.event('bought',{});_vis_opt_goal_conversion(4);_vis_opt_queue.push(function(){back('late')})`,
		want:   []map[string]string{{"ACCOUNT_ID": "12345", "url": "https://shop.example/thanks?a=b"}, {"r_value": "49.9"}, {"r_value": ""}, {"r_value": ""}},
		calls:  []string{"stopped=7", "shown", "queued", "late"},
	}}
}

func slotCases() []stubCase {
	return []stubCase{{
		name: "gpt in strict mode: every slot stays empty, and the page hears so once", stub: "gpt", src: "https://securepubads.g.doubleclick.net/tag/js/gpt.js",
		before: `window.googletag=window.googletag||{cmd:[]};var slot;googletag.cmd.push(function(){
			slot=googletag.defineSlot('/1234/top',[[728,90]],'top').defineSizeMapping(googletag.sizeMapping().addSize([0,0],[320,50]).build()).setTargeting('a','b').addService(googletag.pubads());
			googletag.pubads().enableSingleRequest();googletag.pubads().addEventListener('slotRenderEnded',function(e){back('ended',e.isEmpty+' '+e.slot.getSlotElementId());googletag.pubads().refresh([e.slot])});googletag.enableServices()});
			googletag.cmd.push(function(){throw new Error('of the page')});`,
		after: `googletag.cmd.push(function(){googletag.display('top')});note('path',slot.getAdUnitPath());note('targeting',slot.getTargeting('a').length);note('slots',googletag.pubads().getSlots().length);
			note('ready',googletag.apiReady&&googletag.pubadsReady);googletag.companionAds().setRefreshUnfilledSlots(true);note('destroyed',googletag.destroySlots())`,
		calls: []string{"path=/1234/top", "targeting=0", "slots=1", "ready=true", "destroyed=true", "ended=true top"},
	}, {
		name: "adsense in strict mode: games go on", stub: "adsbygoogle", src: "https://pagead2.googlesyndication.com/pagead/js/adsbygoogle.js?client=ca-pub-1",
		before: `(adsbygoogle=window.adsbygoogle||[]).push({});`,
		after:  `note('loaded',adsbygoogle.loaded);adsbygoogle.push({type:'next',name:'level',adBreakDone:function(i){back('break',i.breakStatus)}});adsbygoogle.push({preloadAdBreaks:'on',onReady:function(){back('ready')}})`,
		calls:  []string{"loaded=true", "break=notReady", "ready"},
	}, {
		name: "amazon bids in strict mode", stub: "apstag", src: "https://c.amazon-adsystem.com/aax2/apstag.js",
		before: `!function(a,p){if(p[a])return;function q(c,r){p[a]._Q.push([c,r])}p[a]={init:function(){q('i',arguments)},fetchBids:function(){q('f',arguments)},setDisplayBids:function(){},targetingKeys:function(){return[]},_Q:[]}}('apstag',window);
			apstag.init({pubID:'1234'});apstag.fetchBids({slots:[]},function(b){back('early',b.length)});window.amznads={asyncParams:{id:'1',callbackFunction:function(){back('older')}}};`,
		after: `apstag.fetchBids({slots:[],timeout:2000},function(b){back('bids',b.length)});apstag.setDisplayBids()`,
		calls: []string{"early=0", "older", "bids=0"},
	}, {
		name: "prebid in strict mode", stub: "prebid", src: "https://cdn.jsdelivr.net/npm/prebid.js@latest/dist/prebid.js",
		before: `var pbjs=window.pbjs=window.pbjs||{};pbjs.que=pbjs.que||[];pbjs.que.push(function(){pbjs.addAdUnits([{code:'top'}]);pbjs.requestBids({timeout:1000,bidsBackHandler:function(b){back('early',typeof b)}})});`,
		after: `pbjs.que.push(function(){pbjs.setTargetingForGPTAsync();note('units',pbjs.adUnits.length);note('targeting',JSON.stringify(pbjs.getAdserverTargeting()))});pbjs.onEvent('x',function(){});
			pbjs.requestBids({}).then(function(r){note('promise',r.timedOut)});pbjs.cmd.push(['setConfig',{}])`,
		calls: []string{"early=object", "units=1", "targeting={}", "promise=false"},
	}, {
		name: "facebook's sdk in strict mode", stub: "sdk", src: "https://connect.facebook.net/en_US/sdk.js",
		before: `window.fbAsyncInit=function(){back('init');FB.init({appId:'1',version:'v19.0'});FB.getLoginStatus(function(r){back('status',r.status)})};`,
		after: `FB.login(function(r){back('login',r.status)},{scope:'email'});FB.api('/me',{fields:'name'},function(r){back('api',!!r.error)});FB.ui({method:'share'},function(){back('ui')});
			FB.XFBML.parse();FB.Event.subscribe('edge.create',function(){note('never')});FB.AppEvents.logPageView();note('token',FB.getAccessToken())`,
		calls: []string{"init", "status=unknown", "token=null", "login=unknown", "api=true", "ui"},
	}, {
		name: "adobe target in strict mode", stub: "at", src: "https://shop.tt.omtrdc.net/at.js",
		after: `adobe.target.getOffer({mbox:'hero',success:function(o){back('offer',o.length)},error:function(){note('never')}});adobe.target.trackEvent({mbox:'x',success:function(){back('tracked')}});
			adobe.target.getOffers({}).then(function(o){note('offers',typeof o);return adobe.target.applyOffers({})}).then(function(){note('applied')});mboxCreate('x')`,
		calls: []string{"offers=object", "applied", "offer=0", "tracked"},
	}, {
		name: "adobe's web sdk in strict mode", stub: "alloy", src: "https://cdn1.adoberesources.net/alloy/2.19.1/alloy.min.js",
		before: `!function(n,o){o.forEach(function(o){n[o]||((n.__alloyNS=n.__alloyNS||[]).push(o),n[o]=function(){var u=arguments;return new Promise(function(i,l){n[o].q.push([i,l,u])})},n[o].q=[])})}(window,['alloy']);
			alloy('configure',{edgeConfigId:'00000000-1111-4222-8333-444444444444',orgId:'X@AdobeOrg'});alloy('sendEvent',{renderDecisions:true,xdm:{eventType:'web.webpagedetails.pageViews'}}).then(function(r){note('queued',r.propositions.length)});`,
		after: `alloy('sendEvent',{xdm:{eventType:'commerce.purchases',commerce:{order:{priceTotal:49.9,currencyCode:'EUR',purchaseID:'order-1001'}}}}).then(function(r){note('sent',r.decisions.length)});alloy('getIdentity').then(function(r){note('identity',typeof r.identity)});
			alloy('appendIdentityToUrl',{url:'https://x.example/'}).then(function(r){note('url',r.url)})`,
		want: []map[string]string{
			{"configId": "00000000-1111-4222-8333-444444444444", "xdm.eventType": "web.webpagedetails.pageViews", "xdm.web.webPageDetails.URL": "https://shop.example/thanks?a=b"},
			{"xdm.eventType": "commerce.purchases", "xdm.commerce.order.priceTotal": "49.9"},
		},
		said:  []string{"", "shop.example tried to tell Adobe Experience Platform (Adobe) that you bought something for 49.9 EUR on /thanks; it carried the page you came from and the order number. Your IP address and browser go with every request. Blocked."},
		calls: []string{"queued=0", "sent=0", "identity=object", "url=https://x.example/"},
	}, {
		name: "an adobe library in strict mode", stub: "satellite", src: "https://assets.adobedtm.com/launch-EN0123456789abcdef0123456789abcdef.min.js",
		after: `_satellite.track('bought',{value:1});_satellite.setVar('a',1);note('var',_satellite.getVar('a'));note('none',_satellite.getVar('b'));_satellite.pageBottom();_satellite.logger.info('x');note('cookie',_satellite.cookie.get('x'))`,
		calls: []string{"var=1", "none", "cookie="},
	}, {
		name: "adobe analytics in strict mode goes where its links lead", stub: "appmeasurement", src: "https://shop.example/js/AppMeasurement.js",
		after: `var s=s_gi('shopprod');s.pageName='thanks';s.events='purchase';s.products='Shoes;Red shoes;1;49.90';s.purchaseID='order-1001';s.eVar3='gold';s.usePlugins=true;s.getQueryParam('cid');void(s.t());
			s.tl({href:'https://next.example/'},'e','leave',null,'navigate');s.tl(true,'o','click',{linkTrackEvents:'None'},function(){back('done')})`,
		want: []map[string]string{
			{"path.account": "shopprod", "g": "https://shop.example/thanks?a=b", "events": "purchase", "purchaseID": "order-1001", "v3": "gold"},
			{"pe": "lnk_e", "pev2": "leave"},
			{"pe": "lnk_o", "pev2": "click"},
		},
		calls: []string{"done"},
	}, {
		name: "adobe's number for visitors in strict mode", stub: "visitor", src: "https://shop.example/js/VisitorAPI.js",
		after: `var v=Visitor.getInstance('X@AdobeOrg',{trackingServer:'x'});note('id',v.getMarketingCloudVisitorID(function(i){back('called',i)}));note('link',v.appendVisitorIDsTo('https://x.example/'));v.setCustomerIDs({a:{id:'1'}});
			v.getVisitorValues(function(o){back('values',typeof o)});note('same',v===Visitor.getInstance('X@AdobeOrg'));note('new',new Visitor('X@AdobeOrg')===v)`,
		calls: []string{"id=", "link=https://x.example/", "same=true", "new=true", "called=", "values=object"},
	}, {
		name: "fingerprintjs in strict mode", stub: "fingerprint", src: "https://openfpcdn.io/fingerprintjs/v4/iife.min.js",
		after: `FingerprintJS.load({apiKey:'x'}).then(function(a){return a.get({extendedResult:true})}).then(function(r){note('id',r.visitorId)});Fingerprint2.get(function(c){back('components',c.length)})`,
		calls: []string{"id=", "components=0"},
	}, {
		name: "pardot", stub: "pd", src: "https://pi.pardot.com/pd.js",
		before: `piAId='123456';piCId='7890';piHostname='pi.pardot.com';`,
		after:  `piTracker('https://shop.example/next')`,
		want:   []map[string]string{{"account_id": "123456", "url": "https://shop.example/thanks?a=b"}, {"url": "https://shop.example/next"}},
		said:   []string{"shop.example tried to tell Pardot (Salesforce) that you opened a page on /thanks; it carried the title of the page, the page you came from and the campaign or mailing. Your IP address and browser go with every request. Blocked."},
	}, {
		name: "munchkin begins when it has loaded", stub: "munchkin", src: "https://munchkin.marketo.net/munchkin.js",
		after: `Munchkin.init('000-ABC-123');Munchkin.munchkinFunction('visitWebPage',{url:'/next'});Munchkin.munchkinFunction('clickLink',{href:'/x'});Munchkin.createTrackingCookie(true)`,
		want:  []map[string]string{{"_mchId": "000-ABC-123", "_mchRu": "/thanks", "_mchRe": "https://search.example/"}, {"_mchRu": "https://shop.example/next"}},
		said:  []string{"", "shop.example tried to tell Marketo Munchkin (Adobe) that you opened a page on /next; it carried the page you came from. Your IP address and browser go with every request. Blocked."},
	}}
}

func managerCases() []stubCase {
	return []stubCase{{
		name: "tealium in strict mode", stub: "utag", src: "https://tags.tiqcdn.com/utag/examplecorp/main/prod/utag.js",
		before: `var utag_data={page_name:'list',product_name:['Red shoes']};`,
		after:  `utag.link({tealium_event:'purchase',order_total:'49.90'},function(){back('link')});utag.view({},function(){back('view')});utag.track({event:'x',data:{},cfg:{cb:function(){back('track')}}});utag.DB('x')`,
		want: []map[string]string{
			{"tealium_account": "examplecorp", "tealium_event": "view", "product_name.0": "Red shoes", "page_url": "https://shop.example/thanks?a=b"},
			{"tealium_event": "purchase", "order_total": "49.90"},
			{"tealium_event": "view"},
			{"tealium_event": "x"},
		},
		calls: []string{"link", "view", "track"},
	}}
}
