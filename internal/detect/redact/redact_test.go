package redact

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quench-proxy/quench/internal/detect"
)

const (
	jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
	key = "0123456789abcdef0123456789abcdef"
)

func TestURL(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, counts, redacted, full string }{
		{"plain", "https://shop.example/thanks?order=7#top", "https://shop.example", "https://shop.example/thanks", "https://shop.example/thanks?order=7#top"},
		{"userinfo", "https://joe:hunter2@shop.example:8443/a", "https://…@shop.example:8443", "https://…@shop.example:8443/a", "https://…@shop.example:8443/a"},
		{"userinfo with slash", "https://joe:hun/ter2@shop.example/a", "https://…", "https://…/…", "https://…/…"},
		{"password", "http://a.example/l?user=joe&password=hunter2&x=1", "http://a.example", "http://a.example/l", "http://a.example/l?user=joe&password=…&x=1"},
		{"nested", "http://t.example/p?dl=https%3A%2F%2Fa.example%2F%3Ftoken%3Dhunter2", "http://t.example", "http://t.example/p", "http://t.example/p?dl=…"},
		{"nested twice", "http://t.example/p?dl=https%253A%252F%252Fa.example%252F%253Fpwd%253Dhunter2", "http://t.example", "http://t.example/p", "http://t.example/p?dl=…"},
		{"encoded name", "http://t.example/?pass%77ord=hunter2", "http://t.example", "http://t.example/", "http://t.example/?pass%77ord=…"},
		{"name and value apart", "http://t.example/?name=password&value=hunter2", "http://t.example", "http://t.example/", "http://t.example/?…"},
		{"card in path", "https://a.example/pay/4111-1111-1111-1111/ok", "https://a.example", "https://a.example/pay/…/ok", "https://a.example/pay/…/ok"},
		{"card in an encoded path", "https://a.example/x%20/4111%201111%201111%201111", "https://a.example", "https://a.example/…", "https://a.example/…"},
		{"jwt in fragment", "https://a.example/cb#id_token=" + jwt, "https://a.example", "https://a.example/cb", "https://a.example/cb#id_token=…"},
		{"jwt in path", "https://a.example/u/" + jwt, "https://a.example", "https://a.example/u/…", "https://a.example/u/…"},
		{"token path", "https://m.example/o/8f3a77cc01d2e4b5/x.gif", "https://m.example", "https://m.example/o/…/x.gif", "https://m.example/o/8f3a77cc01d2e4b5/x.gif"},
		{"uuid", "https://m.example/u/2f1c9f0e-5b1a-4c9e-9d2e-0a1b2c3d4e5f", "https://m.example", "https://m.example/u/…", "https://m.example/u/2f1c9f0e-5b1a-4c9e-9d2e-0a1b2c3d4e5f"},
		{"e-mail in path", "https://m.example/unsub/joe@mail.example", "https://m.example", "https://m.example/unsub/…", "https://m.example/unsub/joe@mail.example"},
		{"reset link", "https://m.example/reset/a1B2c3D4e5F6g7", "https://m.example", "https://m.example/reset/…", "https://m.example/reset/…"},
		{"matrix session", "https://a.example/x;jsessionid=77AB?y=1", "https://a.example", "https://a.example/x", "https://a.example/x;jsessionid=…?y=1"},
		{"base64 json", "https://a.example/?d=" + base64.StdEncoding.EncodeToString([]byte(`{"password":"hunter2"}`)), "https://a.example", "https://a.example/", "https://a.example/?d=…"},
		{"bad escape", "https://a.example/%zz?q=%&password=hunter2%", "https://a.example", "https://a.example/%zz", "https://a.example/%zz?q=%&password=…"},
		{"ipv6", "http://[2001:db8::1]:80/x", "http://[2001:db8::1]:80", "http://[2001:db8::1]:80/x", "http://[2001:db8::1]:80/x"},
		{"data", "data:text/html,password=hunter2", "data:…", "data:…", "data:…"},
		{"blank", "about:blank", "about:blank", "about:blank", "about:blank"},
		{"no scheme", "hunter2", "…", "…", "…"},
		{"relative", "//a.example/x?sid=hunter2", "//a.example", "//a.example/x", "//a.example/x?sid=…"},
		{"empty", "", "", "", ""},
		{"utf-8", "https://a.example/straße", "https://a.example", "https://a.example/straße", "https://a.example/straße"},
	}
	for _, tt := range tests {
		for level, want := range map[Level]string{Counts: tt.counts, Redacted: tt.redacted, Full: tt.full} {
			if got := URL(level, tt.in); got != want {
				t.Errorf("%s: URL(%v, %q) = %q, want %q", tt.name, level, tt.in, got, want)
			}
		}
	}
	if got := URL(Full, "https://a.example/"+strings.Repeat("wort/", 1<<15)); len(got) > MaxURL {
		t.Errorf("a long URL came out with %d bytes, want at most %d", len(got), MaxURL)
	}
}

func TestSecret(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, value string
		want        bool
	}{
		{"password", "x", true}, {"user[pass]", "x", true}, {"userPassword", "x", true}, {"loginPin", "1234", true},
		{"PHPSESSID", "abc", true}, {"xs", "12:ab", true}, {"connect.sid", "s:x", true}, {"SAPISID", "a/b", true},
		{"Authorization", "Bearer abc", true}, {"x-csrf-token", "1", true}, {"cc_cvv", "123", true}, {"X-Amz-Signature", "ab", true},
		{"password", "", false}, {"author", "Jane", false}, {"size-xs", "1", false}, {"fbp", "fb.1.1596403881668.1116446470", false},
		{"", "4111111111111111", true}, {"", "4111 1111 1111 1111", true}, {"", "4111-1111-1111-1112", false},
		{"", "1234567890123456", false}, {"", "card 5500005555555559 ok", true}, {"", "378282246310005", true},
		{"", "41111111111111111225123", true}, {"", "DE89370400440532013000", true}, {"", "de89 3704 0044 0532 0130 00", true},
		{"", "DE88370400440532013000", false}, {"", "GB29NWBK60161331926819", true},
		{"", "AKIAIOSFODNN7EXAMPLE", true}, {"", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", true}, {"", jwt, true},
		{"", "Bearer abcdef1234567890", true}, {"", "\xfa Bearer abcdef1234567890", true}, {"", "\u212a BEARER abcdef1234567890", true}, {"", "Basic dXNlcjpwYXNz", true}, {"", "Basic membership", false},
		{"", "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----", true}, {"", "https://a:b@c.example/", true},
		{"", `{"a":[{"value":"x","o":{"a":1},"name":"password"}]}`, true}, {"", "xoxb-1234567890-abcdef", true},
		{"q", "red shoes", false}, {"q", "100% wool & silk", false},
	}
	for _, tt := range tests {
		if got := Secret(tt.name, tt.value); got != tt.want {
			t.Errorf("Secret(%q, %q) = %v, want %v", tt.name, tt.value, got, tt.want)
		}
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{`{"email":"a@b.example","password":"hun\"ter2","n":1}`, `{"email":"a@b.example","password":"…","n":1}`},
		{`[{"name":"q","value":"shoes"},{"value":"hunter2","x":{"y":1},"name":"password"}]`, `[{"name":"q","value":"shoes"},{…}]`},
		{`<input name="q" value=1><input name="password" value="hunter2">`, `<input name="q" value=1><…>`},
		{"Content-Disposition: form-data; name=\"password\"\r\n\r\nhunter2", "…"},
		{`{\"password\":\"hunter2\",\"a\":1}`, `{\"password\":\"…\",\"a\":1}`},
		{"Your card 4111 1111 1111 1111 was charged", "Your card … was charged"},
		{"cookie: sid=abc; xs=def", "cookie: …"},
		{"a=1&otp=123456&b=2", "a=1&otp=…&b=2"},
		{"&#112;assword=hunter2", "…"},
		{`\u0070assword=hunter2`, "…"},
		{"nothing here: 12:30 = noon", "nothing here: 12:30 = noon"},
	}
	for _, tt := range tests {
		if got := clean(tt.in); got != tt.want {
			t.Errorf("clean(%q) = %q, want %q", tt.in, got, tt.want)
		}
		if got := clean(clean(tt.in)); got != clean(tt.in) {
			t.Errorf("clean is not stable on %q: %q", tt.in, got)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"Red shoes, size 42 | Shop", "Red shoes, size 42 | Shop"},
		{"Order 100234567 of joe@mail.example", "Order … of …"},
		{"Call +49 170 123 45 67 now", "Call … … … … … now"},
		{"Session 8f3a77cc01d2e4b5", "Session …"},
		{"a success (number 7654321)", "a success (number …)"},
	}
	for _, tt := range tests {
		if got := words(tt.in); got != tt.want {
			t.Errorf("words(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestShortAndLink(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"fb.1.1596403881668.1116446470", "fb.1…470"}, {"12345678901", "…"}, {"123456789012", "12…12"}, {"", "…"},
	}
	for _, tt := range tests {
		if got := Short(tt.in); got != tt.want {
			t.Errorf("Short(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
	k := []byte(key)
	for _, same := range [][2]string{{"Joe@Mail.example ", "joe@mail.example"}, {"+49 170 1234567", "491701234567"},
		{strings.ToUpper(key), key}} {
		if a, b := Link(k, same[0]), Link(k, same[1]); a != b || len(a) != 16 {
			t.Errorf("Link(%q) = %q, Link(%q) = %q, want equal and 16 bytes", same[0], a, same[1], b)
		}
	}
	if Link(k, "a1") == Link(k, "a2") || Link(k, "a1") == Link([]byte("other"), "a1") || Link(nil, "a1") != "" {
		t.Error("links of other values or keys must differ, and there is none without a key")
	}
}

func TestBag(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, full string }{
		{"a=1&b=2", "a=1&b=2"}, {"a=1&password=hunter2", "a=1&password=…"}, {`{"a":1,"pin":"1234"}`, `{"a":1,"pin":"…"}`},
		{"red, hunter2", "…"}, {"hunter2", "…"}, {"a=1, hunter2", "…"}, {"a=1&hunter2", "…"}, {`{"a":1} hunter2`, "…"}, {"=hunter2", "…"},
	}
	for _, tt := range tests {
		for level, want := range map[Level]string{Redacted: "…", Full: tt.full} {
			if got := field(level, nil, detect.Field{Name: "custom", Value: tt.in}); got.Value != want {
				t.Errorf("%v: custom %q is kept as %q, want %q", level, tt.in, got.Value, want)
			}
		}
	}
}

func sample() *detect.Verdict {
	return &detect.Verdict{
		Action: detect.Block, Tracker: &detect.Tracker{ID: "meta-pixel", Name: "Meta Pixel", Company: "Meta Platforms"},
		Evidence: []detect.Evidence{{Kind: "vendor", Detail: "path /tr"}},
		Activity: &detect.Activity{Name: "Purchase", Says: "you bought something"},
		Say:      &detect.Saying{Site: "shop.example", Path: "/o/8f3a77cc01d2e4b5", Host: "www.facebook.com"},
		Sentence: "whole",
		Disclosed: []detect.Field{
			{Name: "page_url", Value: "https://shop.example/thanks?password=hunter2"},
			{Name: "visitor_id", Value: "fb.1.1596403881668.1116446470", Made: "2020-08-02", Sensitive: true},
			{Name: "user_id", Value: "fb.1.1596403881668.1116446470"},
			{Name: "email_plain", Value: "Joe@Mail.example"},
			{Name: "search", Value: "red shoes"},
			{Name: "page_title", Value: "Hello joe@mail.example"},
			{Name: "tp_cookie", Value: "4111111111111111"},
			{Name: "screen", Value: "1920x1080", Made: "no day"},
		},
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	compose := func(v *detect.Verdict) string { return v.Say.Site + " " + v.Say.Path }
	k := []byte(key)
	number, mail := Link(k, "fb.1.1596403881668.1116446470"), Link(k, "joe@mail.example")
	fields := func(title, search, email, page string) []detect.Field {
		return []detect.Field{
			{Name: "page_url", Value: page},
			{Name: "visitor_id", Value: "fb.1…470", Link: number, Made: "2020-08-02", Sensitive: true},
			{Name: "user_id", Value: "fb.1…470", Link: number},
			{Name: "email_plain", Value: email, Link: mail},
			{Name: "search", Value: search},
			{Name: "page_title", Value: title},
			{Name: "tp_cookie", Value: "…"},
			{Name: "screen", Value: "1920x1080"},
		}
	}
	for level, want := range map[Level]struct {
		sentence string
		fields   []detect.Field
	}{
		Counts:   {" ", nil},
		Redacted: {"shop.example /o/…", fields("Hello …", "…", "…", "https://shop.example/thanks")},
		Full:     {"shop.example /o/8f3a77cc01d2e4b5", fields("Hello joe@mail.example", "red shoes", "Joe@Mail.example", "https://shop.example/thanks?password=…")},
	} {
		in := sample()
		got := Verdict(level, k, in, compose)
		if d := cmp.Diff(want.fields, got.Disclosed); d != "" {
			t.Errorf("%v: fields (-want +got):\n%s", level, d)
		}
		if got.Sentence != want.sentence {
			t.Errorf("%v: sentence %q, want %q", level, got.Sentence, want.sentence)
		}
		if (got.Activity == nil) != (level == Counts) {
			t.Errorf("%v: activity %v", level, got.Activity)
		}
		if d := cmp.Diff(sample(), in); d != "" {
			t.Errorf("%v: the verdict was changed:\n%s", level, d)
		}
	}
	if Verdict(Full, nil, nil, nil) != nil {
		t.Error("a nil verdict must give nil")
	}
}
