package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/proxy"
)

// browsers are those that every test drives.
var browsers = []string{"chromium", "firefox"}

// TestInterception has both browsers do over intercepted TLS, and without TLS,
// what pages do, and compares what arrives on either side.
func TestInterception(t *testing.T) {
	for _, name := range browsers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newFakenet(t)
			n.Handle("shop.example", site(t))
			n.Handle("plain.example", site(t))
			w := newWorld(t, n, proxy.Always)
			b := w.open(name, w.CA)

			b.navigate("https://shop.example/page")
			b.want(`tests.protocol()`, `"h2"`)
			exercise(b, "wss://shop.example/ws")
			checkBeacon(t, n, "shop.example")
			checkDownload(b)
			b.quiet()

			b.navigate("http://plain.example/page")
			b.want(`tests.protocol()`, `"http/1.1"`)
			exercise(b, "ws://plain.example/ws")
			checkBeacon(t, n, "plain.example")
			b.quiet()

			for _, v := range n.Visits("shop.example") {
				if v.Header.Get("Sec-Gpc") != "1" || v.Header.Get("X-Forwarded-For") != "" || v.Header.Get("Via") != "" {
					t.Errorf("%v with Sec-GPC %q, X-Forwarded-For %q, Via %q; want 1 and neither of the others",
						v, v.Header.Get("Sec-Gpc"), v.Header.Get("X-Forwarded-For"), v.Header.Get("Via"))
				}
			}
			w.settle(t)
			for _, e := range w.events.list() {
				if h := pageHost(e); strings.HasSuffix(h, ".example") {
					t.Errorf("recorded of a page without a tracker: %s", e.Sentence)
				}
			}
		})
	}
}

func exercise(b *tab, socket string) {
	b.t.Helper()
	file, big := pattern(fileSize), pattern(bigSize)
	b.want(fmt.Sprintf("tests.websocket(%q)", socket), `"hello 1,2,3 1000 true"`)
	b.want(`tests.events()`, `"first second third"`)
	b.want(`tests.stream()`, `"first second"`)
	b.want(`tests.beacon()`, `true`)
	b.want(`tests.range()`, fmt.Sprintf(`"206 bytes 1000-1999/%d %s"`, fileSize, fnvSum(file[1000:2000])))
	b.want(`tests.head()`, fmt.Sprintf(`"200 %d"`, fileSize))
	b.want(`tests.upload(300)`, fmt.Sprintf(`"300 %s <nil>"`, fnvSum(pattern(300))))
	b.want(fmt.Sprintf("tests.upload(%d)", bigSize), fmt.Sprintf(`"%d %s <nil>"`, bigSize, fnvSum(big)))
	b.want(`tests.formPost()`, fmt.Sprintf(`"value 100000 %s <nil>"`, fnvSum(pattern(100_000))))
	b.want(`tests.download()`, fmt.Sprintf(`"%d %s"`, bigSize, fnvSum(big)))
}

// checkBeacon waits for the beacon at a first-party origin, whole.
func checkBeacon(t *testing.T, n *fakenet, host string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitTime)
	defer cancel()
	await(t, ctx, "the beacon at "+host, func() bool {
		for _, v := range n.Visits(host) {
			if v.Path == "/beacon" && v.Query == "kind=own" && v.Method == "POST" && v.Body == "left=the+page" {
				return true
			}
		}
		return false
	})
}

// checkDownload saves a file the way a person does.
func checkDownload(b *tab) {
	b.t.Helper()
	b.click("#file")
	file := filepath.Join(b.downloads, "file.bin")
	ctx, cancel := context.WithTimeout(context.Background(), waitTime)
	defer cancel()
	await(b.t, ctx, "the download", func() bool {
		data, err := os.ReadFile(file)
		return err == nil && bytes.Equal(data, pattern(fileSize))
	})
}
