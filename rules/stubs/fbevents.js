// Stand-in for Meta's fbevents.js: fbq() works, Meta hears nothing.
(function(w,d){try{
var n=0,ec=0,it=Date.now(),ids=[],ud={},held=[],off,ready=Promise.resolve(),f=w.fbq;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function hash(v,set){v=(v+'').trim().toLowerCase();var h=/^[\da-f]{64}$/.test(v),c=w.crypto&&crypto.subtle;set(h?v:'hashed');
h||c&&(ready=Promise.all([ready,c.digest('SHA-256',new TextEncoder().encode(v)).then(b=>set([...new Uint8Array(b)].map(x=>(x+256).toString(16).slice(1)).join('')),()=>{})]))}
function user(o){for(let k in o)o[k]&&hash(o[k],v=>ud[k]=v)}
function hit(id,ev,p,o){
var q={id,ev,dl:location.href,rl:d.referrer,sw:screen.width,sh:screen.height,it,ec:++ec,eid:o&&o.eventID},k,
go=()=>ready.then(()=>{for(k in ud)q['ud['+k+']']=ud[k];tell(q)});
for(k in p)q['cd['+k+']']=typeof p[k]=='object'?JSON.stringify(p[k]):p[k];
off?held.push(go):go()}
function run(c,a,b,p,o){
if(c=='init')ids.indexOf(a)<0&&ids.push(a),user(b);
else if(c=='set'&&a=='userData')user(b);
else if(c=='consent'){off=a=='revoke';if(!off)held.splice(0).forEach(g=>g())}
else if(/^track(Custom)?$/.test(c))ids.forEach(i=>hit(i,a,b,p));
else if(/^trackSingle/.test(c))hit(a,b,p,o)}
if(!f){f=w.fbq=function(){f.callMethod.apply(f,arguments)};f.push=f;f.queue=[]}
if(f.callMethod)return;
w._fbq=w._fbq||f;f.loaded=!0;f.version=f.version||'2.0';
f.callMethod=function(){try{run.apply(f,arguments)}catch(x){}};
f.getState=()=>({pixels:ids.map(id=>({id}))});
var q=f.queue=f.queue||[];q.splice(0).forEach(a=>f.callMethod.apply(f,a));
q.push=function(){[].forEach.call(arguments,a=>f.callMethod.apply(f,a));return 0};
}catch(x){}})(window,document);
