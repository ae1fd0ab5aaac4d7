// Stand-in for Optimizely's script, for strict mode: everybody sees the page as it is.
(function(w,d){try{
var n=0,q=w.optimizely||[],u=(d.currentScript||{}).src||'';
if(q._q)return;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function later(f,x){typeof f=='function'&&setTimeout(()=>f(x),5)}
var E=()=>({}),L=()=>[],N=()=>null,
parts={state:{getActiveExperimentIds:L,getVariationMap:E,getExperimentStates:E,getCampaignStates:E,getPageStates:E,getRedirectInfo:N,getDecisionString:N,getDecisionObject:N,isGlobalHoldback:()=>!1},
data:{experiments:{},campaigns:{},audiences:{},pages:{},events:{},attributes:{},dimensions:{},revision:'',accountId:'',projectId:''},
visitor:{visitorId:null,custom:{},segments:{}},visitor_id:{randomId:''},session:{},behavior:{query:L},
utils:{waitForElement:()=>new Promise(()=>{}),waitUntil:()=>new Promise(()=>{}),observeSelector:()=>()=>{},poll:()=>()=>{}}};
function run(a){try{
if(typeof a=='function')return later(a);
var o=Array.isArray(a)?{type:a[0],eventName:a[1],tags:a[2]}:a||{};
if(/^(event|trackEvent)$/.test(o.type)){
var p='visitors.0.snapshots.0.events.0.',t=o.tags||{};
tell({account_id:(/js\/(\w+)/.exec(u)||[])[1],[p+'key']:o.eventName,[p+'url']:location.href,[p+'value']:t.revenue/100||''})}
else if(o.type=='addListener'&&(o.filter||{}).type=='lifecycle'&&/^(initialized|activated)$/.test(o.filter.name))later(o.handler,{type:'lifecycle',name:o.filter.name,data:{}})
}catch(x){}}
w.optimizely={_q:1,initialized:!0,get:k=>parts[k]||{},push(){[].forEach.call(arguments,run);return 0},
allExperiments:{},activeExperiments:[],variationMap:{},variationNamesMap:{},data:{experiments:{},state:{activeExperiments:[],variationMap:{}}}};
[].forEach.call(q,run);
}catch(x){}})(window,document);
