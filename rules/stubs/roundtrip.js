// Stand-in for AdRoll's roundtrip.js: its calls work, AdRoll hears nothing.
(function(w,d){try{
var n=0,A='adroll_',ready=Promise.resolve(),mail,base={},o=w.adroll;
if(w.__adroll)return;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function hash(v,set){v=(v+'').trim().toLowerCase();var h=/^[\da-f]{64}$/.test(v),c=w.crypto&&crypto.subtle;set(h?v:'hashed');
h||c&&(ready=Promise.all([ready,c.digest('SHA-256',new TextEncoder().encode(v)).then(b=>set([...new Uint8Array(b)].map(x=>(x+256).toString(16).slice(1)).join('')),()=>{})]))}
function hit(ev,p){
p=Object.assign({},base,p);
var g=k=>p[k]||p[A+k]||w[A+k],q={advertisable:w[A+'adv_id'],arrfrr:w[A+'current_page']||location.href,adroll_s_ref:d.referrer,ev,
conversion_type:p.conversion_type,conversion_value:g('conversion_value')||p.price,currency:g('currency'),order_id:p.order_id||p.transaction_id,
product_id:p.product_id||[].concat(p.products||[]).map(x=>x.product_id||x).join(),keyw:p.keyword,segment_name:p[A+'segments']};
ready.then(()=>{q.adroll_email=mail;tell(q)})}
function email(v){v&&hash(v.email||v,h=>mail=h)}
var api={track(e,p){hit(/^pageview$/i.test(e)?'':e,p)},identify:email,identify_email:email,setProperties(p){Object.assign(base,p)},show(){},get_cookie(){}},
run=(k,a)=>{try{return api[k](...a||[])}catch(x){}};
w.__adroll_loaded=!0;
// Whatever else a page asks of it exists and does nothing.
w.__adroll=new Proxy({record_user(p){try{hit('',p)}catch(x){}},record_adroll_email:email},{get:(t,k)=>t[k]||(u=>u)});
w.adroll=[];
for(let k in api)w.adroll[k]=(...a)=>run(k,a);
w.adroll.push=(...a)=>{a.map(i=>run(i[0],i[1]))};
email(w[A+'email']);
[].slice.call(o||[]).map(i=>run(i[0],i[1]));
if(!/^2/.test(w[A+'version']))hit('')
}catch(x){}})(window,document);
