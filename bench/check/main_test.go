package main

import (
	"encoding/json"
	"testing"
)

// TestRequests: every example of the shipped rules becomes a line that says
// what is asked for.
func TestRequests(t *testing.T) {
	lines, err := requests("../../rules")
	if err != nil {
		t.Fatal(err)
	}
	bodies := 0
	for _, l := range lines {
		var in struct {
			URL  string `json:"url"`
			Body []byte `json:"body_base64"`
		}
		if err := json.Unmarshal(l, &in); err != nil || in.URL == "" || l[len(l)-1] != '\n' {
			t.Errorf("%.200s: url %q, %v", l, in.URL, err)
		}
		if len(in.Body) > 0 {
			bodies++
		}
	}
	if len(lines) < 1000 || bodies < 200 {
		t.Errorf("%d requests, %d with a body; want at least 1000 and 200", len(lines), bodies)
	}
}
