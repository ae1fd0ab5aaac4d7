// Package origin is the site that benchmarks and soak runs load: on loopback,
// plain and with TLS, over HTTP/1.1 and HTTP/2, with bodies of known sizes.
package origin

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Addrs are the base URLs of an origin.
type Addrs struct {
	Plain string // http
	H1    string // https, HTTP/1.1 only
	H2    string // https, HTTP/2 or HTTP/1.1
}

// Site is a running origin.
type Site struct {
	addrs   Addrs
	servers []*http.Server
}

// StreamPause is how long /stream waits after its first chunk.
const StreamPause = 40 * time.Millisecond

// maxUpload bounds what /upload reads of one request.
const maxUpload = 64 << 20

// Handler answers /1k, /100k and /10m with that many bytes, /stream with a
// chunk at once and one after StreamPause, /upload with the number of bytes it
// was sent.
func Handler() http.Handler {
	mux := http.NewServeMux()
	for path, size := range map[string]int{"/1k": 1 << 10, "/100k": 100 << 10, "/10m": 10 << 20} {
		body := make([]byte, size)
		for i := range body {
			body[i] = "the quick brown fox jumps over the lazy dog\n"[i%44]
		}
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/octet-stream") // no proxy rewrites that
			w.Header().Set("Content-Length", strconv.Itoa(size))
			_, _ = w.Write(body)
		})
	}
	mux.HandleFunc("/stream", stream)
	mux.HandleFunc("/upload", func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxUpload))
		if err != nil {
			http.Error(w, "broken upload", http.StatusBadRequest)
			return
		}
		_, _ = io.WriteString(w, strconv.FormatInt(n, 10))
	})
	return mux
}

func stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, "data: first\n\n")
	if err := http.NewResponseController(w).Flush(); err != nil {
		return
	}
	select {
	case <-time.After(StreamPause):
	case <-r.Context().Done():
	}
	_, _ = io.WriteString(w, "data: last\n\n")
}

// Start serves on three ports of 127.0.0.1, under the name localhost.
func Start(f Files) (*Site, error) {
	cert, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, err
	}
	s := &Site{}
	for _, l := range []struct {
		url   *string
		proto []string
	}{{&s.addrs.Plain, nil}, {&s.addrs.H1, []string{"http/1.1"}}, {&s.addrs.H2, []string{"h2", "http/1.1"}}} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		_, port, _ := net.SplitHostPort(ln.Addr().String())
		srv := &http.Server{Handler: Handler(), ReadHeaderTimeout: 30 * time.Second}
		srv.Protocols = new(http.Protocols)
		srv.Protocols.SetHTTP1(true)
		srv.Protocols.SetHTTP2(len(l.proto) == 2)
		s.servers = append(s.servers, srv)
		if l.proto == nil {
			*l.url = "http://localhost:" + port
			go func() { _ = srv.Serve(ln) }()
			continue
		}
		*l.url = "https://localhost:" + port
		srv.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: l.proto}
		go func() { _ = srv.ServeTLS(ln, "", "") }()
	}
	return s, nil
}

// Addrs returns where s is reached.
func (s *Site) Addrs() Addrs { return s.addrs }

// Close stops s within two seconds.
func (s *Site) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	var errs []error
	for _, srv := range s.servers {
		if srv.Shutdown(ctx) != nil {
			errs = append(errs, srv.Close())
		}
	}
	return errors.Join(errs...)
}
