package browse_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/browse"
	"github.com/quench-proxy/quench/internal/browse/browsertest"
)

// waitTime bounds every step in a browser, on a slow and busy machine.
const waitTime = time.Minute

const page = `<!doctype html><meta charset=utf-8><title>a page</title><link rel=icon href=data:,>
<script>window.answers = fetch("/data.json").then(r => r.json())</script>
<a id=file href=/file.bin download>file</a>
<button id=press onclick="this.textContent = event.isTrusted + ' ' + navigator.userActivation.isActive">press</button>`

func origin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /page", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, page)
	})
	mux.HandleFunc("GET /data.json", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"n": 7, "gpc": %q}`, r.Header.Get("Sec-GPC"))
	})
	mux.HandleFunc("GET /file.bin", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		fmt.Fprint(w, "the file")
	})
	return mux
}

type setting struct {
	name    string
	browser string
	spki    bool // certutil is hidden, so the CA is trusted by flag
}

func settings() []setting {
	return []setting{
		{"chromium by NSS", "chromium", false},
		{"chromium by flag", "chromium", true},
		{"firefox", "firefox", false},
	}
}

func (s setting) session(t *testing.T, proxy *testProxy) browse.Session {
	t.Helper()
	session := browse.Session{Browser: browsertest.Need(t, s.browser), Proxy: proxy.Addr, CA: proxy.CA}
	if s.spki {
		session.LookPath = func(string) (string, error) { return "", errors.New("hidden") }
	} else {
		browsertest.NeedCertutil(t)
	}
	return session
}

func TestBrowser(t *testing.T) {
	for _, s := range settings() {
		t.Run(s.name, func(t *testing.T) {
			proxy := newTestProxy(t, browsertest.CA(t), origin())
			session := s.session(t, proxy)
			session.Downloads = t.TempDir()
			driver := browsertest.Open(t, session)
			ctx, cancel := context.WithTimeout(context.Background(), 4*waitTime)
			defer cancel()
			if err := driver.Navigate(ctx, "https://"+site+"/page"); err != nil {
				t.Fatal(err)
			}
			gpc := ""
			if session.Browser.Family == browse.Firefox {
				gpc = "1"
			}
			wantEval(t, ctx, driver, `document.title`, `"a page"`)
			wantEval(t, ctx, driver, `window.answers`, fmt.Sprintf(`{"n":7,"gpc":%q}`, gpc))
			wantEval(t, ctx, driver, `performance.getEntriesByType("navigation")[0].nextHopProtocol`, `"h2"`)
			wantEval(t, ctx, driver, `undefined`, `null`)
			if _, err := driver.Eval(ctx, `(() => { throw new Error("on purpose") })()`); err == nil || !strings.Contains(err.Error(), "on purpose") {
				t.Errorf("evaluating a throw = %v, want its message", err)
			}
			if err := driver.Click(ctx, "#press"); err != nil {
				t.Fatal(err)
			}
			wantEval(t, ctx, driver, `document.querySelector("#press").textContent`, `"true true"`)
			if err := driver.Click(ctx, "#missing"); err == nil {
				t.Error("clicked what is not there")
			}
			checkConsole(t, ctx, driver)
			checkDownload(t, ctx, driver, session.Downloads)
			checkUnknown(t, ctx, driver, proxy)
		})
	}
}

func wantEval(t *testing.T, ctx context.Context, d browsertest.Driver, js, want string) {
	t.Helper()
	got, err := d.Eval(ctx, js)
	if err != nil || got != want {
		t.Errorf("%s = %s, %v, want %s", js, got, err, want)
	}
}

// checkConsole expects no error so far, then makes two.
func checkConsole(t *testing.T, ctx context.Context, d browsertest.Driver) {
	t.Helper()
	if got := d.Console(); len(got) != 0 {
		t.Errorf("console errors of a good page: %q", got)
	}
	wantEval(t, ctx, d, `(() => { console.log("harmless"); console.error("first", 1); setTimeout(() => { throw new Error("second") }) })()`, `null`)
	await(t, ctx, "console errors", func() bool { return len(d.Console()) >= 2 })
	got := strings.Join(d.Console(), "\n")
	for _, want := range []string{"first", "second"} {
		if !strings.Contains(got, want) {
			t.Errorf("console = %q, want %q in it", got, want)
		}
	}
	if strings.Contains(got, "harmless") {
		t.Errorf("console = %q, want errors only", got)
	}
}

func checkDownload(t *testing.T, ctx context.Context, d browsertest.Driver, dir string) {
	t.Helper()
	if err := d.Click(ctx, "#file"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "file.bin")
	await(t, ctx, file, func() bool {
		data, err := os.ReadFile(file)
		return err == nil && string(data) == "the file"
	})
}

// checkUnknown proves that other hosts, localhost included, go through the
// proxy and no further.
func checkUnknown(t *testing.T, ctx context.Context, d browsertest.Driver, proxy *testProxy) {
	t.Helper()
	for _, host := range []string{"other.example", "localhost"} {
		wantEval(t, ctx, d, `fetch("https://`+host+`/x", {mode: "no-cors"}).then(() => "answered")`, `"answered"`)
		if n := proxy.count(host); n != 1 {
			t.Errorf("the proxy saw %d requests for %s, want 1", n, host)
		}
	}
}

// await polls until ok or ctx ends.
func await(t *testing.T, ctx context.Context, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waiting for %s: %v", what, ctx.Err())
		}
	}
}

// TestCertificateOfAnotherCA proves that the browsers do verify: a proxy whose
// CA they were not given is refused.
func TestCertificateOfAnotherCA(t *testing.T) {
	for _, s := range settings() {
		t.Run(s.name, func(t *testing.T) {
			proxy := newTestProxy(t, browsertest.CA(t), origin())
			session := s.session(t, proxy)
			session.CA = browsertest.CA(t)
			driver := browsertest.Open(t, session)
			ctx, cancel := context.WithTimeout(context.Background(), waitTime)
			defer cancel()
			err := driver.Navigate(ctx, "https://"+site+"/page")
			if err == nil || ctx.Err() != nil || proxy.count(site) != 0 {
				t.Errorf("navigation = %v with %d requests, want a certificate error and none", err, proxy.count(site))
			}
		})
	}
}

// TestEndsWithContext opens a page by Session.URL and ends the session.
func TestEndsWithContext(t *testing.T) {
	for _, s := range settings() {
		t.Run(s.name, func(t *testing.T) {
			proxy := newTestProxy(t, browsertest.CA(t), origin())
			session := s.session(t, proxy)
			session.URL = "https://" + site + "/page"
			out := &browsertest.Output{}
			session.TempDir, session.Stderr = browsertest.TempDir(t), out
			home := t.TempDir()
			session.Environ = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME=", "XDG_DATA_HOME=", "XDG_CACHE_HOME=")
			session.Args = browsertest.Args(session.Browser.Family)
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			go func() { ended <- session.Run(ctx) }()
			wait, stop := context.WithTimeout(context.Background(), 2*waitTime)
			defer stop()
			await(t, wait, "the page's request", func() bool { return proxy.count(site) >= 2 })
			start := time.Now()
			cancel()
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("Run = %v, want nil when ctx ends", err)
				}
			case <-wait.Done():
				t.Fatalf("still running\n%s", out)
			}
			t.Logf("ended in %v", time.Since(start))
			for _, dir := range []string{session.TempDir, home} {
				if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
					t.Errorf("left in %s: %v, %v", dir, left, err)
				}
			}
		})
	}
}
