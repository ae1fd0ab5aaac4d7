package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/ledger"
	"github.com/quench-proxy/quench/internal/memory"
	"github.com/quench-proxy/quench/internal/need"
	"github.com/quench-proxy/quench/internal/proxy"
)

const (
	// byName is a tracker that is refused by its name, so that it serves as a
	// test of trust too; byURL is one whose host also serves pages.
	byName = "https://px.ads.linkedin.com/collect/?pid=1234567&fmt=gif"
	byURL  = "https://www.facebook.com/tr/?id=123456789012345&ev=PageView&dl=https%3A%2F%2FHOST%2Fvisit"
)

var trackerHosts = []string{"px.ads.linkedin.com", "www.facebook.com", "www.google-analytics.com"}

// visitPage serves a page at https://host/visit with images.
func visitPage(n *fakenet, host string, images ...[2]string) {
	for i := range images {
		images[i][1] = strings.ReplaceAll(images[i][1], "HOST", host)
	}
	n.Handle(host, html(map[string]string{"/visit": show(images...)}))
}

// TestOneAddressForAll has clients that trust our certificate and clients that
// do not use one address at once.
func TestOneAddressForAll(t *testing.T) {
	n := newFakenet(t)
	w := newWorld(t, n, proxy.Auto)
	// All of them trust the sites' own certificates; the first alone ours too.
	trusting := w.open("chromium", w.CA, "--ignore-certificate-errors-spki-list="+n.CA.SPKI())
	firefox := w.open("firefox", n.CA)
	chromium := w.open("chromium", n.CA)
	t.Run("at once", func(t *testing.T) {
		t.Run("trusting chromium", func(t *testing.T) { t.Parallel(); visitTrusting(t, w, trusting.on(t), "first.example") })
		t.Run("firefox", func(t *testing.T) { t.Parallel(); visitWary(t, w, firefox.on(t), "firefox.example") })
		t.Run("wary chromium", func(t *testing.T) { t.Parallel(); visitWary(t, w, chromium.on(t), "chromium.example") })
		t.Run("curl", func(t *testing.T) { t.Parallel(); visitCurl(t, w, "curl.example") })
	})
	// What the others refused did not cost the first its trust, nor the other
	// way round.
	visitTrusting(t, w, trusting.on(t), "later.example")
	visitWary(t, w, chromium.on(t), "laterstill.example")
	if v := n.Visits(trackerHosts...); len(v) != 0 {
		t.Errorf("reached trackers: %v", v)
	}
	if left := w.leftAlone(t); left < 2 { // each curl is a program of its own
		t.Errorf("said of %d programs that they are left alone, want at least Firefox and Chromium", left)
	}
	t.Logf("tunnels: %+v", w.Proxy.Stats())
}

// leftAlone counts the programs of which the ledger keeps that they do not
// accept our certificate.
func (w *world) leftAlone(t *testing.T) int {
	t.Helper()
	w.settle(t)
	count := 0
	for e, err := range w.Ledger.Events(context.Background(), ledger.Filter{Host: "px.ads.linkedin.com"}) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(e.Sentence, "A program is left alone for a day: it does not accept Quench's certificate (seen with ") {
			count += e.Count
		}
	}
	return count
}

// visitTrusting proves the client's trust by a tracker that is refused by
// name, and then expects pages of any host to be looked into.
func visitTrusting(t *testing.T, w *world, b *tab, site string) {
	t.Helper()
	visitPage(w.Net, "proof."+site, [2]string{"byName", byName})
	visitPage(w.Net, "www."+site, [2]string{"byName", byName}, [2]string{"byURL", byURL})
	b.navigate("https://proof." + site + "/visit")
	checkRan(t, b, []string{"byName 1"})
	b.navigate("https://www." + site + "/visit")
	checkRan(t, b, []string{"byName 1", "byURL 1"})
	b.quiet()
	const tail = " Your IP address and browser go with every request. Blocked."
	w.wantSentences(t, "proof."+site,
		"proof."+site+" tried to tell LinkedIn Insight Tag (LinkedIn (Microsoft)) that you opened a page."+tail)
	w.wantSentences(t, "www."+site,
		site+" tried to tell LinkedIn Insight Tag (LinkedIn (Microsoft)) that you opened a page."+tail,
		site+" tried to tell Meta Pixel (Meta Platforms) that you opened a page on /visit."+tail)
}

// visitWary expects pages to open under their own certificates, and the
// tracker to be refused by its name.
func visitWary(t *testing.T, w *world, b *tab, site string) {
	t.Helper()
	for i, path := range []string{"one", "two", "three"} {
		host := path + "." + site
		visitPage(w.Net, host, [2]string{"byName", byName + "&n=" + path}, [2]string{"own", "/own.svg"})
		b.navigate("https://" + host + "/visit")
		checkRan(t, b, []string{"byName failed", "own failed"})
		b.want("document.title", `"News"`)
		if v := w.Net.Visits(host); pathsOf(v, "/visit") != 1 || v[0].Header.Get("Sec-Gpc") != "" && b.name == "chromium" {
			t.Errorf("page %d: the origin saw %v, want its page asked for once, untouched", i, v)
		}
	}
	refused := "A program asked for px.ads.linkedin.com, which belongs to LinkedIn Insight Tag (LinkedIn (Microsoft)); " +
		"it would have learned that the device is awake and its IP address. Blocked."
	w.events.await(t, refused, func(all []ledger.Event) bool {
		return slices.ContainsFunc(all, func(e ledger.Event) bool { return e.Sentence == refused && e.Action == detect.Block })
	})
}

func visitCurl(t *testing.T, w *world, host string) {
	t.Helper()
	path := need.Program(t, "curl")
	w.Net.Handle(host, html(map[string]string{"/visit": "the page"}))
	run := func(address string) (string, error) {
		ctx, cancel := context.WithTimeout(context.Background(), waitTime)
		defer cancel()
		// The sites' root stands for those of the system's store.
		out, err := exec.CommandContext(ctx, path, "--silent", "--show-error", "--proxy", "http://"+w.Addr,
			"--cacert", w.Net.CA.CertFile(), address).CombinedOutput()
		return string(out), err
	}
	for range 3 {
		if out, err := run("https://" + host + "/visit"); err != nil || out != "the page" {
			t.Errorf("a page: %q, %v", out, err)
		}
		var exit *exec.ExitError
		if out, err := run(byName); !errors.As(err, &exit) {
			t.Errorf("a tracker: %q, %v; want a failure", out, err)
		}
	}
}

// find returns what the ledger has told that ok holds for, once all of it is
// told.
func (w *world) find(ok func(ledger.Event) bool) []ledger.Event {
	w.settle(w.t)
	var out []ledger.Event
	for _, e := range w.events.list() {
		if ok(e) {
			out = append(out, e)
		}
	}
	return out
}

// TestTrustByFlag has a Chromium that knows our certificate by a flag alone.
func TestTrustByFlag(t *testing.T) {
	n := newFakenet(t)
	w := newWorld(t, n, proxy.Auto)
	b := w.open("chromium", n.CA, "--ignore-certificate-errors-spki-list="+w.CA.SPKI())
	visitTrusting(t, w, b, "flag.example")
}

// TestPinnedClient has a program that accepts our certificates but for one
// host, whose own it knows. After two refusals that host is left alone.
func TestPinnedClient(t *testing.T) {
	t.Parallel()
	for _, mode := range []proxy.Mode{proxy.Auto, proxy.Always} {
		t.Run(fmt.Sprint("mode ", mode), func(t *testing.T) {
			t.Parallel()
			n := newFakenet(t)
			w := newWorld(t, n, mode)
			for _, host := range []string{"pinned.example", "free.example"} {
				n.Handle(host, html(map[string]string{"/": "the page of " + host}))
			}
			trusting := w.Net.Roots.Clone()
			trusting.AppendCertsFromPEM(w.CA.PEM())
			app, pinned := w.program(t, trusting), w.program(t, w.Net.Roots)
			if _, err := get(app, byName); err != nil { // proves that the program trusts us
				t.Fatal(err)
			}
			for i := range 4 {
				body, err := get(pinned, "https://pinned.example/")
				refused := err != nil && strings.Contains(err.Error(), "unknown authority")
				if i < 2 && !refused || i >= 2 && (err != nil || body != "the page of pinned.example") {
					t.Errorf("attempt %d: %q, %v; want two refusals, then the page", i, body, err)
				}
				if body, err := get(app, "https://free.example/"); err != nil || body != "the page of free.example" {
					t.Errorf("another host: %q, %v", body, err)
				}
			}
			left := w.find(func(e ledger.Event) bool { return e.Request.Host == "pinned.example" })
			const want = "pinned.example is left alone for a day: the program that asked does not accept Quench's certificate."
			if len(left) != 1 || left[0].Sentence != want || left[0].Action != detect.Allow {
				t.Errorf("said %+v, want once %q", left, want)
			}
			if log := w.Log.String(); !strings.Contains(log, "tunnel left alone") || !strings.Contains(log, "host=pinned.example") {
				t.Errorf("the operations log does not say so:\n%s", log)
			}
			s := w.Proxy.Stats()
			if s.Refusals != 2 || s.Spliced[string(memory.ReasonRefused)] != 2 {
				t.Errorf("counted %+v, want 2 refusals and 2 splices for them", s)
			}
		})
	}
}

// program makes a client that opens a new connection for each request.
func (w *world) program(t *testing.T, roots *x509.CertPool) *http.Client {
	t.Helper()
	return &http.Client{Timeout: waitTime, Transport: &http.Transport{
		Proxy:             http.ProxyURL(&url.URL{Scheme: "http", Host: w.Addr}),
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		DisableKeepAlives: true,
	}}
}

func get(c *http.Client, address string) (string, error) {
	resp, err := c.Get(address)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}
