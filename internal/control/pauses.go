package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// MaxPause bounds how far ahead a pause may end: it is for a moment, and ends
// with the service.
const MaxPause = 7 * 24 * time.Hour

// Pause is a client for whom nothing is blocked until then. What passes is
// recorded all the same.
type Pause struct {
	// Client is the label of a client or of its group; "" is everybody.
	Client string    `json:"client,omitempty"`
	Until  time.Time `json:"until"`
}

// PauseRequest asks for a pause.
type PauseRequest struct {
	Client string `json:"client,omitempty"`
	// Seconds is how long, at least 1.
	Seconds int64 `json:"seconds"`
}

// ResumeRequest ends a client's pause, or with "" that of everybody.
type ResumeRequest struct {
	Client string `json:"client,omitempty"`
}

// PauseService is what the API does with pauses. A nil function answers 501.
type PauseService struct {
	List func() []Pause
	// Add begins a pause, or gives one that has begun another end.
	Add func(PauseRequest) (Pause, error)
	// End reports whether there was one.
	End func(client string) bool
}

func (r PauseRequest) check() error {
	if r.Seconds < 1 || r.Seconds > int64(MaxPause/time.Second) {
		return fmt.Errorf("seconds is not a number from 1 to %d", int64(MaxPause/time.Second))
	}
	return ResumeRequest{r.Client}.check()
}

func (r ResumeRequest) check() error {
	if len(r.Client) > maxName {
		return fmt.Errorf("client is longer than %d bytes", maxName)
	}
	return nil
}

type pausesJSON struct {
	Schema int     `json:"schema"`
	Pauses []Pause `json:"pauses"`
}

type pauseJSON struct {
	Schema int   `json:"schema"`
	Pause  Pause `json:"pause"`
}

func (s *Server) pauses(w http.ResponseWriter, _ *http.Request) error {
	if s.Service.Pauses.List == nil {
		return errNotHere
	}
	list := s.Service.Pauses.List()
	if list == nil {
		list = []Pause{}
	}
	return answer(w, pausesJSON{Schema, list})
}

func (s *Server) pause(w http.ResponseWriter, r *http.Request) error {
	if s.Service.Pauses.Add == nil {
		return errNotHere
	}
	var q PauseRequest
	if err := decode(r, &q); err != nil {
		return err
	}
	got, err := s.Service.Pauses.Add(q)
	if err != nil {
		return &BadRequest{err}
	}
	return answer(w, pauseJSON{Schema, got})
}

func (s *Server) resume(w http.ResponseWriter, r *http.Request) error {
	if s.Service.Pauses.End == nil {
		return errNotHere
	}
	var q ResumeRequest
	if err := decode(r, &q); err != nil {
		return err
	}
	if !s.Service.Pauses.End(q.Client) {
		return &httpError{http.StatusNotFound, errors.New("there is no such pause")}
	}
	return answer(w, countJSON{Schema, 1})
}

// Pauses lists what is paused.
func (c *Client) Pauses(ctx context.Context) ([]Pause, error) {
	var l pausesJSON
	return l.Pauses, c.ask(ctx, http.MethodGet, "/v1/pauses", nil, &l)
}

// Pause begins a pause and returns it as it is kept.
func (c *Client) Pause(ctx context.Context, r PauseRequest) (Pause, error) {
	var p pauseJSON
	err := c.ask(ctx, http.MethodPost, "/v1/pauses", r, &p)
	return p.Pause, err
}

// Resume ends a pause.
func (c *Client) Resume(ctx context.Context, r ResumeRequest) error {
	return c.ask(ctx, http.MethodDelete, "/v1/pauses", r, nil)
}
