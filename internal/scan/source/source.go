// Package source finds messages wherever they are kept (files, mbox of any
// flavour, Maildir, folders, globs, standard input, compressed or not) and
// gives them one by one, in order, with their place. It holds one message at a
// time, so its memory does not grow with the mailbox.
//
// Bytes are given as they stand in the file: a ">From " that an mbox writer
// escaped stays escaped, so that an edit of Raw is an edit of the file.
package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/quench-proxy/quench/internal/scan/mail"
)

// Bounds on what is read.
const (
	// MaxHeld is how many bytes of one message are kept. Of a longer one the
	// headers and text parts are kept and the rest becomes Holes.
	MaxHeld = mail.MaxMessage
	// MaxDepth is how deep folders are entered.
	MaxDepth = 64
	// MaxInflated is how many bytes one compressed file may become.
	MaxInflated = 1 << 40
	// MaxWindow is the most memory a zstd frame may ask for.
	MaxWindow = 64 << 20
)

var (
	// ErrNoMail is wrapped for a path below which nothing looks like mail.
	ErrNoMail = errors.New("no mail found")
	// ErrSkipped is wrapped for what lies in a folder and is nothing to scan: a
	// file of another kind, a pipe, a link to a folder. It is no failure.
	ErrSkipped = errors.New("passed over")
	// ErrNotMail is wrapped for a path that was named and is of no kind to scan.
	ErrNotMail = errors.New("this is no mail, page or recorded session")
	// ErrInflated is wrapped where a compressed file holds more than MaxInflated.
	ErrInflated = errors.New("holds more than is unpacked of one file")
	// ErrEmpty is wrapped for a path that was named and holds no byte.
	ErrEmpty = errors.New("it is empty")
)

// Kind says what a Message holds.
type Kind uint8

// The kinds. All but HAR are for mail.Read, with MailKind.
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
	// mbox: the byte after the "From " line); Length is how many bytes it has
	// there (0 for HAR).
	Offset, Length int64
	// Index counts the messages of this file from 0, Order all messages given.
	Index, Order int
	Kind         Kind
	Raw          []byte
	// Holes are the bytes that Raw lacks, in order, of a message longer than MaxHeld.
	Holes []Hole
	// Mbox: File may hold more than one message. Maildir: File lies in new or
	// cur of one. Compressed: offsets count in the decompressed file.
	Mbox, Maildir, Compressed bool
	// Body is the HAR to stream; valid until the next message is asked for.
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

// Place is a point between two messages. The zero value is the beginning.
type Place struct {
	File         string
	Offset       int64
	Index, Order int
}

// After is the place behind m, from which Options.From goes on.
func (m *Message) After() Place {
	return Place{m.File, m.Offset + max(m.Length, 1), m.Index + 1, m.Order + 1}
}

// FileError is one input that could not be read, or not to its end. What was
// read before it has been given.
type FileError struct {
	File   string
	Offset int64
	Err    error
}

// Error names the file and what went wrong.
func (e *FileError) Error() string {
	if e.Offset > 0 {
		return fmt.Sprintf("read %s at byte %d: %v", e.name(), e.Offset, e.Err)
	}
	if p := (*fs.PathError)(nil); errors.As(e.Err, &p) && p.Path == e.File {
		return fmt.Sprintf("read %s: %v", e.File, p.Err) // the name once is enough
	}
	return fmt.Sprintf("read %s: %v", e.name(), e.Err)
}

func (e *FileError) name() string {
	if e.File == "-" {
		return "standard input"
	}
	return e.File
}

// Unwrap gives what went wrong.
func (e *FileError) Unwrap() error { return e.Err }
