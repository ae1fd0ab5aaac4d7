package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quench-proxy/quench/internal/lists"
)

func TestListsRoundTrip(t *testing.T) {
	t.Parallel()
	var asked []string
	dir, _ := serve(t, Service{Lists: ListService{
		All: func(faults bool) ([]lists.Status, error) {
			st := lists.Status{Name: "a", On: true, Number: 1, Have: true, Rules: 5}
			if faults {
				st.Lines = []lists.Fault{{Line: 3, Reason: "odd"}}
			}
			return []lists.Status{st}, nil
		},
		Add: func(_ context.Context, l string, told func(lists.Progress)) error {
			asked = append(asked, "add "+l)
			told(lists.Progress{List: l, State: lists.Fetching, Total: -1})
			switch l {
			case "later":
				told(lists.Progress{List: l, State: lists.Failed, Error: "no network"})
				return &lists.LaterError{Err: errors.New("no network")}
			case "bad":
				return errors.New("it is a web page")
			}
			told(lists.Progress{List: l, State: lists.Updated, Rules: 9})
			return nil
		},
		Remove: func(_ context.Context, l string) (string, error) {
			if l == "conf" {
				return "", fmt.Errorf("conf: %w", lists.ErrConfigured)
			}
			if l != "a" {
				return "", fmt.Errorf("%w: %s", lists.ErrNoList, l)
			}
			return "a", nil
		},
		Update: func(_ context.Context, r UpdateRequest, told func(lists.Progress)) error {
			asked = append(asked, fmt.Sprint("update ", r.Lists, r.Force))
			for i := range 1000 {
				told(lists.Progress{List: "a", State: lists.Fetching, Done: int64(i + 1), Total: 1000})
			}
			told(lists.Progress{List: "a", State: lists.Unchanged, Rules: 5})
			return nil
		},
	}})
	c, ctx := NewClient(dir), t.Context()
	all, err := c.Lists(ctx, true)
	want := []lists.Status{{Name: "a", On: true, Number: 1, Have: true, Rules: 5, Lines: []lists.Fault{{Line: 3, Reason: "odd"}}}}
	if diff := cmp.Diff(want, all); diff != "" || err != nil {
		t.Errorf("Lists: %v\n%s", err, diff)
	}
	if all, err := c.Lists(ctx, false); err != nil || all[0].Lines != nil {
		t.Errorf("Lists without faults: %+v, %v", all, err)
	}
	var told []lists.Progress
	hear := func(p lists.Progress) { told = append(told, p) }
	if err := c.AddList(ctx, "a", hear); err != nil {
		t.Error(err)
	}
	var later *lists.LaterError
	if err := c.AddList(ctx, "later", hear); !errors.As(err, &later) || later.Err.Error() != "no network" {
		t.Errorf("AddList: %v, want a LaterError", err)
	}
	wantTold := []lists.Progress{
		{List: "a", State: "fetching", Total: -1}, {List: "a", State: "updated", Rules: 9},
		{List: "later", State: "fetching", Total: -1}, {List: "later", State: "failed", Error: "no network"},
	}
	if diff := cmp.Diff(wantTold, told); diff != "" {
		t.Errorf("progress:\n%s", diff)
	}
	var api *APIError
	if err := c.AddList(ctx, "bad", hear); !errors.As(err, &api) || api.Text != "it is a web page" {
		t.Errorf("AddList: %v", err)
	}
	told = nil
	if err := c.UpdateLists(ctx, UpdateRequest{Lists: []string{"a"}, Force: true}, hear); err != nil {
		t.Error(err)
	}
	if n := len(told); n < 2 || n > 100 || told[n-1].State != lists.Unchanged {
		t.Errorf("%d lines of progress, the last %+v", n, told[n-1])
	}
	if name, err := c.RemoveList(ctx, "a"); err != nil || name != "a" {
		t.Errorf("RemoveList = %q, %v", name, err)
	}
	if _, err := c.RemoveList(ctx, "b"); !errors.As(err, &api) || api.Status != http.StatusNotFound {
		t.Errorf("RemoveList of what is not on: %v", err)
	}
	if _, err := c.RemoveList(ctx, "conf"); !errors.As(err, &api) || api.Status != http.StatusBadRequest {
		t.Errorf("RemoveList of what is configured: %v", err)
	}
	if want := "add a, add later, add bad, update [a] true"; strings.Join(asked, ", ") != want {
		t.Errorf("asked %v, want %s", asked, want)
	}
}

func TestListErrors(t *testing.T) {
	t.Parallel()
	never := func(context.Context, string, func(lists.Progress)) error { return errors.New("called") }
	s := &Server{Service: Service{Lists: ListService{
		All: func(bool) ([]lists.Status, error) { return nil, nil }, Add: never,
		Update: func(_ context.Context, _ UpdateRequest, _ func(lists.Progress)) error {
			return fmt.Errorf("%w: x", lists.ErrNoList)
		},
	}}}
	long := strings.Repeat("x", maxListWord+1)
	many := `{"lists":[` + strings.TrimSuffix(strings.Repeat(`"a",`, lists.MaxLists+1), ",") + `]}`
	tests := []struct {
		method, path, body string
		want               int
	}{
		{"GET", "/v1/lists?faults=yes", "", 400},
		{"GET", "/v1/lists?fault=true", "", 400},
		{"POST", "/v1/lists", `{}`, 400},
		{"POST", "/v1/lists", `{"list":"` + long + `"}`, 400},
		{"POST", "/v1/lists", `{"list":"a","lists":[]}`, 400},
		{"DELETE", "/v1/lists", `{"list":"a"}`, 501},
		{"POST", "/v1/lists/update", many, 400},
		{"POST", "/v1/lists/update", `{"lists":[""]}`, 400},
		{"POST", "/v1/lists/update", `{"lists":["x"]}`, 404},
	}
	for _, test := range tests {
		r := httptest.NewRequest(test.method, test.path, strings.NewReader(test.body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.routes().ServeHTTP(w, r)
		var e errorJSON
		if w.Code != test.want || json.Unmarshal(w.Body.Bytes(), &e) != nil || e.Error == "" || e.Error == "called" {
			t.Errorf("%s %s %.40s: %d %.200s, want %d", test.method, test.path, test.body, w.Code, w.Body, test.want)
		}
	}
}

// TestUpdateEndsWithTheCaller hangs up in the middle of an update.
func TestUpdateEndsWithTheCaller(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	dir, _ := serve(t, Service{Lists: ListService{
		Update: func(ctx context.Context, _ UpdateRequest, told func(lists.Progress)) error {
			told(lists.Progress{List: "a", State: lists.Fetching})
			<-ctx.Done()
			ended <- ctx.Err()
			return ctx.Err()
		},
	}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := NewClient(dir).UpdateLists(ctx, UpdateRequest{}, func(lists.Progress) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("UpdateLists: %v, want %v", err, context.Canceled)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the update ended with %v", err)
	}
}
