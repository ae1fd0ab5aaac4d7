// Stand-in for Pardot's pd.js: piTracker() works, Pardot hears nothing.
(function(w,d){try{
var n=0;
if(w.piTracker&&piTracker._q)return;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
w.piTracker=url=>{try{tell({account_id:w.piAId,campaign_id:w.piCId,url:url||location.href,title:d.title,referrer:d.referrer,pi_opt_in:w.piOptIn})}catch(x){}};
piTracker._q=1;w.piResponse=()=>{};
piTracker(w.piUrl);
}catch(x){}})(window,document);
