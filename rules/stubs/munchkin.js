// Stand-in for Marketo's munchkin.js: Munchkin works, Marketo hears nothing.
(function(w,d){try{
var n=0,id,M=w.Munchkin=w.Munchkin||w.mktoMunchkin||{};
if(M._q)return;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function visit(u){tell({_mchId:id,_mchRu:u||location.pathname,_mchRe:d.referrer,_mchQp:u?'':location.search.slice(1).replace(/&/g,'__-__').replace(/=/g,'__-__')})}
M._q=1;
M.init=M.begin=i=>{try{id=i;visit()}catch(x){}};
M.munchkinFunction=(f,o)=>{try{o=o||{};f=='visitWebPage'&&visit(new URL(o.url||'',location.href).href)}catch(x){}};
M.createTrackingCookie=()=>{};M.ASSOCIATE_LEAD='ASSOCIATE_LEAD';M.CLICK_LINK='CLICK_LINK';M.VISIT_WEB_PAGE='VISIT_WEB_PAGE';
w.mktoMunchkin=M.init;w.mktoMunchkinFunction=M.munchkinFunction;
}catch(x){}})(window,document);
