package filter

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/proxy/answer"
)

// ownPath is where reports and forms of ours go, on hosts that are not ours.
// Without one of our tokens it is nothing special.
const ownPath = "/.well-known/quench/"

// allowPart follows ownPath where a block page's form goes.
const allowPart = "allow/"

// A token is 16 random bytes and a mark of 8 that shows that it is ours. The
// mark gives no right: that is what the stores know. It only makes sure that a
// report that comes too late, or after a restart, is not sent to the tracker.
const (
	tokenRandom = 16
	tokenMark   = 8
	tokenText   = (tokenRandom + tokenMark) * 8 / 6
)

// The kinds of token; one is never taken for another.
const (
	reportMark = "report"
	allowMark  = "allow"
	showMark   = "show"
)

// marks makes and knows tokens. The zero value is ready.
type marks struct {
	once sync.Once
	key  []byte
}

func (m *marks) mac(secret []byte, kind string, random []byte) []byte {
	m.once.Do(func() {
		if m.key = secret; len(secret) == 0 {
			m.key = make([]byte, sha256.Size)
			rand.Read(m.key)
		}
	})
	h := hmac.New(sha256.New, m.key)
	h.Write([]byte("quench token " + kind + "\x00"))
	h.Write(random)
	return h.Sum(nil)[:tokenMark]
}

// make returns a new token of a kind.
func (m *marks) make(secret []byte, kind string) string {
	b := make([]byte, tokenRandom, tokenRandom+tokenMark)
	rand.Read(b)
	b = append(b, m.mac(secret, kind, b)...)
	return base64.RawURLEncoding.EncodeToString(b)
}

// ours reports whether token was made by make for this kind.
func (m *marks) ours(secret []byte, kind, token string) bool {
	if len(token) != tokenText {
		return false
	}
	b, err := base64.RawURLEncoding.DecodeString(token)
	return err == nil && hmac.Equal(b[tokenRandom:], m.mac(secret, kind, b[:tokenRandom]))
}

// own answers what is addressed to us; nil means that r is nothing special.
func (f *Filter) own(r *http.Request, c Client) *http.Response {
	rest, ok := strings.CutPrefix(r.URL.Path, ownPath)
	if !ok {
		return nil
	}
	if token, ok := strings.CutPrefix(rest, allowPart); ok {
		if !f.marks.ours(f.Secret, allowMark, token) {
			return nil
		}
		return f.allow(r, c, token)
	}
	token, number, _ := strings.Cut(rest, "/")
	if !f.marks.ours(f.Secret, reportMark, token) {
		return nil
	}
	f.report(r, c, token, number)
	return answer.Make(r, detect.ReplyEmptyJS)
}
