package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/memory"
)

// closeTime is how long requests may finish after the end was asked for.
const closeTime = 2 * time.Second

// Server answers on the control socket.
type Server struct {
	Service Service
	Log     *slog.Logger // nil discards
}

// Serve answers on ln until the context ends, which is not an error, or ln
// fails. It closes ln. When it returns no request is being answered any more.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var busy sync.WaitGroup
	mux := s.routes()
	srv := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			busy.Add(1)
			defer busy.Done()
			mux.ServeHTTP(w, r)
		}),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.log().Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(netutil.LimitListener(ln, maxConns)) }()
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
	}
	cancel() // ends the streams
	end, done := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer done()
	if srv.Shutdown(end) != nil {
		_ = srv.Close()
	}
	if err == nil {
		<-served
	}
	busy.Wait()
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("control: serve: %w", err)
	}
	return nil
}

func (s *Server) log() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}

// handler answers a request; an error becomes a JSON error.
type handler func(w http.ResponseWriter, r *http.Request) error

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range map[string]handler{
		"GET /v1/status":        s.status,
		"GET /v1/events":        s.events,
		"GET /v1/events/follow": s.follow,
		"POST /v1/events/erase": s.erase,
		"GET /v1/allows":        s.allows,
		"POST /v1/allows":       s.allow,
		"DELETE /v1/allows":     s.removeAllow,
		"GET /v1/pauses":        s.pauses,
		"POST /v1/pauses":       s.pause,
		"DELETE /v1/pauses":     s.resume,
		"POST /v1/browse":       s.browse,
		"POST /v1/reload":       s.reload,
		"POST /v1/trust/reset":  s.resetTrust,
		"GET /v1/doctor":        s.doctor,
		"GET /v1/metrics":       s.metrics,
		"GET /v1/lists":         s.lists,
		"POST /v1/lists":        s.addList,
		"DELETE /v1/lists":      s.removeList,
		"POST /v1/lists/update": s.updateLists,
	} {
		mux.Handle(pattern, h)
	}
	mux.Handle("/", handler(func(_ http.ResponseWriter, r *http.Request) error {
		return &httpError{http.StatusNotFound, fmt.Errorf("no %s %.100s in this version", r.Method, r.URL.Path)}
	}))
	return mux
}

// ServeHTTP answers and turns an error into its JSON.
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	err := h(w, r)
	if err == nil || r.Context().Err() != nil {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(statusOf(err))
	_ = json.NewEncoder(w).Encode(errorJSON{Schema, err.Error()})
}

type errorJSON struct {
	Schema int    `json:"schema"`
	Error  string `json:"error"`
}

type httpError struct {
	status int
	err    error
}

func (e *httpError) Error() string { return e.err.Error() }

func statusOf(err error) int {
	var he *httpError
	var bad *BadRequest
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &he):
		return he.status
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge
	case errors.As(err, &bad):
		return http.StatusBadRequest
	case errors.Is(err, memory.ErrNoAllow):
		return http.StatusNotFound
	}
	return http.StatusInternalServerError
}

var errNotHere = &httpError{http.StatusNotImplemented, errors.New("this service cannot do that")}

// decode reads a JSON body into out; an empty body leaves it as it is.
func decode(r *http.Request, out interface{ check() error }) error {
	if t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t != "application/json" {
		return &httpError{http.StatusUnsupportedMediaType, errors.New("the body must be application/json")}
	}
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(out); err != nil && !errors.Is(err, io.EOF) {
		return &BadRequest{fmt.Errorf("read the request: %w", err)}
	}
	if err := dec.Decode(new(json.RawMessage)); !errors.Is(err, io.EOF) {
		if large := new(http.MaxBytesError); errors.As(err, &large) {
			return err
		}
		return &BadRequest{errors.New("read the request: more than one value in the body")}
	}
	if err := out.check(); err != nil {
		return &BadRequest{err}
	}
	return nil
}

func answer(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(v)
}

// lineWriter writes one JSON value a line. With flush each leaves at once.
type lineWriter struct {
	enc     *json.Encoder
	rc      *http.ResponseController
	flush   bool
	started bool
}

func lines(w http.ResponseWriter, flush bool) *lineWriter {
	w.Header().Set("Content-Type", "application/x-ndjson")
	return &lineWriter{enc: json.NewEncoder(w), rc: http.NewResponseController(w), flush: flush}
}

func (l *lineWriter) write(e ledger.Event) error {
	l.started = true
	if err := l.enc.Encode(e); err != nil || !l.flush {
		return err
	}
	return l.rc.Flush()
}

// fail returns err if it can still be answered. When part of the stream is out
// a broken stream is what is left to say it.
func (l *lineWriter) fail(err error) error {
	if err != nil && l.started {
		panic(http.ErrAbortHandler)
	}
	return err
}
