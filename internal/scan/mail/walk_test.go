package mail

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quench-proxy/quench/internal/detect/markup"
)

// TestVectors finds each reference of the mail layer.
func TestVectors(t *testing.T) {
	t.Parallel()
	type list = []string
	html := "Content-Type: text/html\n\n"
	for name, c := range map[string]struct {
		src  string
		want list
	}{
		"V150": {"Disposition-Notification-To: <a@a.example>\n\n", list{"V150 header receipt:a@a.example"}},
		"V151": {"Return-Receipt-To: a@a.example\n\n", list{"V151 header receipt:a@a.example"}},
		"V152": {"X-Confirm-Reading-To: a@a.example\n\n", list{"V152 header receipt:a@a.example"}},
		"V153": {"Disposition-Notification-Options: x=required,y\n\n", list{"V153 header receipt:x=required,y"}},
		"V154": {"Read-Receipt-To: a@a.example\nX-Pmrqc: 1\n\n", list{"V154 header receipt:a@a.example", "V154 header receipt:1"}},
		"V155": {"Content-Type: message/external-body; access-type=URL; URL=\"http://h/x\"\n\nContent-Type: text/plain\n\n", list{"V155 legacy http://h/x"}},
		"V156": {"Content-Base: http://h/d/\nContent-Type: text/html\n\n<img src=a.gif>", list{"V156 inert http://h/d/", "V001 opening http://h/d/a.gif +V156"}},
		"V156 embedded": {"Content-Type: multipart/related; boundary=b\n\n--b\n" + html + "<img src=http://h/a>\n--b\nContent-Type: image/png\nContent-Location: http://h/a\n\nx\n--b--",
			list{"V001 legacy http://h/a +V156", "V156 inert http://h/a"}},
		"V157": {"Content-Type: text/x-amp-html\n\n<amp-img src=//h/a>", list{"V045 opening //h/a +V108 V157"}},
		"V158": {"Content-Type: text/watch-html\n\n<img src=//h/a>", list{"V001 opening //h/a +V108 V158"}},
		"V159": {"Content-Type: text/calendar\n\nBEGIN:VEVENT\nATTACH;FMTTYPE=\"a:b\":http://h/\n a\nURL:http://h/b\nORGANIZER;CN=x:MAILTO:a@a.example\nX-ALT-DESC;FMTTYPE=text/html:<p>a\\,<img src=\"http://h/\n c\">\nDESCRIPTION:see http://h/d\\, or\nEND:VEVENT\n",
			list{"V159 opening http://h/a", "V159 click http://h/b", "V159 click receipt:a@a.example", "V001 opening http://h/c +V159", "V159 dns http://h/d"}},
		"V160":         {"Content-Type: text/vcard\n\nBEGIN:VCARD\nPHOTO;VALUE=uri:http://h/a\nitem1.URL:http://h/b\nEND:VCARD\n", list{"V160 opening http://h/a", "V160 click http://h/b"}},
		"V161":         {"Content-Type: text/enriched\n\n<bold>http://h/a</bold>", list{"V161 dns http://h/a"}},
		"V162":         {"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: application/octet-stream; name=x.html\n\n<img src=//h/a>\n--b\nContent-Disposition: attachment\n" + html + "<img src=//h/b>\n--b--", list{"V001 opening //h/a +V108 V162", "V001 opening //h/b +V108 V162"}},
		"V163":         {"Content-Type: message/rfc822\n\n" + html + "<img src=http://h/a>", list{"V001 opening http://h/a +V163"}},
		"V167":         {"DKIM-Signature: v=1; d=d.example; s=sel\n\n", list{"V167 dns dns:sel._domainkey.d.example"}},
		"V168":         {"X-Image-URL: http://h/a\n\n", list{"V168 opening http://h/a"}},
		"V169":         {"List-Unsubscribe: <mailto:a@a.example>,\n <http://h/a>\n\n", list{"V169 click http://h/a", "V169 click mailto:a@a.example"}},
		"V170":         {"List-Help: <http://h/a>\nFeedback-ID: 1:2:x\nX-Campaign-ID: 7\n\n", list{"V170 click http://h/a", "V170 inert id:1:2:x", "V170 inert id:7"}},
		"V171":         {"From: a <a@s.example>\n\n", list{"V171 dns dns:s.example"}},
		"V173":         {"Message-ID: <1.a@s.example>\n\n", list{"V173 inert id:1.a@s.example"}},
		"V175":         {"Subject: see http://h/a now\n\n", list{"V175 dns http://h/a"}},
		"V176":         {"From: x\n\nsee http://h/a", list{"V176 dns http://h/a"}},
		"html in text": {"From: x\n\nhttp://h/b <html><img src=http://h/a>", list{"V001 legacy http://h/a", "V176 dns http://h/b"}},
		"css":          {"Content-Type: text/css\n\na{background:url(http://h/a)}", list{"V071 opening http://h/a"}},
		"svg":          {"Content-Type: image/svg+xml\n\n<svg><image href='http://h/a'/></svg>", list{"V121 legacy http://h/a +V132"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := Read([]byte(c.src), RFC5322, Options{})
			var got list
			m.Walk(markup.Options{}, func(r *Ref) {
				s := fmt.Sprintf("%v %v %s", r.Vector, r.When, r.URL)
				for i, v := range r.Tricks.List() {
					s += map[bool]string{true: " +", false: " "}[i == 0] + v.String()
				}
				got = append(got, s)
			})
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// TestVectorsClean: whatever can be written is inert afterwards.
func TestVectorsClean(t *testing.T) {
	t.Parallel()
	src := "Disposition-Notification-To: <a@a.example>\nX-Pmrqc: 1\nList-Unsubscribe: <http://h/a>\nSubject: =?utf-8?q?=C3=A9?= http://h/a\nContent-Type: text/calendar; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nATTACH:http://h/=\nabc/=C3=A9\nURL:http://h/b\nX-ALT-DESC;FMTTYPE=3Dtext/html:<img src=3D\"http:\n //h/c\">\n"
	m := Read([]byte(src), RFC5322, Options{})
	var refs []Ref
	m.Walk(markup.Options{}, func(r *Ref) { refs = append(refs, *r) })
	edits, err := m.Neutralise(refs, false)
	if err != nil {
		t.Fatal(err)
	}
	out := markup.Apply(m.Raw, edits)
	if len(out) != len(src) {
		t.Errorf("%d bytes became %d", len(src), len(out))
	}
	Read(out, RFC5322, Options{}).Walk(markup.Options{}, func(r *Ref) {
		if r.Active() && !r.Fixed {
			t.Errorf("%v %s is still active in\n%s", r.Vector, r.URL, out)
		}
	})
}
