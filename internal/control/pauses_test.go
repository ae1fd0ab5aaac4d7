package control

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPauses(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var ended []string
	dir, _ := serve(t, Service{Pauses: PauseService{
		List: func() []Pause { return []Pause{{"", until}, {"kids", until}} },
		Add: func(r PauseRequest) (Pause, error) {
			if r.Client == "full" {
				return Pause{}, errors.New("too many clients are paused")
			}
			return Pause{r.Client, until.Add(time.Duration(r.Seconds) * time.Second)}, nil
		},
		End: func(client string) bool { ended = append(ended, client); return client != "nobody" },
	}})
	c := NewClient(dir)
	list, err := c.Pauses(t.Context())
	if d := cmp.Diff([]Pause{{"", until}, {"kids", until}}, list); d != "" || err != nil {
		t.Error(err, d)
	}
	got, err := c.Pause(t.Context(), PauseRequest{"kids", 900})
	if err != nil || got != (Pause{"kids", until.Add(15 * time.Minute)}) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, r := range []struct {
		PauseRequest
		want string
	}{{PauseRequest{"", 0}, "seconds"}, {PauseRequest{"", -1}, "seconds"}, {PauseRequest{"x", int64(MaxPause/time.Second) + 1}, "seconds"},
		{PauseRequest{strings.Repeat("x", maxName+1), 1}, "longer"}, {PauseRequest{"full", 1}, "too many"}} {
		if _, err := c.Pause(t.Context(), r.PauseRequest); err == nil || !strings.Contains(err.Error(), r.want) {
			t.Errorf("%+v: got %v, want %q", r.PauseRequest, err, r.want)
		}
	}
	if err := c.Resume(t.Context(), ResumeRequest{"kids"}); err != nil {
		t.Error(err)
	}
	var api *APIError
	if err := c.Resume(t.Context(), ResumeRequest{"nobody"}); !errors.As(err, &api) || api.Status != 404 {
		t.Errorf("got %v, want 404", err)
	}
	if d := cmp.Diff([]string{"kids", "nobody"}, ended); d != "" {
		t.Error(d)
	}
	bare, _ := serve(t, Service{})
	if _, err := NewClient(bare).Pauses(t.Context()); err == nil {
		t.Error("without pauses: no error")
	}
}
