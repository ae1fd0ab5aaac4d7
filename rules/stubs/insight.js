// Stand-in for LinkedIn's insight.min.js: lintrk() works, LinkedIn hears nothing.
(function(w,d){try{
var n=0,ready=Promise.resolve(),hem='',old=w.lintrk;
if(w._already_called_lintrk)return;
w._already_called_lintrk=!0;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function hash(v,set){v=(v+'').trim().toLowerCase();var h=/^[\da-f]{64}$/.test(v),c=w.crypto&&crypto.subtle;set(h?v:'hashed');
h||c&&(ready=Promise.all([ready,c.digest('SHA-256',new TextEncoder().encode(v)).then(b=>set([...new Uint8Array(b)].map(x=>(x+256).toString(16).slice(1)).join('')),()=>{})]))}
function ids(){
return[w._linkedin_partner_id,w._linkedin_data_partner_id].concat(w._linkedin_data_partner_ids||[]).filter((v,i,a)=>v&&a.indexOf(v)==i)}
function hit(p){
ready.then(()=>ids().forEach(pid=>tell({v:2,fmt:'js',pid,time:Date.now(),url:location.href,pageTitle:d.title,
conversionId:p&&p.conversion_id,signalType:p?'':'PAGE_VISIT',hem})))}
function run(c,p){try{
p=p||{};
if(c=='track'){hit(p.conversion_id?p:0);var f=p.commandCallback;typeof f=='function'&&setTimeout(()=>f(),5)}
else if(c=='setUserData'&&p.email)hash(p.email,v=>hem=v)
}catch(x){}}
w.lintrk=function(c,p){run(c,p)};
var q=w.lintrk.q=[];
q.push=function(){[].forEach.call(arguments,a=>run(a[0],a[1]));return 0};
// What the page says of the visitor before the script came goes with the visit.
var early=(old&&old.q||[]).slice();
early.forEach(a=>a[0]=='setUserData'&&run(a[0],a[1]));
hit();
early.forEach(a=>a[0]!='setUserData'&&run(a[0],a[1]));
}catch(x){}})(window,document);
