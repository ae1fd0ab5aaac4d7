package control

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/quench-proxy/quench/internal/memory"
)

func (BrowseRequest) check() error { return nil }

func (s *Server) status(w http.ResponseWriter, _ *http.Request) error {
	if s.Service.Status == nil {
		return errNotHere
	}
	st := s.Service.Status()
	st.Schema = Schema
	return answer(w, st)
}

func (s *Server) metrics(w http.ResponseWriter, r *http.Request) error {
	if s.Service.Metrics == nil {
		return errNotHere
	}
	s.Service.Metrics.ServeHTTP(w, r)
	return nil
}

func (s *Server) events(w http.ResponseWriter, r *http.Request) error {
	if s.Service.Events == nil {
		return errNotHere
	}
	q, err := ParseQuery(r.URL.Query())
	if err != nil {
		return &BadRequest{err}
	}
	out := lines(w, false)
	return out.fail(s.Service.Events(r.Context(), q, out.write))
}

func (s *Server) follow(w http.ResponseWriter, r *http.Request) error {
	if s.Service.Follow == nil {
		return errNotHere
	}
	q, err := ParseQuery(r.URL.Query())
	if err != nil {
		return &BadRequest{err}
	}
	out := lines(w, true)
	_ = out.rc.SetReadDeadline(time.Time{}) // the stream outlives ReadTimeout
	w.WriteHeader(http.StatusOK)
	out.started = true
	if err := out.rc.Flush(); err != nil { // the caller sees that it is heard
		return nil // the caller is gone
	}
	err = s.Service.Follow(r.Context(), q, out.write)
	if r.Context().Err() != nil {
		return nil
	}
	return out.fail(err)
}

func (s *Server) erase(w http.ResponseWriter, r *http.Request) error {
	if s.Service.Erase == nil {
		return errNotHere
	}
	var e Erase
	if err := decode(r, &e); err != nil {
		return err
	}
	n, err := s.Service.Erase(r.Context(), e)
	if err != nil {
		return err
	}
	return answer(w, countJSON{Schema, n})
}

type countJSON struct {
	Schema int   `json:"schema"`
	Count  int64 `json:"count"`
}

type allowsJSON struct {
	Schema int            `json:"schema"`
	Allows []memory.Allow `json:"allows"`
}

func (s *Server) allows(w http.ResponseWriter, _ *http.Request) error {
	if s.Service.Allows == nil {
		return errNotHere
	}
	list := s.Service.Allows()
	if list == nil {
		list = []memory.Allow{}
	}
	return answer(w, allowsJSON{Schema, list})
}

type allowJSON struct {
	Schema int          `json:"schema"`
	Allow  memory.Allow `json:"allow"`
}

func (s *Server) allow(w http.ResponseWriter, r *http.Request) error {
	if s.Service.Allow == nil {
		return errNotHere
	}
	var a AllowRequest
	if err := decode(r, &a); err != nil {
		return err
	}
	got, err := s.Service.Allow(a)
	if err != nil {
		return &BadRequest{err}
	}
	return answer(w, allowJSON{Schema, got})
}

func (s *Server) removeAllow(w http.ResponseWriter, r *http.Request) error {
	if s.Service.RemoveAllow == nil {
		return errNotHere
	}
	var rr RemoveRequest
	if err := decode(r, &rr); err != nil {
		return err
	}
	n, err := s.Service.RemoveAllow(rr)
	if err != nil {
		return err
	}
	return answer(w, countJSON{Schema, int64(n)})
}

type browseJSON struct {
	Schema  int    `json:"schema"`
	Address string `json:"address"`
}

// browse says the address of a listener and keeps it until the caller goes.
func (s *Server) browse(w http.ResponseWriter, r *http.Request) error {
	if s.Service.Browse == nil {
		return errNotHere
	}
	var b BrowseRequest
	if err := decode(r, &b); err != nil {
		return err
	}
	addr, release, err := s.Service.Browse(r.Context(), b)
	if err != nil {
		return err
	}
	defer release()
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{})
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(browseJSON{Schema, addr}); err != nil {
		return nil // the caller is gone
	}
	if rc.Flush() == nil {
		<-r.Context().Done()
	}
	return nil
}

func (s *Server) reload(w http.ResponseWriter, r *http.Request) error {
	if s.Service.Reload == nil {
		return errNotHere
	}
	if err := s.Service.Reload(r.Context()); err != nil {
		return &BadRequest{err}
	}
	return answer(w, countJSON{Schema, 1})
}

func (s *Server) resetTrust(w http.ResponseWriter, _ *http.Request) error {
	if s.Service.ResetTrust == nil {
		return errNotHere
	}
	if err := s.Service.ResetTrust(); err != nil {
		return err
	}
	return answer(w, countJSON{Schema, 1})
}

type doctorJSON struct {
	Schema int     `json:"schema"`
	Checks []Check `json:"checks"`
}

func (s *Server) doctor(w http.ResponseWriter, r *http.Request) error {
	if s.Service.Doctor == nil {
		return errNotHere
	}
	return answer(w, doctorJSON{Schema, s.Service.Doctor(r.Context())})
}
