// Stand-in for Google's ga.js: _gaq and _gat work, Google hears nothing.
(function(w,d){try{
var n=0,old=w._gaq||[],acct={},tx={},base=Tracker('');
if(old._q)return;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function hit(t,o){var l=location;
tell(Object.assign({utmac:acct[t],utmdl:l.href,utmhn:l.hostname,utmp:l.pathname+l.search,utmdt:d.title,utmr:d.referrer,utmsr:screen.width+'x'+screen.height,utmul:navigator.language},o))}
function call(t,c,a){try{
var f=a[a.length-1];
if(c=='_setAccount')acct[t]=a[0];
else if(c=='_trackPageview')hit(t,a[0]?{utmp:a[0]}:{});
else if(c=='_trackEvent')hit(t,{utmt:'event',utme:'5('+a.slice(0,3).join('*')+')'});
else if(c=='_trackSocial')hit(t,{utmt:'social'});
else if(c=='_addTrans')tx={utmt:'tran',utmtid:a[0],utmtto:a[2]};
else if(c=='_addItem')tx.utmipn=a[2],tx.utmipc=a[1];
else if(c=='_trackTrans')hit(t,tx);
else if(c=='_link')location.href=a[0];
else if(c=='_linkByPost')a[0].submit();
f&&f.call&&setTimeout(()=>f(),5);
if(/^_get/.test(c))return a[0]===void 0?'':a[0]
}catch(x){}}
function Tracker(t){return new Proxy({},{get:(o,c)=>typeof c=='string'&&c[0]=='_'?(...a)=>call(t,c,a):void 0})}
function run(a){try{
if(a.call)return void setTimeout(()=>a(),5);
var p=a[0].split('.'),c=p.pop();call(p[0]||'',c,a.slice(1))
}catch(x){}}
w._gat={_getTracker(a,t){acct[t=t||'']=a;return Tracker(t)},_getTrackerByName:t=>Tracker(t||''),_getTrackers:()=>[base],_anonymizeIp(){},_forceSSL(){}};
w._gat._createTracker=w._gat._getTracker;
w._gaq=w._gat._gaq={_q:1,push(){[...arguments].map(run);return 0},_createAsyncTracker:w._gat._getTracker,_getAsyncTracker:t=>Tracker(t||'')};
old.slice().map(run)
}catch(x){}})(window,document);
