package judge

import (
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/scan/identity"
	"github.com/quench-proxy/quench/rules"
)

func TestMailRules(t *testing.T) {
	t.Parallel()
	set, err := engine.Load(engine.Sources{Builtin: rules.FS})
	if err != nil {
		t.Fatal(err)
	}
	const sendy = "https://mail.shop.example/t/AbCdEf0123/GhIjKl4567"
	tests := []struct {
		name, html    string
		tracker, goal string
		ladder        Ladder
	}{
		{"a link of a service", `<a href="https://shop.us1.list-manage.com/track/click?u=0123456789abcdef012345678&id=a1b2c3d4e5&e=f6e5d4c3b2">x</a>`,
			"mailchimp-open", "", Token},
		{"a link that says where it leads", `<a href="https://mandrillapp.com/track/click/30012345/shop.example?p=eyJzIjoiYWJjIiwidiI6MSwicCI6IntcInVcIjozMDAxMjM0NSxcInZcIjoxLFwidXJsXCI6XCJodHRwczpcXFwvXFxcL3Nob3AuZXhhbXBsZVxcXC9zYWxlXCIsXCJpZFwiOlwiMDEyM1wifSJ9">x</a>`,
			"mandrill", "https://shop.example/sale", Token},
		{"a common shape, hidden", `<img src="` + sendy + `" width=1 height=1 style="display:none">`, "sendy", "", Likely},
		{"a picture of a service", `<img src="https://x1abc.mjt.lu/oo/AVsAAB1234/0a1b2c3d/e.gif" width=1 height=1>`, "mailjet", "", Vendor},
		{"its logo", `<img src="https://x1abc.mjt.lu/images/logo.png" width=200 height=80>`, "", "", Ordinary},
		{"a link to anywhere", `<a href="https://shop.example/sale">x</a>`, "", "", Ordinary},
	}
	for _, tt := range tests {
		f := first(t, Judge{Rules: set}, tt.html)
		id := ""
		if f.Tracker != nil {
			id = f.Tracker.ID
		}
		if id != tt.tracker || f.Target != tt.goal || f.Ladder != tt.ladder {
			t.Errorf("%s: got %q, goal %q, %s; want %q, %q, %s", tt.name, id, f.Target, f.Ladder, tt.tracker, tt.goal, tt.ladder)
		}
	}
	p := &detect.Policy{Allows: detect.NewOverrides([]detect.Override{{On: "shop.example"}})}
	if f := first(t, Judge{Rules: set, Policy: p}, `<img src="`+sendy+`" width=1 height=1>`); f.Tracker != nil || f.Ladder != Ordinary {
		t.Errorf("allowed: got %v, %s, want no tracker, ordinary", f.Tracker, f.Ladder)
	}
}

// TestLinkInACalendar: a URL in a calendar's text is a link, as in any text:
// who follows it gives its whole address away.
func TestLinkInACalendar(t *testing.T) {
	t.Parallel()
	for _, v := range []markup.Vector{159, 160, 176} {
		r := Ref{Part: "2"}
		r.Vector, r.When, r.Reach, r.URL, r.Width, r.Height = v, markup.DNS, markup.Remote, "https://cal.shop.example/j?u=ann@home.example", -1, -1
		f := (&Judge{}).Message(&Message{Me: identity.New([]string{"ann@home.example"}), Refs: []Ref{r}}).Findings[0]
		if !f.Link || f.Ladder != Proven || f.Request.Type != "document" {
			t.Errorf("%v: link %v, %v, %s, want a link, proven, a document", v, f.Link, f.Ladder, f.Request.Type)
		}
	}
}
