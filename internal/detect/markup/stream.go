package markup

import (
	"bytes"
	"errors"
	"io"
)

// Action is what a Rewriter does with a reference.
type Action uint8

// The actions.
const (
	Keep      Action = iota // as it is
	Overwrite               // like Neutralise: same length
	TakeOut                 // like Remove: shorter
)

// Rewriter walks a document that arrives in pieces and writes it on as it
// goes, changed where decide says so. It holds one token at a time, at most
// MaxToken bytes: what is longer passes in parts that may be misread, and
// Summary.Cut counts it. Bytes outside the edits are written unchanged.
//
// It knows less than Walk: rules that hide and a base element only count for
// what follows them, and Hidden never says LastInBody. Not for concurrent use.
type Rewriter struct {
	dst    io.Writer
	w      *walker
	decide func(*Ref) Action
	buf    []byte // what has come and not gone out
	off    int    // offset of buf[0] in the document
	enough int    // fewer bytes than these cannot complete the token begun
	edits  []Edit
	err    error
}

// NewRewriter makes a Rewriter that writes to dst. decide is called for every
// reference, in order, from within Write and Close; the Ref is only lent.
func NewRewriter(dst io.Writer, o Options, decide func(*Ref) Action) *Rewriter {
	rw := &Rewriter{dst: dst, decide: decide}
	rw.w = newWalker(o, rw.found)
	rw.w.lv = &layer{}
	return rw
}

func (rw *Rewriter) found(r *Ref) {
	one := [1]Ref{*r}
	switch rw.decide(r) {
	case Overwrite:
		rw.edits = append(rw.edits, Neutralise(one[:])...)
	case TakeOut:
		rw.edits = append(rw.edits, Remove(one[:])...)
	}
}

var errClosed = errors.New("write to a closed rewriter")

// Write takes the next piece. It keeps no part of p. An error of the
// destination is returned at once and by every later call.
func (rw *Rewriter) Write(p []byte) (int, error) {
	if rw.err != nil {
		return 0, rw.err
	}
	rw.buf = append(rw.buf, p...)
	if len(rw.buf) >= rw.enough {
		rw.tokens(false)
	}
	if rw.err != nil {
		return 0, rw.err
	}
	return len(p), nil
}

// Close walks what is left, as the end of the document. It does not close the
// destination. A second Close returns an error.
func (rw *Rewriter) Close() error {
	if rw.err != nil {
		return rw.err
	}
	rw.tokens(true)
	if rw.err == nil {
		rw.err = errClosed
		return nil
	}
	return rw.err
}

// Summary says what was found so far.
func (rw *Rewriter) Summary() Summary { return rw.w.sum }

// tokens walks and writes every whole token there is.
func (rw *Rewriter) tokens(final bool) {
	lv := rw.w.lv
	lv.t = span{b: rw.buf, off: rw.off}
	lv.sc.b, lv.sc.pos, lv.sc.final = rw.buf, 0, final
	done, sent := 0, 0
	for rw.err == nil {
		owner, raw := lv.raw, lv.sc.raw
		ok := rw.w.step()
		if !ok && len(rw.buf)-done > MaxToken {
			rw.w.sum.Cut++
			lv.sc.final = true
			ok = rw.w.step()
			lv.sc.final = final
			if raw != "" {
				lv.raw, lv.sc.raw = owner, raw // more of it comes
			}
		}
		if !ok {
			break
		}
		if len(rw.edits) > 0 {
			rw.put(sent, lv.sc.pos)
			sent = lv.sc.pos
		}
		done = lv.sc.pos
	}
	if sent < done && rw.err == nil {
		_, rw.err = rw.dst.Write(rw.buf[sent:done])
	}
	rest := len(rw.buf) - done
	rw.off += done
	rw.buf = append(rw.buf[:0], rw.buf[done:]...)
	// A long token is looked at again only once it has grown by half, so that
	// all looks together take linear time.
	rw.enough = rest + rest/2
}

// put writes buf[start:end] with the edits in it.
func (rw *Rewriter) put(start, end int) {
	edits := settle(rw.edits)
	for i := range edits {
		edits[i].Range.Start -= rw.off + start
		edits[i].Range.End -= rw.off + start
	}
	_, rw.err = rw.dst.Write(Apply(rw.buf[start:end], edits))
	rw.edits = rw.edits[:0]
}

// NewReader gives r's document with decide's edits, as a Rewriter makes them.
// An error of r is passed on after what came before it.
func NewReader(r io.Reader, o Options, decide func(*Ref) Action) io.Reader {
	rd := &reader{src: r}
	rd.rw = NewRewriter(&rd.out, o, decide)
	return rd
}

type reader struct {
	src   io.Reader
	rw    *Rewriter
	out   bytes.Buffer
	chunk []byte
	err   error
}

// chunkSize is how much is read at once.
const chunkSize = 16 << 10

func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if r.chunk == nil {
		r.chunk = make([]byte, chunkSize)
	}
	for r.out.Len() == 0 {
		if r.err != nil {
			return 0, r.err
		}
		var n int
		n, r.err = r.src.Read(r.chunk)
		r.rw.Write(r.chunk[:n]) // a bytes.Buffer never fails
		if r.err != nil {
			r.rw.Close()
		}
	}
	return r.out.Read(p)
}
