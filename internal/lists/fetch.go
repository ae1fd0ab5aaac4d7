package lists

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"
)

const (
	// DefaultMaxSize is the largest list that is kept, decoded, with all that it
	// includes. The largest public ones have some 30 MB.
	DefaultMaxSize = 64 << 20
	// maxRedirects is how often a list may have moved.
	maxRedirects = 5
	// maxValidator is the longest ETag that is kept.
	maxValidator = 1 << 10
	// tries is how often a list is asked for before the next regular time.
	tries = 3
	// maxRetryAfter is the longest that a server may have us wait between them.
	maxRetryAfter = time.Minute
	// userAgent names the program; its version would tell people apart.
	userAgent = "Quench"
)

// fetcher asks servers for lists.
type fetcher struct {
	client  *http.Client
	maxSize int64
	// total bounds one answer, stall the time without a byte of it, wait is the
	// first pause before asking again.
	total, stall, wait time.Duration
}

// newFetcher takes its transport from client; cookies and redirects are ours.
func newFetcher(client *http.Client, maxSize int64) *fetcher {
	if client == nil {
		return nil
	}
	f := &fetcher{maxSize: maxSize, total: 10 * time.Minute, stall: 30 * time.Second, wait: time.Second}
	f.client = &http.Client{Transport: client.Transport, CheckRedirect: checkRedirect}
	return f
}

// checkRedirect lets a list move, but not from https to http, nor from elsewhere
// into one's own network, nor without end.
func checkRedirect(r *http.Request, via []*http.Request) error {
	switch {
	case len(via) > maxRedirects:
		return &movedError{fmt.Errorf("it moved more than %d times", maxRedirects)}
	case via[0].URL.Scheme == "https" && r.URL.Scheme != "https":
		return &movedError{fmt.Errorf("it moved from https to %.20q", r.URL.Scheme)}
	case near(r.URL.Hostname()) && !near(via[0].URL.Hostname()):
		return &movedError{fmt.Errorf("it moved to %s, which is on one's own network", r.URL.Hostname())}
	}
	if err := checkURL(r.URL); err != nil {
		return &movedError{fmt.Errorf("it moved to where no list may come from: %w", err)}
	}
	r.Header.Del("Referer")
	return nil
}

// movedError is a move that is not followed: to ask again does not help.
type movedError struct{ err error }

func (e *movedError) Error() string { return e.err.Error() }
func (e *movedError) Unwrap() error { return e.err }

// asked is what a server said.
type asked struct {
	unchanged bool
	part      part   // its File is not set
	tmp       string // where the text is, unless unchanged
}

// fetchError is a failure with what to do about it.
type fetchError struct {
	err       error
	temporary bool
	gone      bool          // the server says that there is no such thing
	after     time.Duration // the server's wish, 0 for none
}

func (e *fetchError) Error() string { return e.err.Error() }
func (e *fetchError) Unwrap() error { return e.err }

// temporary reports whether asking again later may help.
func temporary(err error) bool {
	var f *fetchError
	return errors.As(err, &f) && f.temporary
}

func isGone(err error) bool {
	var f *fetchError
	return errors.As(err, &f) && f.gone
}

// get asks for a URL, again after a while if that may help. The text is written
// to a file in dir, which is the caller's; told hears how far it is. old is what
// is kept of this URL, or nil.
func (f *fetcher) get(ctx context.Context, addr string, old *part, dir string, told func(done, total int64)) (asked, error) {
	for n := 1; ; n++ {
		got, err := f.once(ctx, addr, old, dir, told)
		if err == nil || n == tries || ctx.Err() != nil || !temporary(err) {
			return got, err
		}
		pause := f.wait << (n - 1)
		pause += rand.N(pause/2 + 1)
		if fe := new(fetchError); errors.As(err, &fe) && fe.after > pause {
			if pause = fe.after; pause > maxRetryAfter {
				return got, err
			}
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return asked{}, ctx.Err()
		case <-t.C:
		}
	}
}

var (
	errSlow  = errors.New("it took too long")
	errStall = errors.New("the server fell silent")
)

func (f *fetcher) once(ctx context.Context, addr string, old *part, dir string, told func(done, total int64)) (asked, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer time.AfterFunc(f.total, func() { cancel(errSlow) }).Stop()
	quiet := time.AfterFunc(f.stall, func() { cancel(errStall) })
	defer quiet.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, addr, nil)
	if err != nil {
		return asked{}, errors.New("that is not a URL")
	}
	req.Header = http.Header{"User-Agent": {userAgent}, "Accept": {"text/plain, */*;q=0.5"}, "Accept-Encoding": {codings}}
	if old != nil && old.ETag != "" {
		req.Header.Set("If-None-Match", old.ETag)
	}
	if old != nil && old.Modified != "" {
		req.Header.Set("If-Modified-Since", old.Modified)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return asked{}, network(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotModified && old != nil {
		return asked{unchanged: true, part: *old}, nil
	}
	if resp.StatusCode != http.StatusOK {
		return asked{}, wrongStatus(resp)
	}
	got, err := f.receive(resp, dir, &watched{r: resp.Body, quiet: quiet, stall: f.stall, told: told, total: resp.ContentLength})
	if err != nil {
		return asked{}, network(ctx, err)
	}
	got.part.Addr = addr
	return got, nil
}

// network says what went wrong without the URL that net/http repeats.
func network(ctx context.Context, err error) error {
	var badList *BadListError
	var ue *url.Error
	switch {
	case errors.As(err, &badList), errors.Is(err, errTooLarge):
		return err
	case errors.Is(context.Cause(ctx), errSlow), errors.Is(context.Cause(ctx), errStall):
		return &fetchError{err: context.Cause(ctx), temporary: true}
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &ue):
		err = ue.Err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the answer broke off")
	}
	return &fetchError{err: err, temporary: !untrusted(err) && !errors.As(err, new(*movedError))}
}

func wrongStatus(resp *http.Response) error {
	code := resp.StatusCode
	e := &fetchError{err: fmt.Errorf("the server answered %d %s", code, http.StatusText(code))}
	e.temporary = code >= 500 || code == http.StatusTooManyRequests || code == http.StatusRequestTimeout
	e.gone = code == http.StatusNotFound || code == http.StatusGone
	if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && n > 0 {
		e.after = time.Duration(min(n, 24*3600)) * time.Second
	}
	return e
}

// watched counts the bytes of an answer and notices when none come.
type watched struct {
	r           io.Reader
	quiet       *time.Timer
	stall       time.Duration
	done, total int64
	told        func(done, total int64)
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if n > 0 {
		w.quiet.Reset(w.stall)
		w.done += int64(n)
		if w.told != nil {
			w.told(w.done, w.total)
		}
	}
	return n, err
}

// receive writes the text of an answer to a file and looks at it on the way.
func (f *fetcher) receive(resp *http.Response, dir string, body io.Reader) (got asked, err error) {
	if resp.ContentLength > f.maxSize {
		return got, f.tooLarge()
	}
	wire := &bounded{r: body, left: f.maxSize}
	text, release, err := decoded(wire, resp.Header.Get("Content-Encoding"))
	defer release()
	if err != nil {
		return got, err
	}
	got.tmp, got.part, err = spool(dir, &bounded{r: text, left: f.maxSize}, &inspector{})
	if err == nil {
		// What the decoder did not need tells whether all of it came.
		if _, err = io.Copy(io.Discard, wire); err != nil {
			_ = os.Remove(got.tmp)
		}
	}
	if errors.Is(err, errTooLarge) {
		return asked{}, f.tooLarge()
	}
	if v := resp.Header.Get("Etag"); len(v) <= maxValidator {
		got.part.ETag = v
	}
	if v := resp.Header.Get("Last-Modified"); v != "" {
		if _, perr := http.ParseTime(v); perr == nil {
			got.part.Modified = v
		}
	}
	return got, err
}

func (f *fetcher) tooLarge() error {
	return fmt.Errorf("%w: more than %d MB", errTooLarge, f.maxSize>>20)
}

// spool writes a text to a new file in dir and looks at it on the way. Nothing
// is left of one that fails.
func spool(dir string, r io.Reader, look *inspector) (path string, p part, err error) {
	file, err := os.CreateTemp(dir, tmpPrefix+"*")
	if err != nil {
		return "", part{}, fmt.Errorf("keep the list: %w", err)
	}
	defer func() {
		err = errors.Join(err, file.Close())
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(look, sum, file), r)
	if err == nil {
		err = look.end()
	}
	if err == nil {
		err = file.Sync()
	}
	return file.Name(), part{Size: n, Hash: hexSum(sum)}, err
}

func hexSum(h hash.Hash) string { return hexBytes(h.Sum(nil)) }

func hexBytes(b []byte) string { return hex.EncodeToString(b) }
