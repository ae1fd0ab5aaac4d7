// Stand-in for Google's gpt.js, for strict mode: pages run, every slot stays empty.
(function(w,d){try{
var G=w.googletag=w.googletag||{},q=G.cmd||[],slots={},heard={},told=new Set;
if(G._q)return;
function soft(o,me){var P=new Proxy(o,{get:(t,k)=>k in t||typeof k=='symbol'||k=='then'?t[k]:/Targeting|Keys|^getSlots/.test(k)&&/^get/.test(k)?()=>[]:/^get/.test(k)?()=>null:/^(is|are)/.test(k)?()=>!1:()=>P});return P}
function slot(path,size,id){
id=typeof size=='string'?size:id||'gpt'+Object.keys(slots).length;
return slots[id]=soft({getSlotElementId:()=>id,getAdUnitPath:()=>path,getSizes:()=>[],addService(){return this}})}
// A page that waits for its slot hears once that it stays empty: a page that
// asks again for each empty slot would never end.
function empty(s){if(!s||told.has(s))return;told.add(s);
setTimeout(()=>['slotRequested','slotResponseReceived','slotRenderEnded'].forEach(serviceName=>(heard[serviceName]||[]).forEach(f=>{try{f({serviceName:'publisher_ads',slot:s,isEmpty:!0,size:null})}catch(x){}})),5)}
var pub=soft({addEventListener(e,f){(heard[e]=heard[e]||[]).push(f);return pub},removeEventListener:()=>!0,getSlots:()=>Object.values(slots),getTargeting:()=>[],
refresh(l){(l||Object.values(slots)).forEach(empty)},display(p,s,id){empty(slot(p,s,id))},isInitialLoadDisabled:()=>!1}),
map=soft({build:()=>[]}),other=soft({});
Object.assign(G,{apiReady:!0,pubadsReady:!0,defineSlot:slot,defineOutOfPageSlot:slot,pubads:()=>pub,companionAds:()=>other,content:()=>other,sizeMapping:()=>map,
display(x){empty(typeof x=='string'?slots[x]:x)},enableServices(){},disablePublisherConsole(){},openConsole(){},setAdIframeTitle(){},setConfig(){},getConfig:()=>({}),getVersion:()=>'',destroySlots(){slots={};return!0},enums:new Proxy({},{get:()=>({})}),
cmd:{push(){[].forEach.call(arguments,f=>{try{f.call(G)}catch(x){}});return 1}}});
G._q='@QUENCH@';// nothing is reported: no hit of it is known
q.forEach(f=>G.cmd.push(f));
}catch(x){}})(window,document);
