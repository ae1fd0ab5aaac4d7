package vendor

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quench-proxy/quench/internal/detect"
)

const mailSpec = `company: Acme Mail
sites: [acme.example]
mail:
  - id: acme
    name: Acme open pixel
    open:
      - {host_re: '(?:^|\.)acme\d+\.example$', path_re: '^/o/(?P<to>\w+)$'}
      - {hosts: ["*"], path_re: '^/acme/(?P<to>\w{8,})/e\.gif$'}
      - {hosts: ["*"], path_re: '^/t/(?P<to>\w{8,})$', mail_only: true}
    links:
      - {hosts: [.acme.example], paths: [/go], goal: [url, p.p.url]}
    fields:
      recipient: [path.to, r]
    params: {p: b64json, p.p: json}
`

func mailSpecs(t *testing.T, text string) *Rules {
	t.Helper()
	s, err := Parse("acme.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	data, err := Marshal([]*Spec{s})
	if err != nil {
		t.Fatal(err)
	}
	specs, err := Unmarshal(data)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Compile(specs)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMailOpen(t *testing.T) {
	t.Parallel()
	r := mailSpecs(t, mailSpec)
	tests := []struct {
		name, url, page, method string
		ty                      detect.Type
		want                    string
		likely                  bool
	}{
		{"a host with a number", "https://m.acme12.example/o/a1b2", "https://web.example", "GET", detect.TypeImage, "acme/open", false},
		{"a host that only begins so", "https://acme12.example.net/o/a1b2", "https://web.example", "GET", detect.TypeImage, "", false},
		{"another path", "https://m.acme12.example/logo.png", "https://web.example", "GET", detect.TypeImage, "", false},
		{"not a picture", "https://m.acme12.example/o/a1b2", "https://web.example", "GET", detect.TypeDocument, "", false},
		{"posted", "https://m.acme12.example/o/a1b2", "https://web.example", "POST", detect.TypeImage, "", false},
		{"a signature", "https://n.shop.example/acme/a1b2c3d4/e.gif", "https://web.example", "GET", detect.TypeImage, "acme/open-2", true},
		{"on the page's own site", "https://n.shop.example/acme/a1b2c3d4/e.gif", "https://shop.example", "GET", detect.TypeImage, "", false},
		{"too common for requests", "https://n.shop.example/t/a1b2c3d4", "https://web.example", "GET", detect.TypeImage, "", false},
		{"a link", "https://acme.example/go?url=https%3A%2F%2Fshop.example%2F", "https://web.example", "GET", detect.TypeDocument, "", false},
	}
	for _, tt := range tests {
		q := &detect.Request{URL: tt.url, Host: detect.HostOf(tt.url), Page: tt.page, PageFrom: detect.PageReferer, Method: tt.method, Type: tt.ty}
		m, got := r.Match(q), ""
		if m.Hit > 0 {
			got = r.RuleName(m.Hit)
			if v := r.Explain(m.Hit, &detect.Seen{Request: q})[0]; v.Say.Likely != tt.likely || v.Activity.Says != "you opened a mail" {
				t.Errorf("%s: likely %v, says %q, want %v", tt.name, v.Say.Likely, v.Activity.Says, tt.likely)
			}
			if !r.Covers(m.Hit, q.Host) {
				t.Errorf("%s: does not cover its host", tt.name)
			}
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestMail(t *testing.T) {
	t.Parallel()
	r := mailSpecs(t, mailSpec)
	tests := []struct {
		url              string
		ty               detect.Type
		rule, to, goal   string
		link, bySignture bool
	}{
		{"https://n.shop.example/t/a1b2c3d4", detect.TypeImage, "acme/open-3", "a1b2c3d4", "", false, true},
		{"https://x.acme.example/go?r=7&url=https%3A%2F%2Fshop.example%2Fa%3Fb", detect.TypeDocument, "acme/link", "7", "https://shop.example/a?b", true, false},
		{"https://x.acme.example/go?r=7", detect.TypeDocument, "acme/link", "7", "", true, false},
		// {"p":"{\"url\":\"https://shop.example/sale\"}"}
		{"https://x.acme.example/go?p=eyJwIjoie1widXJsXCI6XCJodHRwczovL3Nob3AuZXhhbXBsZS9zYWxlXCJ9In0", detect.TypeDocument, "acme/link", "", "https://shop.example/sale", true, false},
		{"https://x.acme.example/other", detect.TypeDocument, "", "", "", false, false},
		{"https://m.acme12.example/o/a1b2", detect.TypeImage, "", "", "", false, false},
	}
	for _, tt := range tests {
		h, ok := r.Mail(&detect.Request{URL: tt.url, Host: detect.HostOf(tt.url), Site: detect.ThirdParty, Type: tt.ty})
		if ok != (tt.rule != "") {
			t.Errorf("%s: found %v", tt.url, ok)
			continue
		}
		got := []any{h.Rule, value(h.Disclosed, "recipient"), h.Goal, h.Link, h.Signature}
		if d := cmp.Diff([]any{tt.rule, tt.to, tt.goal, tt.link, tt.bySignture}, got); d != "" {
			t.Errorf("%s: %s", tt.url, d)
		}
	}
	if _, ok := emptyCompiled(t).Mail(&detect.Request{URL: "https://x.example/", Host: "x.example"}); ok {
		t.Error("rules without mail found something")
	}
}

func emptyCompiled(t *testing.T) *Rules {
	r, err := Compile(nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMailFaults(t *testing.T) {
	t.Parallel()
	tests := []struct{ old, new, want string }{
		{"id: acme", "id: Acme", "lower case words"},
		{"name: Acme open pixel", "confidence: sure", "has no name"},
		{"recipient:", "recipent:", `did you mean "recipient"`},
		{"b64json", "base", "codec"},
		{"hosts: [.acme.example], paths", "hosts: [.acme.example], host_re: x, paths", "host_re stands without hosts"},
		{`acme\d+\.example$`, `acme(`, "missing closing"},
		{"mail_only: true", "mailonly: true", "mail_only"},
		{"links:\n      - {", "links:\n      - {id: open-2, ", "given twice"},
	}
	for _, tt := range tests {
		if !strings.Contains(mailSpec, tt.old) {
			t.Fatalf("%q is not in the text", tt.old)
		}
		_, err := Parse("acme.yaml", []byte(strings.Replace(mailSpec, tt.old, tt.new, 1)))
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "acme.yaml:") {
			t.Errorf("%q: got %v, want %q with its line", tt.new, err, tt.want)
		}
	}
}

func TestGoal(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"https://shop.example/a", "https://shop.example/a"},
		{"https:%2F%2Fshop.example%2Fa", "https://shop.example/a"},
		{"https%253A%252F%252Fshop.example", "https://shop.example"},
		{"shop.example/sale", "https://shop.example/sale"},
		{"shop.example%2Fsale", "https://shop.example/sale"},
		{"aHR0cHM6Ly9zaG9wLmV4YW1wbGUvc2FsZQ==", "https://shop.example/sale"},
		{"aHR0cHM6Ly9zaG9wLmV4YW1wbGUvc2FsZQ", "https://shop.example/sale"},
		{"javascript:alert(1)", ""},
		{"https://", ""},
		{"https://shop.example/\r\nX: y", ""},
		{"AbCdEf", ""},
		{"", ""},
	}
	for _, tt := range tests {
		if got := goal(tt.in); got != tt.want {
			t.Errorf("goal(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func FuzzGoal(f *testing.F) {
	f.Add("https:%2F%2Fshop.example%2Fa")
	f.Add("aHR0cHM6Ly9zaG9wLmV4YW1wbGUvc2FsZQ")
	f.Fuzz(func(t *testing.T, v string) {
		if got := goal(v); got != "" && !webURL(got) {
			t.Errorf("goal(%q) = %q, which is no address of the web", v, got)
		}
	})
}

// TestShippedIndex: no shipped rule for any host is one that every request
// would have to be compared with, but for those that were before mail.
func TestShippedIndex(t *testing.T) {
	t.Parallel()
	specs, err := ParseDir(os.DirFS("../../.."), "rules/vendors")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Compile(specs)
	if err != nil {
		t.Fatal(err)
	}
	mail := map[string]bool{}
	for _, s := range specs {
		for i := range s.Mail {
			for _, name := range s.Mail[i].Rules() {
				mail[name] = true
			}
		}
	}
	if len(mail) < 300 {
		t.Errorf("only %d rules of mail", len(mail))
	}
	for _, n := range r.any.rest {
		if name := r.RuleName(n + 1); mail[name] {
			t.Errorf("%s: nothing in its path to find it by", name)
		}
	}
}
