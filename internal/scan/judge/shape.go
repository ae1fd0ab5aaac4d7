package judge

import (
	"strings"
)

// clearWords are words of a path that say what the address is for: it counts.
const clearWords = "open opens opened opening openrate open_log track tracks tracker trackers tracking trk trck beacon beacons pixel pixels " +
	"imp imps impression impressions wf oo emimp webbug webbugs readreceipt receipt receipts track-opening trackopen opentrack " +
	"emailopened mailopen mailopened email_opened email_open_log_pic email_trackers emailopen open_tracking opentracking pixelserver " +
	"footerimages ho ibis countopened mailings-opened watermark ocimage"

// hintWords are words that also stand in ordinary paths.
const hintWords = "o t e q p i r eo op mk tr to bto cto log logs stat stats count counter hit hits ping collect view views seen read trace " +
	"click clicks event events lt sprite img image email emails action campaign campaigns message messages m px notification notifications " +
	"analytics metrics telemetry rte sync d c so ea ucm us ut"

// spacerWords are names of files that hold a picture down.
const spacerWords = "spacer space spacers blank clear cleardot clear1x1 trans transparent transp shim dot empty pixel pix px 1x1 1px white sp s x gap line divider " +
	"null invis invisible inv placeholder dummy bg border corner shadow hr"

// folderWords are folders of files that are the same for everybody.
const folderWords = "images image img imgs assets asset static media uploads upload files file content cdn wp-content templates template " +
	"resources resource gallery icons icon logos logo fonts font public theme themes banner banners pictures pics photos photo stationery " +
	"products product dam is catalog thumbs thumbnails newsletter newsletters_images library graphics gfx common layout"

const pictureWords = "png jpg jpeg gif webp svg bmp ico avif heic css js woff woff2 ttf otf eot mp4 webm mp3 wav ogg pdf"

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

// outlineOf reads the outline of an address.
func outlineOf(l *link) outline {
	var o outline
	path := strings.Trim(l.path, "/")
	last := path[strings.LastIndexByte(path, '/')+1:]
	stem := last
	if i := strings.LastIndexByte(last, '.'); i >= 0 {
		if w := lookup(last[i+1:]); w.says&saysPicture != 0 {
			o.ext = w.text
		}
		stem = last[:i]
	}
	o.query = hasQuery(l.query)
	o.dynamic = o.query || o.ext == ""
	o.spacer = o.ext != "" && (says(stem, saysSpacer) || says(strings.TrimRight(stem, "0123456789_-"), saysSpacer))
	o.named = says(stem, saysClear)
	for rest := path; len(rest) > len(last); {
		i := strings.IndexByte(rest, '/')
		o.folder = o.folder || says(rest[:i], saysFolder)
		o.read(rest[:i])
		rest = rest[i+1:]
	}
	if !o.spacer {
		o.read(stem)
	}
	if l.origin.words > o.words {
		o.word, o.words = l.origin.word, l.origin.words
	}
	o.readQuery(l.query)
	return o
}

// readQuery takes a clear word into account that is a parameter or its value.
func (o *outline) readQuery(query string) {
	for rest := query; rest != "" && o.words < 2; {
		var p string
		p, rest, _ = strings.Cut(rest, "&")
		name, value, _ := strings.Cut(p, "=")
		if value == "" {
			continue
		}
		if says(value, saysClear) {
			o.readWord(value)
		} else if says(name, saysClear) {
			o.readWord(name)
		}
	}
}

// read takes the words of one segment into account.
func (o *outline) read(s string) {
	if len(s) > 64 || o.words == 2 {
		return
	}
	o.readWord(s)
	for start, i := 0, 0; i <= len(s); i++ {
		if i < len(s) && classes[s[i]]&isMark == 0 {
			continue
		}
		if i-start < len(s) {
			o.readWord(s[start:i])
		}
		start = i + 1
	}
}

func (o *outline) readWord(s string) {
	switch w := lookup(s); {
	case w.says&saysClear != 0 && o.words < 2:
		o.word, o.words = w.text, 2
	case w.says&saysHint != 0 && o.words < 1:
		o.word, o.words = w.text, 1
	}
}

func hasQuery(query string) bool {
	for rest := query; rest != ""; {
		var p string
		p, rest, _ = strings.Cut(rest, "&")
		name, _, _ := strings.Cut(p, "=")
		if name != "" && !says(name, saysNothing|saysDescribing|saysSigned) {
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
