// Package score judges requests that no rule and no list knows: it adds up what
// speaks for and against a request being a tracker's, and says each point.
//
// In flow a request and what is remembered of its client and host (detect.Past);
// out flows a Result. Identifiers are found by type, not by entropy: times,
// sizes, versions and words are none, however long. Nothing is allocated on the
// way to a Result, and the same input gives the same Result at any time.
package score

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
)

// Worth reports whether a request could get a score at all: a third party's
// image, call, ping or unknown, with anything in it that could tell one visitor
// from another. Documents, frames, scripts, styles, fonts and media have none,
// nor has what nobody has asked for yet: a reference in a mail, without a header.
func Worth(r *detect.Request) bool {
	switch r.Type {
	case detect.TypeImage, detect.TypeXHR, detect.TypePing, detect.TypeOther:
	default:
		return false
	}
	if r.Header == nil || r.Party() != detect.ThirdParty {
		return false
	}
	path, query := detect.Split(r.URL)
	return query != "" || cookieOf(r) != "" || hasBody(r) || strings.IndexByte(path, '=') > 0 || hasToken(path)
}

// hasBody reports whether the request has a body by its method.
func hasBody(r *detect.Request) bool { return r.Method == "POST" || r.Method == "PUT" }

// WantsBody reports whether the body could add to a score of so many points.
func WantsBody(r *detect.Request, points int) bool {
	return hasBody(r) && len(r.Body) == 0 && !r.BodyCut && points < Block
}

// hasToken reports whether a segment of a path looks like an identifier.
func hasToken(path string) bool {
	for path != "" {
		i := 0
		for i < len(path) && path[i] != '/' {
			i++
		}
		if detect.TokenLike(path[:i]) {
			return true
		}
		if i == len(path) {
			return false
		}
		path = path[i+1:]
	}
	return false
}

// Of scores a request for which Worth holds. It reads r.Body as far as it is there.
func Of(r *detect.Request) Result {
	j := judge{r: r, page: detect.HostOf(r.Page)}
	j.Read = r.Type == detect.TypeXHR
	j.all()
	return j.Result
}

func (j *judge) all() {
	j.add(signThird)
	j.kind()
	path, query := detect.Split(j.r.URL)
	j.words(path)
	j.path(path)
	j.query(query)
	j.cookie()
	j.body()
	j.sum()
}

// judge is a Result in the making.
type judge struct {
	Result
	r      *detect.Request
	out    *[]detect.Field // what was found, for people; nil on the data path
	page   string          // the page's host
	owner  string          // the host's registrable domain, once it was asked for
	traits traits
	ids    int  // identifiers compared with what is remembered
	syncs  bool // the address has a word that means comparing numbers
	macro  bool // a place for somebody's number, or where to send it
	inBody bool
	sized  bool // a picture of a certain size or kind is asked for
}

func (j *judge) kind() {
	switch {
	case j.r.Type == detect.TypePing:
		j.add(signBeacon)
	case j.r.Type == detect.TypeImage:
		j.add(signImage)
	case j.Read && hasBody(j.r) && strings.HasPrefix(j.r.Header.Get("Content-Type"), "text/plain"):
		j.add(signPlain)
	}
}

// path judges the name of a file, and parameters in the path, as in
// /5/c=1389/b=42 and /ibs:dpid=411&dpuuid=….
func (j *judge) path(path string) {
	j.sized = isPicture(path)
	if isStatic(path) {
		j.add(signStatic)
	}
	if strings.HasSuffix(path, ".gif") {
		j.add(signGIF)
	}
	var w pairs
	var p pair
	for i, n := 0, 0; i < len(path) && n < maxPairs; i++ {
		if path[i] != '=' {
			continue
		}
		n++
		start := i
		for start > 0 && !divides(path[start-1]) && path[start-1] != ':' {
			start--
		}
		end := i
		for end < len(path) && !divides(path[end]) {
			end++
		}
		w.start(path[start:end])
		for w.next(&p) {
			j.pair(&p)
		}
		i = end
	}
}

func divides(c byte) bool { return c == '/' || c == ';' || c == '&' }

func (j *judge) query(query string) {
	var w pairs
	var p pair
	w.start(query)
	for w.next(&p) {
		j.pair(&p)
	}
}

func (j *judge) cookie() {
	c := cookies{rest: cookieOf(j.r)}
	var buf [maxValue]byte
	for n := 0; n < maxPairs; n++ {
		name, value, ok := c.next()
		if !ok {
			return
		}
		if Secret(name) || len(value) < minID || len(value) > maxID || value[0] == 'e' && len(value) > 2 && value[1] == 'y' {
			continue
		}
		v := buf[:copy(buf[:], value)]
		p := pieces{v: v}
		if _, _, ok := p.next(); ok {
			j.add(signCookie)
			j.note("tp_cookie", []byte("…"))
			return
		}
	}
}

func (j *judge) body() {
	b := j.r.Body
	if len(b) == 0 {
		return
	}
	j.inBody = true
	var p pair
	if c := first(b); c == '{' || c == '[' {
		j.json(b)
		return
	}
	if bytes.IndexByte(b[:min(len(b), maxBody)], '=') < 0 {
		return
	}
	// A form, or several, one a line.
	b = b[:min(len(b), maxBody)]
	for n := 0; len(b) > 0 && n < 4; n++ {
		line := b
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			line, b = b[:i], b[i+1:]
		} else {
			b = nil
		}
		var w pairs
		w.start(string(line))
		for w.next(&p) {
			if c := first(p.value()); c == '{' || c == '[' {
				j.json(p.value())
			}
			j.pair(&p)
		}
	}
}

func (j *judge) json(b []byte) {
	var w fields
	var p pair
	w.start(b)
	for w.next(&p) {
		j.pair(&p)
	}
}

func first(b []byte) byte {
	for _, c := range b {
		if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c
		}
	}
	return 0
}

// pair judges one named value, wherever it stood.
func (j *judge) pair(p *pair) {
	v := p.value()
	if len(v) == 0 {
		j.consent(p)
		return
	}
	c := classOf(&p.key)
	if c == classSize {
		j.sized = true
		return
	}
	j.noteYou(p)
	switch {
	case c == classConsent:
		j.consent(p)
		return
	case c == classSecret:
		return
	}
	if j.address(p, c) {
		return
	}
	before := j.traits
	j.traits.see(p, c)
	j.noteTrait(p, c, before)
	if isEvent(v) && c != classTitle || c == classEvent && (!j.Read || j.inBody && v[0] != '{') {
		j.add(signEvent)
	}
	if (c == classOrder || c == classMoney) && !j.Read && len(v) <= 40 {
		j.add(signBought)
	}
	if c == classAccount && !j.Read && isAccount(v) {
		j.add(signAccount)
	}
	if isBuster(p, c) {
		j.add(signBuster)
		return
	}
	if isMacro(v) {
		j.macro = true
	}
	j.id(p, c)
}

func (j *judge) consent(p *pair) {
	if classOf(&p.key) == classConsent {
		j.add(signConsent)
	}
}

// address judges a value that is a URL or the page's host; false if it is none.
func (j *judge) address(p *pair, c class) bool {
	v := p.value()
	var buf [maxValue]byte
	if len(v) > 12 && v[0] == 'a' && bytes.HasPrefix(v, []byte("aHR0c")) { // base64 of http
		n, _ := base64.RawURLEncoding.Decode(buf[:], v[:min(len(v)&^3, len(buf))])
		v = buf[:n]
	}
	host, whole := hostIn(v)
	if host == nil {
		return false
	}
	switch {
	case c == classReferrer:
		j.add(signReferrer)
		j.note("referrer", p.value())
	case j.page != "" && string(trimWWW(host)) == string(trimWWW([]byte(j.page))) && (whole || c == classPage):
		j.add(signPage)
		if whole {
			j.note("page_url", v)
		}
	}
	if bytes.IndexByte(v, '?') > 0 && isMacro(v) {
		j.macro = true
	}
	return whole
}

// id judges a value that may be an identifier, under a name of class c.
func (j *judge) id(p *pair, c class) {
	if len(p.value()) < minID || bytes.HasPrefix(p.value(), []byte("eyJ")) {
		return
	}
	parts := pieces{v: p.value()}
	for {
		part, k, ok := parts.next()
		if !ok {
			return
		}
		j.typed(&p.key, c, k, part, len(part) == len(p.value()))
		if j.r.Past != nil && j.ids < maxIDs {
			j.ids++
			j.remembered(&p.key, part)
		}
	}
}

// typed judges an identifier by its name alone.
func (j *judge) typed(key *name, c class, k Kind, part []byte, whole bool) {
	switch {
	case c == classHashed && k == KindHash:
		j.add(signHashed)
		if j.out != nil && !isPhoneName(string(key.bytes())) {
			j.note("email_hash", part)
		}
	case c == classFile, c == classSecret:
	case c == classVisitor, k == KindStamped:
		j.add(signVisitor)
		j.noteID(key, part)
	case k == KindHash && whole && len(part) == 64:
		j.add(signFinger)
	case c != classBuster:
		j.add(signWeak)
	}
}

// remembered compares an identifier with what is known of this client.
func (j *judge) remembered(key *name, part []byte) {
	past := j.r.Past
	if len(past.Site) > 0 || len(past.Others) > 0 {
		sum := past.Key.Sum(detect.PastID, part, nil, nil)
		if past.OwnID(sum) && !j.varies(key) {
			j.add(signSiteID)
		}
		if owner := past.Owner(sum); owner != "" && owner != j.site() {
			j.add(signSync)
			j.Partner = owner
		}
	}
	if past.World != nil && len(past.World.Crossed) > 0 {
		sum := past.Key.Sum(detect.PastCross, []byte(j.site()), key.bytes(), part)
		if _, ok := past.World.Crossed[sum]; ok && !j.varies(key) {
			j.add(signCrossed)
		}
	}
}

// varies reports whether the name takes another value again and again.
func (j *judge) varies(key *name) bool {
	w := j.r.Past.World
	if w == nil || len(w.Varies) == 0 {
		return false
	}
	_, ok := w.Varies[j.r.Past.Key.Sum(detect.PastName, []byte(j.site()), key.bytes(), nil)]
	return ok
}

func (j *judge) site() string {
	if j.owner == "" {
		j.owner = detect.Registrable(j.r.Host)
	}
	return j.owner
}

// sum adds what only the whole request shows.
func (j *judge) sum() {
	if j.r.Type == detect.TypeImage && !j.sized {
		j.add(signBare)
	}
	if j.traits.count() >= 2 {
		j.add(signTraits)
	}
	if j.syncs && (j.macro || j.has(signWeak) || j.has(signAccount) || j.has(signVisitor) || j.has(signConsent) || j.has(signCookie)) {
		j.add(signSyncWords)
	}
	if past := j.r.Past; past.HasWorld() && len(past.World.Hosts) > 0 {
		h := past.World.Hosts[past.Key.Sum(detect.PastHost, []byte(j.r.Host), nil, nil)]
		if h&detect.HostTracks != 0 {
			j.add(signTracks)
		}
		if h&detect.HostGivesIDs != 0 {
			j.add(signGivesIDs)
		}
		if h&detect.HostContent != 0 {
			j.add(signContent)
		}
	}
}
