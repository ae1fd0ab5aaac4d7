// Stand-in for Quora's qevents.js: qp() works, Quora hears nothing.
(function(w,d){try{
var n=0,ids=[],u={},ready=Promise.resolve(),f=w.qp;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function hash(v,set){v=(v+'').trim().toLowerCase();var h=/^[\da-f]{64}$/.test(v),c=w.crypto&&crypto.subtle;set(h?v:'hashed');
h||c&&(ready=Promise.all([ready,c.digest('SHA-256',new TextEncoder().encode(v)).then(b=>set([...new Uint8Array(b)].map(x=>(x+256).toString(16).slice(1)).join('')),()=>{})]))}
function run(c,a,b){
if(c=='init'){ids.indexOf(a)<0&&ids.push(a);b&&b.email&&hash(b.email,v=>u.em=v)}
else if(c=='set'&&a=='email')hash(b,v=>u.em=v);
else if(c=='track'){
b=b||{};b.email&&hash(b.email,v=>u.em=v);
var q={tag:a,u:location.href,value:b.value,ts:Date.now()};
ready.then(()=>ids.forEach(i=>tell(Object.assign({'path.account':i},q,u))))}}
if(!f){f=w.qp=function(){f.qp.apply(f,arguments)};f.queue=[]}
if(f.qp)return;
f.qp=function(){try{run.apply(f,arguments)}catch(x){}};
var l=f.queue=f.queue||[];l.splice(0).forEach(a=>f.qp.apply(f,a));
l.push=function(){[].forEach.call(arguments,a=>f.qp.apply(f,a));return 0};
}catch(x){}})(window,document);
