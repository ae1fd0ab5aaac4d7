package rules_test

import (
	"net/textproto"
	"os"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/intake"
	"github.com/quench-proxy/quench/internal/detect/score"
	"github.com/quench-proxy/quench/internal/need"
)

// TestScoreAgainstLists judges real requests by the score alone and compares it
// with two public lists. The hosts that the lists let pass and the score stops were
// read by hand when the weights were set: with few exceptions they were trackers
// that the lists did not know.
func TestScoreAgainstLists(t *testing.T) {
	t.Parallel()
	requests, err := os.ReadFile(need.Data(t, "filter/requests.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	verdicts, err := os.ReadFile(need.Data(t, "filter/verdicts.txt"))
	if err != nil {
		t.Fatal(err)
	}
	set := rulesOf(t, nil, true)
	said := strings.Fields(string(verdicts))
	var listed, unlisted matrix
	for i, line := range strings.Split(strings.TrimSpace(string(requests)), "\n") {
		f := strings.Split(line, "\t")
		ty, ok := detect.ParseType(f[0])
		if len(f) < 3 || !ok {
			continue
		}
		r := detect.Request{URL: f[2], Host: detect.HostOf(f[2]), Method: "GET", Page: f[1], PageFrom: detect.PageReferer, Type: ty, Header: textproto.MIMEHeader{}}
		if r.Party() != detect.ThirdParty || ty != detect.TypeImage && ty != detect.TypeXHR && ty != detect.TypeOther {
			continue
		}
		o := outcomeOf(set.Request(&r, nil))
		if said[i] == "1" {
			listed[o]++
		} else {
			unlisted[o]++
		}
	}
	t.Logf("the lists block:    %v", &listed)
	t.Logf("the lists let pass: %v", &unlisted)
	if got := listed.stopped(); got < 0.45 {
		t.Errorf("%.3f of what the lists block is stopped, want at least 0.45", got)
	}
	if got := unlisted.stopped(); got > 0.10 {
		t.Errorf("%.3f of what the lists let pass is stopped, want at most 0.10", got)
	}
}

// TestScoreNeverStopsThese whatever they carry and whatever is remembered.
func TestScoreNeverStopsThese(t *testing.T) {
	t.Parallel()
	set, _ := load(t)
	const id = "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9"
	const more = "uid=" + id + "&sr=1920x1080&ul=de-DE&url=https%3A%2F%2Fshop.example%2Fa&ev=PageView&cid=1234567890.1741737600"
	key := &detect.PastKey{1}
	for _, host := range []string{"www.gravatar.com/avatar/0a1b2c3d4e5f60718293a4b5c6d7e8f9", "cdn.jsdelivr.net/npm/x@1/x.json",
		"shop.imgix.net/a.jpg", "res.cloudinary.com/shop/image/upload/a.png", "www.google.com/recaptcha/api2/payload",
		"api.stripe.com/v1/tokens", "m.stripe.com/6", "r.stripe.com/b", "q.stripe.com/", "www.paypalobjects.com/a.gif",
		"fonts.googleapis.com/css2", "tile.openstreetmap.org/1/2/3.png", "api.mapbox.com/v4/x.json", "hcaptcha.com/getcaptcha",
		"accounts.google.com/gsi/status", "login.microsoftonline.com/x", "consent.cookiebot.com/a", "rr1---sn-a.googlevideo.com/videoplayback"} {
		for _, ty := range []detect.Type{detect.TypeImage, detect.TypeXHR, detect.TypePing} {
			url := "https://" + host + "?" + more
			r := intake.Request("GET", url, textproto.MIMEHeader{"Referer": {"https://shop.example/"}, "Cookie": {"uid=" + id}})
			r.Type = ty
			r.Past = &detect.Past{Key: key, Site: []uint64{key.Sum(detect.PastID, []byte(id), nil, nil)},
				World: &detect.World{Hosts: map[uint64]detect.HostTraits{key.Sum(detect.PastHost, []byte(r.Host), nil, nil): detect.HostTracks}}}
			if d := set.Request(&r, nil); d.Action >= detect.Strip {
				t.Errorf("%s as %s: %s at step %d (%d points)", host, ty, d.Action, d.Step, score.Of(&r).Points)
			}
		}
	}
}
