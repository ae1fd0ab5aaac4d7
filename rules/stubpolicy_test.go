package rules_test

import (
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/rules"
)

// consentScripts are how pages load the managers that most of them use.
var consentScripts = []string{
	"https://cdn.cookielaw.org/scripttemplates/otSDKStub.js",
	"https://cdn.cookielaw.org/consent/0a1b2c3d-0000-4000-8000-000000000000/OtAutoBlock.js",
	"https://consent.cookiebot.com/uc.js?cbid=0a1b2c3d-0000-4000-8000-000000000000",
	"https://sdk.privacy-center.org/0a1b2c3d/loader.js?target=shop.example",
	"https://app.usercentrics.eu/browser-ui/latest/loader.js",
	"https://cdn.privacy-mgmt.com/unified/wrapperMessagingWithoutDetection.js",
	"https://cmp.quantcast.com/choice/0a1b2c3d/shop.example/choice.js",
	"https://cmp.inmobi.com/choice/0a1b2c3d/shop.example/choice.js",
	"https://consent.trustarc.com/notice?domain=shop.example&c=teconsent&js=nj",
	"https://cdn.iubenda.com/cs/iubenda_cs.js",
	"https://cdn-cookieyes.com/client_data/0a1b2c3d/script.js",
	"https://cmp.osano.com/0a1b2c3d/osano.js",
	"https://cdn.consentmanager.net/delivery/autoblocking/0a1b2c3d.js",
	"https://static.axept.io/sdk.js",
	"https://app.termly.io/embed.min.js",
}

// TestConsentManagersPass asks for whatever consent managers load or send, in
// each mode and with each vendor's loaders set to blocked.
func TestConsentManagersPass(t *testing.T) {
	set, specs := load(t)
	blockAll := map[string]detect.LoaderMode{}
	for _, s := range specs {
		for _, tr := range s.Trackers {
			blockAll[tr.ID] = detect.LoaderBlock
		}
	}
	urls := slices.Clone(consentScripts)
	for _, h := range consentHosts(t) {
		urls = append(urls, "https://"+h+"/consent/v1/pixel.gif?uid=8f3a9c77b1d24e55", "https://"+h+"/collect?tid=1&cid=2")
	}
	types := []detect.Type{detect.TypeScript, detect.TypeImage, detect.TypeXHR, detect.TypePing, detect.TypeSubdocument}
	for _, policy := range []*detect.Policy{{}, {Strict: true}, {Strict: true, Loaders: blockAll}} {
		for _, u := range urls {
			for _, ty := range types {
				r := detect.Request{URL: u, Host: detect.HostOf(u), Page: "https://shop.example/", PageFrom: detect.PageReferer, Type: ty, Method: "GET"}
				if d := set.Request(&r, policy); d.Action >= detect.Strip {
					t.Errorf("%s of type %v, strict %v: %s by %s, want it to pass", u, ty, policy.Strict, d.Action, set.RuleName(d.Rule))
				}
			}
		}
	}
}

// consentHosts are those of vetoes.yaml.
func consentHosts(t *testing.T) []string {
	t.Helper()
	data, err := rules.FS.ReadFile("vetoes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var f struct {
		Vetoes []struct {
			Why          string
			Hosts, Paths []string
		}
	}
	if err := yaml.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, v := range f.Vetoes {
		if v.Why == "consent" && len(v.Paths) == 0 {
			for _, h := range v.Hosts {
				out = append(out, strings.TrimPrefix(h, "."))
			}
		}
	}
	if len(out) < 20 {
		t.Fatalf("only %d hosts of consent managers", len(out))
	}
	return out
}

// bringConsent are tag managers that also show the banner by which people
// refuse, and frames: strict mode lets them pass, too.
var bringConsent = map[string]bool{
	"ensighten/bootstrap": true, "ensighten/parts": true, "commanders-act/container": true, "piwik-pro/container": true,
	"google-tag-manager/noscript": true, "hubspot-analytics/scripts": true,
}

// TestStrictModeStubsTagManagers: what passes for its children's sake is
// answered with a stand-in in strict mode, and only then.
func TestStrictModeStubsTagManagers(t *testing.T) {
	set, specs := load(t)
	seen := map[string]bool{}
	for _, s := range specs {
		for _, tr := range s.Trackers {
			for _, ex := range tr.Examples {
				r, d, _ := judge(t, set, ex)
				name := set.RuleName(d.Rule)
				if d.Step != detect.StepTagManager {
					continue
				}
				seen[name] = true
				strict := set.Request(&r, &detect.Policy{Strict: true})
				want := wordsOf(detect.Decision{Action: detect.Block, Reply: detect.ReplyStub})
				if bringConsent[name] {
					want = wordsOf(detect.Decision{Action: detect.Observe})
				}
				if got := wordsOf(strict); got != want {
					t.Errorf("%s in strict mode: %s, want %s", name, got, want)
				}
				if d.Action != detect.Observe {
					t.Errorf("%s: %s, want it to pass by default", name, d.Action)
				}
			}
		}
	}
	if len(seen) < 20 {
		t.Errorf("only %d tag managers and the like: %v", len(seen), seen)
	}
	for name := range bringConsent {
		if !seen[name] {
			t.Errorf("%s is no tag manager", name)
		}
	}
}

func wordsOf(d detect.Decision) string { return d.Action.String() + " " + d.Reply.String() }

// TestFormsPass: scripts that bring forms pass in each mode; what they tell of
// reading and of forms that are not theirs is stopped.
func TestFormsPass(t *testing.T) {
	set, _ := load(t)
	tests := []struct {
		url  string
		ty   detect.Type
		want detect.Action
	}{
		{"https://js.hs-scripts.com/1234567.js", detect.TypeScript, detect.Observe},
		{"https://js.hsforms.net/forms/v2.js", detect.TypeScript, detect.Observe},
		{"https://static.klaviyo.com/onsite/js/klaviyo.js?company_id=EXAMPL", detect.TypeScript, detect.Observe},
		{"https://track.hubspot.com/__ptq.gif?k=1&a=1234567&pu=https%3A%2F%2Fshop.example%2F", detect.TypeImage, detect.Block},
		{"https://js.hscollectedforms.net/collectedforms.js", detect.TypeScript, detect.Block},
	}
	for _, tt := range tests {
		for _, strict := range []bool{false, true} {
			r := detect.Request{URL: tt.url, Host: detect.HostOf(tt.url), Page: "https://shop.example/", PageFrom: detect.PageReferer, Type: tt.ty, Method: "GET"}
			d := set.Request(&r, &detect.Policy{Strict: strict})
			if (d.Action >= detect.Block) != (tt.want >= detect.Block) {
				t.Errorf("%s, strict %v: %s by %s, want %s", tt.url, strict, d.Action, set.RuleName(d.Rule), tt.want)
			}
		}
	}
}

// TestStubsReportAlike: what bounds the reports of one stand-in (see
// TestStubBounds) bounds those of all, for they send by the same lines or not
// at all.
func TestStubsReportAlike(t *testing.T) {
	_, tell, ok := strings.Cut(stubText(t, "fbevents"), "function tell(")
	tell, _, ends := strings.Cut(tell, "\nfunction ")
	if !ok || !ends {
		t.Fatal("fbevents has no function that tells")
	}
	for _, name := range stubNames(t) {
		text := stubText(t, name)
		if name == "gtag" {
			continue // it also loads: TestStubBounds and TestRefusedReports run it
		}
		if sends := strings.Contains(text, "createElement"); sends != strings.Contains(text, "function tell("+tell) {
			t.Errorf("%s makes elements: %v, but not by the lines that all share", name, sends)
		}
		for _, other := range []string{"fetch(", "XMLHttpRequest", "sendBeacon", "new Image", "WebSocket", "localStorage", "document.cookie", "d.cookie", "import("} {
			if strings.Contains(text, other) {
				t.Errorf("%s has %s in it", name, other)
			}
		}
	}
}
