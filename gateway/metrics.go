package gateway

import (
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/wayleave/wayleave/oauth"
)

// Metrics are the numbers of one process. Labels come from the file and from
// fixed lists, never from a request, so there are as many series as the file has
// routes and providers (and no more after a reload than the files had together).
type Metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	logins    *prometheus.CounterVec
	failures  *prometheus.CounterVec
	refreshes *prometheus.CounterVec
	provider  *prometheus.HistogramVec
	storeTime *prometheus.HistogramVec
	held      prometheus.Gauge

	byRoute sync.Map // routeKey to *routeMetrics: labels are resolved once
}

// NewMetrics makes Metrics with nothing counted.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "wayleave_requests_total",
			Help: "Requests by site, route of the file, decision and class of status."}, []string{"site", "route", "decision", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "wayleave_request_duration_seconds",
			Help: "Time until a request was answered completely.", Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}}, []string{"site", "route"}),
		logins: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "wayleave_logins_total",
			Help: "Logins begun, and logins of which it became known whose they are."}, []string{"provider", "step"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "wayleave_failed_checks_total",
			Help: "Checks of logins, tokens and logouts that failed, by check."}, []string{"provider", "check"}),
		refreshes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "wayleave_refreshes_total",
			Help: "Refresh requests by outcome."}, []string{"provider", "outcome"}),
		provider: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "wayleave_provider_duration_seconds",
			Help: "Time of requests to providers, by purpose.", Buckets: prometheus.DefBuckets}, []string{"provider", "purpose"}),
		storeTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "wayleave_store_duration_seconds",
			Help: "Time of the store's answers, by operation and outcome.", Buckets: []float64{.00001, .0001, .0005, .001, .005, .01, .05, .1, .5, 1, 5}}, []string{"operation", "outcome"}),
		held: prometheus.NewGauge(prometheus.GaugeOpts{Name: "wayleave_held_connections",
			Help: "WebSockets and event streams that are open."}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.logins, m.failures, m.refreshes, m.provider, m.storeTime, m.held,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the numbers in Prometheus' formats. It belongs on a listener
// that the public does not reach.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

type routeKey struct{ site, route string }

// routeMetrics are the children of one route.
type routeMetrics struct {
	seconds prometheus.Observer
	classes [len(decisions)][6]atomic.Pointer[prometheus.Counter] // by decision, and hundreds of the status
}

func (m *Metrics) of(at routeKey) *routeMetrics {
	if found, ok := m.byRoute.Load(at); ok {
		return found.(*routeMetrics)
	}
	found, _ := m.byRoute.LoadOrStore(at, &routeMetrics{seconds: m.seconds.WithLabelValues(at.site, at.route)})
	return found.(*routeMetrics)
}

// class makes a series when it is first needed: most never are.
func (m *Metrics) class(c *routeMetrics, at routeKey, d decision, class int) prometheus.Counter {
	p := &c.classes[d][class]
	if counter := p.Load(); counter != nil {
		return *counter
	}
	counter := m.requests.WithLabelValues(at.site, at.route, d.String(), strconv.Itoa(class)+"xx")
	p.Store(&counter)
	return counter
}

// count counts one request.
func (m *Metrics) count(v *visit, took time.Duration) {
	at := routeKey{}
	if v.site != nil {
		at.site = v.site.host
	}
	if v.route != nil {
		at.route = v.route.rule.Path
	}
	c := m.of(at)
	c.seconds.Observe(took.Seconds())
	m.class(c, at, v.decision, min(max(v.answer.status/100, 0), 5)).Inc()
}

// event hears the story of logins; see wayleave.Config.OnEvent.
func (m *Metrics) event(e oauth.Event) {
	name := e.About().Provider
	switch e := e.(type) {
	case oauth.Sent:
		m.logins.WithLabelValues(name, "begun").Inc()
	case oauth.Answered:
		m.provider.WithLabelValues(name, string(e.Purpose)).Observe(e.Took.Seconds())
		if e.Purpose == oauth.ForRefresh {
			outcome := "ok"
			if e.Err != nil || e.Status != http.StatusOK {
				outcome = "failed"
			}
			m.refreshes.WithLabelValues(name, outcome).Inc()
		}
	case oauth.Checked:
		if e.Err != nil {
			m.failures.WithLabelValues(name, string(e.Check)).Inc()
		} else if e.Check == oauth.CheckProfile {
			m.logins.WithLabelValues(name, "identified").Inc()
		}
	}
}
