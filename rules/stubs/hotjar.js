// Stand-in for hotjar-N.js: hj() works, nothing is filmed.
(function(w,d){try{
var n=0,h=w.hj;
if(h&&h._q)return;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function later(f,a,b){typeof f=='function'&&setTimeout(()=>f(a,b),5)}
var id=(w._hjSettings||{}).hjid||(/hotjar-(\d+)/.exec((d.currentScript||{}).src)||[])[1],page;
function visit(url){url!=page&&tell({site_id:id,url:page=url})}
var H=w.hj=function(c,a,b){try{
c=='stateChange'&&visit(new URL(a,location.href).href);
later([].slice.call(arguments,1).find(x=>typeof x=='function'))
}catch(x){}};
H._q=1;H.scriptLoaded=!0;H.ready=f=>later(f);
H.globals={get(){},set(){}};H.settings={site_id:id};
var l=H.q=[];
l.push=function(){[].forEach.call(arguments,a=>H.apply(w,a));return 0};
visit(location.href);
((h||{}).q||[]).forEach(a=>H.apply(w,a));
}catch(x){}})(window,document);
