package proxy

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

func TestParsePasswords(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{ // want is part of the error, "" for none
		{"one", "anna:long enough", ""},
		{"no line end, colons", "anna:a:b:c:d:e", ""},
		{"comment, empty line, CRLF", "# who\r\n\r\nanna:long enough\r\n", ""},
		{"UTF-8", "änne:längst genug", ""},
		{"empty", "", "f: no line with user:password"},
		{"only a comment", "# anna:long enough\n", "f: no line"},
		{"no colon", "anna:long enough\nsecretsecret\n", "f:2: is not user:password"},
		{"no user", ":long enough", "f:1: is not user:password"},
		{"eight bytes", "anna:88888888", ""},
		{"seven bytes", "anna:7777777", "f:1: the password is shorter than 8 bytes"},
		{"NUL", "anna:long\x00enough", "f:1: has bytes that no browser can send"},
		{"not UTF-8", "anna:long\xffenough", "f:1: has bytes"},
		{"many", strings.Repeat("anna:long enough\n", maxLogins), ""},
		{"too many", strings.Repeat("anna:long enough\n", maxLogins+1), "f:65: more than 64 logins"},
		{"too large", strings.Repeat("#", MaxPasswordFile+1), "f: larger than the 16384 bytes"},
	}
	for _, tt := range tests {
		p, err := ParsePasswords("f", []byte(tt.in))
		switch {
		case tt.want == "" && (err != nil || p == nil):
			t.Errorf("%s: %v, want none", tt.name, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		case err != nil && strings.Contains(err.Error(), "secret"):
			t.Errorf("%s: the error tells: %v", tt.name, err)
		}
	}
}

func TestPasswordsMatch(t *testing.T) {
	t.Parallel()
	p, err := ParsePasswords("f", []byte("anna:long enough\nbert:with:colon\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		user, pass string
		want       bool
	}{{"anna", "long enough", true}, {"bert", "with:colon", true}, {"anna", "with:colon", false}, {"anna", "long enough ", false},
		{"anna:long enough", "", false}, {"bert:with", "colon", false}, {"", "", false}, {"Anna", "long enough", false}} {
		if got := p.has(tt.user, tt.pass); got != tt.want {
			t.Errorf("%q %q: %v, want %v", tt.user, tt.pass, got, tt.want)
		}
	}
	if (*Passwords)(nil).has("anna", "long enough") {
		t.Error("nil lets somebody in")
	}
}

func FuzzParsePasswords(f *testing.F) {
	f.Add([]byte("anna:long enough\n# x\n"))
	f.Add([]byte("a:\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParsePasswords("f", data)
		if (p == nil) == (err == nil) {
			t.Fatalf("%q: %v, %v", data, p, err)
		}
		if err != nil {
			return
		}
		for line := range strings.Lines(string(data)) {
			user, pass, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
			if ok && !strings.HasPrefix(line, "#") && strings.TrimSpace(line) != "" && !p.has(user, pass) {
				t.Fatalf("%q: %q %q does not fit", data, user, pass)
			}
		}
	})
}

func basic(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }

// TestPasswordAtTheDoor drives a listener with a password by hand.
func TestPasswordAtTheDoor(t *testing.T) {
	t.Parallel()
	pw, err := ParsePasswords("f", []byte("anna:long enough\n"))
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	w := newWorld(t, func(p *Proxy) {
		p.Passwords = func() *Passwords { return pw }
		p.Log = slog.New(slog.NewTextHandler(&syncWriter{w: &logged}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	seen := make(chan http.Header, 8)
	w.site(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header.Clone() }), "site.example")
	addr := w.serve(Always)
	right, wrong := basic("anna:long enough"), basic("anna:wrong wrong")
	for _, tt := range []struct {
		name, first, fields string
		want                int
	}{
		{"plain, none", "GET http://site.example/ HTTP/1.1", "", 407},
		{"plain, wrong", "GET http://site.example/ HTTP/1.1", "Proxy-Authorization: " + wrong + "\r\n", 407},
		{"plain, other scheme", "GET http://site.example/ HTTP/1.1", "Proxy-Authorization: Bearer x\r\n", 407},
		{"plain, two", "GET http://site.example/ HTTP/1.1", "Proxy-Authorization: " + right + "\r\nProxy-Authorization: " + right + "\r\n", 407},
		{"plain, meant for the site", "GET http://site.example/ HTTP/1.1", "Authorization: " + right + "\r\n", 407},
		{"plain, right", "GET http://site.example/ HTTP/1.1", "Proxy-Authorization: " + right + "\r\n", 200},
		{"connect, none", "CONNECT site.example:443 HTTP/1.1", "", 407},
		{"connect, wrong", "CONNECT site.example:443 HTTP/1.1", "Proxy-Authorization: " + wrong + "\r\n", 407},
		{"connect, right", "CONNECT site.example:443 HTTP/1.1", "Proxy-Authorization: " + right + "\r\n", 200},
		{"not proxied", "GET / HTTP/1.1", "", 400},
		{"settings", "GET /proxy.pac HTTP/1.1", "", 200},
	} {
		c := raw(t, addr)
		host := "site.example"
		if strings.HasPrefix(tt.first, "GET /") {
			host = addr
		}
		fmt.Fprintf(c, "%s\r\nHost: %s\r\nConnection: close\r\n%s\r\n", tt.first, host, tt.fields)
		head := make([]byte, 12)
		_, err := io.ReadFull(c, head)
		if want := fmt.Sprintf("HTTP/1.1 %d", tt.want); err != nil || string(head) != want {
			t.Errorf("%s: %q (%v), want %s", tt.name, head, err, want)
			continue
		}
		if tt.want == 407 {
			if rest, _ := io.ReadAll(c); !strings.Contains(string(rest), "Proxy-Authenticate: "+realm) {
				t.Errorf("%s: no challenge in %q", tt.name, rest)
			}
		}
		_ = c.Close()
	}
	if h := <-seen; h.Get("Proxy-Authorization") != "" {
		t.Errorf("the site was told the password: %v", h)
	}
	if n := len(seen); n != 0 {
		t.Errorf("%d requests more than the one with the right password reached the site", n)
	}
	for _, secret := range []string{"long enough", right, wrong, "anna"} {
		if strings.Contains(logged.String(), secret) {
			t.Errorf("the log tells %q: %s", secret, logged.String())
		}
	}
}

// TestBrowseListenerAsksNobody: the listener of a browser of our own is found
// by no one else.
func TestBrowseListenerAsksNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(p *Proxy) { p.Passwords = func() *Passwords { return nil } })
	w.site(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), "site.example")
	for _, free := range []bool{false, true} {
		addr := w.serveWith(ListenerOptions{Intercept: Always, NoPassword: free})
		resp, _ := get(t, w.client(addr, nil, false), "http://site.example/")
		if want := map[bool]int{true: 200, false: 407}[free]; resp.StatusCode != want {
			t.Errorf("no password asked %v: %d, want %d", free, resp.StatusCode, want)
		}
	}
}
