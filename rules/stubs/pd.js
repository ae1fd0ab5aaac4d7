// Stand-in for Pardot's pd.js: piTracker() works, Pardot hears nothing.
(function(w,d){try{
if(w.piTracker&&piTracker._q)return;
w.piTracker=w.piResponse=()=>{};
// No rule knows what Pardot's hits say, so nothing is reported under this:
piTracker._q='@QUENCH@';
}catch(x){}})(window,document);
