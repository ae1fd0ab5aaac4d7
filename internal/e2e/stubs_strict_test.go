package e2e

// stubStrictPages are those of scripts that pass unless the mode is strict.
func stubStrictPages() []*stubPage {
	return []*stubPage{{
		name: "gtm", stub: "gtm", strict: true, firefox: true,
		snippet: `(function(w,d,s,l,i){w[l]=w[l]||[];w[l].push({'gtm.start':new Date().getTime(),event:'gtm.js'});load('https://www.googletagmanager.com/gtm.js?id='+i)})(window,document,'script','dataLayer','GTM-EXAMPLE');`,
		act:     `dataLayer.push({event:'addToCart',eventCallback:next,eventTimeout:2000});`,
	}, {
		name: "segment", stub: "segment", strict: true, firefox: true, form: true,
		snippet: `!function(){var i='analytics',analytics=window[i]=window[i]||[];if(!analytics.initialize){analytics.invoked=!0;analytics.methods=['trackSubmit','trackClick','trackLink','trackForm','pageview','identify','reset','group','track','ready','alias','debug','page','once','off','on'];
analytics.factory=function(e){return function(){var n=Array.prototype.slice.call(arguments);n.unshift(e);analytics.push(n);return analytics}};for(var n=0;n<analytics.methods.length;n++){var key=analytics.methods[n];analytics[key]=analytics.factory(key)}
analytics.load=function(key){load('https://cdn.segment.com/analytics.js/v1/'+key+'/analytics.min.js')};analytics._writeKey='EXAMPLEKEY0123456789';analytics.load('EXAMPLEKEY0123456789');analytics.page()}}();`,
		act: `analytics.track('Form Sent',{form:'newsletter'},next);`,
	}, {
		name: "segment-link", stub: "segment", strict: true,
		snippet: `window.analytics=[];analytics._writeKey='EXAMPLEKEY0123456789';['page','trackLink','ready'].forEach(function(k){analytics[k]=function(){analytics.push([k].concat([].slice.call(arguments)))}});load('https://cdn.segment.com/analytics.js/v1/EXAMPLEKEY0123456789/analytics.min.js');analytics.page();
var out=document.body.appendChild(document.createElement('a'));analytics.trackLink(out,'Left',{});`,
		act: `out.href='/next?ms='+(performance.now()-t0);out.click();`,
	}, {
		name: "posthog", stub: "posthog", strict: true,
		snippet: `!function(t,e){var o,n,p;e.__SV||(window.posthog=e,e._i=[],e.init=function(i,s){function g(t,e){t[e]=function(){t.push([e].concat(Array.prototype.slice.call(arguments,0)))}}load(s.api_host.replace('.i.posthog.com','-assets.i.posthog.com')+'/static/array.js');e.people=[];
'capture identify onFeatureFlags isFeatureEnabled getFeatureFlag register'.split(' ').forEach(function(m){g(e,m)});e._i.push([i,s])},e.__SV=1)}(document,window.posthog||[]);posthog.init('phc_example',{api_host:'https://eu.i.posthog.com'});`,
		act: `posthog.capture('sent');posthog.onFeatureFlags(next);`,
	}, {
		name: "optimizely", stub: "optimizely", strict: true, shown: `getComputedStyle(document.querySelector("#hero")).opacity == "1"`,
		snippet: `hero.style.opacity=0;window.optimizely=window.optimizely||[];optimizely.push({type:'addListener',filter:{type:'lifecycle',name:'initialized'},handler:function(){hero.style.opacity=1}});load('https://cdn.optimizely.com/js/1234567890.js');optimizely.push({type:'event',eventName:'opened'});`,
		act:     `optimizely.push({type:'event',eventName:'sent'});if(optimizely.get('state').getActiveExperimentIds().length==0)optimizely.push(next);`,
	}, {
		name: "vwo", stub: "vwo", strict: true, shown: `getComputedStyle(document.body).opacity == "1"`,
		snippet: `window._vwo_code=(function(){var s,f=false,code={finish:function(){if(!f){f=true;s.remove()}},finished:function(){return f},init:function(){var me=this;window._vwo_settings_timer=setTimeout(function(){me.finish()},600000);
s=document.createElement('style');s.id='_vis_opt_path_hides';s.textContent='body{opacity:0 !important}';document.head.appendChild(s);load('https://dev.visualwebsiteoptimizer.com/j.php?a=12345&u='+encodeURIComponent(document.URL)+'&f=1&vn=1.5');return window._vwo_settings_timer}};return code})();_vwo_code.init();
window.VWO=window.VWO||[];VWO.push(['track.goalConversion',3]);`,
		act: `VWO.push(['track.goalConversion',4]);window._vis_opt_queue=window._vis_opt_queue||[];next();`,
	}, {
		name: "appmeasurement", stub: "appmeasurement", strict: true,
		snippet: `load('/js/AppMeasurement.js',function(){window.s=s_gi('shopprod');s.pageName='list';s.trackDownloadLinks=true;s.t()});`,
		act:     `s.tl(this,'o','sent',null,next);`,
	}, {
		name: "visitor", stub: "visitor", strict: true, mute: true,
		snippet: `load('/js/VisitorAPI.js',function(){window.visitor=Visitor.getInstance('0A1B@AdobeOrg',{trackingServer:'shop.sc.omtrdc.net'})});`,
		act:     `visitor.getMarketingCloudVisitorID(next);`,
	}, {
		name: "target", stub: "at", strict: true, mute: true, shown: `getComputedStyle(document.body).opacity == "1"`,
		snippet: `document.head.insertAdjacentHTML('beforeend','<style id=at-body-style>body{opacity:0!important}</style>');load('https://assets.adobedtm.com/0a1b2c3d4e5f/at-2.11.4.min.js');`,
		act:     `adobe.target.getOffer({mbox:'sent',success:next,error:function(){}});`,
	}, {
		name: "alloy", stub: "alloy", strict: true, firefox: true, shown: `getComputedStyle(hero).opacity == "1"`,
		snippet: `document.head.insertAdjacentHTML('beforeend','<style id=alloy-prehiding>#hero{opacity:0!important}</style>');!function(n,o){o.forEach(function(o){n[o]||((n.__alloyNS=n.__alloyNS||[]).push(o),n[o]=function(){var u=arguments;return new Promise(function(i,l){n[o].q.push([i,l,u])})},n[o].q=[])})}(window,['alloy']);
load('https://cdn1.adoberesources.net/alloy/2.19.1/alloy.min.js');alloy('configure',{edgeConfigId:'00000000-1111-4222-8333-444444444444',orgId:'0A1B@AdobeOrg'});alloy('sendEvent',{xdm:{eventType:'web.webpagedetails.pageViews'}});`,
		act: `alloy('sendEvent',{xdm:{eventType:'commerce.checkouts'}}).then(next);`,
	}, {
		name: "launch", stub: "satellite", strict: true, mute: true,
		snippet: `load('https://assets.adobedtm.com/0a1b2c3d4e5f/6071/launch-8293a4b5c6d7.min.js');`,
		act:     `_satellite.track('sent');_satellite.getVar('user')||next();`,
	}, {
		name: "tealium", stub: "utag", strict: true,
		snippet: `window.utag_data={page_name:'list'};(function(a,b){a='https://tags.tiqcdn.com/utag/examplecorp/main/prod/utag.js';load(a)})();`,
		act:     `utag.link({tealium_event:'sent'},next);`,
	}, {
		name: "gpt", stub: "gpt", strict: true, mute: true, firefox: true,
		snippet: `load('https://securepubads.g.doubleclick.net/tag/js/gpt.js');window.googletag=window.googletag||{cmd:[]};googletag.cmd.push(function(){googletag.defineSlot('/1234/top',[728,90],'hero').addService(googletag.pubads());googletag.pubads().enableSingleRequest();googletag.enableServices();googletag.display('hero')});`,
		act:     `googletag.cmd.push(function(){var s=googletag.defineOutOfPageSlot('/1234/x','x').addService(googletag.pubads());googletag.pubads().addEventListener('slotRenderEnded',function(e){if(e.slot==s&&e.isEmpty)next()});googletag.display(s)});`,
	}, {
		name: "adsense", stub: "adsbygoogle", strict: true, mute: true,
		snippet: `hero.innerHTML='<ins class=adsbygoogle data-ad-client=ca-pub-0000000000000000></ins>';load('https://pagead2.googlesyndication.com/pagead/js/adsbygoogle.js?client=ca-pub-0000000000000000');(adsbygoogle=window.adsbygoogle||[]).push({});`,
		shown:   `document.querySelector("ins").dataset.adStatus == "unfilled"`,
		act:     `adsbygoogle.push({type:'next',name:'level',adBreakDone:next});`,
	}, {
		name: "apstag", stub: "apstag", strict: true, mute: true,
		snippet: `!function(a9,a,p,s,t,A,g){if(a[a9])return;function q(c,r){a[a9]._Q.push([c,r])}a[a9]={init:function(){q('i',arguments)},fetchBids:function(){q('f',arguments)},setDisplayBids:function(){},targetingKeys:function(){return[]},_Q:[]};load(g)}('apstag',window,document,'script','','','https://c.amazon-adsystem.com/aax2/apstag.js');apstag.init({pubID:'1234',adServer:'googletag'});`,
		act:     `apstag.fetchBids({slots:[],timeout:2000},next);`,
	}, {
		name: "prebid", stub: "prebid", strict: true, mute: true,
		snippet: `var pbjs=window.pbjs=window.pbjs||{};pbjs.que=pbjs.que||[];load('/js/prebid.js');pbjs.que.push(function(){pbjs.addAdUnits([{code:'hero',bids:[]}])});`,
		act:     `pbjs.que.push(function(){pbjs.requestBids({timeout:1000,bidsBackHandler:next})});`,
	}, {
		name: "facebook-sdk", stub: "sdk", strict: true, mute: true,
		snippet: `window.fbAsyncInit=function(){FB.init({appId:'1234567890',xfbml:true,version:'v19.0'});FB.AppEvents.logPageView();window.ready=true};load('https://connect.facebook.net/en_US/sdk.js');`,
		shown:   `window.ready === true`,
		act:     `FB.getLoginStatus(function(r){if(r.status=='unknown')next()});`,
	}, {
		name: "fingerprint", stub: "fingerprint", strict: true, mute: true,
		snippet: `load('https://openfpcdn.io/fingerprintjs/v4/iife.min.js');`,
		act:     `FingerprintJS.load().then(function(a){return a.get()}).then(next);`,
	}}
}
