// Package metrics shows counters to Prometheus.
//
// In flow figures, read when somebody asks; out flows the text that Prometheus
// scrapes. It keeps nothing, knows none of the doors, and gets neither the name
// of a host that was visited nor of a client: whoever reads it learns how busy
// Quench is, not with what.
package metrics

import (
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Sample is one figure at one moment.
type Sample struct {
	// Name is the metric's, without the "quench_" that comes before it; one that
	// only grows ends in "_total".
	Name string
	// Help says in a line what it counts; it is the same for all of one Name.
	Help string
	// Labels are names and values in turns; all of one Name have the same names.
	Labels []string
	Value  float64
	// Gauge says that it can fall.
	Gauge bool
}

// maxAtOnce bounds how many may read at the same time.
const maxAtOnce = 4

// Handler answers with what read gives at that moment, and with the figures of
// the Go runtime and of the process. read is called concurrently. What does not
// fit together is left out and said in log, which may be nil.
func Handler(read func() []Sample, log *slog.Logger) http.Handler {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(collector(read), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{
		ErrorLog: logged{log}, ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: maxAtOnce,
	})
}

// collector is unchecked: what there is depends on what is on.
type collector func() []Sample

// Describe implements prometheus.Collector.
func (collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	for _, s := range c() {
		kind := prometheus.CounterValue
		if s.Gauge {
			kind = prometheus.GaugeValue
		}
		var names, values []string
		for i := 0; i+1 < len(s.Labels); i += 2 {
			names, values = append(names, s.Labels[i]), append(values, s.Labels[i+1])
		}
		desc := prometheus.NewDesc("quench_"+s.Name, s.Help, names, nil)
		m, err := prometheus.NewConstMetric(desc, kind, s.Value, values...)
		if err != nil {
			m = prometheus.NewInvalidMetric(desc, err)
		}
		out <- m
	}
}

type logged struct{ log *slog.Logger }

// Println implements promhttp.Logger.
func (l logged) Println(v ...any) { l.log.Error("metrics are incomplete", "err", v) }
