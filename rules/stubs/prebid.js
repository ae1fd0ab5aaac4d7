// Stand-in for Prebid.js, for strict mode: nobody bids.
(function(w,d){try{
var names=['pbjs'].concat(w._pbjsGlobals||[]);
for(let name of new Set(names)){
let old=w[name]||{};
if(old._q)continue;
let P=w[name]=new Proxy(Object.assign(old,{_q:'@QUENCH@',// nothing is reported: no hit of it is known
libLoaded:!0,version:'v9',installedModules:[],adUnits:old.adUnits||[],bidderSettings:old.bidderSettings||{},
requestBids(o){o=o||{};var r={bids:{},timedOut:!1,auctionId:''};
return new Promise(y=>setTimeout(()=>{y(r);o.bidsBackHandler&&o.bidsBackHandler({},!1,'')},5))},
addAdUnits(a){P.adUnits=P.adUnits.concat(a)},removeAdUnit(){P.adUnits=[]},
processQueue(){},getAllWinningBids:()=>[],getAllPrebidWinningBids:()=>[],getHighestCpmBids:()=>[],getEvents:()=>[],getNoBids:()=>({}),
getUserIdsAsync:()=>Promise.resolve({}),getUserIdsAsEids:()=>[],triggerUserSyncs(){},
getAdserverTargetingForAdUnitCodeStr:()=>'',getConfig:k=>k?void 0:{},readConfig:k=>k?void 0:{}
}),{get:(t,k)=>k in t||typeof k=='symbol'||k=='then'?t[k]:/^get/.test(k)?()=>({}):()=>{}});
for(let k of['que','cmd']){
let q=old[k]||[];
P[k]={push(){[].forEach.call(arguments,f=>{try{typeof f=='function'?f.call(P):P[f[0]](...[].slice.call(f,1))}catch(x){}});return 0}};
q.forEach(f=>P[k].push(f))}}
}catch(x){}})(window,document);
