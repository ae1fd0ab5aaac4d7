// Stand-in for matomo.js and piwik.js: _paq works, nobody is told.
(function(w,d){try{
var n=0,q=w._paq,s=w.screen||{};
if(w.Matomo&&Matomo._q)return;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function make(id){
var uid,url=location.href,items=[],list=()=>JSON.stringify(items);
function hit(e_a,o){tell(Object.assign({idsite:id,url,action_name:d.title,urlref:d.referrer,uid,e_a,res:s.width&&s.width+'x'+s.height},o))}
var m={setSiteId(i){id=i},setUserId(i){uid=i},setCustomUrl(u){url=new URL(u,location.href).href},
trackPageView(t){hit('page',typeof t=='string'?{action_name:t}:{})},
trackEvent(e_c,a,e_n){hit(a,{e_c,e_n})},
trackGoal(idgoal,revenue){hit('goal',{revenue})},
trackSiteSearch(search,search_cat){hit('search',{search,search_cat})},
trackLink(u,t){hit(t=='download'?t:'link')},
addEcommerceItem(...a){items.push(a)},
trackEcommerceOrder(ec_id,revenue){hit('order',{ec_id,revenue,ec_items:list()});items=[]},
trackEcommerceCartUpdate(revenue){hit('basket',{revenue,ec_items:list()})}};
return new Proxy(m,{get:(t,k)=>typeof k=='symbol'||k=='then'?void 0:(...a)=>{try{
let f=a.find(f=>typeof f=='function');f&&!/^(add|set)/.test(k)&&setTimeout(f,5);
return t[k]?t[k](...a):/^(is|has|are)/.test(k)?!1:/^get/.test(k)?'':void 0}catch(x){}}})}
var T=make();
function run(a){try{var f=a[0],r=[].slice.call(a,1);typeof f=='function'?f.apply(T,r):T[f.split(/[.:]/).pop()](...r)}catch(x){}}
w.Matomo=w.Piwik={_q:1,getTracker:(u,i)=>make(i),getAsyncTracker:()=>T,on(){}};
for(let k of['matomo','piwik'])try{w[k+'AsyncInit']()}catch(x){}
q=[].slice.call(q||[]);
for(let i of[!0,!1])q.forEach(a=>/^set(Site|User)Id/.test(a[0])==i&&run(a));
w._paq={push(){[].forEach.call(arguments,run)}};
}catch(x){}})(window,document);
