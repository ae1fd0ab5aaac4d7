// Stand-in for Amplitude's scripts: amplitude works, Amplitude hears nothing.
(function(w,d){try{
var n=0,old=w.amplitude||{};
if(old._s)return;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function flat(q,p,o,l){for(let k in o)typeof o[k]=='function'||(o[k]&&typeof o[k]=='object'?l&&flat(q,p+k+'.',o[k],l-1):q[p+k]=o[k]);return q}
function make(o){
var key,id,C=function(){return new Proxy({},{get:(t,k,me)=>()=>me})};
function hit(ev,p){tell(flat({api_key:key,user_id:id,event_type:ev,'event_properties.page_url':location.href},'event_properties.',p,3))}
function run(m,a){try{var v=a[0];
if(m=='init'){key=v;id=typeof a[1]=='string'?a[1]:id}
else if(/^(track|logEvent)/.test(m))v&&v.event_type?hit(v.event_type,v.event_properties):hit(v,a[1]);
else if(m=='setUserId')id=v;
else if(m=='setUserProperties')tell(flat({api_key:key,event_type:'$identify'},'user_properties.',v,2));
else if(/evenue/.test(m))hit('revenue_amount');
var f=a.find(x=>typeof x=='function');
f&&m!='add'&&setTimeout(()=>m=='init'?f(A):f(200,'success'),5)
}catch(x){}
return{promise:Promise.resolve({event:{},code:200,message:'success'})}}
var A=new Proxy({_s:1,_q:[],options:{},getUserId:()=>id,getDeviceId:()=>'',getSessionId:()=>-1,isNewSession:()=>!1,
runQueuedFunctions(){},getInstance:()=>A,createInstance:()=>make(),Identify:C,Revenue:C,Types:{}},
{get:(t,k)=>k in t||typeof k=='symbol'||k=='then'?t[k]:(...a)=>run(k,a)});
for(let a of(o||{})._q||[])try{var r=A[a.name||a[0]](...a.args||a.slice(1));a.resolve&&a.resolve(r&&r.promise||r)}catch(x){}
return A}
var q=old._iq||{};
w.amplitude=make(old);
for(let k in q)make(q[k]);
w.sessionReplay=w.sessionReplay||{plugin:()=>({name:'none'})};
}catch(x){}})(window,document);
