// Stand-in for Adobe's alloy.js, for strict mode: promises are kept, Adobe hears nothing.
(function(w,d){try{
var n=0,names=w.__alloyNS||['alloy'];
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function flat(q,p,o,l){for(let k in o)typeof o[k]=='function'||(o[k]&&typeof o[k]=='object'?l&&flat(q,p+k+'.',o[k],l-1):q[p+k]=o[k]);return q}
for(let name of names){
let old=w[name]||{},id;
if(old._q)continue;
let run=(c,o)=>{
o=o||{};
if(c=='configure')id=o.edgeConfigId||o.datastreamId;
else if(c=='sendEvent'){
var x=Object.assign({},o.xdm);
x.eventType=o.type||x.eventType;
tell(flat({configId:id},'xdm.',Object.assign({web:{webPageDetails:{URL:location.href},webReferrer:{URL:d.referrer}}},x),6));
return{propositions:[],decisions:[],destinations:[],inferences:[]}}
else if(c=='getIdentity')return{identity:{},edge:{}};
else if(c=='appendIdentityToUrl')return{url:o.url};
else if(c=='getLibraryInfo')return{libraryInfo:{version:'2.0.0',commands:[],configs:{}}};
return{propositions:[]}},
A=w[name]=function(c,o){return new Promise(r=>{try{r(run(c,o))}catch(x){r({})}})};
A._q=1;A.q=[];
(old.q||[]).forEach(a=>A.apply(w,a[2]).then(a[0],a[1]));
A.q.push=a=>{A.apply(w,a[2]).then(a[0],a[1]);return 0}}
// The page may be hidden until it is known who is to see what.
var e=d.getElementById&&d.getElementById('alloy-prehiding');
e&&e.remove();
}catch(x){}})(window,document);
