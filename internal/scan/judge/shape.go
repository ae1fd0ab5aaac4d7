package judge

import (
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
)

// clear are words of a path that say what the address is for: it counts.
var clear = set("open opens opened opening openrate open_log track tracks tracker trackers tracking trk trck beacon beacons pixel pixels " +
	"imp imps impression impressions wf oo emimp webbug webbugs readreceipt receipt receipts track-opening trackopen opentrack " +
	"emailopened mailopen mailopened email_opened email_open_log_pic email_trackers emailopen open_tracking opentracking pixelserver " +
	"footerimages ho ibis countopened mailings-opened watermark ocimage")

// hints are words that also stand in ordinary paths.
var hints = set("o t e q p i r eo op mk tr to bto cto log logs stat stats count counter hit hits ping collect view views seen read trace " +
	"click clicks event events lt sprite img image email emails action campaign campaigns message messages m px notification notifications " +
	"analytics metrics telemetry rte sync d c so ea ucm us ut")

// spacers are names of files that hold a picture down.
var spacers = set("spacer space spacers blank clear cleardot clear1x1 trans transparent transp shim dot empty pixel pix px 1x1 1px white sp s x gap line divider " +
	"null invis invisible inv placeholder dummy bg border corner shadow hr")

// folders hold files that are the same for everybody.
var folders = set("images image img imgs assets asset static media uploads upload files file content cdn wp-content templates template " +
	"resources resource gallery icons icon logos logo fonts font public theme themes banner banners pictures pics photos photo stationery " +
	"products product dam is catalog thumbs thumbnails newsletter newsletters_images library graphics gfx common layout")

var pictures = set("png jpg jpeg gif webp svg bmp ico avif heic css js woff woff2 ttf otf eot mp4 webm mp3 wav ogg pdf")

// outline is what a URL's path says, whatever message it stands in.
type outline struct {
	word    string // the clearest word about its purpose
	words   int    // 2 for a clear word, 1 for a hint, 0 for none
	named   bool   // the file's whole name is the clear word
	ext     string // lower case, of a static kind only
	spacer  bool   // the file is named like a spacer
	folder  bool   // stands in a folder of static files
	query   bool   // has a query that is not a version or size
	dynamic bool   // made by a program: a query, or no static extension
}

func outlineOf(u string) outline {
	var o outline
	path, query := detect.Split(u)
	segments := strings.Split(strings.ToLower(strings.Trim(path, "/")), "/")
	last := segments[len(segments)-1]
	stem := last
	if i := strings.LastIndexByte(last, '.'); i >= 0 {
		if pictures[last[i+1:]] {
			o.ext = last[i+1:]
		}
		stem = last[:i]
	}
	o.query = hasQuery(query)
	o.dynamic = o.query || o.ext == ""
	o.spacer = o.ext != "" && spacers[strings.TrimRight(stem, "0123456789_-")] || o.ext != "" && spacers[stem]
	for i, s := range segments {
		if i == len(segments)-1 {
			s = stem
			o.named = clear[stem]
		} else if folders[s] {
			o.folder = true
		}
		if !(i == len(segments)-1 && o.spacer) {
			o.read(s)
		}
	}
	host := detect.HostOf(u)
	for label := range strings.SplitSeq(strings.TrimSuffix(host, detect.Registrable(host)), ".") {
		o.read(strings.TrimRight(label, "0123456789"))
	}
	for p := range strings.SplitSeq(strings.ToLower(query), "&") {
		if name, value, ok := strings.Cut(p, "="); clear[value] || ok && clear[name] && value != "" {
			o.read(map[bool]string{true: value, false: name}[clear[value]])
		}
	}
	return o
}

// read takes the words of one segment into account.
func (o *outline) read(s string) {
	if len(s) > 64 {
		return
	}
	for _, w := range append([]string{s}, strings.FieldsFunc(s, isSep)...) {
		switch {
		case clear[w] && o.words < 2:
			o.word, o.words = w, 2
		case hints[w] && o.words < 1:
			o.word, o.words = w, 1
		}
	}
}

func hasQuery(query string) bool {
	for p := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(p, "=")
		name = strings.ToLower(name)
		if name != "" && !ignored[name] && !describing[name] && !signatures[name] {
			return true
		}
	}
	return false
}

// static reports whether the file is most likely the same for all readers;
// strongest is the best token of its address.
func (o *outline) static(strongest Strength) bool {
	return o.ext != "" && !o.query && (o.folder || o.spacer && strongest < Mixed)
}
