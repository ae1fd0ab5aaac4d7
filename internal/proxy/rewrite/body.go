package rewrite

import (
	"bytes"
	"io"

	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/proxy/coding"
)

// chunk is how much of a document is read at once.
const chunk = 32 << 10

// body is a document on its way: read from the site, its coding undone,
// changed, its coding done again.
type body struct {
	src    io.ReadCloser // the site's body
	coding coding.Kind
	o      Options

	in      io.Reader      // src without its coding
	enc     coding.Encoder // nil for none
	out     bytes.Buffer   // ready for the browser
	walk    *markup.Rewriter
	head    []byte // held until the place for the script is found
	placed  bool
	plain   bool // the rest passes as it is
	came    *record
	drained bool
	buf     []byte
	err     error
}

// start is put off to the first Read, since decoders read ahead.
func (b *body) start() {
	b.buf = make([]byte, chunk)
	b.in = b.src
	var sink io.Writer = &b.out
	if b.coding != coding.None {
		b.came = &record{r: b.src}
		dec, err := b.o.Coders.Decoder(b.coding, b.came)
		if err != nil {
			b.asItCame()
			return
		}
		b.in = dec
		b.enc = b.o.Coders.Encoder(b.coding, &b.out)
		sink = b.enc
	}
	decide := b.o.Decide
	if decide == nil {
		decide = func(*markup.Ref) markup.Action { return markup.Keep }
	}
	b.walk = markup.NewRewriter(sink, markup.Options{Base: b.o.Base, Only: b.o.Only}, decide)
}

// maxKept is how much of a body is kept that has given nothing yet.
const maxKept = 256 << 10

// record keeps what was read, until something of it has been passed on.
type record struct {
	r    io.Reader
	kept []byte
	over bool
}

func (c *record) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.over = c.over || len(c.kept)+n > maxKept; c.over {
		c.kept = nil
	} else {
		c.kept = append(c.kept, p[:n]...)
	}
	return n, err
}

// asItCame gives up on a body that is not what its header says, before any of
// it was passed on: the browser gets the site's own bytes, and its own error.
func (b *body) asItCame() {
	b.in = io.MultiReader(bytes.NewReader(b.came.kept), b.src)
	b.came, b.coding, b.enc = nil, coding.None, nil
	b.out.Reset()
	b.placed, b.plain = true, true
}

// Read gives what is ready, and else what comes next.
func (b *body) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if b.in == nil && b.err == nil {
		b.start()
	}
	for b.out.Len() == 0 {
		if b.err != nil {
			b.drain()
			return 0, b.err
		}
		n, err := b.in.Read(b.buf)
		if n == 0 && err != nil && err != io.EOF && b.came != nil && !b.came.over {
			b.asItCame()
			continue
		}
		if n > 0 {
			b.take(b.buf[:n])
		}
		if b.came != nil && n > 0 {
			b.came.over, b.came.kept = true, nil
		}
		if err != nil {
			b.end(err)
		} else if n > 0 && b.enc != nil {
			b.enc.Flush() // into memory: never fails
		}
	}
	return b.out.Read(p)
}

// maxRest bounds what a site may send behind the end of its coding.
const maxRest = 512

// drain reads on to the site's own end, so that its connection can be used
// again: some codings say themselves where they end.
func (b *body) drain() {
	if b.err == io.EOF && b.coding != coding.None && !b.drained {
		b.drained = true
		io.CopyN(io.Discard, b.src, maxRest)
	}
}

// take changes what came. Errors cannot happen: all that is written to is
// memory.
func (b *body) take(p []byte) {
	if !b.placed {
		b.place(p, false)
		return
	}
	b.write(p)
}

// place holds the first bytes until it is known where the script goes.
func (b *body) place(p []byte, final bool) {
	b.head = append(b.head, p...)
	at, found := markup.FirstPlace(b.head, final)
	if !found && len(b.head) < markup.MaxHead {
		return
	}
	head := b.head
	b.head, b.placed = nil, true
	if at < 0 || wide(head) || bytes.IndexByte(head, escape) >= 0 {
		b.write(head)
		return
	}
	b.write(head[:at])
	if !b.plain {
		b.write([]byte(b.o.Script))
	}
	b.write(head[at:])
}

// escape begins a change of code in ISO-2022 encodings, where a byte may look
// like a letter and be half of one. HTML has no other use for it.
const escape = 0x1b

func (b *body) write(p []byte) {
	if !b.plain && (wide(p) || bytes.IndexByte(p, escape) >= 0) {
		b.plain = true
		b.walk.Close()
	}
	switch {
	case !b.plain:
		b.walk.Write(p)
	case b.enc != nil:
		b.enc.Write(p)
	default:
		b.out.Write(p)
	}
}

// wide reports whether p holds a zero byte: text of two bytes a letter, or none
// at all.
func wide(p []byte) bool { return bytes.IndexByte(p, 0) >= 0 }

// end passes on what is left. Only a whole document gets the end of its coding.
func (b *body) end(err error) {
	b.err = err
	if !b.placed {
		b.place(nil, true)
		if !b.placed {
			b.placed = true
			b.write(b.head)
		}
	}
	if !b.plain {
		b.walk.Close()
	}
	switch {
	case b.enc == nil:
	case err == io.EOF:
		b.enc.Close()
	default:
		b.enc.Flush()
	}
}

// Close closes the site's body.
func (b *body) Close() error { return b.src.Close() }
