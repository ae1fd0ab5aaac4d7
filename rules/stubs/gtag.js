// Stand-in for Google's gtag.js: dataLayer works, Google hears nothing.
// Each tells of its own kind of id.
(function(w,d){try{
var n=0,src=(d.currentScript||{}).src||'',kind=(/[?&]id=(.)/.exec(src)||'GG')[1],l=(/[?&]l=([^&]+)/.exec(src)||[,'dataLayer'])[1],
L=w[l]=w[l]||[],first=!L._q,ids={},base={},cs,push=L.push;
if(L['_q'+kind])return;L['_q'+kind]=L._q=1;
function tell(q){try{if(++n>20)return;var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.onerror=()=>e.remove();e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function hit(id,en,p){
id=(id+'').split(/[\/+]/);if(id[0][0]!=kind)return;
p=Object.assign({},base,ids[id[0]],p);var k,v,u=p.user_data||{},s=screen,q={v:2,tid:id[0],en,t:en=='page_view'?'pageview':'event',ea:en,dl:p.page_location||location.href,dr:d.referrer,dt:d.title,
sr:s.width+'x'+s.height,ul:navigator.language,uid:p.user_id,cu:p.currency,type:id[1],cat:id[2]};
if(cs)q.gcs='G1'+(cs.ad_storage!='denied'|0)+(cs.analytics_storage!='denied'|0);
if(v=u.sha256_email_address||u.email&&'hashed')q.em='tv.1~em.'+v;
for(k in p)v=p[k],/^(send_|page_|user_id|cur|event_t)/.test(k)?0:+v===v||k=='value'?q['epn.'+k]=v:/st|bo/.test(typeof v)&&(q['ep.'+k]=v);
[].concat(p.items||[]).map((i,x)=>q['pr'+(x+1)]='id'+(i.item_id||i.id)+'~nm'+(i.item_name||i.name)+'~qt'+(i.quantity||1));
tell(q)}
function run(a){try{
if(!/Arg/.test({}.toString.call(a)))return;
var c=a[0],b=a[1],p=a[2]||{},f=p.event_callback;
if(c=='config'){ids[b]=p;p.send_page_view!==!1&&hit(b,'page_view',p)}
else if(c=='event')[].concat(p.send_to||Object.keys(ids)).map(i=>hit(i,b,p));
else if(c=='set')b.big?base[b]=a[2]:Object.assign(base,b);
else if(c=='consent')cs=Object.assign(cs||{},p);
else if(c=='get')f=a[3];
first&&f&&f.call&&setTimeout(()=>f(),5)
}catch(x){}}
L.slice().map(run);
L.push=function(...a){var r=push.apply(L,a);a.map(run);return r}
}catch(x){}})(window,document);
