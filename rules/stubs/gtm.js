// Stand-in for a Google Tag Manager container, for strict mode: no tag runs.
(function(w,d){try{
var n=0,u=(d.currentScript||{}).src||'',id=(/[?&]id=([^&]+)/.exec(u)||[])[1]||'GTM',l=(/[?&]l=([^&]+)/.exec(u)||[])[1]||'dataLayer',
L=w[l]=w[l]||[],m={},push=L.push,g=w.google_tag_manager=w.google_tag_manager||{},first=!L._q,
model={get:k=>m[k],set(k,v){m[k]=v},reset(){m={}}};
if(g[id])return;
L._q=1;g[id]={dataLayer:model,callback(){}};g.dataLayer={gtmDom:!0,gtmLoad:!0};
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function later(f){first&&typeof f=='function'&&setTimeout(()=>f(id),5)}
function hit(en,o){
o=o||{};var e=o.ecommerce||o,a=(e.purchase||{}).actionField||{};
tell({id,en,dl:location.href,dr:d.referrer,dt:d.title,sr:screen.width+'x'+screen.height,ul:navigator.language,'epn.value':e.value||a.revenue,cu:e.currency||e.currencyCode,'ep.transaction_id':e.transaction_id||a.id})}
function run(a){try{
if(typeof a=='function')return first&&void setTimeout(()=>a.call(model),5);
if(!a||typeof a!='object')return;
if({}.toString.call(a)=='[object Arguments]'){
var p=a[2]||{};
if(a[0]=='event')first&&hit(a[1],p),later(p.event_callback);
else if(a[0]=='config')later(p.event_callback);
else if(a[0]=='get')later(a[3]);
return}
if(Array.isArray(a))return;
Object.assign(m,a);
if(a.event)first&&hit(a.event,a),later(a.eventCallback)
}catch(x){}}
[].slice.call(L).forEach(run);
L.push=function(){var r=push.apply(L,arguments);[].forEach.call(arguments,run);return r};
L.hide&&L.hide.end&&L.hide.end();
}catch(x){}})(window,document);
