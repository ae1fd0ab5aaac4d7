// Stand-in for X's uwt.js and oct.js: twq() and twttr work, X hears nothing.
(function(w,d){try{
var n=0,ids=[],ready=Promise.resolve(),q=w.twq,t=w.twttr=w.twttr||{};
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function hash(v,set){v=(v+'').trim().toLowerCase();var h=/^[\da-f]{64}$/.test(v),c=w.crypto&&crypto.subtle;set(h?v:'hashed');
h||c&&(ready=Promise.all([ready,c.digest('SHA-256',new TextEncoder().encode(v)).then(b=>set([...new Uint8Array(b)].map(x=>(x+256).toString(16).slice(1)).join('')),()=>{})]))}
function hit(id,o){o=Object.assign({txn_id:id,p_id:'Twitter',tw_document_href:location.href,tw_document_referrer:d.referrer},o);tell(o)}
function clean(p,go){p=Object.assign({},p);['email_address','phone_number'].forEach(k=>p[k]&&hash(p[k],v=>p[k]=v));ready.then(()=>go(p))}
function run(c,a,p){
if(c=='config'||c=='init'){ids.indexOf(a)<0&&ids.push(a);c=='config'&&hit(a,{events:'[["pageview",{}]]'})}
else if(c=='track')clean(p,p=>ids.forEach(i=>hit(i,{events:JSON.stringify([[(''+a).toLowerCase(),p]])})));
else if(c=='event')clean(p,p=>hit(a,{event:JSON.stringify(p)}))}
function pid(id,o){o=o||{};hit(id,{tw_sale_amount:o.tw_sale_amount,tw_order_quantity:o.tw_order_quantity})}
t.conversion={trackPid:pid,track:pid};
if(!q)q=w.twq=function(){q.exe.apply(q,arguments)};
if(q.exe)return;
q.exe=function(){try{run.apply(q,arguments)}catch(x){}};
var l=q.queue=q.queue||[];l.splice(0).forEach(a=>q.exe.apply(q,a));
l.push=function(){[].forEach.call(arguments,a=>q.exe.apply(q,a));return 0};
}catch(x){}})(window,document);
