// Stand-in for Microsoft's bat.js: UET and uetq work, Microsoft hears nothing.
(function(w,d){try{
var n=0;
if(w.UET&&UET._q)return;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
w.UET=function(o){
o=o||{};var me=this,asc='',em='',page=location.href;
function hit(evt,p){
var s=screen,q={ti:o.ti||o.tagId,evt,p:page,tl:d.title,r:d.referrer,sw:s.width,sh:s.height,sc:s.colorDepth,lg:navigator.language,asc,em},k;
for(k in p)/string|number/.test(typeof p[k])&&(q[({event_category:'ec',event_action:'ea',event_label:'el',event_value:'ev',revenue_value:'gv',currency:'gc',ecomm_prodid:'prodid',ecomm_pagetype:'pagetype',transaction_id:'oid'})[k]||k]=p[k]);
tell(q)}
// Takes one call off the list a and gives how many items it was. A queue of
// before the script came has the parts of all calls in one row.
function take(a){
var c=a[0],b=a[1],p=a[2];
if(c&&typeof c=='object')return hit('custom',c),1;
if(c=='pageLoad')return hit(c),1;
if(c=='set')return b&&b.pid&&(em=b.pid.em||em),2;
if(c=='consent')return p&&p.ad_storage&&(asc=p.ad_storage=='granted'?'G':'D'),3;
if(c=='event'){
if(typeof p!='object')return hit('custom',{ea:b}),2;
p=Object.assign({},p);
if(b=='page_view')return p.page_path&&(page=new URL(p.page_path,location.href).href),hit('page',p),3;
hit('custom',Object.assign({ea:b},p));return 3}
return 1}
me.push=function(){try{for(var a=[].slice.call(arguments);a.length;)a.splice(0,take(a))}catch(x){}return 0};
var q=o.q;
if(Array.isArray(q))me.push.apply(me,q.splice(0))
};
UET._q=1;
}catch(x){}})(window,document);
