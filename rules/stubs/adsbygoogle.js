// Stand-in for Google's adsbygoogle.js, for strict mode: every slot stays empty.
(function(w,d){try{
var q=w.adsbygoogle||[];
if(q.loaded)return;
function later(f,x){typeof f=='function'&&setTimeout(()=>f(x),5)}
function run(o){
try{for(let e of d.querySelectorAll('ins.adsbygoogle:not([data-adsbygoogle-status])')){e.setAttribute('data-adsbygoogle-status','done');e.setAttribute('data-ad-status','unfilled')}}catch(x){}
// Games go on only when they are told that there is nothing to show.
o&&(later(o.onReady),later(o.adBreakDone,{breakType:o.type,breakName:o.name,breakFormat:'',breakStatus:'notReady'}))}
w.adsbygoogle={loaded:!0,push(){[].forEach.call(arguments,run);return 0}};
[].forEach.call(q,run);
w.adsbygoogle._q='@QUENCH@';// nothing is reported: no hit of it is known
}catch(x){}})(window,document);
