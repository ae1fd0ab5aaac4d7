package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/quotedprintable"
	"strings"
)

// kind is one kind of generated message.
type kind string

// The kinds, and how many of a hundred messages of a mailbox are of each.
const (
	newsletter kind = "HTML newsletter"
	quoted     kind = "HTML newsletter, quoted-printable"
	plain      kind = "plain text"
	attached   kind = "attachment"
)

func kindOf(n int) kind {
	switch n = n % 100; {
	case n < 30:
		return newsletter
	case n < 55:
		return quoted
	case n < 90:
		return plain
	}
	return attached
}

var words = strings.Fields("the a passes are open again and huts have bread we walked along river until evening came with boots coats lamps maps for price of season sale two days left order now free delivery from our shop reader story about mountain weather forecast wind snow tickets festival city bridge train")

func prose(r *rand.Rand, n int) string {
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(words[r.IntN(len(words))])
		b.WriteByte(" \n        "[min(r.IntN(9), 1)])
	}
	return b.String()
}

const letters64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func token(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = letters64[r.IntN(len(letters64))]
	}
	return string(b)
}

// page is a newsletter as services send it: a style sheet, tables in tables
// with inline styles, pictures, click links, spacers, an opening counter.
func page(r *rand.Rand, n int) string {
	var b strings.Builder
	shop := fmt.Sprintf("shop%d.example", n%400)
	b.WriteString("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>News</title>\n<style>\n")
	for i := range 40 {
		fmt.Fprintf(&b, ".c%d { font-family: Helvetica, Arial, sans-serif; font-size: %dpx; line-height: 24px; color: #3%d3%d33; padding: 0 %dpx; }\n", i, 12+i%9, i%10, i%7, i)
	}
	b.WriteString("@media only screen and (max-width: 480px) { .m { width: 100% !important; display: block !important; } }\n</style></head>\n<body bgcolor=\"#f4f4f4\">\n")
	for i := range 14 + r.IntN(14) {
		fmt.Fprintf(&b, `<table role="presentation" width="600" cellpadding="0" cellspacing="0" border="0" align="center" class="m c%d" style="border-collapse:collapse;mso-table-lspace:0pt;mso-table-rspace:0pt;background-color:#ffffff;">
<tr><td align="left" valign="top" style="padding:12px 24px;font-family:Helvetica,Arial,sans-serif;font-size:16px;line-height:24px;color:#333333;">
<a href="https://click.%s/ls/click?upn=u001.%s" target="_blank" style="color:#0a58ca;text-decoration:underline;"><img src="https://img.%s/i/%d/%s.jpg" width="552" height="240" alt="%s" style="display:block;border:0;"></a>
<p class="c%d">%s</p></td></tr>
<tr><td height="20" style="font-size:0;line-height:0;"><img src="https://img.%s/spacer.gif" width="1" height="20" alt=""></td></tr></table>
`, i, shop, token(r, 90), shop, i, token(r, 12), words[r.IntN(len(words))], i, prose(r, 500), shop)
	}
	fmt.Fprintf(&b, `<p>You get this as reader%d@home.example. <a href="https://click.%s/u/%s">Unsubscribe</a></p>`, n, shop, token(r, 40))
	fmt.Fprintf(&b, "\n<img src=\"https://click.%s/wf/open?upn=u001.%s\" width=\"1\" height=\"1\" border=\"0\" alt=\"\">\n</body></html>\n", shop, token(r, 120))
	return b.String()
}

// message writes message n; the same for the same n.
func message(w io.Writer, n int, k kind) error {
	r := rand.New(rand.NewPCG(uint64(n), 6))
	var b strings.Builder
	fmt.Fprintf(&b, "Received: from mx%d.example by home.example; Sun, 22 Nov 2026 10:%02d:00 +0000\nFrom: News <news@shop%d.example>\nTo: reader%d@home.example\nSubject: News %d\nDate: Sun, 22 Nov 2026 10:00:00 +0000\nMessage-ID: <%d@shop.example>\nMIME-Version: 1.0\n", n%9, n%60, n%400, n, n, n)
	switch k {
	case newsletter:
		b.WriteString("Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + page(r, n))
	case quoted:
		fmt.Fprintf(&b, "Content-Type: multipart/alternative; boundary=\"b%d\"\n\n--b%d\nContent-Type: text/plain; charset=utf-8\n\n%s\n--b%d\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n", n, n, prose(r, 3000), n)
		q := quotedprintable.NewWriter(&b)
		if _, err := io.WriteString(q, page(r, n)); err != nil {
			return err
		}
		if err := q.Close(); err != nil {
			return err
		}
		fmt.Fprintf(&b, "\n--b%d--\n", n)
	case plain:
		b.WriteString("Content-Type: text/plain; charset=utf-8\n\n")
		for range 8 + r.IntN(30) {
			b.WriteString(prose(r, 600) + "\n\n")
		}
		fmt.Fprintf(&b, "https://forum.example/t/%d\n", n)
	case attached:
		b.WriteString("Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=x.bin\n\n")
		raw := make([]byte, 150_000)
		for i := range raw {
			raw[i] = byte(r.Uint32())
		}
		for s := base64.StdEncoding.EncodeToString(raw); s != ""; {
			line := min(76, len(s))
			b.WriteString(s[:line] + "\n")
			s = s[line:]
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// mailbox gives size bytes or a little more of an mbox, and how many messages
// that are. A thousand messages are made once and then repeated, so that
// making them is no part of what is measured.
func mailbox(w io.Writer, size int64) (messages int, err error) {
	const distinct = 1000
	made := make([]string, distinct)
	for written := int64(0); written < size; messages++ {
		n := messages % distinct
		if made[n] == "" {
			var b strings.Builder
			b.WriteString("From news@shop.example Sun Nov 22 10:00:00 2026\n")
			if err := message(&b, n, kindOf(n)); err != nil {
				return messages, err
			}
			b.WriteString("\n")
			made[n] = b.String()
		}
		m, err := io.WriteString(w, made[n])
		written += int64(m)
		if err != nil {
			return messages, fmt.Errorf("write message %d of the mailbox: %w", messages, err)
		}
	}
	return messages, nil
}
