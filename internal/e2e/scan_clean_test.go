package e2e

import (
	"bytes"
	"fmt"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/quench-proxy/quench/internal/browse"
	"github.com/quench-proxy/quench/internal/browse/browsertest"
	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/mail"
	"github.com/quench-proxy/quench/internal/scan/source"
)

// counter is a proxy for browsers that serves documents of its own and counts
// every request to any other host, answering with a picture.
type counter struct {
	mu    sync.Mutex
	docs  map[string][]byte
	count map[string]int
	addr  string
}

// docHost is the host under which a counter serves its documents.
const docHost = "docs.quench.test"

func newCounter(t *testing.T) *counter {
	t.Helper()
	c := &counter{docs: map[string][]byte{}, count: map[string]int{}}
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	c.addr = strings.TrimPrefix(s.URL, "http://")
	return c
}

// dot is a picture of one dot.
const dot = "GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\x00\x00\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b"

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	c.mu.Lock()
	doc, ok := c.docs[r.URL.Path]
	if host != docHost {
		c.count[host]++
	}
	c.mu.Unlock()
	switch {
	case r.Method == http.MethodConnect:
		w.WriteHeader(http.StatusBadGateway)
	case host == docHost && ok:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(doc)
	case host == docHost:
		w.WriteHeader(http.StatusNotFound)
	default:
		w.Header().Set("Content-Type", "image/gif")
		_, _ = w.Write([]byte(dot))
	}
}

// serve gives the address under which doc can be opened.
func (c *counter) serve(name string, doc []byte) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.docs["/"+name] = doc
	return "http://" + docHost + "/" + name
}

// below counts the requests to hosts that end in suffix.
func (c *counter) below(suffix string) (n int, hosts []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for h, k := range c.count {
		if strings.HasSuffix(h, suffix) {
			n += k
			hosts = append(hosts, h)
		}
	}
	return n, hosts
}

// vectorDocs are the documents of package markup, one or more for each vector,
// each with a host below marker.test.
func vectorDocs(t *testing.T) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("..", "detect", "markup", "testdata", "vectors", "V*.html"))
	if err != nil || len(names) < 200 {
		t.Fatalf("%d documents, error %v", len(names), err)
	}
	docs := map[string][]byte{}
	for _, name := range names {
		doc, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		docs[filepath.Base(name)] = doc
	}
	return docs
}

// cleanPage gives a page with everything inert.
func cleanPage(t testing.TB, doc []byte) []byte {
	t.Helper()
	s := &scan.Scanner{Cleaning: &scan.Cleaning{All: true}}
	r := s.Message(&source.Message{File: "x.html", Kind: source.HTML, Raw: doc, Length: int64(len(doc))})
	return markup.Apply(doc, r.Clean.Edits)
}

// cleanMail puts a page into a mail, cleans that, and gives what a mail program
// would show.
func cleanMail(t testing.TB, doc []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("To: ann@home.example\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n")
	w := quotedprintable.NewWriter(&b)
	if _, err := w.Write(doc); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return shown(t, b.Bytes(), &scan.Cleaning{All: true})
}

// shown cleans a mail and gives its HTML.
func shown(t testing.TB, raw []byte, c *scan.Cleaning) []byte {
	t.Helper()
	s := &scan.Scanner{Cleaning: c}
	r := s.Message(&source.Message{File: "x.eml", Raw: raw, Length: int64(len(raw))})
	for _, p := range mail.Read(markup.Apply(raw, r.Clean.Edits), mail.RFC5322, mail.Options{}).Parts {
		if p.Type == "text/html" {
			return p.Body
		}
	}
	t.Fatal("no HTML in the mail")
	return nil
}

// settle opens a last page whose picture comes from a host of its own: what
// the pages before it asked for has been asked by then.
func (b *tab) settle(c *counter, name string) {
	b.t.Helper()
	b.navigate(c.serve("end-"+name, []byte(`<!doctype html><title>end</title><script>let done = 0</script><img src="http://end.example/" onload="done = 1">`)))
	b.await("done", "1")
}

// TestCleanedStaysSilent opens each document in real browsers: as it is the
// plain ones are fetched from, cleaned not one of them is.
func TestCleanedStaysSilent(t *testing.T) {
	docs := vectorDocs(t)
	example, err := os.ReadFile(filepath.Join("..", "..", "docs", "examples", "newsletter.eml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range browsers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCounter(t)
			b := openPlain(t, name, c.addr)
			for _, id := range []string{"V001", "V002", "V029", "V056", "V071", "V081", "V121"} {
				b.navigate(c.serve("dirty-"+id, docs[id+".html"]))
				b.settle(c, "dirty")
				if n, _ := c.below(strings.ToLower(id) + ".marker.test"); n == 0 {
					t.Errorf("%s as it is: nothing was fetched, so the counter proves nothing", id)
				}
			}
			c.mu.Lock()
			clear(c.count)
			c.mu.Unlock()
			b.silent(c, docs)
			b.settle(c, "all")
			if n, hosts := c.below(".marker.test"); n != 0 {
				t.Errorf("cleaned documents made %d requests, to %v", n, hosts)
			}
			b.trackersGone(c, example)
		})
	}
}

// frames is how many documents one page shows.
const frames = 40

// silent opens all documents cleaned, as pages and as what a mail program shows
// of a mail, many in a page: each in a frame of its own, scrolled into view for
// what waits to be seen.
func (b *tab) silent(c *counter, docs map[string][]byte) {
	b.t.Helper()
	var page strings.Builder
	n, pages := 0, 0
	flush := func() {
		pages++
		b.navigate(c.serve(fmt.Sprintf("frames-%d", pages), []byte("<!doctype html><title>frames</title>"+page.String())))
		b.eval(`(() => { for (const f of document.querySelectorAll("iframe")) f.scrollIntoView(); return 1 })()`)
		page.Reset()
		n = 0
	}
	for id, doc := range docs {
		for kind, clean := range map[string][]byte{"page": cleanPage(b.t, doc), "mail": cleanMail(b.t, doc)} {
			fmt.Fprintf(&page, "<iframe src=%q></iframe>", c.serve(kind+"-"+id, clean))
			n++
		}
		if n >= frames {
			flush()
		}
	}
	flush()
}

// trackersGone opens the mail of the documentation without its trackers: its
// pictures come, and nobody is told.
func (b *tab) trackersGone(c *counter, example []byte) {
	b.t.Helper()
	b.navigate(c.serve("example", shown(b.t, example, &scan.Cleaning{})))
	b.settle(c, "example")
	pictures, _ := c.below("img.fernweh.example")
	told := 0
	for _, host := range []string{"list-manage.com", "lichtung.example"} {
		n, _ := c.below(host)
		told += n
	}
	if got := fmt.Sprintf("%v %d", pictures > 0, told); got != "true 0" {
		b.t.Errorf("pictures came and requests to trackers: %s, want true 0", got)
	}
}

// openPlain opens a browser behind a proxy that is none of ours.
func openPlain(t *testing.T, name, proxy string) *tab {
	t.Helper()
	b := browsertest.Need(t, name)
	browsertest.NeedCertutil(t)
	s := browse.Session{Browser: b, Proxy: proxy, CA: browsertest.CA(t), Downloads: t.TempDir()}
	return &tab{t: t, d: browsertest.Open(t, s), name: name, downloads: s.Downloads}
}
