// Stand-in for Pinterest's core.js: pintrk() works, Pinterest hears nothing.
(function(w,d){try{
var n=0,ready=Promise.resolve(),ids=[],pd={},base={},old=w.pintrk||{};
if(old._q)return;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function hash(v,set){v=(v+'').trim().toLowerCase();var h=/^[\da-f]{64}$/.test(v),c=w.crypto&&crypto.subtle;set(h?v:'hashed');
h||c&&(ready=Promise.all([ready,c.digest('SHA-256',new TextEncoder().encode(v)).then(b=>set([...new Uint8Array(b)].map(x=>(x+256).toString(16).slice(1)).join('')),()=>{})]))}
function user(o){o=o||{};o.external_id&&(pd.external_id=o.external_id);o.em&&hash(o.em,v=>pd.em=v);o.np&&(pd.np=o.np)}
function hit(event,p){
p=Object.assign({},base,p);
ready.then(()=>ids.forEach(tid=>{var l=JSON.stringify;
tell({tid,event,ed:Object.keys(p).length?l(p):'',pd:Object.keys(pd).length?l(pd):'',
ad:l({loc:location.href,ref:d.referrer,sw:screen.width,sh:screen.height})})}))}
function run(c,a,p,f){
if(c=='load'){ids.indexOf(a)<0&&ids.push(a);user(p);hit('init')}
else if(c=='page'){f=p;hit('pagevisit',typeof a=='object'?a:{});f=[a,p,f].find(x=>typeof x=='function')}
else if(c=='track'){if(typeof p=='function')f=p,p={};hit((''+a).toLowerCase(),p)}
else if(c=='set')typeof a=='object'?(Object.assign(base,a),user(a)):base[a]=p;
else f=[a,p,f].find(x=>typeof x=='function');
typeof f=='function'&&setTimeout(()=>f(!0),5)}
var P=w.pintrk=function(){try{run.apply(P,arguments)}catch(x){}};
P._q=1;P.version=old.version||'3.0';P.loaded=!0;
var q=P.queue=[];
q.push=function(){[].forEach.call(arguments,a=>P.apply(P,a));return 0};
(old.queue||[]).forEach(a=>P.apply(P,a));
}catch(x){}})(window,document);
