// Stand-in for Reddit's pixel.js: rdt() works, Reddit hears nothing.
(function(w,d){try{
var n=0,ids=[],u={},off,ready=Promise.resolve(),f=w.rdt;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function hash(v,set){v=(v+'').trim().toLowerCase();var h=/^[\da-f]{64}$/.test(v),c=w.crypto&&crypto.subtle;set(h?v:'hashed');
h||c&&(ready=Promise.all([ready,c.digest('SHA-256',new TextEncoder().encode(v)).then(b=>set([...new Uint8Array(b)].map(x=>(x+256).toString(16).slice(1)).join('')),()=>{})]))}
function user(o){for(let[x,y]of[['em','email'],['pn','phoneNumber'],['external_id','externalId']])o&&o[y]&&hash(o[y],v=>u[x]=v)}
function run(c,a,b){
if(c=='init'){ids.indexOf(a)<0&&ids.push(a);user(b);off=b&&b.optOut}
else if(c=='disableFirstPartyCookies'||c=='enableFirstPartyCookies');
else if(c=='track'){b=b||{};user(b);
var q={event:a,esurl:location.href,sh:screen.width,sw:screen.height,opt_out:off?1:0,ts:Date.now()};
for(let k in b)/email|phoneN|externalId/.test(k)||(q['m.'+k]=typeof b[k]=='object'?JSON.stringify(b[k]):b[k]);
ready.then(()=>ids.forEach(id=>tell(Object.assign({id},q,u))))}}
if(!f){f=w.rdt=function(){f.sendEvent.apply(f,arguments)};f.callQueue=[]}
if(f.sendEvent)return;
f.sendEvent=function(){try{run.apply(f,arguments)}catch(x){}};
var l=f.callQueue=f.callQueue||[];l.splice(0).forEach(a=>f.sendEvent.apply(f,a));
l.push=function(){[].forEach.call(arguments,a=>f.sendEvent.apply(f,a));return 0};
}catch(x){}})(window,document);
