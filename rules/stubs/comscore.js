// Stand-in for Comscore's beacon.js: COMSCORE works, nobody is told.
(function(w,d){try{
var n=0,q=w._comscore||[],c=w.COMSCORE||{};
if(c._q)return;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function later(f,a,b){typeof f=='function'&&setTimeout(()=>f(a,b),5)}
function hit(o){try{o=o||{};tell(Object.assign({c7:location.href,c8:d.title,c9:d.referrer},o));later((o.options||{}).onSend||o.callback)}catch(x){}}
var H=new Proxy(function(){},{get:(t,k)=>k==Symbol.toPrimitive?()=>'':k=='then'||typeof k=='symbol'?void 0:H,apply:()=>H,construct:()=>H});
c._q=1;c.beacon=hit;c.purge=f=>later(f);
w.COMSCORE=c;w.ns_=w.ns_||H;w.ns_p=w.ns_p||{};w.udm_=hit;
[].splice.call(q,0).forEach(hit);
w._comscore=q;q.push=function(){[].forEach.call(arguments,hit);return 0};
}catch(x){}})(window,document);
