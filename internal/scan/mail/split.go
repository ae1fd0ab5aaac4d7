package mail

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/quench-proxy/quench/internal/detect/markup"
)

// Read takes a message apart. It never fails: see Message.Problems.
func Read(raw []byte, kind Kind, o Options) *Message {
	m := &Message{Raw: raw, Kind: kind, most: o.MaxDecoded}
	if m.most == 0 {
		m.most = MaxDecoded
	}
	if len(raw) > MaxMessage {
		m.report(TooLong, "", MaxMessage, "")
		raw = raw[:MaxMessage]
	}
	s := &splitter{m: m, raw: raw, in: m.layer(&layer{raw: raw}), shallow: o.Shallow}
	switch kind {
	case HTML:
		s.page()
	case Outlook:
		s.outlookFile()
	default:
		s.entity(entityAt{start: s.skipMbox(), end: len(raw)})
	}
	m.Header = m.Parts[0].Header
	if m.Header.Has("DKIM-Signature") {
		m.Parts[0].Seal |= DKIM
	}
	if m.Header.Has("ARC-Seal") {
		m.Parts[0].Seal |= ARC
	}
	return m
}

// Split is Read that hands over each part as it is added.
func Split(src []byte, o Options, emit func(*Part)) []Problem {
	m := Read(src, RFC5322, o)
	for _, p := range m.Parts {
		emit(p)
	}
	return m.Problems
}

// splitter reads one run of raw bytes: the message, or a message found inside
// an attachment.
type splitter struct {
	m       *Message
	raw     []byte
	in      *layer // what raw is
	inside  string // kind of attachment that raw came from
	shallow bool
}

// entityAt says where an entity is and where in the tree it belongs.
type entityAt struct {
	start, end int
	parent     *Part
	path       string // path of the parent's content, "" at the top
	number     int    // 0: the root of a message; else the n-th child
	digest     bool   // message/rfc822 is the default type
}

func (s *splitter) bad(path string) func(What, int, string) {
	return func(w What, at int, detail string) { s.report(w, path, at, detail) }
}

func (s *splitter) report(w What, path string, at int, detail string) {
	if s.inside != "" {
		at = 0
	}
	s.m.report(w, path, at, detail)
}

// skipMbox gives where the header starts: after blank lines that precede one.
func (s *splitter) skipMbox() int {
	i := 0
	if bytes.HasPrefix(s.raw, []byte("\xef\xbb\xbf")) {
		i = 3
	}
	j := i
	for j < len(s.raw) && j < 1024 && isWhite(s.raw[j]) {
		j++
	}
	if j > i && fieldName(s.raw[j:]) > 0 && s.raw[j-1] == '\n' {
		return j
	}
	return i
}

// page reads a page that is no mail.
func (s *splitter) page() {
	p := &Part{m: s.m, Path: "1", Type: "text/html", Content: markup.Range{End: len(s.raw)}}
	s.add(p)
	s.decodeLeaf(p, s.raw)
}

// add keeps p; false if there are too many.
func (s *splitter) add(p *Part) bool {
	if len(s.m.Parts) >= MaxParts {
		if !s.m.full {
			s.m.full = true
			s.report(TooManyParts, p.Path, p.Head.Start, "")
		}
		return false
	}
	if p.Parent != nil {
		p.Seal |= p.Parent.Seal
		p.Depth = p.Parent.Depth + 1
	}
	p.Inside, p.in, p.body, p.placed = s.inside, s.in, p.Content, p.Header
	if s.inside != "" {
		p.placed = slices.Clone(p.Header) // the fields' places are taken out of the other
	}
	s.m.Parts = append(s.m.Parts, p)
	return true
}

// entity reads one entity with its header and everything in it.
func (s *splitter) entity(e entityAt) {
	p := &Part{m: s.m, Parent: e.parent}
	name := e.name()
	var body int
	p.Header, body = parseHeader(s.raw, e.start, e.end, s.bad(name))
	p.Head, p.Content = markup.Range{Start: e.start, End: body}, markup.Range{Start: body, End: e.end}
	params := s.describe(p, e.digest, name)
	multi := strings.HasPrefix(p.Type, "multipart/")
	p.Path = name
	if multi && e.number == 0 {
		p.Path = e.path
		if e.path != "" {
			p.Path += ".TEXT"
		}
	}
	if !s.add(p) {
		return
	}
	if s.inside != "" {
		defer func() { p.Head, p.Content, p.Header = markup.Range{}, markup.Range{}, unplaced(p.Header) }()
	}
	inner := name
	if multi && e.number == 0 {
		inner = e.path
	}
	switch {
	case p.Depth >= MaxDepth && (multi || isMessage(p.Type)):
		s.report(TooDeep, p.Path, body, "")
		s.decodeLeaf(p, s.raw[body:e.end])
	case multi:
		s.multipart(p, params["boundary"], inner)
	case isMessage(p.Type):
		s.message(p)
	default:
		s.leaf(p, params)
	}
}

// name is the path of a leaf at e.
func (e *entityAt) name() string {
	n := strconv.Itoa(max(e.number, 1))
	if e.path == "" {
		return n
	}
	return e.path + "." + n
}

func isMessage(t string) bool {
	return t == "message/rfc822" || t == "message/global" || t == "message/news" || t == "message/x-rfc822"
}

// describe fills in what the header says of the body.
func (s *splitter) describe(p *Part, digest bool, path string) map[string]string {
	p.Type = "text/plain"
	if digest {
		p.Type = "message/rfc822"
	}
	t, params := parseParams(p.Header.Get("Content-Type"))
	switch main, sub, ok := strings.Cut(t, "/"); {
	case ok && main != "" && sub != "" && len(t) < 256:
		p.Type = t
	case t == "text" || t == "html":
		p.Type = map[string]string{"text": "text/plain", "html": "text/html"}[t]
	case t != "":
		s.report(BadType, path, p.Head.Start, "")
		if params["boundary"] != "" {
			p.Type = "multipart/mixed"
		}
	}
	p.Charset = strings.ToLower(strings.TrimSpace(params["charset"]))
	disposition, dp := parseParams(p.Header.Get("Content-Disposition"))
	if disposition == "attachment" || disposition == "inline" {
		p.Disposition = disposition
	}
	p.Filename = decodeValue(dp["filename"])
	if p.Filename == "" {
		p.Filename = decodeValue(params["name"])
	}
	p.Encoding = s.encoding(p, path)
	p.Seal |= sealOf(p, params)
	return params
}

func (s *splitter) encoding(p *Part, path string) Encoding {
	v := strings.ToLower(strings.Trim(p.Header.Get("Content-Transfer-Encoding"), " \t;.\"'"))
	if i := strings.IndexAny(v, "; \t("); i > 0 {
		v = v[:i]
	}
	switch v {
	case "quoted-printable", "quoted_printable", "quotedprintable":
		return QuotedPrintable
	case "base64", "base-64":
		return Base64
	case "", "7bit", "8bit", "binary", "7-bit", "8-bit", "none":
	default:
		s.report(BadEncoding, path, p.Head.Start, v)
	}
	return Identity
}

func sealOf(p *Part, params map[string]string) (s Seal) {
	switch p.Type {
	case "multipart/signed":
		if strings.Contains(params["protocol"], "pgp") {
			return SignedPGP
		}
		return SignedSMIME
	case "multipart/encrypted":
		return Encrypted
	case "application/pkcs7-mime", "application/x-pkcs7-mime":
		if k := strings.ToLower(params["smime-type"]); k == "enveloped-data" || k == "authenveloped-data" {
			return Encrypted
		}
		return SignedSMIME
	}
	return 0
}

// message reads a forwarded message.
func (s *splitter) message(p *Part) {
	p.Container = true
	r := p.Content
	if p.Encoding == Identity {
		s.entity(entityAt{start: r.Start, end: r.End, parent: p, path: p.Path})
		return
	}
	raw := s.transfer(p, s.raw[r.Start:r.End])
	s.embedded(p, &layer{raw: raw, under: p, closed: s.in.closed}, "encoded")
}

// embedded reads what came out of p as a message.
func (s *splitter) embedded(p *Part, l *layer, kind string) {
	if !s.m.spend(len(l.raw)) {
		s.report(TooMuch, p.Path, p.Content.Start, "")
		return
	}
	in := kind
	if s.inside != "" {
		in = s.inside
	}
	sub := &splitter{m: s.m, raw: l.raw, in: s.m.layer(l), inside: in, shallow: s.shallow}
	sub.entity(entityAt{end: len(l.raw), parent: p, path: p.Path + "/" + kind})
}

// spend books n decoded bytes; false if that passes the bound.
func (m *Message) spend(n int) bool {
	m.decoded += n
	return m.decoded <= m.most
}
