// Stand-in for Google's conversion.js and conversion_async.js.
(function(w,d){try{
var n=0,P='google_',C=P+'conversion_',s=(d.currentScript||{}).src||'';
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function hit(o){
var id=o[C+'id'],p=o[P+'custom_params']||{},k,q;
if(!id)return;
q={tid:'AW-'+id,label:o[C+'label'],value:o[C+'value'],currency_code:o[C+'currency'],oid:o[C+'order_id'],url:o[C+'page_url']||location.href,ref:d.referrer,tiba:d.title,u_w:screen.width,u_h:screen.height,u_cd:screen.colorDepth,
en:o[P+'remarketing_only']?'remarketing':''};
for(k in p)if(typeof p[k]!='function')q['data.'+k]=p[k];
tell(q)}
w[P+'trackConversion']=function(o){try{
o=o||{};hit(o);var f=o.onload_callback;
typeof f=='function'&&setTimeout(()=>f(),5)
}catch(x){}return!0};
// The older script reads its orders from globals, once for each time it is loaded.
if(s.indexOf('_async')<0&&w[C+'id']){hit(w);['id','label','value','currency','order_id'].forEach(k=>{w[C+k]=null})}
}catch(x){}})(window,document);
