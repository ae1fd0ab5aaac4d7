// Stand-in for Naver's wcslog.js: wcs_do() works, Naver hears nothing.
(function(w,d){try{
var n=0,s=w.screen||{};
if(w.wcs&&wcs._q)return;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function go(o,x){try{tell(Object.assign({wa:(w.wcs_add||{}).wa,u:location.href,e:d.referrer,sr:s.width&&s.width+'x'+s.height,ln:navigator.language,cnv:(o||w._nasa||{}).cnv},x))}catch(x){}}
w.wcs={_q:1,inflow(){},cnv:(t,v)=>t+','+(v??''),trans:o=>{go({cnv:({purchase:1,sign_up:2,add_to_cart:3,lead:4}[(o||{}).type]||5)+','+((o||{}).value||'')});return!0},event(){go({cnv:'5,'})},
setReferer(){},getBaccount:()=>'',isCPA:!1,check:()=>!1,PerformanceTracker(){}};
w.wcs_do=o=>go(o);w.wcs_add=w.wcs_add||{};
}catch(x){}})(window,document);
