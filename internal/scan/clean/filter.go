package clean

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/source"
)

// MaxFiltered is the longest mail that Filter changes; a longer one passes as
// it is.
const MaxFiltered = source.MaxHeld

// ErrUnclean is wrapped where a mail was passed on, but not as clean as asked.
var ErrUnclean = errors.New("some of what should be inert is still active")

// Filter copies one mail from in to out, clean if that is possible and
// unchanged if anything goes wrong; make gives the Scanner, whose Cleaning is
// set, and may fail too. Whatever was read of in is written to out, so that the
// mail is never lost: the first error says why it was not cleaned, or wraps
// ErrUnclean if it was cleaned in part, the second
// that it could not be passed on. If ctx ends while the mail is still coming,
// nothing is written and the second error is ctx's.
func Filter(ctx context.Context, in io.Reader, out io.Writer, make func() (*scan.Scanner, error)) (why, lost error) {
	in = source.Patient(ctx, in)
	raw, rerr := io.ReadAll(io.LimitReader(in, MaxFiltered+1))
	text := raw
	switch {
	case rerr != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	case rerr != nil:
		why = fmt.Errorf("read the mail: %w", rerr)
	case len(raw) == 0: // nothing to pass on
	case len(raw) > MaxFiltered:
		why = fmt.Errorf("the mail is longer than %d bytes", int64(MaxFiltered))
	default:
		text, why = cleaned(context.WithoutCancel(ctx), raw, make)
	}
	if _, err := out.Write(text); err != nil {
		return why, fmt.Errorf("pass the mail on: %w", err)
	}
	if rerr == nil && len(raw) > MaxFiltered {
		if _, err := io.Copy(out, in); err != nil {
			return why, fmt.Errorf("pass the mail on: %w", err)
		}
	}
	return why, nil
}

// cleaned gives raw clean, or raw itself with the reason.
func cleaned(ctx context.Context, raw []byte, make func() (*scan.Scanner, error)) (out []byte, why error) {
	out = raw
	defer func() {
		if fault := recover(); fault != nil {
			out, why = raw, fmt.Errorf("a fault in Quench: %v", fault)
		}
	}()
	s, err := make()
	if err != nil {
		return raw, err
	}
	var edits []markup.Edit
	for m, err := range source.Open(ctx, []string{"-"}, source.Options{Stdin: bytes.NewReader(raw)}) {
		switch {
		case err != nil:
			return raw, err
		case m.Compressed || m.Kind == source.HAR:
			return raw, fmt.Errorf("this is no mail")
		}
		r := s.Message(m)
		if r.Stack != "" {
			return raw, fmt.Errorf("scan the mail: %s", r.Unread[0])
		}
		if !r.Clean.Whole() {
			why = fmt.Errorf("%w: %s", ErrUnclean, r.Clean.Words())
		}
		for _, e := range r.Clean.Edits {
			e.Range.Start += int(m.Offset)
			e.Range.End += int(m.Offset)
			edits = append(edits, e)
		}
	}
	return markup.Apply(raw, edits), why
}
