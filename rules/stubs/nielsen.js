// Stand-in for Nielsen's scripts: NOLCMB, NOLBUNDLE and nol_t work, nobody is told.
(function(w,d){try{
var n=0,s=w.screen||{};
if(w.nol_t&&nol_t._q)return;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function hit(ci,o){tell(Object.assign({ci,si:location.href,tl:d.title,rp:d.referrer,sr:s.width&&s.width+'x'+s.height},o))}
function make(id,q){
var o={ggInitialize(p){id=p&&p.apid||id},ggPM(m,p){try{/^(14|15|loadMetadata|staticstart)$/.test(m)&&hit(id,p&&{cg:p.section,tl:p.title||p.assetName||d.title})}catch(x){}},
trackEvent(){},getInstance:()=>o,setVideoMetadata(){},addUserTracking(){},processEvent(){}};
[].forEach.call(q||[],a=>{var f=o[a[0]]||o.ggPM;o[a[0]]?f.apply(o,[].slice.call(a,1)):f.apply(o,a)});
return o}
w.nol_t=function(p){p=p||{};var o={record(){hit(p.ci||p.cid,{cg:p.cg});return o},post:()=>o,event:()=>o,do_sample:()=>o,invoke:()=>o,add:()=>o};return o};
nol_t._q=1;
for(let k of['NOLCMB','NOLBUNDLE']){
let b=w[k]=w[k]||{},made={};
for(let i in b)if(b[i]&&b[i].g)b[i]=made[i]=make(b[i].g.apid||i,b[i].q);
b.getInstance=i=>made[i]=made[i]||make(i);
b.nlsQ=(id,i)=>b[i]=made[i]=made[i]||make(id)}
}catch(x){}})(window,document);
