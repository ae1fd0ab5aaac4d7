// Stand-in for Mixpanel's script: mixpanel works, Mixpanel hears nothing.
(function(w,d){try{
var n=0,old=w.mixpanel||[];
if(old._q)return;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function flat(q,p,o,l){for(let k in o)typeof o[k]=='function'||(o[k]&&typeof o[k]=='object'?l&&flat(q,p+k+'.',o[k],l-1):q[p+k]=o[k]);return q}
function soft(o,f){return new Proxy(o,{get:(t,k)=>k in t||typeof k=='symbol'||k=='then'?t[k]:(...a)=>f(k,a)})}
function done(a,r){var f=a.find(x=>typeof x=='function');f&&setTimeout(()=>f(r),5)}
function make(){
var token,id,su={};
function hit(event,p){tell(flat({event},'properties.',Object.assign({token,$current_url:location.href,$referrer:d.referrer,$user_id:id},su,p),3))}
var group=()=>soft({},(k,a)=>{/^set/.test(k)&&tell(flat({$token:token},'$set.',typeof a[0]=='object'?a[0]:{[a[0]]:a[1]},2));done(a,1)}),
M=soft({_q:1,__loaded:!0,config:{},people:group(),get_group:group,
init(k,c,name){c=c||{};
if(name&&name!='mixpanel')return M[name]=make(),M[name].init(k,c);
token=k;M.config=c;c.track_pageview&&hit('$mp_web_page_view');done([c.loaded],M);return M},
track(...a){hit(a[0],a[1]);done(a,1);return!0},
track_pageview(p){hit('$mp_web_page_view',p)},identify(i){id=i;hit('$identify')},
register(p){Object.assign(su,p)},get_distinct_id:()=>'',get_property:k=>su[k],get_config:k=>k?M.config[k]:M.config,
has_opted_out_tracking:()=>!1,has_opted_in_tracking:()=>!0,
push(a){typeof a=='function'?a.call(M):M[a[0]](...[].slice.call(a,1));return 0}
},(k,a)=>done(a));
return M}
var N=w.mixpanel=make();
function replay(l,f){for(let a of l||[])try{f(a)}catch(x){}}
replay(old._i,a=>N.init(...a));replay(old,N.push);
replay(old.people,a=>N.people[a[0]](...a.slice(1)));
}catch(x){}})(window,document);
