// Stand-in for PostHog's array.js, for strict mode: PostHog hears nothing.
(function(w,d){try{
var n=0,old=w.posthog||[];
if(old._q)return;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function later(f,a,b){typeof f=='function'&&setTimeout(()=>f(a,b),5)}
function flat(q,p,o,l){for(let k in o)typeof o[k]=='function'||(o[k]&&typeof o[k]=='object'?l&&flat(q,p+k+'.',o[k],l-1):q[p+k]=o[k]);return q}
var token,id,su={},no=()=>{};
function hit(event,p,set){
tell(flat(flat({event},'properties.',Object.assign({token,$current_url:location.href,title:d.title,$referrer:d.referrer,$user_id:id},su,p),3),'$set.',set,2))}
var f={_q:1,__loaded:!0,__SV:1,config:{},
init(k,c){c=c||{};token=k;P.config=c;c.capture_pageview===!1||hit('$pageview');later(c.loaded,P);return P},
capture:hit,identify(i,set){id=i;hit('$identify',{},set)},setPersonProperties(p){hit('$set',{},p)},
register(p){Object.assign(su,p)},get_distinct_id:()=>'',get_session_id:()=>'',get_property:k=>su[k],getGroups:()=>({}),
onFeatureFlags(g){later(g,[],{});return no},onSessionId:()=>no,
has_opted_out_capturing:()=>!1,has_opted_in_capturing:()=>!0,people:{set(p){hit('$set',{},p)},set_once:no},
push(a){typeof a=='function'?a.call(P):P[a[0]](...[].slice.call(a,1));return 0}},
// Flags are not known here: a page then shows what it shows without them.
P=w.posthog=new Proxy(f,{get:(o,k)=>k in o||typeof k=='symbol'||k=='then'?o[k]:g=>later(g,[])});
function replay(l,g){for(let a of l||[])try{g(a)}catch(x){}}
replay(old._i,a=>P.init(a[0],a[1]));replay(old,f.push);
replay(old.people,a=>P.people[a[0]](a[1]));
}catch(x){}})(window,document);
