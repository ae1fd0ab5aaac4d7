package mail

import (
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/need"
)

// TestAttachmentsOpened looks into real winmail.dat, .msg and .docx files.
func TestAttachmentsOpened(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind   Kind
		inside string // kind of attachment that parts come out of
		typ    string // one of those parts
		vector markup.Vector
	}{
		"mail/mimekit/rich-text.eml":                           {RFC5322, "tnef", "", 0},
		"mail/mimekit/ukr.eml":                                 {RFC5322, "tnef", "", 0},
		"mail/spamscope/mail_outlook_1":                        {Outlook, "msg", "text/html", 1},
		"mail/spamassassin_t/spam/olevbmacro/target_uri.eml":   {RFC5322, "", "", 140},
		"mail/rspamd/numeric_urls.eml":                         {RFC5322, "", "", 141},
		"mail/rspamd/content_url.eml":                          {RFC5322, "", "", 141},
		"mail/spamassassin_t/spam/extracttext/gtube_pdf.eml":   {RFC5322, "", "application/pdf", 0},
		"mail/mikel_mail/raw_email_with_nested_attachment.eml": {RFC5322, "", "application/pkcs7-signature", 0},
	} {
		m := Read(need.File(t, name), c.kind, Options{})
		inside, typ, vector := c.inside == "", c.typ == "", c.vector == 0
		for _, p := range m.Parts {
			inside = inside || p.Inside == c.inside
			typ = typ || p.Type == c.typ && len(p.Body) > 0
			if p.Inside != "" && (p.Content.End != 0 || !strings.Contains(p.Path, "/") && c.kind != Outlook) {
				t.Errorf("%s: part %s inside %s has range %v", name, p.Path, p.Inside, p.Content)
			}
		}
		m.Walk(markup.Options{}, func(r *Ref) { vector = vector || r.Vector == c.vector })
		if !inside || !typ || !vector {
			t.Errorf("%s: parts inside %q %v, type %q %v, %v %v; parts %q, problems %v", name, c.inside, inside, c.typ, typ, c.vector, vector, types(m), m.Problems)
		}
	}
}

func types(m *Message) (out []string) {
	for _, p := range m.Parts {
		out = append(out, p.Path+" "+p.Type)
	}
	return out
}
