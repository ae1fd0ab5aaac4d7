package proxy

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// MaxPasswordFile bounds a password file in bytes.
	MaxPasswordFile = 16 << 10
	// maxLogins bounds how many a file may hold: each costs every request a comparison.
	maxLogins = 64
	// minPassword is how many bytes a password has at least: it is sent in the
	// clear in a network, and whoever is in it may try as often as they like.
	minPassword = 8
	// wrongWait is how long a wrong password is left without an answer, so that
	// a connection can try one a second.
	wrongWait = time.Second
	// realm is what browsers show when they ask for the password.
	realm = `Basic realm="Quench", charset="UTF-8"`
)

// Passwords says who may use a proxy. It keeps no password, only keyed hashes
// under a key of its own. It is immutable; nil lets nobody in.
type Passwords struct {
	key  [32]byte
	sums [][sha256.Size]byte
}

// ParsePasswords reads lines "user:password". Empty lines and those that begin
// with # are skipped; a password ends with its line and may hold colons and
// spaces. A file without a login is an error, and so is a password of fewer than
// eight bytes. Errors name file and line and never what stands there.
func ParsePasswords(file string, data []byte) (*Passwords, error) {
	if len(data) > MaxPasswordFile {
		return nil, fmt.Errorf("%s: larger than the %d bytes a password file may have", file, MaxPasswordFile)
	}
	p := &Passwords{}
	_, _ = rand.Read(p.key[:]) // never fails
	n := 0
	for line := range bytes.Lines(data) {
		n++
		line = bytes.TrimRight(line, "\r\n")
		if len(bytes.TrimSpace(line)) == 0 || line[0] == '#' {
			continue
		}
		user, pass, found := bytes.Cut(line, []byte(":"))
		switch {
		case !utf8.Valid(line) || bytes.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f }):
			return nil, fmt.Errorf("%s:%d: has bytes that no browser can send", file, n)
		case !found || len(user) == 0:
			return nil, fmt.Errorf("%s:%d: is not user:password", file, n)
		case len(pass) < minPassword:
			return nil, fmt.Errorf("%s:%d: the password is shorter than %d bytes", file, n, minPassword)
		case len(p.sums) == maxLogins:
			return nil, fmt.Errorf("%s:%d: more than %d logins", file, n, maxLogins)
		}
		p.sums = append(p.sums, p.sum(string(user), string(pass)))
	}
	if len(p.sums) == 0 {
		return nil, fmt.Errorf("%s: no line with user:password", file)
	}
	return p, nil
}

func (p *Passwords) sum(user, pass string) (out [sha256.Size]byte) {
	m := hmac.New(sha256.New, p.key[:])
	m.Write([]byte(user + ":" + pass)) // a user has no colon, so this is one-to-one
	m.Sum(out[:0])
	return out
}

// has takes the same time whichever login is right, and if none is.
func (p *Passwords) has(user, pass string) bool {
	if p == nil || strings.Contains(user, ":") {
		return false
	}
	got, right := p.sum(user, pass), 0
	for i := range p.sums {
		right |= subtle.ConstantTimeCompare(got[:], p.sums[i][:])
	}
	return right == 1
}

// login is what a request says about who sent it.
type login uint8

const (
	loginNone  login = iota // nothing
	loginWrong              // something that will not do
	loginRight
)

// loginOf looks at a request's Proxy-Authorization (RFC 7617, RFC 9110 §11.7).
func loginOf(r *http.Request, p *Passwords) login {
	fields := r.Header["Proxy-Authorization"]
	if len(fields) == 0 {
		return loginNone
	}
	if len(fields) > 1 { // who sends two wants us and another proxy to differ
		return loginWrong
	}
	as := http.Request{Header: http.Header{"Authorization": fields}}
	user, pass, ok := as.BasicAuth()
	if !ok || !p.has(user, pass) {
		return loginWrong
	}
	return loginRight
}

// admit reports whether a request of an allowed client may go on; if not it has
// been answered. Everybody who uses a listener with passwords must give one,
// programs on this machine too: behind a port forwarder or in a container
// strangers look as if they came from here.
func (s *server) admit(w http.ResponseWriter, r *http.Request) bool {
	if s.p.Passwords == nil || s.noPassword {
		return true
	}
	switch loginOf(r, s.p.Passwords()) {
	case loginRight:
		return true
	case loginWrong:
		pause(r.Context(), wrongWait)
	}
	w.Header().Set("Proxy-Authenticate", realm)
	plain(w, http.StatusProxyAuthRequired, "This Quench proxy wants a user name and a password.")
	return false
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
