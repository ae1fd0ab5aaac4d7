// Stand-in for gtag.js: each tells of its own kind of id.
(function(w,d){try{
var n=0,O=Object.assign,S=d.currentScript||{},src=S.src||'',kind=(/[?&]id=(.)/.exec(src)||'GG')[1],l=(/[?&]l=([^&]+)/.exec(src)||[,'dataLayer'])[1],
L=w[l]||=[],first=!L._q,ids={},base={},cs,push=L.push,E=encodeURIComponent;
if(L['_q'+kind])return;L['_q'+kind]=L._q=1;
function add(u){var e=d.createElement('script');e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=S.nonce||'';e.src=u;d.documentElement.append(e)}
function tell(q){if(++n>20)return;var s='',t;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
add('@QUENCH@'+n+'?'+s.slice(1))}
function hit(id,en,p){
id=(id+'').split(/[\/+]/);if(id[0][0]!=kind)return;
p=O({},base,ids[id[0]],p);var k,v,u=p.user_data||{},s=screen,q={v:2,tid:id[0],en,t:en=='page_view'?'pageview':'event',ea:en,dl:p.page_location||location.href,dr:d.referrer,dt:d.title,
sr:s.width+'x'+s.height,ul:navigator.language,uid:p.user_id,cu:p.currency,type:id[1],cat:id[2]};
if(cs)q.gcs='G1'+(cs.ad_storage!='denied'|0)+(cs.analytics_storage!='denied'|0);
if(v=u.sha256_email_address||u.email&&'hashed')q.em='tv.1~em.'+v;
for(k in p)v=p[k],/^(send_|page_|user_id|cur|event_t)/.test(k)?0:+v===v||k=='value'?q['epn.'+k]=v:/st|bo/.test(typeof v)&&(q['ep.'+k]=v);
[].concat(p.items||[]).map((i,x)=>q['pr'+(x+1)]='id'+(i.item_id||i.id)+'~nm'+(i.item_name||i.name)+'~qt'+(i.quantity||1));
tell(q)}
function run(a){try{
if(!/t Arg/.test(a))return;
var c=a[0],b=a[1],p=a[2]||{},f=p.event_callback,v;
if(c=='config'){ids[b]=p;p.send_page_view!==!1&&hit(b,'page_view',p);/^[ADG].?-/.test(b)&&!L[c='_q'+b[0]]&&!L[c+=0]&&add(src.replace(/id=[^&]+/,'id='+(L[c]=b)))}
else if(c=='event')[].concat(p.send_to||Object.keys(ids)).map(i=>hit(i,b,p));
else if(c=='set')b.big?base[b]=a[2]:O(base,b);
else if(c=='consent')O(cs||={},p);
else if(c=='get')f=a[3],v='0.0';
first&&f?.call&&setTimeout(f,5,v)
}catch(x){}}
[...L].map(run);
L.push=(...a)=>{var r=push.apply(L,a);a.map(run);return r}
}catch(x){}})(window,document);
