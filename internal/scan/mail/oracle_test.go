package mail

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset"
	"github.com/jhillyerd/enmime/v2"
)

// found is what a parser sees of a message: the types of its leaves, and its
// HTML bodies without regard to white space.
type found struct {
	leaves []string
	html   []string
}

// squeeze takes white space and marks of undecodable bytes out: libraries
// differ in both.
func squeeze(b []byte) string {
	s := strings.NewReplacer("\ufeff", "", "\ufffd", "", "\x00", "").Replace(strings.ToValidUTF8(string(b), ""))
	return strings.Join(strings.Fields(s), "")
}

func (f *found) leaf(kind string, body []byte) {
	f.leaves = append(f.leaves, kind)
	if kind == "text/html" {
		f.html = append(f.html, squeeze(body))
	}
}

// ours leaves out what stands inside forwarded messages and attachments: the
// oracles do not open those.
func ours(m *Message) (f found) {
	for _, p := range m.Parts {
		closed := p.Inside != ""
		for q := p.Parent; q != nil; q = q.Parent {
			closed = closed || isMessage(q.Type) || q.Type == "message/partial"
		}
		if !closed && !(p.Container && strings.HasPrefix(p.Type, "multipart/")) {
			f.leaf(p.Type, p.Body)
		}
	}
	return f
}

func byEnmime(raw []byte) (f found, err error) {
	e, err := enmime.NewParser(enmime.SkipMalformedParts(true)).ReadEnvelope(bytes.NewReader(raw))
	if err != nil {
		return f, err
	}
	e.Root.DepthMatchAll(func(p *enmime.Part) bool {
		if p.FirstChild == nil {
			f.leaf(kindOf(p.ContentType), p.Content)
		}
		return false
	})
	return f, nil
}

func byGoMessage(raw []byte) (f found, err error) {
	e, err := message.Read(bytes.NewReader(raw))
	if err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
		return f, err
	}
	err = e.Walk(func(_ []int, e *message.Entity, err error) error {
		if e == nil {
			return err
		}
		kind, _, _ := e.Header.ContentType()
		if strings.HasPrefix(kindOf(kind), "multipart/") {
			return nil
		}
		body, err := io.ReadAll(e.Body)
		f.leaf(kindOf(kind), body)
		return err
	})
	return f, err
}

func kindOf(s string) string {
	if s = strings.ToLower(strings.TrimSpace(s)); s == "" {
		return "text/plain"
	}
	return s
}

// differ says in what two findings differ, "" if in nothing.
func differ(a, b found) string {
	switch {
	case len(a.html) != len(b.html):
		return fmt.Sprintf("%d HTML bodies, not %d", len(a.html), len(b.html))
	case !slices.Equal(a.html, b.html):
		for i := range a.html {
			if x, y := a.html[i], b.html[i]; x != y {
				n := 0
				for n < len(x) && n < len(y) && x[n] == y[n] {
					n++
				}
				return fmt.Sprintf("HTML differs: %.60q, not %.60q", x[n:], y[n:])
			}
		}
	case len(a.leaves) != len(b.leaves):
		return fmt.Sprintf("%d leaves, not %d", len(a.leaves), len(b.leaves))
	}
	return ""
}

// differences are those that no rule of explain covers: who is right and why.
var differences = map[string]string{
	"enmime/extra-base64-character.raw enmime":                              "drops base64 with a stray character: we are right, clients pass over it",
	"enmime/malformed-content-type-params.raw go-message":                   "reads no type where parameters are broken: we are right, the type is there",
	"enmime/missing-closing-param-quote.raw go-message":                     "reads no type where parameters are broken: we are right, the type is there",
	"enmime/multi-malformed.raw enmime":                                     "drops a part without a header: we are right, it is text",
	"enmime/qp-utf8-header-no-break.raw enmime":                             "gives a multipart with broken lines as one leaf: we are right, its parts are shown",
	"rspamd/btc2.eml enmime":                                                "gives a multipart with broken lines as one leaf: we are right, its parts are shown",
	"rspamd/btc3.eml enmime":                                                "gives a multipart with broken lines as one leaf: we are right, its parts are shown",
	"rspamd/btc4.eml enmime":                                                "gives a multipart with broken lines as one leaf: we are right, its parts are shown",
	"rspamd/fws_fn.eml enmime":                                              "gives a multipart with broken lines as one leaf: we are right, its parts are shown",
	"spamassassin-spam-1/00467.5b733c506b7165424a0d4a298e67970f.txt enmime": "gives a multipart with broken lines as one leaf: we are right, its parts are shown",
	"spamassassin_t/spam/badmime2.txt enmime":                               "gives a multipart with broken lines as one leaf: we are right, its parts are shown",
	"spamassassin_t/welcomelists/mlist_yahoo_groups_message enmime":         "gives a multipart with broken lines as one leaf: we are right, its parts are shown",
	"spamscope/mail_malformed_3 enmime":                                     "gives a multipart with broken lines as one leaf: we are right, its parts are shown",
	"spamassassin-spam-1/00313.fab744bfd5a128fca39b69df9811c086.txt enmime": "drops base64 with text after it: we are right, clients show what decodes",
	"spamassassin_t/nice/cjk/big5-base64.1 enmime":                          "drops base64 with text after it: we are right, clients show what decodes",
	"spamscope/mail_test_1 go-message":                                      "counts an empty part after a boundary that nothing follows: a matter of taste, there is nothing to show",
	"spamscope/mail_test_11 go-message":                                     "counts an empty part after a boundary that nothing follows: a matter of taste, there is nothing to show",
	"stalwart/014.eml go-message":                                           "counts an empty part after a boundary that nothing follows: a matter of taste, there is nothing to show",
	"stalwart/020.eml enmime":                                               "counts an empty part after a boundary that nothing follows: a matter of taste, there is nothing to show",
	"stalwart/021.eml enmime":                                               "counts an empty part after a boundary that nothing follows: a matter of taste, there is nothing to show",
	"stalwart/019.eml enmime":                                               "drops parts without a good header: we are right, they are text",
}

// explain says why a difference is right, "" if it cannot.
func explain(key string, mine, theirs found, err error) string {
	if why := differences[key]; why != "" {
		return why
	}
	switch {
	case err != nil && len(mine.leaves) >= len(theirs.leaves) && len(mine.html) >= len(theirs.html):
		return "gives up with an error where a client shows the message: we are right"
	case len(mine.html) == len(theirs.html) && len(mine.leaves) == len(theirs.leaves) && slices.Equal(asciiOnly(mine.html), asciiOnly(theirs.html)):
		return "letters only: windows-1252 for undeclared or wrongly declared bytes, as browsers read them: we are right"
	}
	return ""
}

func asciiOnly(list []string) (out []string) {
	for _, s := range list {
		out = append(out, strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' {
				return -1
			}
			return r
		}, s))
	}
	return out
}

// TestOracles compares parts and HTML bodies with two libraries. Each
// difference is explained in differences, or the test fails.
func TestOracles(t *testing.T) {
	t.Parallel()
	files, same, reasons := 0, map[string]int{}, map[string]int{}
	corpus(t, func(name string, raw []byte) {
		if strings.Contains(name, "mbox") || strings.HasPrefix(string(raw), "\xd0\xcf\x11\xe0") {
			return
		}
		files++
		if bytes.HasPrefix(raw, []byte("From ")) || bytes.HasPrefix(raw, []byte(">From ")) {
			raw = raw[bytes.IndexByte(raw, '\n')+1:]
		}
		mine := ours(Read(raw, RFC5322, Options{Shallow: true}))
		for oracle, parse := range map[string]func([]byte) (found, error){"enmime": byEnmime, "go-message": byGoMessage} {
			theirs, err := parse(raw)
			diff := differ(mine, theirs)
			if err != nil && diff != "" {
				diff += " (" + err.Error() + ")"
			}
			if diff == "" {
				same[oracle]++
				continue
			}
			why := explain(name+" "+oracle, mine, theirs, err)
			if why == "" {
				t.Errorf("%s: %s: %s", name, oracle, diff)
			}
			reasons[oracle+": "+why]++
		}
	})
	t.Logf("%d files: as enmime in %d, as go-message in %d", files, same["enmime"], same["go-message"])
	for why, n := range reasons {
		t.Logf("%3d times %s", n, why)
	}
	for key := range differences {
		if _, ok := reasons[strings.Fields(key)[1]+": "+differences[key]]; !ok {
			t.Errorf("%s no longer differs", key)
		}
	}
}
