// Stand-in for VWO's scripts, for strict mode: everybody sees the page as it is.
(function(w,d){try{
var n=0,V=w.VWO||[],c=w._vwo_code,id=w._vis_opt_account_id||w._vwo_acc_id||(/[?&]a=(\d+)/.exec((d.currentScript||{}).src)||[])[1];
if(V._q)return;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function goal(e,v){tell({ACCOUNT_ID:id,url:location.href,r_value:v})}
function run(a){try{
if(typeof a=='function')return void setTimeout(a,5);
/^track\./.test(a[0])&&goal(a[1],a[0]=='track.revenueConversion'?a[1]:'');
}catch(x){}}
w.VWO={_q:1,_:{},data:{},v:'7',push(){[].forEach.call(arguments,run);return 0},event:(e,p)=>goal(e,(p||{}).revenue),visitor(){},deactivate(){},activate(){},track:{goalConversion:goal},
nls:{},modules:{},phoenix:()=>({on(){}}),init(){}};
w._vis_opt_goal_conversion=g=>goal(g);w._vis_opt_revenue_conversion=v=>goal('',v);
w._vis_opt_pause=w._vis_opt_top_initialize=w._vis_opt_bottom_initialize=()=>{};
w._vwo_exp_ids=[];w._vwo_exp={};w._vwo_campaigns={};
// The page is hidden until it is known who is to see what.
clearTimeout(w._vwo_settings_timer);
try{c&&c.finish()}catch(x){}
for(let i of['_vis_opt_path_hides','_vis_opt_path_hides-1']){let e=d.getElementById&&d.getElementById(i);e&&e.remove()}
var q=w._vis_opt_queue;
if(q){q.splice(0).forEach(run);q.push=f=>{run(f);return 0}}
[].forEach.call(V.length?V:[],run);
}catch(x){}})(window,document);
