// Stand-in for Chartbeat's scripts: pSUPERFLY works, nobody is told.
(function(w,d){try{
var n=0,o=w._sf_async_config||{},q=w._cbq||[],e;
if(w.pSUPERFLY&&pSUPERFLY._q)return;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function later(f,a,b){typeof f=='function'&&setTimeout(()=>f(a,b),5)}
function hit(x){tell(Object.assign({g:o.uid,i:o.title||d.title,p:o.path||location.pathname,r:d.referrer,g0:o.sections},x))}
function run(a){a&&a[0]=='_acct'||typeof a=='function'&&later(a)}
w.pSUPERFLY={_q:1,virtualPage(a,t){a=a&&typeof a=='object'?a:{path:a,title:t};hit({p:a.path,i:a.title,g0:a.sections})},
activity(){},on(){},getVisitorFields:()=>({}),addEngagementMetric(){},setSubscriberEngagement(){}};
w.pSUPERFLY_mab=w.pSUPERFLY_mab||{goals:{}};
w._cbq=q;q.push=function(){[].forEach.call(arguments,run);return Array.prototype.push.apply(q,arguments)};
[].forEach.call(q,run);
// The page is hidden until the headlines to be tried out are known.
if(d.getElementById&&(e=d.getElementById('chartbeat-flicker-control-style')))e.remove();
hit();
}catch(x){}})(window,document);
