// Stand-in for Heap's script: heap works, Heap hears nothing.
(function(w,d){try{
var n=0,old=w.heap||[],id;
if(old._q)return;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function later(f,a,b){typeof f=='function'&&setTimeout(()=>f(a,b),5)}
var H=w.heap={_q:1,loaded:!0,appid:old.appid||old.envId||(/heap-(\d+)|config\/(\d+)/.exec((d.currentScript||{}).src)||[]).slice(1).join(''),config:old.config||{},userId:'',identity:null};
function hit(o,p){
var q=Object.assign({a:H.appid,url:location.href,t:d.title,r:d.referrer,i:id},o);
for(let k in p)q['properties.'+k]=p[k];
tell(q)}
var f={track(e,p){hit({event:e},p)},identify(i){id=H.identity=i},resetIdentity(){id=H.identity=null},addUserProperties(p){hit({event:'identify'},p)},
load(i){H.appid=i;return H},getUserId:()=>'',getIdentity:()=>H.identity,getSessionId:()=>'',onReady:g=>later(g),
push(a){typeof a=='function'?later(a):a&&H[a[0]]&&H[a[0]].apply(H,[].slice.call(a,1));return 0}};
for(let k of['addEventProperties','removeEventProperty','clearEventProperties','setEventProperties','unsetEventProperty','addAccountProperties','addAdapter','addTransformer','addTransformerFn','startTracking','stopTracking','addPageviewProperties','clearPageviewProperties','removePageviewProperty','setPageviewProperties','trackPageview','fireEnterEvent','toggleVersion'])H[k]=()=>{};
for(let k in f)H[k]=function(){try{return f[k].apply(H,arguments)}catch(x){}};
hit();
[].forEach.call(old,H.push);
var r=w.heapReadyCb;
if(r){[].splice.call(r,0).forEach(x=>later(x&&x.fn));r.push=x=>(later(x&&x.fn),0)}
}catch(x){}})(window,document);
