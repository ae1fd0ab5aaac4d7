package intake

import (
	"net/http"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
)

// header makes a header of "Name: value" lines.
func header(lines ...string) http.Header {
	h := http.Header{}
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		h.Add(name, value)
	}
	return h
}

type typeTest struct {
	name, method, url string
	head              []string
	want              detect.Type
}

func typeTests() []typeTest {
	const u = "https://t.example/collect"
	ws := []string{"Upgrade: websocket", "Connection: keep-alive, Upgrade"}
	return []typeTest{
		{"nothing said", "GET", u, nil, detect.TypeOther},
		{"fetch image", "GET", u, []string{"Sec-Fetch-Dest: image"}, detect.TypeImage},
		{"fetch script", "GET", u, []string{"Sec-Fetch-Dest: script"}, detect.TypeScript},
		{"fetch worker", "GET", u, []string{"Sec-Fetch-Dest: serviceworker"}, detect.TypeScript},
		{"fetch style", "GET", u, []string{"Sec-Fetch-Dest: style"}, detect.TypeStylesheet},
		{"fetch font", "GET", u, []string{"Sec-Fetch-Dest: font"}, detect.TypeFont},
		{"fetch video", "GET", u, []string{"Sec-Fetch-Dest: video"}, detect.TypeMedia},
		{"fetch object", "GET", u, []string{"Sec-Fetch-Dest: object", "Sec-Fetch-Mode: navigate"}, detect.TypeObject},
		{"fetch empty", "GET", u, []string{"Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: cors"}, detect.TypeXHR},
		{"no-cors get", "GET", u, []string{"Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: no-cors"}, detect.TypeXHR},
		{"beacon", "POST", u, []string{"Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: no-cors"}, detect.TypePing},
		{"beacon, lower-case method", "post", u, []string{"Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: no-cors"}, detect.TypePing},
		{"cors post", "POST", u, []string{"Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: cors"}, detect.TypeXHR},
		{"report", "POST", u, []string{"Sec-Fetch-Dest: report"}, detect.TypeOther},
		{"navigation", "GET", u, []string{"Sec-Fetch-Mode: navigate"}, detect.TypeDocument},
		{"navigation beats accept", "GET", u, []string{"Sec-Fetch-Mode: navigate", "Accept: image/gif"}, detect.TypeDocument},
		{"document", "GET", u, []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}, detect.TypeDocument},
		{"frame navigates", "GET", u, []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"}, detect.TypeSubdocument},
		{"fetch beats accept", "GET", u, []string{"Sec-Fetch-Dest: image", "Accept: text/html"}, detect.TypeImage},
		{"fetch beats extension", "GET", u + ".js", []string{"Sec-Fetch-Dest: image"}, detect.TypeImage},
		{"fetch beats x-requested-with", "GET", u, []string{"Sec-Fetch-Dest: script", "X-Requested-With: XMLHttpRequest"}, detect.TypeScript},
		{"repeated word is not believed", "GET", u + ".gif", []string{"Sec-Fetch-Dest: script", "Sec-Fetch-Dest: document"}, detect.TypeImage},
		{"unknown word", "GET", u + ".gif", []string{"Sec-Fetch-Dest: hologram"}, detect.TypeImage},
		{"websocket", "GET", u, ws, detect.TypeWebSocket},
		{"websocket beats fetch", "GET", u, append([]string{"Sec-Fetch-Dest: image"}, ws...), detect.TypeWebSocket},
		{"firefox websocket", "GET", u, []string{"Sec-Fetch-Dest: empty", "Sec-Fetch-Mode: websocket"}, detect.TypeWebSocket},
		{"websocket behind a proxy", "GET", u, []string{"Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw=="}, detect.TypeWebSocket},
		{"wss", "GET", "wss://t.example/s", nil, detect.TypeWebSocket},
		{"upgrade left behind", "GET", u + ".gif", []string{"Upgrade: websocket"}, detect.TypeImage},
		{"upgrade to h2c", "GET", u + ".gif", []string{"Upgrade: h2c", "Connection: Upgrade"}, detect.TypeImage},
		{"ping", "POST", u, []string{"Ping-To: https://x.example/", "Sec-Fetch-Dest: empty"}, detect.TypePing},
		{"ping by content type", "POST", u, []string{"Content-Type: text/ping"}, detect.TypePing},
		{"ajax", "POST", u, []string{"X-Requested-With: XMLHttpRequest", "Accept: text/html"}, detect.TypeXHR},
		{"android app is not ajax", "GET", u, []string{"X-Requested-With: com.shop.app", "Accept: text/html"}, detect.TypeDocument},
		{"accept image", "GET", u, []string{"Accept: image/avif,image/webp,*/*;q=0.8"}, detect.TypeImage},
		{"accept html", "GET", u, []string{"Accept: text/html,application/xhtml+xml"}, detect.TypeDocument},
		{"accept css", "GET", u, []string{"Accept: text/css,*/*;q=0.1"}, detect.TypeStylesheet},
		{"accept json", "GET", u, []string{"Accept: application/ld+json"}, detect.TypeXHR},
		{"accept stream", "GET", u, []string{"Accept: text/event-stream"}, detect.TypeXHR},
		{"accept script", "GET", u, []string{"Accept: Application/JavaScript;v=1, */*"}, detect.TypeScript},
		{"accept font", "GET", u, []string{"Accept: application/font-woff2;q=1.0,*/*"}, detect.TypeFont},
		{"accept video", "GET", u, []string{"Accept: video/webm,*/*"}, detect.TypeMedia},
		{"accept beats extension", "GET", u + ".js", []string{"Accept: image/png"}, detect.TypeImage},
		{"accept anything", "GET", u + ".css", []string{"Accept: */*"}, detect.TypeStylesheet},
		{"extension gif", "GET", "https://t.example/a.b/p.GIF?x=.js#.css", nil, detect.TypeImage},
		{"extension before matrix", "GET", "https://t.example/p.gif;ord=1.5", nil, detect.TypeImage},
		{"dot in directory", "GET", "https://t.example/v1.js/collect", nil, detect.TypeOther},
		{"dot in query", "GET", "https://t.example/collect?f=a.js", nil, detect.TypeOther},
		{"dot in host", "GET", "https://t.js", nil, detect.TypeOther},
		{"origin alone", "POST", u, []string{"Origin: https://shop.example"}, detect.TypeXHR},
	}
}

func TestType(t *testing.T) {
	t.Parallel()
	for _, tt := range typeTests() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := Request(tt.method, tt.url, header(tt.head...)); got.Type != tt.want {
				t.Errorf("type of %s %s %q = %v, want %v", tt.method, tt.url, tt.head, got.Type, tt.want)
			}
		})
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	const u = "https://px.t.example/c.gif"
	long := "https://shop.example/" + strings.Repeat("a", maxPage)
	tests := []struct {
		name string
		head []string
		page string
		from detect.PageFrom
		site detect.Party
		want detect.Party
	}{
		{"nothing said", nil, "", detect.PageUnknown, detect.PartyUnknown, detect.PartyUnknown},
		{"referer", []string{"Referer: https://shop.example/thanks?o=1"}, "https://shop.example/thanks?o=1", detect.PageReferer, detect.PartyUnknown, detect.ThirdParty},
		{"referer is an origin", []string{"Referer: https://shop.example/"}, "https://shop.example/", detect.PageReferer, detect.PartyUnknown, detect.ThirdParty},
		{"referer first party", []string{"Referer: https://www.t.example/"}, "https://www.t.example/", detect.PageReferer, detect.PartyUnknown, detect.FirstParty},
		{"referer with secrets", []string{"Referer: https://me:pw@shop.example/a#frag"}, "https://shop.example/a", detect.PageReferer, detect.PartyUnknown, detect.ThirdParty},
		{"referer too long", []string{"Referer: " + long}, "https://shop.example", detect.PageReferer, detect.PartyUnknown, detect.ThirdParty},
		{"referer of an app", []string{"Referer: android-app://com.shop"}, "", detect.PageUnknown, detect.PartyUnknown, detect.PartyUnknown},
		{"referer without host", []string{"Referer: https:///x"}, "", detect.PageUnknown, detect.PartyUnknown, detect.PartyUnknown},
		{"two referers", []string{"Referer: https://a.example/", "Referer: https://b.example/"}, "", detect.PageUnknown, detect.PartyUnknown, detect.PartyUnknown},
		{"origin", []string{"Origin: https://shop.example"}, "https://shop.example", detect.PageOrigin, detect.PartyUnknown, detect.ThirdParty},
		{"origin null", []string{"Origin: null"}, "", detect.PageUnknown, detect.PartyUnknown, detect.PartyUnknown},
		{"referer says more than origin", []string{"Origin: https://shop.example", "Referer: https://shop.example/p"}, "https://shop.example/p", detect.PageReferer, detect.PartyUnknown, detect.ThirdParty},
		{"font of a style sheet", []string{"Origin: https://shop.example", "Referer: https://cdn.example/s.css"}, "https://shop.example", detect.PageOrigin, detect.PartyUnknown, detect.ThirdParty},
		{"browser says cross-site", []string{"Sec-Fetch-Site: cross-site"}, "", detect.PageUnknown, detect.ThirdParty, detect.ThirdParty},
		{"browser beats comparison", []string{"Sec-Fetch-Site: cross-site", "Referer: https://px.t.example/"}, "https://px.t.example/", detect.PageReferer, detect.ThirdParty, detect.ThirdParty},
		{"same-origin names the page", []string{"Sec-Fetch-Site: same-origin"}, "https://px.t.example", detect.PageFetchSite, detect.FirstParty, detect.FirstParty},
		{"same-site guesses the page", []string{"Sec-Fetch-Site: same-site"}, "https://t.example", detect.PageGuess, detect.FirstParty, detect.FirstParty},
		{"none says nothing", []string{"Sec-Fetch-Site: none"}, "", detect.PageUnknown, detect.PartyUnknown, detect.PartyUnknown},
		{"said twice", []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"}, "", detect.PageUnknown, detect.PartyUnknown, detect.PartyUnknown},
		{"document is its own page", []string{"Sec-Fetch-Dest: document", "Sec-Fetch-Site: cross-site", "Referer: https://shop.example/"}, u, detect.PageDocument, detect.FirstParty, detect.FirstParty},
		{"frame belongs to its embedder", []string{"Sec-Fetch-Dest: iframe", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Site: cross-site", "Referer: https://shop.example/"}, "https://shop.example/", detect.PageReferer, detect.ThirdParty, detect.ThirdParty},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := Request("GET", u, header(tt.head...))
			if r.Page != tt.page || r.PageFrom != tt.from || r.Site != tt.site {
				t.Errorf("%q: page %q from %q site %d, want %q %q %d", tt.head, r.Page, r.PageFrom, r.Site, tt.page, tt.from, tt.site)
			}
			if got := r.Party(); got != tt.want {
				t.Errorf("%q: party %d, want %d", tt.head, got, tt.want)
			}
		})
	}
}

func TestUnparsableAndNil(t *testing.T) {
	t.Parallel()
	tests := []struct{ url, host, page string }{
		{"https://T.Example:8443/a b%zz", "t.example", "https://T.Example:8443"},
		{"https://u:p@t.example/%", "t.example", "https://t.example"},
		{"no url at all", "", ""},
		{"", "", ""},
	}
	for _, tt := range tests {
		r := Request("", tt.url, nil)
		if r.Host != tt.host || r.URL != tt.url || r.Method != "" || r.Header != nil {
			t.Errorf("Request(%q) = %+v, want host %q", tt.url, r, tt.host)
		}
		r = Request("", tt.url, header("Sec-Fetch-Site: same-origin"))
		if r.Page != tt.page {
			t.Errorf("page of %q = %q, want %q", tt.url, r.Page, tt.page)
		}
	}
}

func TestRequestDoesNotAllocate(t *testing.T) {
	h := header("Sec-Fetch-Dest: image", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Site: cross-site",
		"Accept: image/avif,image/webp,*/*;q=0.8", "Referer: https://shop.example/")
	var hd detect.Header = h
	var sink detect.Request
	n := testing.AllocsPerRun(100, func() { sink = Request("GET", "https://t.example/c.gif?a=1", hd) })
	if n != 0 || sink.Type != detect.TypeImage {
		t.Errorf("Request allocates %v times (type %v), want 0 (image)", n, sink.Type)
	}
}

func FuzzRequest(f *testing.F) {
	f.Add("GET", "https://t.example/a.gif?x", "image", "https://u@s.example/#f", "https://s.example", "text/html;q=1")
	f.Add("", "//", "", "http://", "null", ",;/")
	f.Add("POST", "https://[::1]:80\\x", "empty", "https://a//b@c", "", "*/*")
	f.Fuzz(func(t *testing.T, method, url, dest, referer, origin, accept string) {
		h := http.Header{"Sec-Fetch-Dest": {dest}, "Sec-Fetch-Site": {"same-site"}, "Referer": {referer}, "Origin": {origin}, "Accept": {accept}}
		r := Request(method, url, h)
		if r.URL != url {
			t.Errorf("URL %q, want %q as written", r.URL, url)
		}
		if r.PageFrom == detect.PageReferer && (len(r.Page) > maxPage+len(origin)+8 || strings.Contains(r.Page, "#")) {
			t.Errorf("page %q is too long or has a fragment", r.Page)
		}
		if len(Extension(url)) > 10 {
			t.Errorf("extension %q of %q is too long", Extension(url), url)
		}
	})
}
