// Stand-in for an Adobe Launch or DTM library, for strict mode: no tag runs.
(function(w,d){try{
var S=w._satellite||{};
if(S._q)return;
function no(){}
var cookie={get:()=>'',set:no,remove:no},log={log:no,info:no,warn:no,error:no,debug:no,deprecation:no},vars={},
A=Object.assign(S,{track:no,getVar:k=>vars[k],setVar(k,v){typeof k=='object'?Object.assign(vars,k):vars[k]=v},cookie,logger:log,notify:no,
pageBottom:no,setDebug:no,isDebug:()=>!1,getVisitorId:()=>null,getToolsByType:()=>[],readCookie:()=>'',setCookie:no,removeCookie:no,
property:{name:''},buildInfo:{},environment:{id:'',stage:'production'},company:{},_monitors:[],__registerScript:no,initialized:!0});
w._satellite=A;w.adobeDataLayer=w.adobeDataLayer||[];
for(let i of['alloy-prehiding','at-body-style']){let e=d.getElementById&&d.getElementById(i);e&&e.remove()}
// What its tags would have sent only its rules know: nothing to report.
A._q='@QUENCH@';
}catch(x){}})(window,document);
