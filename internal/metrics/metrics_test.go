package metrics

import (
	"bytes"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHandler(t *testing.T) {
	t.Parallel()
	n := 0.0
	var said bytes.Buffer
	h := Handler(func() []Sample {
		n++
		return []Sample{
			{Name: "dns_queries_total", Help: "questions", Labels: []string{"via", "udp"}, Value: 3 * n},
			{Name: "dns_queries_total", Help: "questions", Labels: []string{"via", "t\"c\np"}, Value: 1},
			{Name: "open", Help: "now", Value: 2, Gauge: true},
			{Name: "bad name", Help: "x", Value: 1},
		}
	}, slog.New(slog.NewTextHandler(&said, nil)))
	text := ""
	for range 2 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		text = w.Body.String()
	}
	for _, want := range []string{
		"# TYPE quench_dns_queries_total counter\n", "quench_dns_queries_total{via=\"udp\"} 6\n",
		`quench_dns_queries_total{via="t\"c\np"} 1`, "# TYPE quench_open gauge\nquench_open 2\n", "go_goroutines ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "bad name") || !strings.Contains(said.String(), "metrics are incomplete") {
		t.Errorf("a name that is none: shown, or not said: %s", &said)
	}
}
