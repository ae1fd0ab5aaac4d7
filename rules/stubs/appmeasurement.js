// Stand-in for Adobe's AppMeasurement.js and s_code.js, for strict mode: s works, Adobe hears nothing.
(function(w,d){try{
var n=0,all={};
if(w.AppMeasurement&&AppMeasurement._q)return;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
var names='pageName,channel,events,products,purchaseID,campaign,currencyCode'.split(','),as={channel:'ch',campaign:'v0',currencyCode:'cc'};
function make(account){
var s={_q:1,account,version:'2.0',Util:{cookieRead:()=>'',cookieWrite(){},getQueryParam:()=>''}};
function hit(o,x){
o=Object.assign({},s,o);
var q={'path.account':s.account,g:o.pageURL||location.href,r:o.referrer||d.referrer,s:w.screen&&screen.width+'x'+screen.height};
for(let k of names)q[as[k]||k]=o[k];
for(let k in o)/^eVar\d+$/.test(k)?q['v'+k.slice(4)]=o[k]:/^prop[1-5]$/.test(k)&&(q['c'+k.slice(4)]=o[k]);
tell(Object.assign(q,x))}
s.t=s.track=o=>{hit(o);return''};
// The real one holds a link back until it has sent, then goes there itself.
s.tl=s.trackLink=(o,t,name,v,done)=>{
hit(v,{pe:'lnk_'+(t||'o'),pev2:name,events:(v||s).linkTrackEvents=='None'?'':(v||s).events});
if(typeof done=='function')setTimeout(done,5);
else if(done=='navigate'&&o&&o.href)setTimeout(()=>{location.href=o.href},5);
return''};
s.sa=a=>{s.account=a};
// Its plug-ins are many: each does nothing.
return all[account]=new Proxy(s,{get:(t,k)=>k in t||typeof k=='symbol'||!/^(get|set|clear|register|apl|call|load|add|is|c_|_)/.test(k)?t[k]:()=>''})}
w.AppMeasurement=function(a){return make(a)};
AppMeasurement._q=1;AppMeasurement.getInstance=a=>all[a]||make(a);
w.s_gi=a=>all[a]||make(a);w.s_doPlugins=w.s_doPlugins||(()=>{});
w.s=w.s||make(w.s_account||'');
}catch(x){}})(window,document);
