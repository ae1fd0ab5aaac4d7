// Stand-in for Snap's scevent.min.js: snaptr() works, Snap hears nothing.
(function(w,d){try{
var n=0,ids=[],u={},ready=Promise.resolve(),f=w.snaptr;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function hash(v,set){v=(v+'').trim().toLowerCase();var h=/^[\da-f]{64}$/.test(v),c=w.crypto&&crypto.subtle;set(h?v:'hashed');
h||c&&(ready=Promise.all([ready,c.digest('SHA-256',new TextEncoder().encode(v)).then(b=>set([...new Uint8Array(b)].map(x=>(x+256).toString(16).slice(1)).join('')),()=>{})]))}
function run(c,a,b){
if(c=='init'){ids.indexOf(a)<0&&ids.push(a);b=b||{};
for(let[x,y]of[['u_hem','email'],['u_hpn','phone_number']])for(let p of['user_','user_hashed_'])b[p+y]&&hash(b[p+y],v=>u[x]=v)}
else if(c=='track'){b=b||{};
var q={ev:a,pl:location.href,rf:d.referrer,e_pr:b.price,e_cur:b.currency,e_tid:b.transaction_id,e_iids:[].concat(b.item_ids||[]).join(','),e_ic:b.item_category,e_ni:b.number_items,e_ss:b.search_string,e_sm:b.sign_up_method,e_desc:b.description,cdid:b.client_dedup_id};
ready.then(()=>ids.forEach(pid=>tell(Object.assign({pid},q,u))))}}
if(!f){f=w.snaptr=function(){f.handleRequest.apply(f,arguments)};f.queue=[]}
if(f.handleRequest)return;
f.handleRequest=function(){try{run.apply(f,arguments)}catch(x){}};
var l=f.queue=f.queue||[];l.splice(0).forEach(a=>f.handleRequest.apply(f,a));
l.push=function(){[].forEach.call(arguments,a=>f.handleRequest.apply(f,a));return 0};
}catch(x){}})(window,document);
