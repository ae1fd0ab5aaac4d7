// Stand-in for Google's analytics.js.
(function(w,d){try{
var n=0,N=w.GoogleAnalyticsObject||'ga',old=w[N]||{},all=[],M={hitType:'t',eventCategory:'ec',eventAction:'ea',eventLabel:'el',page:'dp',location:'dl',title:'dt',userId:'uid',currencyCode:'cu'};
if(old.getAll)return;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function calls(a){a.map(f=>{f=f?.hitCallback||f;f?.call&&setTimeout(()=>f(),5)})}
function put(q,o){for(let k in o)o[k]&&!o[k].call&&(q[M[k]||k.replace('dimension','cd').replace('metric','cm')]=o[k])}
function create(id,name='t0'){
var m={},s=screen,T={x:{},get:k=>({name,trackingId:id,...m})[k]||'',set(k,v){calls([k,v]);k.big?m[k]=v:Object.assign(m,k)},
send(...a){var i=0,q={v:1,tid:id,dl:location.href,dr:d.referrer,dt:d.title,sr:s.width+'x'+s.height,ul:navigator.language};
put(q,m);
a.map(v=>v==null||v.call?0:v.big||v.toFixed?q[['t',...q.t=='event'?['ec','ea','el','ev']:['dp']][i++]||'x']=v:put(q,v));
tell(Object.assign(q,T.x));T.x={};calls(a)}};
all.push(T);return T}
function ga(c,...a){try{
if(c.call)return void setTimeout(()=>c(all[0]),5);
var p=c.split('.'),b=a[0],o=a[1]||{},t=p[1]?ga.getByName(p[0]):all[0];c=p.pop();
if(c=='create')create(b.trackingId||b,(a.find(v=>v&&v.name)||{}).name);
else if(!t)calls(a);
else if(c=='ec:setAction')t.x={...t.x,pa:b,ti:o.id,tr:o.revenue};
else if(c=='ecommerce:addTransaction')t.send('transaction',{ti:b.id,tr:b.revenue});
else if(c=='send'||c=='set')t[c](...a)
}catch(x){}}
w[N]=ga;ga.create=(id,o,s)=>create(id,s);ga.getAll=()=>all;ga.getByName=s=>all.find(t=>t.get('name')==s);ga.remove=()=>{};
ga.loaded=!0;ga.q={push(a){ga(...a)}};
w.gaplugins={Linker:function(){this.decorate=u=>u}};
(old.q||[]).map(a=>ga(...a));
w.dataLayer?.hide?.end()
}catch(x){}})(window,document);
