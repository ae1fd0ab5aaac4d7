// Stand-in for Segment's analytics.js, for strict mode: nobody is told.
(function(w,d){try{
var n=0,c=d.currentScript,name=w.analytics_global_key||'analytics',old=w[name]||{},uid;
if(old._q)return;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function later(f,a,b){typeof f=='function'&&setTimeout(()=>f(a,b),5)}
function flat(q,p,o,l){for(let k in o)typeof o[k]=='function'||(o[k]&&typeof o[k]=='object'?l&&flat(q,p+k+'.',o[k],l-1):q[p+k]=o[k]);return q}
var key=old._writeKey||(/v1\/(\w+)\//.exec((c||{}).src)||[])[1],
none={id:()=>null,anonymousId:()=>'',traits:()=>({}),logout(){},reset(){}};
function hit(type,event,p,t){tell(flat(flat({writeKey:key,type,event,userId:uid,'context.page.url':location.href,'context.page.referrer':d.referrer,},'properties.',p,3),'traits.',t,3))}
function call(m,a){try{
var f=a.find(x=>typeof x=='function'),o=a.find(x=>x&&typeof x=='object'),v=a.find(x=>typeof x=='string');
if(m=='track')hit(m,v,o);
else if(m=='page'||m=='screen')hit(m,'',o);
else if(m=='identify')uid=v||uid,hit(m,'',{},o);
else if(/group|alias/.test(m))hit(m);
else if(m!='ready')return A;
later(f,{})
}catch(x){}
return Promise.resolve({event:{}})}
var t={_q:1,initialized:!0,user:()=>none,group:(...a)=>a.length?call('group',a):none,
push(...l){l.forEach(a=>A[a[0]](...[].slice.call(a,1)));return 0}};
['Link','Click','Submit','Form'].forEach((k,i)=>t['track'+k]=(e,v,p)=>{
for(let x of e.addEventListener?[e]:e)x.addEventListener(i<2?'click':'submit',()=>call('track',[v,p].map(y=>typeof y=='function'?y(x):y)));return A});
var A=w[name]=new Proxy(t,{get:(o,k)=>k in o||typeof k=='symbol'||k=='then'?o[k]:(...a)=>call(k,a)});
for(let a of old.length?old:[])try{A.push(a)}catch(x){}
}catch(x){}})(window,document);
