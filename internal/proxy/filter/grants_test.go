package filter

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/detect"
)

var asks = []string{"Origin: https://shop.example", "Access-Control-Request-Method: POST",
	"Access-Control-Request-Headers: content-type", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", page}

const fetchMode = "Sec-Fetch-Mode: cors"

func TestPreflight(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, url string
		policy    *detect.Policy
		ours      bool
	}{
		{"the URL alone is a hit", "https://px.acme.example/post?a=1", nil, true},
		{"unknown", "https://api.example/x", nil, false},
		{"only the body would tell", "https://shop2.example/api/e", nil, false},
		{"stripped", "https://www.acme.example/like", nil, false},
		{"observe mode", "https://px.acme.example/post", &detect.Policy{Observe: true}, false},
		{"allowed", "https://px.acme.example/post", &detect.Policy{Allows: detect.NewOverrides([]detect.Override{{To: "acme.example"}})}, false},
		{"veto", "https://a.login.example/api/e", nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if tt.policy != nil {
				w.policy = tt.policy
			}
			resp := w.do(request("OPTIONS", tt.url, nil, asks...), here)
			if ours := resp.Header.Get("Access-Control-Max-Age") == "600"; ours != tt.ours {
				t.Errorf("answered by us: %v, want %v", ours, tt.ours)
			}
			w.wantSent(map[bool]int{true: 0, false: 1}[tt.ours])
			w.wantNotes()
		})
	}
}

// TestGrantedIsNeverForwarded: the origin never agreed to what we granted.
func TestGrantedIsNeverForwarded(t *testing.T) {
	t.Parallel()
	const u = "https://px.acme.example/post?a=1"
	post := func(url, origin string) (string, []string) {
		return url, []string{"Origin: " + origin, fetchMode, "Sec-Fetch-Dest: empty", page, "Content-Type: application/json"}
	}
	w := newWorld(t)
	w.do(request("OPTIONS", u, nil, asks...), here)
	w.policy = &detect.Policy{Allows: detect.NewOverrides([]detect.Override{{To: "acme.example"}})}
	url, head := post(u, "https://shop.example")
	resp := w.do(request("POST", url, strings.NewReader(`{"id":"1","ev":"Buy"}`), head...), here)
	if resp.StatusCode != 200 || resp.Header.Get("Access-Control-Allow-Origin") != "https://shop.example" {
		t.Errorf("answered %d %v, want ours", resp.StatusCode, resp.Header)
	}
	w.wantSent(0)
	if s := w.wantNotes("block json")[0]; string(s.Seen.Request.Body) != `{"id":"1","ev":"Buy"}` || sentence(s) == "" {
		t.Errorf("recorded body %q, sentence %q", s.Seen.Request.Body, sentence(s))
	}

	for name, r := range map[string]struct {
		url, origin string
		c           Client
	}{
		"other url":    {"https://px.acme.example/post?a=2", "https://shop.example", here},
		"other origin": {u, "https://news.example", here},
		"other client": {u, "https://shop.example", there},
	} {
		before := len(w.sent)
		url, head := post(r.url, r.origin)
		w.do(request("POST", url, strings.NewReader("{}"), head...), r.c)
		if len(w.sent) != before+1 {
			t.Errorf("%s: answered by the grant of another", name)
		}
	}

	// A second preflight goes to the origin now, but the grant holds to its end.
	before := len(w.sent)
	w.do(request("OPTIONS", u, nil, asks...), here)
	w.pass(10 * time.Minute)
	url, head = post(u, "https://shop.example")
	w.do(request("POST", url, strings.NewReader("{}"), head...), here)
	w.wantSent(before + 1)
	w.pass(2 * time.Minute)
	w.do(request("POST", url, strings.NewReader("{}"), head...), here)
	w.wantSent(before + 2)
}

func TestGrantsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := w.now
	for n := range maxGrants {
		w.f.grants.put(grantKey{byte(n), byte(n >> 8)}, grant{until: now.Add(grantLife)}, now)
	}
	resp := w.do(request("OPTIONS", "https://px.acme.example/post", nil, asks...), here)
	if resp.StatusCode < 400 || resp.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("past the bound a preflight gets %d, want a refusal", resp.StatusCode)
	}
	w.wantSent(0)
	w.pass(grantLife + time.Second)
	resp = w.do(request("OPTIONS", "https://px.acme.example/post", nil, asks...), here)
	if resp.StatusCode != 204 || w.f.grants.m.len() != 1 {
		t.Errorf("after the others expired: %d, %d grants; want 204 and 1", resp.StatusCode, w.f.grants.m.len())
	}
}

func TestGrantsConcurrently(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	done := make(chan struct{})
	for n := range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			for i := range 50 {
				u := fmt.Sprintf("https://px.acme.example/post?n=%d&i=%d", n, i)
				w.f.Request(request("OPTIONS", u, nil, asks...), here)
				if _, resp, _ := w.f.Request(request("POST", u, strings.NewReader("{}"), asks[0], fetchMode), here); resp == nil {
					t.Errorf("%s would be forwarded", u)
				}
			}
		}()
	}
	for range 4 {
		<-done
	}
}
