package e2e

import (
	"bytes"
	"fmt"
	"image/gif"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/detect/vendor"
)

// secrets as pages leak them: by their names and by their shape.
var secrets = []string{"hunter2planted", "4111111111111111", "plantedsession0123"}

const leakyPage = "https://shop.example/pay?password=hunter2planted&card=4111111111111111#sessionid=plantedsession0123"

// leaky adds secrets to an address.
func leaky(address string) string {
	by := "?"
	if strings.Contains(address, "?") {
		by = "&"
	}
	return address + by + "password=hunter2planted&card=4111111111111111&sessionid=plantedsession0123&page=" + url.QueryEscape(leakyPage)
}

// send sends a request with secrets wherever a page can put them.
func (p *person) send(method, address, body string) {
	p.t.Helper()
	req, err := http.NewRequest(method, leaky(address), strings.NewReader(body))
	if err != nil {
		return // an address that only a browser takes
	}
	req.Header.Set("Referer", leakyPage)
	req.Header.Set("Sec-Fetch-Dest", "image")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	req.Header.Set("Sec-Fetch-Mode", "no-cors")
	req.Header.Set("Cookie", "session=plantedsession0123; sid=plantedsession0123; xs=plantedsession0123; uid=0a1b2c3d4e5f60718293")
	req.Header.Set("Authorization", "Bearer plantedsession0123")
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := p.http.Do(req)
	if err != nil {
		p.t.Errorf("%s %s: %v", method, req.URL.Host, err)
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
}

// leakedBody adds secrets to a body of an example.
func leakedBody(body string) string {
	switch {
	case body == "":
		return ""
	case strings.HasPrefix(strings.TrimSpace(body), "{"):
		return strings.Replace(body, "{", `{"password":"hunter2planted","card":"4111111111111111","page":"`+leakyPage+`",`, 1)
	}
	return body + "&password=hunter2planted&card=4111111111111111&page=" + url.QueryEscape(leakyPage)
}

// TestDaySecrets sends secrets to every vendor and to pixels that nobody knows,
// through the whole proxy. When it has ended none of them is in a byte of what
// it left on the disk, nor in the operations log.
func TestDaySecrets(t *testing.T) {
	t.Parallel()
	dir := filepath.Dir(t.TempDir()) // of all that this test makes; it goes last
	var p *person
	t.Cleanup(func() { noneLeft(t, dir, p.w.Log.String()) }) // after the world is closed
	n := newFakenet(t)
	var dot bytes.Buffer
	if err := gif.Encode(&dot, square(1), nil); err != nil {
		t.Fatal(err)
	}
	p = newPerson(t, n, time.Now())
	specs, err := vendor.ParseDir(os.DirFS("../.."), "rules/vendors")
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	for _, s := range specs {
		for _, tr := range s.Trackers {
			for i := range tr.Examples {
				ex := &tr.Examples[i]
				method := "GET"
				if ex.Method != "" {
					method = ex.Method
				}
				p.send(method, ex.URL, leakedBody(ex.Body))
				sent++
			}
		}
	}
	for i := range 12 { // four pixels on three visits: learned, then known
		host := fmt.Sprintf("px.s%d.example", i%4)
		n.Handle(host, picture{"image/gif", dot.String()})
		p.send("GET", "https://"+host+"/p.gif?v=0a1b2c3d4e5f60718293&n="+fmt.Sprint(i), "")
	}
	if err := p.w.Ledger.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := p.w.Ledger.Stats(); s.Written < int64(sent/2) || s.Lost.Total() != 0 {
		t.Errorf("%d sent, the ledger has %+v", sent, s)
	}
}

// noneLeft looks through every file of a directory.
func noneLeft(t *testing.T, dir, log string) {
	files, met := 0, false
	look := func(name, text string) {
		files++
		met = met || strings.Contains(text, "meta-pixel") && strings.Contains(text, "tiktok-pixel")
		for _, secret := range secrets {
			if i := strings.Index(strings.ToLower(text), secret); i >= 0 {
				t.Errorf("%s is in %s at %d: %q", secret, name, i, text[max(0, i-60):min(len(text), i+60)])
			}
		}
	}
	look("the log", log)
	var size int
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err == nil {
			size += len(b)
			look(filepath.Base(path), string(b))
		}
		return err
	})
	if err != nil || files < 4 || size < 100<<10 || !met {
		t.Errorf("looked through %d files with %d bytes, trackers met %v, %v: that proves little", files, size, met, err)
	}
}
