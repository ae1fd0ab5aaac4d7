// Stand-in for Amazon's apstag.js and amzn_ads.js, for strict mode: nobody bids.
(function(w,d){try{
var A=w.apstag||{},Z=w.amznads||{},q=A._Q||[];
if(A._q)return;
function later(f,...a){typeof f=='function'&&setTimeout(()=>f(...a),5)}
w.apstag={_Q:[],init(c,f){later(f)},fetchBids(c,f){later(f,[],!1)},setDisplayBids(){},targetingKeys:()=>[],renderImp(){},debug(){},
rpa(c,f){later(f)},upa(c,f){later(f)},dpa(f){later(f)},punt(){},queue:{push:f=>later(f)}};
for(let[m,a]of q)try{apstag[{i:'init',f:'fetchBids',di:'dpa',ri:'rpa',ui:'upa'}[m]](...a)}catch(x){}
w.amznads=Object.assign(Z,{getAds(){},getAdsCallback(i,f){later(f)},getAdsAsync(i,f){later(f)},setTargetingForGPTAsync(){},setTargetingForGPTSync(){},appendTargetingToAdServerUrl:u=>u,appendTargetingToQueryString:s=>s||'',clearTargetingFromGPTAsync(){},hasAds:()=>!1,renderAd(){},getTargeting:()=>({}),getTokens:()=>[]});
later((Z.asyncParams||{}).callbackFunction);
apstag._q='@QUENCH@';// nothing is reported: no hit of it is known
}catch(x){}})(window,document);
