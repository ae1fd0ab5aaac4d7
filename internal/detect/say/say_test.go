package say

import (
	"fmt"
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
)

func TestSentence(t *testing.T) {
	acme := &detect.Tracker{ID: "acme", Name: "Acme Pixel", Company: "Acme Ads"}
	bought := &detect.Activity{Name: "Buy", Says: "you bought something"}
	ip := " Your IP address and browser go with every request."
	field := func(name, label, value, made string) detect.Field {
		return detect.Field{Name: name, Label: label, Value: value, Made: made}
	}
	var many []detect.Field
	for i := range 11 {
		many = append(many, field("custom", fmt.Sprintf("thing %d", i+1), "x", ""))
	}
	for _, tt := range []struct {
		name string
		v    detect.Verdict
		want string
	}{
		{"nothing to say", detect.Verdict{}, ""},
		{"blocked", detect.Verdict{Action: detect.Block, Tracker: acme, Activity: bought, Say: &detect.Saying{Site: "www.shop.example", Path: "/thanks"},
			Disclosed: []detect.Field{field("value", "the amount", "49.90", ""), field("currency", "the currency", "EUR", ""), field("screen", "your screen size", "1x1", ""), field("visitor_id", "the number Acme keeps", "x", "2025-03-12")}},
			"shop.example tried to tell Acme Pixel (Acme Ads) that you bought something for 49.90 EUR on /thanks; it carried the number Acme keeps (since 12 March 2025) and your screen size." + ip + " Blocked."},
		{"told", detect.Verdict{Action: detect.Observe, Told: true, Tracker: acme, Activity: bought, Say: &detect.Saying{Site: "shop.example"}},
			"shop.example has told Acme Pixel (Acme Ads) that you bought something." + ip + " Only recorded."},
		{"automatic, refused, likely, no page", detect.Verdict{Action: detect.Block, Tracker: acme, Activity: &detect.Activity{Says: "you clicked", Automatic: true}, Consent: &detect.Consent{State: "denied"}, Say: &detect.Saying{Likely: true, Path: "/"}},
			"A page tried to tell what looks like Acme Pixel (Acme Ads) that you clicked (reported automatically) on its front page." + ip + " It tried although you had refused. Blocked."},
		{"a guess", detect.Verdict{Action: detect.Block, Tracker: acme, Say: &detect.Saying{Site: "shop.example", Guess: true}},
			"A page, probably of shop.example, tried to tell Acme Pixel (Acme Ads) of your visit." + ip + " Blocked."},
		{"allowed by the user", detect.Verdict{Told: true, Tracker: acme, Activity: bought, Say: &detect.Saying{Site: "shop.example", ByUser: true}},
			"shop.example has told Acme Pixel (Acme Ads) that you bought something." + ip + " Let through, as you asked."},
		{"veto", detect.Verdict{Told: true, Tracker: acme, Activity: bought, Say: &detect.Saying{Site: "shop.example", Why: "Quench never blocks sign-in"}},
			"shop.example has told Acme Pixel (Acme Ads) that you bought something." + ip + " Let through: Quench never blocks sign-in."},
		{"search", detect.Verdict{Action: detect.Block, Tracker: acme, Activity: &detect.Activity{Says: "you searched"}, Disclosed: []detect.Field{field("search", "what you searched for", "red shoes", "")}, Say: &detect.Saying{Site: "shop.example"}},
			"shop.example tried to tell Acme Pixel (Acme Ads) that you searched (“red shoes”)." + ip + " Blocked."},
		{"redacted search and amount", detect.Verdict{Action: detect.Block, Tracker: acme, Activity: &detect.Activity{Says: "you searched"}, Disclosed: []detect.Field{field("search", "s", "…", ""), field("value", "v", "…", "")}, Say: &detect.Saying{Site: "shop.example"}},
			"shop.example tried to tell Acme Pixel (Acme Ads) that you searched." + ip + " Blocked."},
		{"many details", detect.Verdict{Action: detect.Block, Tracker: acme, Disclosed: many, Say: &detect.Saying{Site: "shop.example"}},
			"shop.example tried to tell Acme Pixel (Acme Ads) of your visit; it carried thing 1, thing 2, thing 3, thing 4, thing 5, thing 6, thing 7, thing 8 and 3 more details." + ip + " Blocked."},
		{"the same words twice", detect.Verdict{Action: detect.Block, Tracker: acme, Disclosed: []detect.Field{field("custom", "a", "x", ""), field("custom", "a", "y", "")}, Say: &detect.Saying{Site: "shop.example"}},
			"shop.example tried to tell Acme Pixel (Acme Ads) of your visit; it carried a." + ip + " Blocked."},
		{"stub", detect.Verdict{Action: detect.Block, Reply: detect.ReplyStub, Tracker: acme, Say: &detect.Saying{Form: detect.FormLoader, Site: "shop.example"}},
			"shop.example asked for the script of Acme Pixel (Acme Ads). Answered with a stand-in that tells only you what the page wants to send."},
		{"loader passed", detect.Verdict{Action: detect.Observe, Told: true, Tracker: acme, Say: &detect.Saying{Form: detect.FormLoader, Site: "shop.example"}},
			"shop.example asked for the script of Acme Pixel (Acme Ads). Let through."},
		{"unknown pixel", detect.Verdict{Action: detect.Strip, Told: true, Say: &detect.Saying{Form: detect.FormUnknown, Site: "shop.example", Host: "t.example", Path: "/a"}},
			"shop.example has told t.example, by an invisible image, that you opened a page on /a." + ip + " The request had left before we knew; the answer came back blank and without its cookie, and next time it will not leave."},
		{"a name alone", detect.Verdict{Action: detect.Block, Tracker: acme, Say: &detect.Saying{Form: detect.FormName, Host: "px.acme.example"}},
			"A program asked for px.acme.example, which belongs to Acme Pixel (Acme Ads); it would have learned that the device is awake and its IP address. Blocked."},
		{"opened itself", detect.Verdict{Action: detect.Block, Tracker: acme, Activity: bought, Say: &detect.Saying{Direct: true, Host: "px.acme.example"}},
			"Opening px.acme.example would have told Acme Pixel (Acme Ads) that you bought something." + ip + " Blocked."},
		{"opened itself, told", detect.Verdict{Action: detect.Observe, Told: true, Tracker: acme, Activity: bought, Say: &detect.Saying{Direct: true, Host: "px.acme.example"}},
			"Opening px.acme.example has told Acme Pixel (Acme Ads) that you bought something." + ip + " Only recorded."},
		{"opened itself, allowed", detect.Verdict{Tracker: acme, Activity: bought, Say: &detect.Saying{Direct: true, Host: "px.acme.example", ByUser: true}},
			"Opening px.acme.example tells Acme Pixel (Acme Ads) that you bought something." + ip + " Let through, as you asked."},
		{"a script opened itself", detect.Verdict{Action: detect.Block, Tracker: acme, Say: &detect.Saying{Form: detect.FormLoader, Direct: true, Host: "px.acme.example"}},
			"You asked for the script of Acme Pixel (Acme Ads). Blocked."},
		{"blocked by the user", detect.Verdict{Action: detect.Block, Say: &detect.Saying{Form: detect.FormPlain, Site: "shop.example", Host: "cdn.example", ByUser: true}},
			"shop.example asked for cdn.example. Blocked, as you asked."},
		{"a host that only tracks", detect.Verdict{Action: detect.Block, Tracker: acme, Say: &detect.Saying{Form: detect.FormPlain, Site: "shop.example", Host: "px.acme.example"}},
			"shop.example asked for px.acme.example, which belongs to Acme Pixel (Acme Ads). Blocked."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Sentence(&tt.v); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}
