// Stand-in for Yandex's tag.js and watch.js: ym() works, Yandex hears nothing.
(function(w,d){try{
var n=0,old=w.ym||{},C={},s=w.screen||{};
if(old._q)return;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function later(f,c){setTimeout(()=>f.call(c),5)}
function make(id){
if(C[id])return C[id];
var user;
function hit(u,r,p){
p=Object.assign({},p,user&&{__ym:{user_id:user}});
tell({'path.account':id,'page-url':u,'page-ref':r,'site-info':Object.keys(p).length?JSON.stringify(p):'','browser-info':'s:'+s.width+'x'+s.height+'x'+s.colorDepth+':la:'+navigator.language})}
var m={hit(u){hit(new URL(u||'',location.href).href,d.referrer)},
reachGoal(g,p){hit('goal://'+location.hostname+'/'+g,'',typeof p=='object'?p:{})},
extLink(){m.reachGoal('link')},file(){m.reachGoal('download')},setUserID(u){user=u}};
return w['yaCounter'+id]=C[id]=new Proxy(m,{get:(t,k)=>typeof k=='symbol'||k=='then'?void 0:(...a)=>{try{
var i=a.findIndex(f=>typeof f=='function'),o=a.find(x=>x&&x.callback);
o?later(o.callback,o.ctx):i<0||later(a[i],a[i+1]);
return t[k]?t[k](...a):k=='getClientID'?'':void 0}catch(x){}}})}
function init(o){
o=typeof o=='object'?o:{id:o};var c=make(o.id);
o.defer||c.hit();
later(()=>{try{d.dispatchEvent(new Event('yacounter'+o.id+'inited'))}catch(x){}});
return c}
var Y=w.ym=(id,m,...a)=>{try{return m=='init'?init(Object.assign({},a[0],{id})):make(id)[m](...a)}catch(x){}};
Y._q=1;Y.a=[];
var A=w.Ya=w.Ya||{};A.Metrika=A.Metrika2=function(o){return init(o)};
A.Metrika.counters=()=>Object.keys(C).map(id=>({id}));
(old.a||[]).forEach(a=>Y(...a));
for(let k of['','2']){let l=w['yandex_metrika_callbacks'+k];l&&(l.splice(0).forEach(f=>later(f)),l.push=f=>later(f))}
}catch(x){}})(window,document);
