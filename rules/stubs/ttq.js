// Stand-in for TikTok's events.js.
(function(w,d){try{
var n=0,ready=Promise.resolve(),user={},held=[],off,N=w.TiktokAnalyticsObject||'ttq',t=w[N]=w[N]||[],I=t._i=t._i||{};
if(t._q)return;t._q=1;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function hash(v,set){v=(v+'').trim().toLowerCase();var h=/^[\da-f]{64}$/.test(v),c=w.crypto&&crypto.subtle;set(h?v:'hashed');
h||c&&(ready=Promise.all([ready,c.digest('SHA-256',new TextEncoder().encode(v)).then(b=>set([...new Uint8Array(b)].map(x=>(x+256).toString(16).slice(1)).join('')),()=>{})]))}
function flat(q,k,v){if(Object(v)===v)for(let i in v)flat(q,k+'.'+i,v[i]);else q[k]=v}
function hit(ids,event,p,o){ids.map(id=>{
var q={event,event_id:(o||p||{}).event_id,'context.pixel.code':id,'context.page.url':location.href,'context.page.referrer':d.referrer},
go=()=>ready.then(()=>{flat(q,'context.user',user);tell(q)});
flat(q,'properties',p);off?held.push(go):go()})}
function run(ids,c,a){try{
var p=a[0]||{};
if(c=='page')hit(ids,'Pageview',p);
else if(c=='track')hit(ids,...a);
else if(c=='identify')['email','phone_number','external_id'].map(k=>p[k]&&hash(p[k],v=>user[k]=v));
else if(c=='ready')p.call&&setTimeout(()=>p(t),5);
else if(c=='holdConsent')off=1;
else if(c=='revokeConsent')off=1,held=[];
else if(c=='grantConsent')off=0,held.splice(0).map(g=>g())
}catch(x){}}
var all=()=>Object.keys(I);
function fit(o,ids){
var old=o.splice(0);
(t.methods||['page','track','identify','ready']).map(c=>o[c]=(...a)=>run(ids(),c,a));
o.push=(...a)=>{a.map(i=>run(ids(),i[0],i.slice(1)))};
o.push(...old);return o}
fit(t,all);
t.instance=id=>{var o=I[id]=I[id]||[];return o._q?o:(o._q=1,fit(o,()=>[id]))};
t.instances=()=>all().map(t.instance);
t.instances()
}catch(x){}})(window,document);
