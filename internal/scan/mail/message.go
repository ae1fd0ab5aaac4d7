package mail

import (
	"fmt"

	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/scan/attach"
)

// Bounds on one message. What lies past one is said in Problems.
const (
	// MaxMessage is how many raw bytes Read takes; what follows is not looked at.
	MaxMessage = 64 << 20
	// MaxDepth is how deep multiparts, forwarded messages and attachments that
	// hold messages are entered.
	MaxDepth = 20
	// MaxParts is how many parts one message may have.
	MaxParts = 10_000
	// MaxFields is how many header fields of one part are kept.
	MaxFields = 10_000
	// MaxHeader is how many bytes of one part's header are taken apart.
	MaxHeader = 4 << 20
	// MaxValue is how many bytes of one field's value are decoded.
	MaxValue = 256 << 10
	// MaxProblems is how many problems are kept; more are counted.
	MaxProblems = 1000
	// MaxDecoded is how many bytes all decoded bodies of a message may have,
	// attachments inflated and messages inside attachments included.
	MaxDecoded = 256 << 20
)

// Kind says what the bytes of a message are.
type Kind uint8

// The kinds that Read takes.
const (
	RFC5322 Kind = iota // mail, and MHTML pages, which are mail
	HTML                // a page on its own: one part of type text/html
	Outlook             // an Outlook .msg file
)

// String is the word used in reports.
func (k Kind) String() string { return [...]string{"mail", "html", "msg"}[min(int(k), 2)] }

// Options of Read. The zero value is what `quench scan` uses.
type Options struct {
	// Shallow leaves attachments closed: TNEF, S/MIME, Office and PDF files.
	Shallow bool
	// MaxDecoded takes the place of the constant; 0 means that.
	MaxDecoded int
}

// Message is one message read. It keeps the bytes it was read from, which must
// not change while it is used. Not for concurrent use.
type Message struct {
	Raw  []byte
	Kind Kind
	// Header is the outermost header; empty for a page.
	Header Header
	// Parts are all parts in the order they stand, containers before what they
	// hold, parts found inside attachments after the attachment. The first is
	// the whole message. Never empty.
	Parts []*Part
	// Problems is what could not be read, in the order found, at most
	// MaxProblems; Lost counts those past it.
	Problems []Problem
	Lost     int

	layers  []*layer // outer ones before those they hold
	decoded int      // bytes of bodies so far
	most    int      // that they may have
	full    bool     // MaxParts is reached
	// locations are the addresses that parts have by their headers; see located.
	locations map[string]int
}

// Problem is one thing that could not be read as it claims to be.
type Problem struct {
	// What says it; a constant, so that equal problems compare equal.
	What What
	// Part is the path of the part, At the raw offset (0 inside attachments).
	Part string
	At   int
	// Detail is a name or number from the message, such as the charset; may be empty.
	Detail string
}

// String is a sentence without the full stop.
func (p Problem) String() string {
	s := p.What.String()
	if p.Part != "" {
		s = "part " + p.Part + ": " + s
	}
	if p.Detail != "" {
		s += fmt.Sprintf(" (%s)", p.Detail)
	}
	return s
}

// Encoding is a content transfer encoding.
type Encoding uint8

// The transfer encodings that can be decoded.
const (
	Identity Encoding = iota // 7bit, 8bit, binary, none, and unknown ones
	QuotedPrintable
	Base64
)

// String is the encoding's name in a header.
func (e Encoding) String() string {
	return [...]string{"8bit", "quoted-printable", "base64"}[min(int(e), 2)]
}

// Part is one part of a message: a leaf with a body, or a container.
type Part struct {
	// Path counts as IMAP does ("1", "2.1"); "" is the message itself if it is
	// a container, "1" if it is a leaf. What is found inside attachments
	// appends what it was found in: "2/tnef.1", "3/smime.1.2".
	Path string
	// Parent is the container, nil for the first part.
	Parent *Part
	// Depth is the number of parents.
	Depth  int
	Header Header
	// Type is the media type, lower case, never empty: what the header says, or
	// text/plain (message/rfc822 inside multipart/digest).
	Type string
	// Charset is what the header declares, lower case; Decoded is the charset
	// that was used, "" if the body was left as it is (binary, or text that is
	// UTF-8 or ASCII already, or says so and lies).
	Charset, Decoded string
	Encoding         Encoding
	// Disposition is lower case: "inline", "attachment" or "".
	Disposition string
	// Filename is decoded (RFC 2231, RFC 2047); it may name no file.
	Filename string
	// Head and Content are the raw bytes of header and body in Message.Raw.
	// Zero in parts found inside attachments.
	Head, Content markup.Range
	// Body is decoded: transfer encoding always, charset to UTF-8 if Type is
	// text/* or says charset. nil for containers. It may share memory with
	// Message.Raw; do not change it.
	Body []byte
	// Container: multipart/* or message/rfc822, or an attachment that was opened
	// as a message; its parts follow.
	Container bool
	// Inside says what kind of attachment the part was found in ("tnef",
	// "smime", "msg", "rtf", or "encoded" for a message under a transfer
	// encoding); empty if it stands in the message itself. Of these only those
	// that transfer encodings alone hide can be patched.
	Inside string
	// Seal says what breaks when the part's bytes change.
	Seal Seal

	m        *Message
	in       *layer       // the bytes that the part stands in
	body     markup.Range // of in.raw: what Content is of Message.Raw
	placed   Header       // Header with places in in.raw
	charset  charset      // what Decoded names
	maps     *mapping     // how Body came out of Content; made on first use
	cut      bool         // Body ends at MaxDecoded
	entries  []attach.Ref // references found when an attachment was opened
	document bool         // a file that holds a document: shown when it is opened by itself
}

// Seal is a set of protections over a part.
type Seal uint8

// The protections. DKIM and ARC cover the whole message.
const (
	SignedSMIME Seal = 1 << iota // multipart/signed or pkcs7-mime by S/MIME
	SignedPGP                    // multipart/signed by OpenPGP, or inline
	Encrypted                    // multipart/encrypted, enveloped-data, inline PGP message
	DKIM                         // DKIM-Signature
	ARC                          // ARC-Seal
)

// Broken is the part of s that a change of the body invalidates and that only
// --force may touch: a signature or encryption of the content itself.
func (s Seal) Broken() Seal { return s & (SignedSMIME | SignedPGP | Encrypted) }

// Space says what the ranges of a Ref count in.
type Space uint8

// The spaces.
const (
	// InBody: offsets in Part.Body. Part.Raw maps them back.
	InBody Space = iota
	// InHeader: offsets in the bytes that the part stands in: Message.Raw, or
	// what an encoded message decodes to. Ref.Place maps them back.
	InHeader
	// Nowhere: found in a place that has no bytes of its own, such as a file
	// compressed inside an attachment. Ranges are zero; it cannot be cleaned.
	Nowhere
)

// Place gives the bytes of Message.Raw that hold r's URL; ok is false if it
// stands in no bytes of its own.
func (r *Ref) Place() (raw markup.Range, ok bool) {
	switch r.Space {
	case InHeader:
		return r.Part.in.place(r.Value)
	case InBody:
		return r.Part.Raw(r.Value)
	}
	return markup.Range{}, false
}

// Ref is one reference of a message, found in a header, a body or an
// attachment. As with markup.Walk, the Ref passed to emit is reused.
type Ref struct {
	markup.Ref
	Part  *Part
	Space Space
	// Field is the header field, calendar or vCard property, or file inside an
	// attachment that holds it; empty for markup.
	Field string
	// Fixed: a change is not offered, because the reference is a name that mail
	// servers look up or record rather than something a client fetches, or
	// because it cannot be reached in place.
	Fixed bool
}

// Writable reports whether r can be made inert in place without breaking a
// signature; force disregards signatures.
func (r *Ref) Writable(force bool) bool {
	if r.Fixed || r.Space == Nowhere || r.Part.in.closed {
		return false
	}
	return force || r.Space == InHeader || r.Part.Seal.Broken() == 0
}
