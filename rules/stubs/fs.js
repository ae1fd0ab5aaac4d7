// Stand-in for FullStory's fs.js: FS() works, nothing is filmed.
(function(w,d){try{
var n=0,name=w._fs_namespace||'FS',old=w[name]||{},who={},s=w.screen||{};
if(old._v)return;
function tell(q){if(++n<21)try{var s='',t,e=d.createElement('script'),E=encodeURIComponent;
for(let k in q)(q[k]??'')!==''&&(t=s+'&'+E(k)+'='+E(q[k])).length<4001&&(s=t);
e.onload=e.remove;e.onerror=()=>n=e.remove()||99;e.nonce=(d.querySelector('[nonce]')||e).nonce;e.src='@QUENCH@'+n+'?'+s.slice(1);d.documentElement.append(e)}catch(x){}}
function later(f,a,b){typeof f=='function'&&setTimeout(()=>f(a,b),5)}
function page(){tell(Object.assign({OrgId:w._fs_org,Url:location.href,Referrer:d.referrer,ScreenWidth:s.width,ScreenHeight:s.height},who))}
function user(o){o=o||{};o.uid&&(who.Uid=o.uid);o=o.properties||o;o.email&&(who.Email=o.email);o.displayName&&(who.DisplayName=o.displayName)}
var first=!0,F=w[name]=function(c,o){try{o=o||{};
if(/Async$/.test(c))return Promise.resolve(F(c.slice(0,-5),o));
if(/^(user|setIdentity)$/.test(c)||c=='setProperties'&&o.type=='user'){user(o);first||page()}
else if(c=='observe'){var live=!0;later(()=>live&&o.callback&&o.callback({url:''}));return{disconnect(){live=!1}}}
else if(c=='getSession')return null;
}catch(x){}};
F._v=1;F._api=F;
for(let k of['setUserVars','event','anonymize','shutdown','restart','log','consent','setPage','setVars','disableConsole','enableConsole','clearUserCookie','identifyAccount'])F[k]=()=>{};
F.setUserVars=v=>F('user',v);
F.identify=(uid,v)=>F('user',Object.assign({},v,{uid}));
F.getCurrentSession=F.getCurrentSessionURL=()=>null;
w[name+'Async']=w.FSAsync=function(){return Promise.resolve(F.apply(w,arguments))};
(old.q||[]).forEach(a=>{var r=F(a[0],a[1]);typeof a[3]=='function'&&a[3](r)});
first=!1;page();
later(w._fs_ready);
}catch(x){}})(window,document);
