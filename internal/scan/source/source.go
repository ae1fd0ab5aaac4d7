// Package source finds messages wherever they are kept (files, mbox of any
// flavour, Maildir, folders, globs, standard input, compressed or not) and
// gives them one by one, in order, with their place. It holds one message at a
// time, so its memory does not grow with the mailbox.
package source

import (
	"io"

	"github.com/quench-proxy/quench/internal/scan/mail"
)

// Bounds on what is read.
const (
	// MaxHeld is how many bytes of one message are kept. Of a longer one the
	// headers and text parts are kept and the rest becomes Holes.
	MaxHeld = mail.MaxMessage
	// MaxFiles is how many files one folder walk names.
	MaxFiles = 10_000_000
	// MaxInflated is how many bytes one compressed file may become.
	MaxInflated = 1 << 40
)

// Kind says what a Message holds.
type Kind uint8

// The kinds. All but HAR are read by mail.Read with Kind.Mail.
const (
	Mail    Kind = iota // one RFC 5322 message or MHTML page
	HTML                // a page
	Outlook             // an Outlook .msg file
	HAR                 // a HAR file: Raw is nil, Body streams it
)

// Message is one message and its place. Its Raw belongs to the receiver.
type Message struct {
	// File is the path as given or found, "-" for standard input.
	File string
	// Offset is where the message starts in the file after decompression (in an
	// mbox: the byte after the "From " line); Length is how many bytes it has there.
	Offset, Length int64
	// Index counts the messages of this file from 0, Order all messages given.
	Index, Order int
	Kind         Kind
	Raw          []byte
	// Holes are the bytes that Raw lacks, in order, of a message longer than MaxHeld.
	Holes []Hole
	// Mbox: File holds more than one message. Compressed: offsets count in the
	// decompressed file.
	Mbox, Compressed bool
	// Body is the HAR to stream; valid until the next call of Next.
	Body io.Reader
}

// Hole is a run of bytes left out of Raw: Length bytes that stood before
// Raw[At].
type Hole struct {
	At     int
	Length int64
}

// FileOffset gives the offset in File of Raw[at].
func (m *Message) FileOffset(at int) int64 {
	off := m.Offset + int64(at)
	for _, h := range m.Holes {
		if h.At > at {
			break
		}
		off += h.Length
	}
	return off
}

// MailKind is the kind for mail.Read.
func (m *Message) MailKind() mail.Kind {
	switch m.Kind {
	case HTML:
		return mail.HTML
	case Outlook:
		return mail.Outlook
	}
	return mail.RFC5322
}
