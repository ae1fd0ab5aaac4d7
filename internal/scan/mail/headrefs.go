package mail

import (
	"strings"

	"github.com/quench-proxy/quench/internal/detect/markup"
)

// header gives the references of p's header: receipts, list addresses, names
// that are looked up, and identifiers that are only recorded.
func (w *walker) header() {
	p := w.p
	message := p.Parent == nil || isMessage(p.Parent.Type)
	for i := range p.placed {
		f := &p.placed[i]
		name := strings.ToLower(f.Name)
		switch name {
		case "content-type":
			w.externalBody(f)
		case "content-location", "content-base":
			w.whole(f, 156, markup.Inert)
		}
		if message && f.Value != "" {
			w.messageField(f, name)
		}
	}
}

func (w *walker) messageField(f *Field, name string) {
	switch name {
	case "disposition-notification-to":
		w.receipt(f, 150)
	case "return-receipt-to":
		w.receipt(f, 151)
	case "x-confirm-reading-to":
		w.receipt(f, 152)
	case "disposition-notification-options":
		w.receipt(f, 153)
	case "generate-delivery-report", "x-pmrqc", "read-receipt-to", "return-receipt-requested", "notice-requested-upon-delivery-to":
		w.receipt(f, 154)
	case "dkim-signature", "arc-seal", "arc-message-signature":
		_, tags := parseParams("x;" + f.Value)
		if tags["s"] != "" && tags["d"] != "" {
			w.lookup(f, 167, tags["s"]+"._domainkey."+tags["d"])
		}
	case "bimi-location", "x-image-url", "x-face-url", "face-url", "avatar":
		w.urls(f, 168, markup.Opening)
	case "openpgp", "x-pgp-key", "x-pgp-url", "x-pgp-key-url":
		w.urls(f, 166, markup.Legacy)
	case "list-unsubscribe":
		w.urls(f, 169, markup.Click)
	case "list-help", "list-archive", "list-owner", "list-post", "list-subscribe", "list-url", "x-list-unsubscribe", "x-unsubscribe-web":
		w.urls(f, 170, markup.Click)
	case "message-id", "return-path", "errors-to":
		w.identifier(f, 173)
	case "subject":
		w.urls(f, 175, markup.DNS)
	case "from", "sender", "reply-to":
		w.urls(f, 175, markup.DNS)
		if list := ParseAddresses(f.Value); name == "from" && len(list) > 0 {
			w.lookup(f, 171, list[0].Domain)
		}
	default:
		if trackingField(name) {
			w.identifier(f, 170)
		}
	}
}

// trackingField reports whether a field's name says that senders number
// messages or readers with it.
func trackingField(name string) bool {
	if name == "feedback-id" {
		return true
	}
	if !strings.HasPrefix(name, "x-") {
		return false
	}
	for _, word := range [...]string{"track", "campaign", "sg-eid", "sg-id", "mailgun-sid", "mc-user", "mandrill", "subscriber", "recipient", "mailing", "-uid", "jobid", "job-id", "binding", "entity-id", "tenant", "mid"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// put sends a reference that f holds.
func (w *walker) put(f *Field, v markup.Vector, when markup.When, url string, value markup.Range, exact, fixed bool) {
	r := Ref{Part: w.p, Space: InHeader, Field: f.Name, Fixed: fixed || w.p.in.closed}
	if w.p.in.closed {
		r.Space, value = Nowhere, markup.Range{}
	}
	r.Vector, r.When, r.URL, r.Raw, r.Exact = v, when, url, f.Value, exact
	r.Value, r.Element, r.Width, r.Height = value, f.At, -1, -1
	r.Reach, r.Tag, r.Attr = reachOf(url), "header", strings.ToLower(f.Name)
	w.send(&r)
}

func reachOf(url string) markup.Reach {
	scheme, _, ok := strings.Cut(url, ":")
	switch {
	case strings.HasPrefix(url, "about:") || strings.HasPrefix(url, "data:"): // what Neutralise leaves
		return markup.Local
	case !ok || strings.EqualFold(scheme, "mailto") || strings.EqualFold(scheme, "mid") || strings.EqualFold(scheme, "cid") || strings.EqualFold(scheme, "id"):
		return markup.Local
	}
	return markup.Remote
}

// receipt is a request to send mail when this one is read. The field is made
// inert by another name.
func (w *walker) receipt(f *Field, v markup.Vector) {
	url := "receipt:" + f.Value
	if list := ParseAddresses(f.Value); len(list) > 0 {
		url = "receipt:" + list[0].Address
	}
	w.put(f, v, markup.Header, url, f.NameAt, true, false)
}

func (w *walker) lookup(f *Field, v markup.Vector, name string) {
	w.put(f, v, markup.DNS, "dns:"+strings.ToLower(name), f.ValueAt, false, true)
}

func (w *walker) identifier(f *Field, v markup.Vector) {
	w.put(f, v, markup.Inert, "id:"+strings.Trim(f.Value, "<>"), f.ValueAt, false, true)
}

func (w *walker) whole(f *Field, v markup.Vector, when markup.When) {
	w.put(f, v, when, strings.Trim(f.Value, "<>\" "), f.ValueAt, false, true)
}

// urls finds the URLs of a value, in place where nothing is encoded.
func (w *walker) urls(f *Field, v markup.Vector, when markup.When) {
	text := f.Value
	at, exact := f.ValueAt.Start, false
	if !w.p.in.closed && f.ValueAt.Len() > 0 {
		if raw := string(w.p.in.raw[f.ValueAt.Start:f.ValueAt.End]); raw == f.Value {
			exact = true
		}
	}
	markup.WalkText([]byte(text), v, markup.Options{}, func(r *markup.Ref) {
		value := f.ValueAt
		if exact {
			value = markup.Range{Start: at + r.Value.Start, End: at + r.Value.End}
		} else if raw, ok := w.find(f, r.Raw); ok {
			value = raw
		}
		w.put(f, v, when, r.URL, value, exact || value != f.ValueAt, !exact && value == f.ValueAt)
	})
	if v == 169 || v == 170 {
		for _, part := range strings.Split(text, "<") {
			if u, _, ok := strings.Cut(part, ">"); ok && len(u) > 7 && strings.EqualFold(u[:7], "mailto:") {
				w.put(f, v, when, u, f.ValueAt, false, true)
			}
		}
	}
}

// find looks for text in the raw value of f.
func (w *walker) find(f *Field, text string) (markup.Range, bool) {
	if w.p.in.closed || text == "" {
		return markup.Range{}, false
	}
	i := strings.Index(string(w.p.in.raw[f.ValueAt.Start:f.ValueAt.End]), text)
	if i < 0 {
		return markup.Range{}, false
	}
	return markup.Range{Start: f.ValueAt.Start + i, End: f.ValueAt.Start + i + len(text)}, true
}

// externalBody is content that lies on a server (RFC 2046 5.2.3, RFC 2017).
func (w *walker) externalBody(f *Field) {
	t, params := parseParams(f.Value)
	if t != "message/external-body" {
		return
	}
	switch access := strings.ToLower(params["access-type"]); access {
	case "url":
		u := strings.Join(strings.Fields(params["url"]), "")
		at, ok := w.find(f, u)
		if !ok {
			at = f.ValueAt
		}
		w.put(f, 155, markup.Legacy, u, at, ok, !ok)
	case "ftp", "anon-ftp", "tftp", "local-file", "afs":
		u := "ftp://" + params["site"] + "/" + strings.Trim(params["directory"], "/") + "/" + params["name"]
		if access == "local-file" || access == "afs" {
			u = "file://" + params["site"] + "/" + strings.TrimPrefix(params["name"], "/")
		}
		w.put(f, 155, markup.Legacy, u, f.ValueAt, false, true)
	case "mail-server":
		w.put(f, 155, markup.Click, "receipt:"+params["server"], f.ValueAt, false, true)
	case "http", "https":
		w.put(f, 155, markup.Legacy, access+"://"+params["site"]+"/"+params["name"], f.ValueAt, false, true)
	}
}
