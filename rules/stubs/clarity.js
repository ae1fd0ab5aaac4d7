// Stand-in for Microsoft Clarity's script: clarity() works, nothing is filmed.
(function(w,d){try{
var n=0,old=w.clarity;
if(old&&old._q)return;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function later(f,a,b){typeof f=='function'&&setTimeout(()=>f(a,b),5)}
var id=(/tag\/(?:\w+\/)?([\w-]+)/.exec((d.currentScript||{}).src)||[])[1];
var C=w.clarity=function(c,f){try{
if(c=='metadata')later(f,{projectId:id,userId:'',sessionId:'',pageNum:1});
else if(c=='identify')return Promise.resolve({id:'',session:'',page:'',userHint:''});
}catch(x){}};
C._q=1;C.v='0.8.0';C.t=!0;
var l=C.q=[];
l.push=function(){[].forEach.call(arguments,a=>C.apply(w,a));return 0};
((old||{}).q||[]).forEach(a=>C.apply(w,a));
tell({'e.4':id,'e.11':location.href});
}catch(x){}})(window,document);
