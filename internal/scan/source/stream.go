package source

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
)

// kindOf names what is no plain file.
func kindOf(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

// openFile opens a file, or what else stands in the file system: pipes and
// terminals are read as they come. Opening a pipe waits for its writer, but not
// longer than ctx.
func openFile(ctx context.Context, name string, mode fs.FileMode) (io.ReadCloser, error) {
	switch {
	case mode.IsRegular():
		return os.Open(name)
	case mode&fs.ModeSocket != 0, mode&fs.ModeDevice != 0 && mode&fs.ModeCharDevice == 0:
		return nil, fmt.Errorf("%w: it is %s", ErrNotMail, kindOf(mode))
	}
	type opened struct {
		f   *os.File
		err error
	}
	done := make(chan opened, 1)
	go func() {
		f, err := os.Open(name)
		done <- opened{f, err}
	}()
	select {
	case o := <-done:
		if o.err != nil {
			return nil, o.err
		}
		return &patient{ctx: ctx, src: o.f, close: o.f.Close}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Patient gives a reader of src that does not keep its caller waiting when ctx
// ends: a Read then returns ctx's error at once. A plain file is given as it
// is, for it never keeps anybody waiting. src must not be read by others
// afterwards: one Read of it may still be under way.
func Patient(ctx context.Context, src io.Reader) io.Reader {
	if f, ok := src.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return src
		}
	}
	return &patient{ctx: ctx, src: src}
}

// patientBytes is how much a patient reader asks for at a time.
const patientBytes = 64 << 10

// patient reads src in a goroutine, one Read at a time.
type patient struct {
	ctx   context.Context
	src   io.Reader
	close func() error
	buf   []byte
	rest  []byte // of buf: read, not yet given
	err   error  // that came with it
	done  chan int
}

// Read implements io.Reader.
func (p *patient) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	if len(p.rest) == 0 && p.err == nil {
		if err := p.more(); err != nil {
			return 0, err
		}
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	if len(p.rest) == 0 {
		return n, p.err
	}
	return n, nil
}

// more waits for one Read of src, or for the end of ctx.
func (p *patient) more() error {
	if p.buf == nil {
		p.buf, p.done = make([]byte, patientBytes), make(chan int, 1)
	}
	go func() {
		n, err := p.src.Read(p.buf)
		p.err = err // seen by whoever takes n
		p.done <- n
	}()
	select {
	case n := <-p.done:
		p.rest = p.buf[:n]
		return nil
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
}

// Close closes what was opened; a Read that waits in it ends.
func (p *patient) Close() error { return p.close() }

// foreign reports whether head begins a file of a known kind that is no text.
func foreign(head []byte) bool {
	t := http.DetectContentType(head)
	return !strings.HasPrefix(t, "text/") && t != "application/octet-stream"
}

// binary reports whether head is no text of the kind that mail is made of.
func binary(head []byte) bool { return foreign(head) || bytes.IndexByte(head, 0) >= 0 }

// looks says in words what head is the beginning of.
func looks(head []byte) string {
	switch t := http.DetectContentType(head); {
	case strings.HasPrefix(t, "image/"):
		return "a picture"
	case strings.HasPrefix(t, "audio/"), strings.HasPrefix(t, "video/"):
		return "a sound or film"
	case t == "application/pdf":
		return "a PDF document"
	case t == "application/zip":
		return "a ZIP archive or an Office document"
	case strings.HasPrefix(t, "text/plain; charset=utf-16"):
		return "text in UTF-16"
	}
	return "binary data"
}
