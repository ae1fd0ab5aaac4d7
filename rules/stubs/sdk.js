// Stand-in for Facebook's sdk.js and all.js, for strict mode: nobody is signed in, nothing is shown.
(function(w,d){try{
var old=w.FB||{};
if(old._q)return;
function later(f,x){typeof f=='function'&&setTimeout(()=>f(x),5)}
var out={status:'unknown',authResponse:null},no=()=>{},heard={},
FB=w.FB={init(){later(()=>(heard['sdk.init']||[]).forEach(f=>f()))},
api(...a){later(a.find(x=>typeof x=='function'),{error:{message:'not available',type:'OAuthException',code:1}})},
ui(o,f){later(f)},login(f){later(f,out)},logout(f){later(f,out)},getLoginStatus(f){later(f,out)},
getAuthResponse:()=>null,getAccessToken:()=>null,getUserID:()=>'',
Event:{subscribe(e,f){(heard[e]=heard[e]||[]).push(f);e=='xfbml.render'&&later(f)},unsubscribe(e,f){heard[e]=(heard[e]||[]).filter(x=>x!=f)}},
XFBML:{parse(e,f){later(typeof e=='function'?e:f)}},
AppEvents:{EventNames:{},ParameterNames:{},logEvent:no,logPurchase:no,logPageView:no,setUserID:no,getUserID:()=>'',clearUserID:no,updateUserProperties:no,activateApp:no},
Canvas:{setSize:no,setAutoGrow:no,scrollTo:no,getPageInfo(f){later(f,{})},setDoneLoading:no,Plugin:{hidePluginElement:no,showPluginElement:no}},
CustomerChat:{show:no,hide:no,showDialog:no,hideDialog:no,update:no},Payment:{setSize:no},
_q:'@QUENCH@'};// nothing is reported: a widget that is not shown tells nobody
((old.__buffer||{}).calls||[]).forEach(c=>{try{var f=c[0].split('.').reduce((o,k)=>o[k],{FB,...FB});f(...c[1])}catch(x){}});
w.fbAsyncInit&&!fbAsyncInit.hasRun&&(fbAsyncInit.hasRun=!0,later(()=>fbAsyncInit()));
}catch(x){}})(window,document);
