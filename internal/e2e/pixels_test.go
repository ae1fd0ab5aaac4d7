package e2e

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"image/png"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/proxy"
)

// picture is an image as an origin serves it, with all that could be used to
// know the browser again.
type picture struct{ mime, data string }

func (p picture) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", p.mime)
	h.Set("Cache-Control", "no-store")
	h.Set("Etag", `"8f3a9c77b1d24e55"`)
	h.Set("Set-Cookie", "uid=8f3a9c77b1d24e55; Path=/; Secure; SameSite=None; Max-Age=31536000")
	_, _ = io.WriteString(w, p.data)
}

// spacer is an image without an idea of who asks.
func spacer(p picture) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", p.mime)
		w.Header().Set("Cache-Control", "public, max-age=31536000")
		_, _ = io.WriteString(w, p.data)
	})
}

func square(n int) image.Image {
	m := image.NewPaletted(image.Rect(0, 0, n, n), palette.Plan9)
	draw.Draw(m, m.Bounds(), image.NewUniform(color.RGBA{200, 30, 30, 255}), image.Point{}, draw.Src)
	return m
}

// pictures returns red images of one pixel, none of which is like the blank
// ones, and an icon.
func pictures(t testing.TB) (tiny map[string]picture, icon picture) {
	t.Helper()
	var g, p, i bytes.Buffer
	for _, err := range []error{gif.Encode(&g, square(1), nil), png.Encode(&p, square(1)), png.Encode(&i, square(40))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return map[string]picture{
		"gif":  {"image/gif", g.String()},
		"png":  {"image/png", p.String()},
		"webp": {"image/webp", redWebP()},
		"svg":  {"image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"><rect width="1" height="1" fill="red"/></svg>`},
	}, picture{"image/png", i.String()}
}

// redWebP writes a lossless WebP of one red pixel: five prefix codes of one
// symbol each (green, red, blue, alpha, distance), and no pixel data.
func redWebP() string {
	bits := strings.Repeat("0", 32) + "000" + "1000" + "101" + "11111111" + "1000" + "101" + "11111111" + "1000"
	data := []byte{0x2f}
	for len(bits)%8 != 0 {
		bits += "0"
	}
	for i := 0; i < len(bits); i += 8 {
		b := byte(0)
		for j, c := range bits[i : i+8] {
			b |= byte(c-'0') << j
		}
		data = append(data, b)
	}
	if len(data)%2 == 1 {
		data = append(data, 0)
	}
	n := byte(len(data))
	return "RIFF" + string([]byte{n + 12, 0, 0, 0}) + "WEBPVP8L" + string([]byte{n, 0, 0, 0}) + string(data)
}

// signIn are hosts whose images are nobody's business.
var signIn = []string{"accounts.google.com", "login.live.com", "login.microsoftonline.com"}

var formats = []string{"gif", "png", "svg", "webp"}

// pixelNet serves pixels of companies that no rule knows, and images that only
// look like some.
func pixelNet(t *testing.T, w *world) {
	t.Helper()
	tiny, icon := pictures(t)
	for _, f := range formats {
		w.Net.Handle(f+".stats.example", tiny[f])
	}
	w.Net.Handle("icons.example", icon)
	w.Net.Handle("badges.example", spacer(icon)) // with a cookie of its own it would look like a tracker's
	w.Net.Handle("cdn.example", spacer(tiny["gif"]))
	w.Net.Handle("own.example", tiny["gif"])
	for _, host := range signIn {
		w.Net.Handle(host, tiny["gif"])
	}
}

// show makes a page of images, each named and told when it has come.
func show(images ...[2]string) string {
	b := `<!doctype html><meta charset=utf-8><title>News</title><link rel=icon href=data:,><script>const done = [];
		function ran(what) { done.push(what); }</script>`
	for _, i := range images {
		b += fmt.Sprintf(`<img src="%s" onload="ran('%s ' + this.naturalWidth)" onerror="ran('%s failed')">`, i[1], i[0], i[0])
	}
	return b
}

// TestUnknownPixels has browsers fetch invisible images that no rule knows:
// the first time a blank answer comes, and later nothing leaves.
func TestUnknownPixels(t *testing.T) {
	for _, name := range browsers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newFakenet(t)
			w := newWorld(t, n, proxy.Always)
			pixelNet(t, w)
			var first, second [][2]string
			var told, kept, ran []string
			for _, f := range formats {
				host := f + ".stats.example"
				first = append(first, [2]string{f, "https://" + host + "/o/p?uid=8f3a9c77b1d24e55&cb=1"})
				second = append(second, [2]string{f, "https://" + host + "/o/p?uid=8f3a9c77b1d24e55&cb=2"})
				ran = append(ran, f+" 1")
				const carried = ", by an invisible image, that you opened a page; it carried details in its address. Your IP address and browser go with every request."
				told = append(told, "news.example has told "+host+carried+
					" The request had left before we knew; the answer came back blank and without its cookie, and next time it will not leave.")
				kept = append(kept, "other.example tried to tell "+host+carried+" Blocked.")
			}
			n.Handle("news.example", html(map[string]string{"/one": show(first...)}))
			n.Handle("other.example", html(map[string]string{"/two": show(second...)}))
			b := w.open(name, w.CA)

			b.navigate("https://news.example/one")
			checkRan(t, b, ran)
			w.wantSentences(t, "news.example", told...)
			b.navigate("https://other.example/two")
			checkRan(t, b, ran)
			w.wantSentences(t, "other.example", kept...)
			b.quiet()
			for _, e := range w.events.list() {
				if strings.HasSuffix(e.Request.Host, ".stats.example") && e.Told != (pageHost(e) == "news.example") {
					t.Errorf("told: %v of %s", e.Told, e.Sentence)
				}
			}
			for _, f := range formats {
				host := f + ".stats.example"
				// It looks like a tracker's, so that its number stayed behind.
				if v := n.Visits(host); len(v) != 1 || v[0].Query != "uid=0000000000000000&cb=1" {
					t.Errorf("reached %s: %v, want the first request alone, without the number", host, v)
				}
				n.Handle(host, html(map[string]string{"/": "<title>x</title><link rel=icon href=data:,>"}))
				b.navigate("https://" + host + "/")
				b.want("document.cookie", `""`)
			}
		})
	}
}

// TestImagesLeftAlone has browsers fetch images that must come as they are.
func TestImagesLeftAlone(t *testing.T) {
	for _, name := range browsers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newFakenet(t)
			w := newWorld(t, n, proxy.Always)
			pixelNet(t, w)
			images := [][2]string{
				{"icon", "https://badges.example/badge?user=8f3a9c77b1d24e55"},
				{"own", "https://pixel.own.example/p.gif?uid=8f3a9c77b1d24e55"},
				{"spacer", "https://cdn.example/spacer.gif"},
			}
			tiny, _ := pictures(t)
			n.Handle("pixel.own.example", tiny["gif"])
			ran := []string{"icon 40", "own 1", "spacer 1"}
			for _, host := range signIn {
				// These are spliced, so the browser sees their own certificate,
				// which must be one that it trusts.
				n.SetCert(host, leaf(t, w, host))
				images = append(images, [2]string{host, "https://" + host + "/session/p.gif?s=8f3a9c77b1d24e55"})
				ran = append(ran, host+" 1")
			}
			n.Handle("www.own.example", html(map[string]string{"/": show(images...)}))
			b := w.open(name, w.CA)
			for range 2 { // nothing may have been learned
				b.navigate("https://www.own.example/")
				checkRan(t, b, sorted(ran...))
			}
			// Told once: the browser keeps the spacer.
			w.wantSentences(t, "www.own.example",
				"own.example has told cdn.example, by an invisible image, that you opened a page. Your IP address and browser go with every request. Only recorded.")
			b.quiet()
			for _, i := range images {
				u, err := url.Parse(i[1])
				if err != nil {
					t.Fatal(err)
				}
				if v := pathsOf(n.Visits(u.Host), u.RequestURI()); v == 0 {
					t.Errorf("%s did not reach its origin", i[1])
				}
			}
			if got := w.Proxy.Stats().Spliced["sign-in"]; got < int64(len(signIn)) {
				t.Errorf("spliced as sign-in: %d, want at least %d; all: %v", got, len(signIn), w.Proxy.Stats().Spliced)
			}
		})
	}
}

func leaf(t testing.TB, w *world, host string) *tls.Certificate {
	t.Helper()
	c, err := w.CA.Leaf(host)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pathsOf counts visits of a path with its query.
func pathsOf(list []visit, uri string) int {
	n := 0
	for _, v := range list {
		u := v.Path
		if v.Query != "" {
			u += "?" + v.Query
		}
		if u == uri {
			n++
		}
	}
	return n
}

// TestPixelBytes compares images byte for byte on both sides of the proxy,
// asked for as a browser asks.
func TestPixelBytes(t *testing.T) {
	t.Parallel()
	n := newFakenet(t)
	w := newWorld(t, n, proxy.Always)
	pixelNet(t, w)
	tiny, icon := pictures(t)
	client := w.client(t)
	for _, tt := range []struct {
		name, url, page string
		from            picture
		cookie          string
		blank           bool
	}{
		{"gif", "https://gif.stats.example/p?uid=1", "https://news.example/", tiny["gif"], "", true},
		{"png", "https://png.stats.example/p?uid=1", "https://news.example/", tiny["png"], "", true},
		{"webp", "https://webp.stats.example/p?uid=1", "https://news.example/", tiny["webp"], "", true},
		{"svg", "https://svg.stats.example/p?uid=1", "https://news.example/", tiny["svg"], "", true},
		{"known by its cookie alone", "https://gif.stats.example/q", "https://news.example/", tiny["gif"], "uid=8f3a9c77b1d24e55", true},
		{"known by its path alone", "https://gif.stats.example/o/8f3a9c77b1d24e55.gif", "https://news.example/", tiny["gif"], "", true},
		{"without TLS", "http://gif.stats.example/plain?uid=1", "http://news.example/", tiny["gif"], "", true},
		{"icon", "https://icons.example/badge?user=8f3a9c77b1d24e55", "https://news.example/", icon, "uid=1", false},
		{"first party", "https://own.example/p.gif?uid=1", "https://own.example/", tiny["gif"], "uid=1", false},
		{"spacer", "https://cdn.example/spacer.gif", "https://news.example/", tiny["gif"], "", false},
		{"sign-in, spliced", "https://accounts.google.com/p.gif?s=1", "https://news.example/", tiny["gif"], "SID=1", false},
		{"sign-in, vetoed", "http://accounts.google.com/p.gif?s=1", "http://news.example/", tiny["gif"], "SID=1", false},
		{"sign-in, vetoed", "http://login.live.com/p.gif?s=1", "http://news.example/", tiny["gif"], "SID=1", false},
		{"sign-in, vetoed", "http://login.microsoftonline.com/p.gif?s=1", "http://news.example/", tiny["gif"], "SID=1", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for i := range 2 {
				before := len(n.Visits())
				body, h := fetchImage(t, client, tt.url, tt.page, tt.cookie)
				left := len(n.Visits()) - before
				if !tt.blank {
					if body != tt.from.data || left != 1 {
						t.Errorf("request %d: %d bytes, %d left; want the origin's %d, 1", i, len(body), left, len(tt.from.data))
					}
					if strings.Contains(tt.name, "spacer") {
						continue
					}
				}
				if kept := h.Get("Etag") != "" && h.Get("Set-Cookie") != ""; kept == tt.blank {
					t.Errorf("request %d: header %v", i, h)
				}
				if tt.blank && (body == tt.from.data || body == "" || left != 1-i || !strings.HasPrefix(h.Get("Content-Type"), "image/")) {
					t.Errorf("request %d: %q (%s), %d left; want a blank image, %d", i, body, h.Get("Content-Type"), left, 1-i)
				}
			}
		})
	}
}

func fetchImage(t *testing.T, c *http.Client, address, page, cookie string) (body string, h http.Header) {
	t.Helper()
	r, err := http.NewRequest("GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	site := "cross-site"
	if strings.HasPrefix(address, page) {
		site = "same-origin"
	}
	for k, v := range map[string]string{
		"Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Site": site, "Referer": page, "Cookie": cookie,
		"Accept": "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", "User-Agent": "Mozilla/5.0",
	} {
		if v != "" {
			r.Header.Set(k, v)
		}
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", address, resp.Status, err)
	}
	return string(data), resp.Header
}
