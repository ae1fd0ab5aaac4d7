package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/memory"
)

const (
	maxAnswer = 4 << 20 // an answer that is not a stream
	maxEvent  = 1 << 20 // one line of a stream
	// askTime bounds a question that is not a stream.
	askTime = 30 * time.Second
)

// ErrNotRunning says that no service answers for the data directory.
var ErrNotRunning = errors.New("no quench is running with this data directory")

// APIError is an error that the service answered.
type APIError struct {
	Status int // of HTTP
	Text   string
}

// Error gives the service's own words.
func (e *APIError) Error() string { return e.Text }

// Client asks the service that owns a data directory. Every method's error
// wraps ErrNotRunning if there is none, and is an *APIError if the service
// refused. It is safe for concurrent use.
type Client struct{ http *http.Client }

// NewClient returns a client for the service of a data directory. It does not
// connect yet.
func NewClient(dir string) *Client {
	path := filepath.Join(dir, SocketName)
	dialer := &net.Dialer{Timeout: dialTime}
	return &Client{http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, "unix", path)
			if err != nil {
				return nil, fmt.Errorf("%w (%w)", ErrNotRunning, err)
			}
			return c, nil
		},
		DisableKeepAlives:      true, // nothing is left open when a command ends
		MaxResponseHeaderBytes: maxHeader,
	}}}
}

// Status asks for the state of the service.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var st Status
	return st, c.ask(ctx, http.MethodGet, "/v1/status", nil, &st)
}

// Events calls yield for each stored event that q selects, oldest first.
func (c *Client) Events(ctx context.Context, q Query, yield func(ledger.Event) error) error {
	return c.stream(ctx, "/v1/events?"+q.Values().Encode(), yield)
}

// Follow calls yield for each new event that q selects, until the context or
// the service ends; neither is an error.
func (c *Client) Follow(ctx context.Context, q Query, yield func(ledger.Event) error) error {
	err := c.stream(ctx, "/v1/events/follow?"+q.Values().Encode(), yield)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Erase erases events and returns how many.
func (c *Client) Erase(ctx context.Context, e Erase) (int64, error) {
	var n countJSON
	err := c.ask(ctx, http.MethodPost, "/v1/events/erase", e, &n)
	return n.Count, err
}

// Allows lists the allows in force.
func (c *Client) Allows(ctx context.Context) ([]memory.Allow, error) {
	var l allowsJSON
	return l.Allows, c.ask(ctx, http.MethodGet, "/v1/allows", nil, &l)
}

// Allow adds an allow and returns it as it is kept.
func (c *Client) Allow(ctx context.Context, r AllowRequest) (memory.Allow, error) {
	var a allowJSON
	err := c.ask(ctx, http.MethodPost, "/v1/allows", r, &a)
	return a.Allow, err
}

// RemoveAllow removes allows and returns how many.
func (c *Client) RemoveAllow(ctx context.Context, r RemoveRequest) (int, error) {
	var n countJSON
	err := c.ask(ctx, http.MethodDelete, "/v1/allows", r, &n)
	return int(n.Count), err
}

// Reload makes the service read its configuration and rules again.
func (c *Client) Reload(ctx context.Context) error {
	return c.ask(ctx, http.MethodPost, "/v1/reload", nil, nil)
}

// ResetTrust makes the service forget which clients trust our certificates.
func (c *Client) ResetTrust(ctx context.Context) error {
	return c.ask(ctx, http.MethodPost, "/v1/trust/reset", nil, nil)
}

// Doctor asks the service how it is.
func (c *Client) Doctor(ctx context.Context) ([]Check, error) {
	var d doctorJSON
	return d.Checks, c.ask(ctx, http.MethodGet, "/v1/doctor", nil, &d)
}

// Lease is a listener that the service keeps for the caller.
type Lease struct {
	Address string
	// Lost is closed when the service gave the listener up.
	Lost <-chan struct{}

	cancel context.CancelFunc
}

// Release gives the listener back. Releasing twice is harmless.
func (l *Lease) Release() {
	l.cancel()
	<-l.Lost
}

// Browse asks for a listener that intercepts always. It is the caller's until
// Release, the end of ctx, or the end of the service.
func (c *Client) Browse(ctx context.Context, r BrowseRequest) (*Lease, error) {
	ctx, cancel := context.WithCancel(ctx)
	resp, err := c.do(ctx, http.MethodPost, "/v1/browse", r)
	if err != nil {
		cancel()
		return nil, err
	}
	in := bufio.NewReader(io.LimitReader(resp.Body, maxHeader))
	line, err := in.ReadBytes('\n')
	var b browseJSON
	if err == nil {
		err = json.Unmarshal(line, &b)
	}
	if err != nil {
		cancel()
		resp.Body.Close()
		return nil, fmt.Errorf("control: read the answer: %w", err)
	}
	lost := make(chan struct{})
	go func() {
		defer close(lost)
		defer cancel()
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, in) // ends with the service or the lease
	}()
	return &Lease{Address: b.Address, Lost: lost, cancel: cancel}, nil
}

func (c *Client) do(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var in io.Reader
	if body == nil && method != http.MethodGet {
		body = struct{}{}
	}
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("control: %w", err)
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://quench"+path, in)
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		var e errorJSON
		data, _ := io.ReadAll(io.LimitReader(resp.Body, maxBody))
		if json.Unmarshal(data, &e) != nil || e.Error == "" {
			e.Error = resp.Status
		}
		return nil, &APIError{Status: resp.StatusCode, Text: e.Error}
	}
	return resp, nil
}

func (c *Client) ask(ctx context.Context, method, path string, body, out any) error {
	return c.askUpTo(ctx, maxAnswer, method, path, body, out)
}

// askUpTo asks for an answer of at most limit bytes.
func (c *Client) askUpTo(ctx context.Context, limit int64, method, path string, body, out any) error {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	resp, err := c.do(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return fmt.Errorf("control: read the answer: %w", err)
	case int64(len(data)) > limit:
		return fmt.Errorf("control: the answer is larger than %d bytes", limit)
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("control: read the answer: %w", err)
	}
	return nil
}

func (c *Client) stream(ctx context.Context, path string, yield func(ledger.Event) error) error {
	resp, err := c.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxEvent)
	for lines.Scan() {
		var e ledger.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("control: read an event: %w", err)
		}
		if err := yield(e); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("control: read events: %w", err)
	}
	return nil
}
