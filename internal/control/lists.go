package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/quench-proxy/quench/internal/lists"
)

const (
	// maxListWord bounds what names a list: a path or URL.
	maxListWord = 4096
	// progressEvery is the least time between two lines about one download.
	progressEvery = 100 * time.Millisecond
	// maxListsAnswer bounds the answer with all lines that did not compile.
	maxListsAnswer = 32 << 20
)

// ListRequest names a list: a name, a URL or an absolute path.
type ListRequest struct {
	List string `json:"list"`
}

// UpdateRequest chooses lists; none means all that are on.
type UpdateRequest struct {
	Lists []string `json:"lists,omitempty"`
	// Force takes a list even if it is suddenly much shorter.
	Force bool `json:"force,omitempty"`
}

func (r ListRequest) check() error {
	if r.List == "" || len(r.List) > maxListWord {
		return fmt.Errorf("list has not 1 to %d bytes", maxListWord)
	}
	return nil
}

func (r UpdateRequest) check() error {
	if len(r.Lists) > lists.MaxLists {
		return fmt.Errorf("more than %d lists", lists.MaxLists)
	}
	for _, l := range r.Lists {
		if err := (ListRequest{l}).check(); err != nil {
			return err
		}
	}
	return nil
}

// ListService is what the API does with lists. A nil function answers 501.
type ListService struct {
	// All says how the lists are, with the lines that did not compile if faults
	// is set.
	All func(faults bool) ([]lists.Status, error)
	// Add fetches a list and turns it on, Remove turns it off and returns its
	// name. Add's error is a *lists.LaterError if the list was added all the same.
	Add    func(ctx context.Context, list string, told func(lists.Progress)) error
	Remove func(ctx context.Context, list string) (string, error)
	Update func(ctx context.Context, r UpdateRequest, told func(lists.Progress)) error
}

type listsJSON struct {
	Schema int            `json:"schema"`
	Lists  []lists.Status `json:"lists"`
}

func (s *Server) lists(w http.ResponseWriter, r *http.Request) error {
	if s.Service.Lists.All == nil {
		return errNotHere
	}
	faults := false
	for name, v := range r.URL.Query() {
		if name != "faults" {
			return &BadRequest{unknownParam(name, []string{"faults"})}
		}
		if len(v) != 1 || v[0] != "true" && v[0] != "false" {
			return &BadRequest{errors.New("faults is neither true nor false")}
		}
		faults = v[0] == "true"
	}
	all, err := s.Service.Lists.All(faults)
	if err != nil {
		return err
	}
	return answer(w, listsJSON{Schema, all})
}

func (s *Server) addList(w http.ResponseWriter, r *http.Request) error {
	if s.Service.Lists.Add == nil {
		return errNotHere
	}
	var q ListRequest
	if err := decode(r, &q); err != nil {
		return err
	}
	return progress(w, func(told func(lists.Progress)) error {
		return s.Service.Lists.Add(r.Context(), q.List, told)
	})
}

func (s *Server) updateLists(w http.ResponseWriter, r *http.Request) error {
	if s.Service.Lists.Update == nil {
		return errNotHere
	}
	var q UpdateRequest
	if err := decode(r, &q); err != nil {
		return err
	}
	return progress(w, func(told func(lists.Progress)) error {
		return s.Service.Lists.Update(r.Context(), q, told)
	})
}

type removedJSON struct {
	Schema int    `json:"schema"`
	List   string `json:"list"`
}

func (s *Server) removeList(w http.ResponseWriter, r *http.Request) error {
	if s.Service.Lists.Remove == nil {
		return errNotHere
	}
	var q ListRequest
	if err := decode(r, &q); err != nil {
		return err
	}
	name, err := s.Service.Lists.Remove(r.Context(), q.List)
	switch {
	case errors.Is(err, lists.ErrNoList):
		return &httpError{http.StatusNotFound, err}
	case errors.Is(err, lists.ErrConfigured):
		return &BadRequest{err}
	case err != nil:
		return err
	}
	return answer(w, removedJSON{Schema, name})
}

// progressLine is one line of an answer that takes its time: how far it is, or
// at the end that it is over, and what went wrong.
type progressLine struct {
	Schema int `json:"schema"`
	*lists.Progress
	End   bool   `json:"end,omitempty"`
	Error string `json:"error,omitempty"`
	// Later: the list was added but could not be fetched yet.
	Later bool `json:"later,omitempty"`
}

// progress does something and says line by line how far it is. What goes wrong
// before the first line is answered as any error.
func progress(w http.ResponseWriter, do func(told func(lists.Progress)) error) error {
	rc := http.NewResponseController(w)
	enc := json.NewEncoder(w)
	started := false
	var last time.Time
	send := func(l progressLine) {
		if !started {
			started = true
			_ = rc.SetReadDeadline(time.Time{}) // it may take longer than ReadTimeout
			w.Header().Set("Content-Type", "application/x-ndjson")
		}
		_ = enc.Encode(l) // a caller that went ends the context
		_ = rc.Flush()
	}
	err := do(func(p lists.Progress) {
		now := time.Now()
		if p.State == lists.Fetching && p.Done > 0 && now.Sub(last) < progressEvery {
			return
		}
		last = now
		send(progressLine{Schema: Schema, Progress: &p, Error: p.Error})
	})
	if err != nil && !started {
		if errors.Is(err, lists.ErrNoList) {
			return &httpError{http.StatusNotFound, err}
		}
		return &BadRequest{err}
	}
	end := progressLine{Schema: Schema, End: true}
	if later := new(lists.LaterError); errors.As(err, &later) {
		end.Error, end.Later = later.Err.Error(), true
	} else if err != nil {
		end.Error = err.Error()
	}
	send(end)
	return nil
}

// Lists asks how the lists are, with the lines that did not compile if faults
// is set.
func (c *Client) Lists(ctx context.Context, faults bool) ([]lists.Status, error) {
	path := "/v1/lists"
	if faults {
		path += "?faults=true"
	}
	var l listsJSON
	return l.Lists, c.askUpTo(ctx, maxListsAnswer, http.MethodGet, path, nil, &l)
}

// AddList adds a list; told hears how far it is. The error is a
// *lists.LaterError if it was added but could not be fetched yet.
func (c *Client) AddList(ctx context.Context, list string, told func(lists.Progress)) error {
	return c.progress(ctx, "/v1/lists", ListRequest{list}, told)
}

// UpdateLists has lists fetched anew; told hears how far it is.
func (c *Client) UpdateLists(ctx context.Context, r UpdateRequest, told func(lists.Progress)) error {
	return c.progress(ctx, "/v1/lists/update", r, told)
}

// RemoveList removes a list that was added and returns its name.
func (c *Client) RemoveList(ctx context.Context, list string) (string, error) {
	var r removedJSON
	return r.List, c.ask(ctx, http.MethodDelete, "/v1/lists", ListRequest{list}, &r)
}

func (c *Client) progress(ctx context.Context, path string, body any, told func(lists.Progress)) error {
	resp, err := c.do(ctx, http.MethodPost, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	in := bufio.NewScanner(resp.Body)
	in.Buffer(nil, maxEvent)
	for in.Scan() {
		l := progressLine{Progress: &lists.Progress{}}
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			return fmt.Errorf("control: read the answer: %w", err)
		}
		switch {
		case !l.End:
			l.Progress.Error = l.Error
			told(*l.Progress)
		case l.Later:
			return &lists.LaterError{Err: &APIError{Status: http.StatusOK, Text: l.Error}}
		case l.Error != "":
			return &APIError{Status: http.StatusOK, Text: l.Error}
		default:
			return nil
		}
	}
	if err := in.Err(); err != nil {
		return fmt.Errorf("control: read the answer: %w", err)
	}
	return errors.New("control: the service ended before it was done")
}
