package answer

import (
	"bytes"
	"encoding/xml"
	"image/gif"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/intake"
	"github.com/quench-proxy/quench/internal/detect/pixel"
)

func request(method, url string, head ...string) *http.Request {
	r := httptest.NewRequest(method, url, nil)
	for _, l := range head {
		name, value, _ := strings.Cut(l, ": ")
		r.Header.Add(name, value)
	}
	return r
}

func typeOf(r *http.Request) detect.Type {
	return intake.Request(r.Method, r.URL.String(), r.Header).Type
}

func body(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read the answer: %v", err)
	}
	return string(b)
}

type answerTest struct {
	name, method, url string
	head              []string
	want              detect.Reply // by rule
	reply             detect.Reply
	status            int
	mime, body        string
}

func answerTests() []answerTest {
	const u = "https://t.example/collect"
	gif, png, svg := string(pixel.Blank(pixel.GIF)), string(pixel.Blank(pixel.PNG)), string(pixel.Blank(pixel.SVG))
	cors := []string{"Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: cors", "Origin: https://shop.example"}
	return []answerTest{
		{"image", "GET", u, []string{"Sec-Fetch-Dest: image"}, 0, detect.ReplyGIF, 200, "image/gif", gif},
		{"image .png", "GET", u + ".png?x=1", []string{"Sec-Fetch-Dest: image"}, 0, detect.ReplyPNG, 200, "image/png", png},
		{"image .svg", "GET", u + ".svg", []string{"Sec-Fetch-Dest: image"}, 0, detect.ReplySVG, 200, "image/svg+xml", svg},
		{"image by accept", "GET", u, []string{"Accept: image/webp,*/*"}, 0, detect.ReplyGIF, 200, "image/gif", gif},
		{"image by extension", "GET", u + ".jpg", nil, 0, detect.ReplyGIF, 200, "image/gif", gif},
		{"script", "GET", u, []string{"Sec-Fetch-Dest: script"}, 0, detect.ReplyEmptyJS, 200, "text/javascript; charset=utf-8", "/**/"},
		{"script that must fail", "GET", u, []string{"Sec-Fetch-Dest: script"}, detect.ReplyRefused, detect.ReplyRefused, 404, "", ""},
		{"beacon", "POST", u, []string{"Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: no-cors", "Origin: https://shop.example"}, 0, detect.ReplyNoContent, 204, "", ""},
		{"fetch no-cors", "GET", u, []string{"Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: no-cors"}, 0, detect.ReplyNoContent, 204, "", ""},
		{"ping", "POST", u, []string{"Ping-To: https://x.example/"}, 0, detect.ReplyNoContent, 204, "", ""},
		{"cors fetch", "POST", u, append([]string{"Accept: */*"}, cors...), 0, detect.ReplyJSON, 200, "application/json", "{}"},
		{"cors fetch of json", "GET", u, append([]string{"Accept: application/json"}, cors...), 0, detect.ReplyJSON, 200, "application/json", "{}"},
		{"cors fetch of no json", "GET", u, append([]string{"Accept: application/x-protobuf"}, cors...), 0, detect.ReplyNoContent, 204, "", ""},
		{"fetch of text", "GET", u, append([]string{"Accept: text/plain"}, cors...), 0, detect.ReplyText, 200, "text/plain; charset=utf-8", ""},
		{"fetch of html", "GET", u, append([]string{"Accept: text/html"}, cors...), 0, detect.ReplyEmptyHTML, 200, "text/html; charset=utf-8", "<!doctype html><title></title>"},
		{"fetch of an image", "GET", u, append([]string{"Accept: image/png"}, cors...), 0, detect.ReplyGIF, 200, "image/gif", gif},
		{"event source", "GET", u, append([]string{"Accept: text/event-stream"}, cors...), 0, detect.ReplyNoContent, 204, "", ""},
		{"ajax", "GET", u, []string{"X-Requested-With: XMLHttpRequest", "Accept: application/json, text/javascript, */*; q=0.01"}, 0, detect.ReplyJSON, 200, "application/json", "{}"},
		{"video ad", "GET", "https://t.example/gampad/ads?output=xml_vast4", cors, 0, detect.ReplyXML, 200, "application/xml; charset=utf-8", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<VAST version=\"4.0\"/>"},
		{"video ad schedule", "GET", u + "?output=vmap", cors, 0, detect.ReplyXML, 200, "application/xml; charset=utf-8", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<vmap:VMAP xmlns:vmap=\"http://www.iab.net/videosuite/vmap\" version=\"1.0\"/>"},
		{"fetch of xml", "GET", u, append([]string{"Accept: text/xml"}, cors...), 0, detect.ReplyXML, 200, "application/xml; charset=utf-8", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<empty/>"},
		{"frame", "GET", u, []string{"Sec-Fetch-Dest: iframe", "Sec-Fetch-Mode: navigate"}, 0, detect.ReplyEmptyHTML, 200, "text/html; charset=utf-8", "<!doctype html><title></title>"},
		{"style", "GET", u, []string{"Sec-Fetch-Dest: style"}, 0, detect.ReplyEmptyCSS, 200, "text/css; charset=utf-8", "/**/"},
		{"font", "GET", u, []string{"Sec-Fetch-Dest: font"}, 0, detect.ReplyRefused, 404, "", ""},
		{"captions", "GET", u, []string{"Sec-Fetch-Dest: track"}, 0, detect.ReplyMedia, 200, "text/vtt; charset=utf-8", "WEBVTT\n"},
		{"sound", "GET", u, []string{"Sec-Fetch-Dest: audio"}, 0, detect.ReplyMedia, 200, "audio/wav", string(silence())},
		{"video", "GET", u + ".mp4", nil, 0, detect.ReplyMedia, 200, "audio/wav", string(silence())},
		{"manifest", "GET", u, []string{"Sec-Fetch-Dest: manifest"}, 0, detect.ReplyJSON, 200, "application/json", "{}"},
		{"report", "POST", u, []string{"Sec-Fetch-Dest: report"}, 0, detect.ReplyNoContent, 204, "", ""},
		{"websocket", "GET", u, []string{"Upgrade: websocket", "Connection: Upgrade"}, 0, detect.ReplyRefused, 403, "", ""},
		{"websocket, whatever a rule wants", "GET", u, []string{"Upgrade: websocket", "Connection: Upgrade"}, detect.ReplyGIF, detect.ReplyRefused, 403, "", ""},
		{"document, whatever a rule wants", "GET", u, []string{"Sec-Fetch-Dest: document"}, detect.ReplyGIF, detect.ReplyPage, 200, "text/html; charset=utf-8", "<!doctype html><title></title>"},
		{"rule's own reply", "GET", u, []string{"Sec-Fetch-Dest: image"}, detect.ReplyNoContent, detect.ReplyNoContent, 204, "", ""},
		{"a mail program", "GET", u, nil, 0, detect.ReplyGIF, 200, "image/gif", gif},
		{"a program that posts", "POST", u, nil, 0, detect.ReplyNoContent, 204, "", ""},
		{"a reply HTTP does not have", "GET", u, []string{"Sec-Fetch-Dest: script"}, detect.ReplyNXDomain, detect.ReplyNXDomain, 404, "", ""},
	}
}

// TestAnswers is the table of what breaks least, row by row.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, tt := range answerTests() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := request(tt.method, tt.url, tt.head...)
			reply := Choose(r, typeOf(r), tt.want)
			if reply != tt.reply {
				t.Fatalf("Choose = %v, want %v", reply, tt.reply)
			}
			resp := Make(r, reply)
			if resp.StatusCode != tt.status || resp.Header.Get("Content-Type") != tt.mime {
				t.Errorf("answer %d %q, want %d %q", resp.StatusCode, resp.Header.Get("Content-Type"), tt.status, tt.mime)
			}
			if got := body(t, resp); got != tt.body {
				t.Errorf("body %q, want %q", got, tt.body)
			}
			checkCommon(t, resp, int64(len(tt.body)))
		})
	}
}

func checkCommon(t *testing.T, resp *http.Response, length int64) {
	t.Helper()
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "cross-origin", "Timing-Allow-Origin": "*",
		"Set-Cookie": "", "Location": "", "X-Frame-Options": "", "Etag": "", "Last-Modified": "",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	declared := ""
	if resp.StatusCode != http.StatusNoContent {
		declared = strconv.FormatInt(length, 10)
	}
	if got := resp.Header.Get("Content-Length"); got != declared || resp.ContentLength != length {
		t.Errorf("Content-Length %q and %d, want %q and %d", got, resp.ContentLength, declared, length)
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	const origin = "https://shop.example"
	tests := []struct {
		name string
		head []string
		want string
	}{
		{"cors", []string{"Sec-Fetch-Mode: cors", "Origin: " + origin}, origin},
		{"opaque origin", []string{"Sec-Fetch-Mode: cors", "Origin: null"}, "null"},
		{"mode not said", []string{"Origin: " + origin}, origin},
		{"no-cors", []string{"Sec-Fetch-Mode: no-cors", "Origin: " + origin}, ""},
		{"no origin", []string{"Sec-Fetch-Mode: cors"}, ""},
	}
	for _, tt := range tests {
		for _, reply := range []detect.Reply{detect.ReplyJSON, detect.ReplyGIF, detect.ReplyEmptyJS, detect.ReplyNoContent, detect.ReplyRefused} {
			resp := Make(request("GET", "https://t.example/", tt.head...), reply)
			if got := resp.Header.Get("Access-Control-Allow-Origin"); got != tt.want {
				t.Errorf("%s, %v: allows %q, want %q", tt.name, reply, got, tt.want)
			}
			credentials, vary := resp.Header.Get("Access-Control-Allow-Credentials"), resp.Header.Get("Vary")
			if (credentials == "true") != (tt.want != "") || (vary == "Origin") != (tt.want != "") {
				t.Errorf("%s, %v: credentials %q, vary %q", tt.name, reply, credentials, vary)
			}
		}
	}
}

func TestHeadAndRange(t *testing.T) {
	t.Parallel()
	resp := Make(request("HEAD", "https://t.example/p.gif"), detect.ReplyGIF)
	if got := body(t, resp); got != "" || resp.Header.Get("Content-Length") != "43" || resp.ContentLength != 43 {
		t.Errorf("HEAD: body %q, length %q, want none and 43", got, resp.Header.Get("Content-Length"))
	}
	resp = Make(request("GET", "https://t.example/v.mp4", "Range: bytes=100-"), detect.ReplyMedia)
	if resp.StatusCode != 200 || len(body(t, resp)) != len(silence()) || resp.Header.Get("Content-Range") != "" {
		t.Errorf("Range: status %d, want the whole answer with 200", resp.StatusCode)
	}
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	r := request("OPTIONS", "https://t.example/c", "Origin: https://shop.example",
		"Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type,x-a")
	if !IsPreflight(r) {
		t.Fatal("IsPreflight = false, want true")
	}
	resp := Preflight(r)
	want := map[string]string{
		"Access-Control-Allow-Origin": "https://shop.example", "Access-Control-Allow-Credentials": "true",
		"Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "content-type,x-a",
		"Access-Control-Max-Age": "600", "Cache-Control": "no-store",
	}
	for name, v := range want {
		if got := resp.Header.Get(name); got != v {
			t.Errorf("%s: %q, want %q", name, got, v)
		}
	}
	if resp.StatusCode != 204 {
		t.Errorf("status %d, want 204", resp.StatusCode)
	}
	if d := DenyPreflight(r); d.StatusCode < 400 || d.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("DenyPreflight: %d allows %q, want a failure that allows nothing", d.StatusCode, d.Header.Get("Access-Control-Allow-Origin"))
	}
	for _, r := range []*http.Request{
		request("OPTIONS", "https://t.example/c", "Origin: https://shop.example"),
		request("OPTIONS", "https://t.example/c", "Access-Control-Request-Method: POST"),
		request("GET", "https://t.example/c", "Origin: https://shop.example", "Access-Control-Request-Method: POST"),
	} {
		if IsPreflight(r) {
			t.Errorf("IsPreflight(%s %v) = true, want false", r.Method, r.Header)
		}
	}
}

// TestBytes reads the answers with parsers that are not ours.
func TestBytes(t *testing.T) {
	t.Parallel()
	if img, err := gif.Decode(bytes.NewReader(contentOf(nil, detect.ReplyGIF).body)); err != nil || img.Bounds().Dx() != 1 {
		t.Errorf("GIF: %v", err)
	}
	if img, err := png.Decode(bytes.NewReader(contentOf(nil, detect.ReplyPNG).body)); err != nil || img.Bounds().Dx() != 1 {
		t.Errorf("PNG: %v", err)
	}
	for _, u := range []string{"https://t.example/vast", "https://t.example/vmap", "https://t.example/x"} {
		if err := xml.Unmarshal([]byte(emptyXML(request("GET", u))), new(struct{})); err != nil {
			t.Errorf("XML for %s: %v", u, err)
		}
	}
	wav := silence()
	size := func(at int) int { return int(wav[at]) | int(wav[at+1])<<8 | int(wav[at+2])<<16 | int(wav[at+3])<<24 }
	if string(wav[:4])+string(wav[8:16])+string(wav[36:40]) != "RIFFWAVEfmt data" || size(4) != len(wav)-8 || size(40) != len(wav)-44 || size(16) != 16 {
		t.Errorf("WAV header % x does not fit its %d bytes", wav[:44], len(wav))
	}
}

func TestImage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		format pixel.Format
		mime   string
		reply  detect.Reply
		looks  pixel.Format
	}{
		{pixel.GIF, "image/gif", detect.ReplyGIF, pixel.GIF}, {pixel.PNG, "image/png", detect.ReplyPNG, pixel.PNG},
		{pixel.WebP, "image/webp", detect.ReplyGIF, pixel.WebP}, {pixel.SVG, "image/svg+xml", detect.ReplySVG, pixel.SVG},
		{pixel.JPEG, "image/gif", detect.ReplyGIF, pixel.GIF}, {pixel.None, "image/gif", detect.ReplyGIF, pixel.GIF},
	} {
		resp, reply := Image(request("GET", "https://t.example/"), tt.format)
		b := body(t, resp)
		got := pixel.Look([]byte(b), true)
		if reply != tt.reply || resp.Header.Get("Content-Type") != tt.mime || got.Format != tt.looks || !got.Tiny {
			t.Errorf("%v: %v %q %+v, want %v %q and a tiny %v", tt.format, reply, resp.Header.Get("Content-Type"), got, tt.reply, tt.mime, tt.looks)
		}
		checkCommon(t, resp, int64(len(b)))
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	r := request("GET", "https://t.example/")
	resp := Page(r, BlockPage{
		Host: "t.example", Tracker: "Acme <Pixel>", Company: "Acme & Sons", Sentence: `say "hi"<script>`,
		Reasons: []string{"path /<i>"}, Action: "/.well-known/x?a=\"b",
	})
	got := body(t, resp)
	for _, want := range []string{"Acme &lt;Pixel&gt;", "Acme &amp; Sons", "&lt;script&gt;", "path /&lt;i&gt;", `name="choice" value="to-15m"`,
		`value="to-always"`, `value="on-15m"`, `value="on-always"`, `method="post"`, `lang="en"`, "prefers-color-scheme"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, bad := range []string{"<script", "<img", "http://", "https://", "url(", "@import", "<link", "<i>"} {
		if strings.Contains(got, bad) {
			t.Errorf("the page contains %q", bad)
		}
	}
	if csp := resp.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'") {
		t.Errorf("CSP %q", csp)
	}
	if resp.StatusCode != 403 || resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Referrer-Policy") != "same-origin" {
		t.Errorf("status %d, header %v", resp.StatusCode, resp.Header)
	}
	if got := body(t, Page(r, BlockPage{Host: "t.example"})); strings.Contains(got, "<form") || strings.Contains(got, "<strong>") {
		t.Errorf("a page without action and tracker has a form or names one:\n%s", got)
	}
	if n := Notice(r, 400, "A <b>", "C"); n.StatusCode != 400 || !strings.Contains(body(t, n), "A &lt;b&gt;") {
		t.Error("the notice does not show its title as text")
	}
	if s := SeeOther(r, "https://t.example/x?a=1"); s.StatusCode != 303 || s.Header.Get("Location") != "https://t.example/x?a=1" {
		t.Errorf("SeeOther = %d %q", s.StatusCode, s.Header.Get("Location"))
	}
}
