// Stand-in for Tealium's utag.js, for strict mode: no tag runs.
(function(w,d){try{
var n=0,D=w.utag_data||{},p=/utag\/([^/]+)\/([^/]+)/.exec((d.currentScript||{}).src)||[],old=w.utag||{};
if(old._q)return;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function later(f,a,b){typeof f=='function'&&setTimeout(()=>f(a,b),5)}
function hit(e,o){
var q={tealium_account:p[1],tealium_profile:p[2],page_url:location.href,page_title:d.title,referrer:d.referrer,tealium_event:e};
for(let k in o)typeof o[k]!='function'&&(Array.isArray(o[k])?o[k].forEach((v,i)=>q[k+'.'+i]=v):q[k]=o[k]);
tell(q)}
function call(e,o,f){try{hit((o||{}).tealium_event||e,Object.assign({},D,o));later(f)}catch(x){}}
var U=w.utag={_q:1,data:Object.assign({},D),cfg:{},cond:{},sender:{},send:{},o:{},ut:{},handler:{trigger(){},iflag:1},
loader:{RC:()=>({}),SC(){},GV:o=>Object.assign({},o),EV(){},INIT(){},initdata(){},ol:[],wq:[]},gdpr:null,
view:(o,f)=>call('view',o,f),link:(o,f)=>call('link',o,f),
track(e,o,f){typeof e=='object'?call(e.event,e.data,(e.cfg||{}).cb):call(e,o,f)},
DB(){},rpt:{ts:{}},globals:{}};
(w.utag_cfg_ovrd||{}).noview||U.view(D);
for(let a of(old.e||[]))try{U[a.event](a.data,a.cb)}catch(x){}
}catch(x){}})(window,document);
