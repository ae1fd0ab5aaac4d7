package proxy

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestTurnedAway(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status int
		field  string
		want   bool
	}{
		{403, "Cf-Mitigated: challenge", true}, {503, "Cf-Mitigated: challenge", true}, {403, "Cf-Ray: 1", false},
		{202, "X-Amzn-Waf-Action: challenge", true}, {405, "X-Amzn-Waf-Action: captcha", true}, {200, "X-Amzn-Waf-Action: challenge", false},
		{403, "X-Datadome: protected", true}, {200, "X-Datadome: protected", false}, {404, "X-Datadome: protected", false},
		{403, "X-Iinfo: 1-2-3", true}, {200, "X-Iinfo: 1-2-3", false}, {403, "Server: AkamaiGHost", true}, {503, "Server: AkamaiGHost", false},
		{429, "X-Kpsdk-Ct: a", true}, {429, "Retry-After: 1", false}, {403, "Server: nginx", false}, {403, "Server: cloudflare", false},
	} {
		name, value, _ := strings.Cut(tt.field, ": ")
		if got := turnedAway(&http.Response{StatusCode: tt.status, Header: http.Header{name: {value}}}); got != tt.want {
			t.Errorf("%d with %s: %v, want %v", tt.status, tt.field, got, tt.want)
		}
	}
}

func TestWallsEarnASplice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.site(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host == "denies.example" {
			w.WriteHeader(403)
			return
		}
		w.Header().Set("X-Datadome", "protected")
		w.WriteHeader(403)
	}), "wall.example", "denies.example")
	addr := w.serve(Always)
	for host, second := range map[string]string{"wall.example": "spliced", "denies.example": "intercepted"} {
		c := w.client(addr, bothRoots(w), true)
		for i, want := range []string{"intercepted", second} {
			if got := whose(t, c, "https://"+host+"/"); got != want {
				t.Errorf("%s, request %d: %s, want %s", host, i+1, got, want)
			}
		}
	}
}

func TestDictionariesAreNotOfferedForDocuments(t *testing.T) {
	t.Parallel()
	three(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Join(r.Header["Accept-Encoding"], "|")+" "+r.Header.Get("Available-Dictionary"))
	}, func(t *testing.T, c *http.Client, base string) {
		for dest, want := range map[string]string{
			"document": "gzip, br;q=0.5, zstd ", "iframe": "gzip, br;q=0.5, zstd ", "script": "gzip, br;q=0.5, zstd, dcb, DCZ;q=1 :abc:",
		} {
			_, got := get(t, c, base+"/", "Sec-Fetch-Dest", dest, "Accept-Encoding", "gzip, br;q=0.5, zstd, dcb, DCZ;q=1", "Available-Dictionary", ":abc:")
			if got != want {
				t.Errorf("%s %s: the site saw %q, want %q", base, dest, got, want)
			}
		}
	})
}
