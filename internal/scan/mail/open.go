package mail

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/scan/attach"
	"github.com/quench-proxy/quench/internal/scan/outlook"
)

// open looks into an attachment, by its type, else by its name.
func (s *splitter) open(p *Part) {
	name := strings.ToLower(p.Filename)
	dot := strings.LastIndexByte(name, '.') + 1
	ext := name[dot:]
	switch t := p.Type; {
	case t == "application/ms-tnef" || t == "application/vnd.ms-tnef" || name == "winmail.dat":
		it, err := outlook.TNEF(p.Body)
		s.item(p, it, err, "tnef")
	case t == "application/vnd.ms-outlook" || ext == "msg":
		it, err := outlook.MSG(p.Body)
		s.item(p, it, err, "msg")
	case t == "application/pkcs7-mime" || t == "application/x-pkcs7-mime" || t == "application/pkcs7-signature" || t == "application/x-pkcs7-signature" || ext == "p7m" || ext == "p7s":
		s.signed(p)
	case strings.HasPrefix(t, "application/vnd.openxmlformats") || ext == "docx" || ext == "xlsx" || ext == "pptx" || ext == "docm" || ext == "xlsm" || ext == "dotm" || ext == "dotx":
		s.document(p, attach.Office)
	case t == "application/pdf" || ext == "pdf":
		s.document(p, attach.PDF)
	case t == "application/rtf" || t == "text/rtf" || ext == "rtf" || ext == "doc" && bytes.HasPrefix(p.Body, []byte(`{\rtf`)):
		s.document(p, attach.RTF)
	case archive(t, ext):
		s.report(Unopened, p.Path, p.Content.Start, "")
	}
}

// archive reports whether a type or name is that of packed files.
func archive(t, ext string) bool {
	switch strings.TrimPrefix(t, "application/") {
	case "zip", "x-zip-compressed", "gzip", "x-gzip", "x-tar", "x-7z-compressed", "vnd.rar", "x-rar-compressed", "zstd", "x-bzip2", "x-xz":
		return true
	}
	switch ext {
	case "zip", "gz", "tgz", "tar", "7z", "rar", "zst", "bz2", "xz":
		return true
	}
	return false
}

func (s *splitter) trouble(p *Part, err error) {
	switch {
	case err == nil:
	case errors.Is(err, attach.ErrEncrypted):
		if p.Seal&Encrypted == 0 {
			p.Seal |= Encrypted
			s.report(EncryptedBody, p.Path, p.Content.Start, "")
		}
	case errors.Is(err, attach.ErrCut):
		s.report(AttachmentCut, p.Path, p.Content.Start, "")
	default:
		s.report(BadAttachment, p.Path, p.Content.Start, p.Type)
	}
}

func (s *splitter) document(p *Part, find func([]byte) ([]attach.Ref, error)) {
	refs, err := find(p.Body)
	p.entries, p.document = refs, true
	s.trouble(p, err)
}

// signed opens PKCS #7: the certificates' addresses, and the message inside.
func (s *splitter) signed(p *Part) {
	content, refs, err := attach.SMIME(p.Body)
	p.entries = refs
	s.trouble(p, err)
	if len(content) == 0 || !s.deeper(p) {
		return
	}
	p.Container = true
	s.embedded(p, &layer{raw: content, closed: true}, "smime")
}

// deeper reports whether p may hold more.
func (s *splitter) deeper(p *Part) bool {
	if p.Depth+1 < MaxDepth {
		return true
	}
	s.report(TooDeep, p.Path, p.Content.Start, "")
	return false
}

// outlookFile reads a .msg file: a container without a place in the raw bytes.
func (s *splitter) outlookFile() {
	p := &Part{m: s.m, Type: "application/vnd.ms-outlook", Content: markup.Range{End: len(s.raw)}}
	s.in.closed = true
	s.add(p)
	it, err := outlook.MSG(s.raw)
	p.Header, _ = parseHeader(it.Header, 0, len(it.Header), func(What, int, string) {})
	p.Header = unplaced(p.Header)
	p.placed = p.Header
	s.item(p, it, err, "msg")
	p.Container = true
}

// unplaced takes the ranges out of a header that stands nowhere.
func unplaced(h Header) Header {
	for i := range h {
		h[i].At, h[i].NameAt, h[i].ValueAt = markup.Range{}, markup.Range{}, markup.Range{}
	}
	return h
}

// item adds what was in p as its parts.
func (s *splitter) item(p *Part, it *outlook.Item, err error, kind string) {
	s.trouble(p, err)
	if it.Cut {
		s.report(AttachmentCut, p.Path, p.Content.Start, "")
	}
	if !s.deeper(p) {
		return
	}
	sub := &splitter{m: s.m, in: s.m.layer(&layer{closed: true}), inside: kind, shallow: s.shallow}
	if s.inside != "" {
		sub.inside = s.inside
	}
	n := 0
	child := func(typ, charset string, body []byte) *Part {
		n++
		q := &Part{m: s.m, Parent: p, Path: strings.TrimPrefix(p.Path+"/"+kind+"."+strconv.Itoa(n), "/"), Type: typ, Charset: charset}
		if !sub.add(q) {
			return nil
		}
		sub.decodeLeaf(q, body)
		return q
	}
	if len(it.HTML) > 0 {
		child("text/html", it.Charset, it.HTML)
	}
	if len(it.Text) > 0 {
		child("text/plain", "", it.Text)
	}
	if len(it.RTF) > 0 {
		if q := child("application/rtf", "", it.RTF); q != nil {
			sub.open(q)
		}
	}
	for i := range it.Attachments {
		a := &it.Attachments[i]
		if q := child(attachmentType(a), "", a.Data); q != nil {
			sub.attachment(q, a, kind)
		}
	}
}

// attachmentType is what an attachment says it is, else what its name says.
func attachmentType(a *outlook.Attachment) string {
	if t, _ := parseParams(a.Type); strings.Contains(t, "/") {
		return t
	}
	name := strings.ToLower(a.Name)
	switch {
	case a.Item != nil:
		return "application/vnd.ms-outlook"
	case strings.HasSuffix(name, ".html") || strings.HasSuffix(name, ".htm"):
		return "text/html"
	case strings.HasSuffix(name, ".eml"):
		return "message/rfc822"
	}
	return "application/octet-stream"
}

func (s *splitter) attachment(q *Part, a *outlook.Attachment, kind string) {
	q.Disposition, q.Filename = "attachment", a.Name
	if a.ContentID != "" {
		q.Header = append(q.Header, Field{Name: "Content-ID", Value: a.ContentID})
	}
	if a.Location != "" {
		q.Header = append(q.Header, Field{Name: "Content-Location", Value: a.Location})
	}
	q.placed = q.Header
	switch {
	case a.Item != nil:
		q.Container = true
		s.item(q, a.Item, nil, kind)
	case isMessage(q.Type):
		q.Container = true
		if s.deeper(q) {
			s.embedded(q, &layer{raw: a.Data, closed: true}, "encoded")
		}
	default:
		s.open(q)
	}
}
