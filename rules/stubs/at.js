// Stand-in for Adobe Target's at.js, for strict mode: everybody sees the page as it is.
(function(w,d){try{
var a=w.adobe=w.adobe||{},later=(f,x)=>{typeof f=='function'&&setTimeout(()=>f(x),5)};
if(a.target&&a.target._q)return;
function show(){for(let i of['at-body-style','at-makers-style','alloy-prehiding']){let e=d.getElementById&&d.getElementById(i);e&&e.remove()}}
function ok(x){return o=>{later((o||{}).success,x);return Promise.resolve(x)}}
a.target={VERSION:'2.0.0',init(){},getOffer:ok([]),getOffers:()=>Promise.resolve({}),applyOffer(){},applyOffers:()=>Promise.resolve({}),
trackEvent:ok(),sendNotifications:ok({}),triggerView(){},registerExtension(){},isReady:()=>!0,
event:{LIBRARY_LOADED:'at-library-loaded',REQUEST_START:'at-request-start',REQUEST_SUCCEEDED:'at-request-succeeded',REQUEST_FAILED:'at-request-failed',CONTENT_RENDERING_START:'at-content-rendering-start',CONTENT_RENDERING_SUCCEEDED:'at-content-rendering-succeeded',CONTENT_RENDERING_FAILED:'at-content-rendering-failed',CONTENT_RENDERING_NO_OFFERS:'at-content-rendering-no-offers',REDIRECT:'at-content-rendering-redirect'}};
w.mboxCreate=w.mboxDefine=w.mboxUpdate=w.mboxTrack=()=>{};
show();
// Pages wait for one of these to show a part that they hide themselves.
later(()=>{try{for(let e of['LIBRARY_LOADED','CONTENT_RENDERING_NO_OFFERS'])d.dispatchEvent(new CustomEvent(a.target.event[e],{detail:{type:a.target.event[e]}}))}catch(x){}});
// What it would say is who is here; hits of the page are what is reported.
a.target._q='@QUENCH@';
}catch(x){}})(window,document);
