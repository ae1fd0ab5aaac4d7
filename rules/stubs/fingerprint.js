// Stand-in for FingerprintJS, for strict mode: every browser looks alike.
(function(w,d){try{
var F=w.FingerprintJS||{};
if(F._q)return;
var r={visitorId:'',requestId:'',confidence:{score:0},components:{},version:'4'},
agent={get:()=>Promise.resolve(r),getVisitorId:()=>Promise.resolve('')};
w.FingerprintJS={_q:'@QUENCH@',// nothing is reported: what it would say never leaves
load:()=>Promise.resolve(agent),get:()=>Promise.resolve(r),hashComponents:()=>'',componentsToDebugString:()=>'',isBufferError:()=>!1};
w.FingerprintJS.default=w.FingerprintJS;
w.Fingerprint2={get(o,f){f=f||o;setTimeout(()=>f([]),5)},getPromise:()=>Promise.resolve([]),x64hash128:()=>''};
}catch(x){}})(window,document);
