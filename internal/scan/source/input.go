package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// bufferBytes is the buffer between file and lines, and how far a
// Content-Length is followed in what is no plain file.
const bufferBytes = 1 << 20

// sniffBytes is how much of a file decides what it is.
const sniffBytes = 4096

// input is the bytes of one file after decompression. Its buffer serves all
// files in turn.
type input struct {
	buf        *bufio.Reader
	offset     int64 // of the next byte
	compressed bool
	err        error       // other than io.EOF
	file       io.ReaderAt // the plain file, nil if there is none
	most       int64       // bytes that may come out of compression; 0 is MaxInflated
	unzip      io.Closer
}

// open starts reading src, gzip and zstd unpacked.
func (in *input) open(src io.Reader) error {
	if in.buf == nil {
		in.buf = bufio.NewReaderSize(nil, bufferBytes)
	}
	in.buf.Reset(src)
	in.offset, in.compressed, in.err, in.file, in.unzip = 0, false, nil, nil, nil
	magic, _ := in.buf.Peek(4)
	switch {
	case bytes.HasPrefix(magic, []byte("\x1f\x8b")):
		z, err := gzip.NewReader(in.inner(src))
		if err != nil {
			return err
		}
		in.unpack(z, z)
	case bytes.HasPrefix(magic, []byte("\x28\xb5\x2f\xfd")):
		z, err := zstd.NewReader(in.inner(src), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(MaxWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return err
		}
		in.unpack(z, z.IOReadCloser())
	default:
		if f, ok := src.(*os.File); ok {
			if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
				in.file = f
			}
		}
	}
	return nil
}

// inner is src with what was already buffered of it.
func (in *input) inner(src io.Reader) io.Reader {
	head, _ := in.buf.Peek(in.buf.Buffered())
	return io.MultiReader(bytes.NewReader(bytes.Clone(head)), src)
}

func (in *input) unpack(r io.Reader, c io.Closer) {
	most := in.most
	if most == 0 {
		most = MaxInflated
	}
	in.buf.Reset(&bounded{r, most})
	in.unzip, in.compressed = c, true
}

// bounded ends with ErrInflated where a LimitReader would end as if all was there.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left == 0 {
		if n, err := b.r.Read(make([]byte, 1)); n == 0 {
			return 0, err
		}
		return 0, ErrInflated
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

func (in *input) close() {
	if in.unzip != nil {
		_ = in.unzip.Close()
	}
}

// Read gives the bytes, for a HAR.
func (in *input) Read(p []byte) (int, error) {
	n, err := in.buf.Read(p)
	in.offset += int64(n)
	if err != nil && err != io.EOF {
		in.err = err
	}
	return n, err
}

// more reports whether reading goes on after err: a line longer than the
// buffer comes in pieces.
func (in *input) more(err error) bool {
	if errors.Is(err, bufio.ErrBufferFull) {
		return true
	}
	if err != io.EOF {
		in.err = err
	}
	return false
}

// seek goes to an offset at or after the present one.
func (in *input) seek(to int64) error {
	if s, ok := in.file.(io.Seeker); ok {
		if _, err := s.Seek(to, io.SeekStart); err != nil {
			return err
		}
		in.buf.Reset(in.file.(io.Reader))
		in.offset = to
		return nil
	}
	n, err := io.CopyN(io.Discard, in.buf, to-in.offset)
	in.offset += n
	if err != nil {
		return fmt.Errorf("go on at byte %d: %w", to, err)
	}
	return nil
}

// look gives up to n bytes that stand skip bytes ahead; ok is false if that
// is further than can be seen.
func (in *input) look(skip int64, n int) (b []byte, ok bool) {
	if skip+int64(n) <= bufferBytes {
		b, _ = in.buf.Peek(int(skip) + n)
		if int64(len(b)) < skip {
			return nil, false
		}
		return b[skip:], true
	}
	if in.file == nil {
		return nil, false
	}
	b = make([]byte, n)
	k, err := in.file.ReadAt(b, in.offset+skip)
	if k == 0 && err == io.EOF {
		size, ok := in.file.(interface{ Stat() (os.FileInfo, error) })
		if !ok {
			return nil, false
		}
		if info, err := size.Stat(); err != nil || info.Size() != in.offset+skip {
			return nil, false
		}
	}
	return b[:k], k > 0 || err == io.EOF
}

// shape is what a file looks like.
type shape uint8

const (
	isNothing shape = iota
	isMail
	isMbox
	isHTML
	isOutlook
	isHAR
	isEmlx
)

func (s shape) message() Kind {
	switch s {
	case isHTML:
		return HTML
	case isOutlook:
		return Outlook
	}
	return Mail
}

// sniff says what head, the beginning of a file of this name, looks like.
func sniff(head []byte, name string) shape {
	name = strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(filepath.Base(name)), ".gz"), ".zst")
	ext := filepath.Ext(name)
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
		return isOutlook
	case babyl(head):
		return isNothing
	case mboxStart(text) && !(len(text) != len(head) && ext == ".eml"):
		return isMbox
	case len(text) > 0 && text[0] == '{' && (ext == ".har" || bytes.Contains(text, []byte(`"log"`))):
		return isHAR
	case ext == ".emlx" && emlx(head):
		return isEmlx
	case looksLikeMail(text):
		return isMail
	case ext == ".html" || ext == ".htm" || ext == ".xhtml" || isPage(text) || widePage(head):
		return isHTML
	case (ext == ".eml" || ext == ".mht" || ext == ".mhtml") && !foreign(head):
		return isMail
	}
	return isNothing
}

// babyl reports whether head starts Emacs' old mailbox, which holds each header
// twice: better not read than half.
func babyl(head []byte) bool { return bytes.HasPrefix(head, []byte("BABYL OPTIONS:")) }

func firstLine(b []byte) []byte {
	if n := bytes.IndexByte(b, '\n'); n >= 0 {
		b = b[:n]
	}
	return bytes.TrimRight(b, "\r")
}

func isPage(text []byte) bool {
	low := bytes.ToLower(text[:min(len(text), 1024)])
	for _, tag := range [...]string{"<!doctype html", "<html", "<head", "<body", "<!--", "<table", "<div", "<style", "<img", "<p>", "<a "} {
		if bytes.HasPrefix(low, []byte(tag)) {
			return true
		}
	}
	return bytes.HasPrefix(low, []byte("<?xml")) && bytes.Contains(low, []byte("<html"))
}

// widePage reports whether head is markup in UTF-16 or UTF-32: a byte order mark
// and "<", or "<" and the letter or "!" behind it among zeros.
func widePage(head []byte) bool {
	for _, mark := range [...]string{"\xff\xfe<\x00", "\xfe\xff\x00<", "\xff\xfe\x00\x00<\x00\x00\x00", "\x00\x00\xfe\xff\x00\x00\x00<"} {
		if bytes.HasPrefix(head, []byte(mark)) {
			return true
		}
	}
	for _, w := range [...]struct{ unit, at int }{{2, 0}, {2, 1}, {4, 0}, {4, 3}} {
		if len(head) >= 8*w.unit && head[w.at] == '<' && narrow(head[:8*w.unit], w.unit, w.at) {
			return true
		}
	}
	return false
}

// narrow reports whether all units of b are ASCII characters at place at.
func narrow(b []byte, unit, at int) bool {
	for i, c := range b {
		if (i%unit == at) != (c != 0 && c < 0x80) {
			return false
		}
	}
	return true
}

// emlx is Apple Mail's form: a line with the message's length, then it.
func emlx(head []byte) bool {
	line := bytes.TrimSpace(firstLine(head))
	return len(line) > 0 && len(line) < 20 && len(bytes.Trim(line, "0123456789")) == 0
}

// looksLikeMail: the first lines are fields, and one is a field of mail.
func looksLikeMail(text []byte) bool {
	known := 0
	for n := 0; n < 100 && len(text) > 0; n++ {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		text = rest
		line = bytes.TrimRight(line, "\r")
		switch name := fieldName(line); {
		case len(line) == 0 && n > 0:
			return known > 0
		case name == "" && len(line) > 0 && line[0] != ' ' && line[0] != '\t' && !bytes.HasPrefix(line, []byte(">From ")):
			return known > 1
		case mailField(name):
			known++
		}
	}
	return known > 0
}

// fieldName is the lower-case name of a header line, "" if it is none.
func fieldName(line []byte) string {
	n := bytes.IndexByte(line, ':')
	if n <= 0 || n > 100 {
		return ""
	}
	for _, c := range bytes.TrimRight(line[:n], " \t") {
		if c <= ' ' || c >= 0x7f {
			return ""
		}
	}
	return strings.ToLower(string(bytes.TrimRight(line[:n], " \t")))
}

func mailField(name string) bool {
	switch name {
	case "from", "to", "cc", "bcc", "subject", "date", "message-id", "received", "return-path", "mime-version", "content-type",
		"delivered-to", "reply-to", "sender", "x-mailer", "dkim-signature", "content-transfer-encoding", "resent-from",
		"x-original-to", "envelope-to", "authentication-results", "in-reply-to", "references", "list-id", "x-spam-status":
		return true
	}
	return false
}

// decompressed reads one file as Open counts its bytes.
type decompressed struct{ in input }

func (d *decompressed) Read(p []byte) (int, error) { return d.in.Read(p) }

func (d *decompressed) Close() error {
	d.in.close()
	return nil
}

// Decompressed gives the bytes of a file as Open counts them: gzip and zstd
// unpacked, anything else as it is. It does not close src.
func Decompressed(src io.Reader) (io.ReadCloser, error) {
	d := &decompressed{}
	if err := d.in.open(src); err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	return d, nil
}
