// Stand-in for Adobe's VisitorAPI.js, for strict mode: nobody gets a number.
(function(w,d){try{
var V={};
if(w.Visitor&&Visitor._q)return;
function make(id){
var none={get:(f)=>{typeof f=='function'&&setTimeout(()=>f(''),5);return''}};
return V[id]=new Proxy({_q:1,version:'5.0.0',marketingCloudOrgID:id,
getVisitorValues(f){typeof f=='function'&&setTimeout(()=>f({}),5)},getCustomerIDs:()=>({}),
appendVisitorIDsTo:u=>u,appendSupplementalDataIDTo:u=>u,isAllowed:()=>!1,isOptedOut:()=>!0,resetBeforeVersion(){}},
{get:(t,k)=>k in t||typeof k=='symbol'||k=='then'?t[k]:/^get/.test(k)?none.get:()=>{}})}
var F=w.Visitor=function(id){return V[id]||make(id)};
F.getInstance=id=>V[id]||make(id);F.version='5.0.0';
F.AuthState={UNKNOWN:0,AUTHENTICATED:1,LOGGED_OUT:2};F.OptOut={GLOBAL:'global'};
// It asks for a number before anybody has done anything: nothing to report.
F._q='@QUENCH@';
}catch(x){}})(window,document);
