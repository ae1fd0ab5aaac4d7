package vendor

import (
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
)

// cookie gives what is known of a cookie of the vendor, nil if it is none.
func (t *tracker) cookie(name string) *CookieSpec {
	if c := t.cookies[name]; c != nil {
		return c
	}
	for _, c := range t.wildCookies {
		if strings.HasPrefix(name, c.Name[:len(c.Name)-1]) {
			return c
		}
	}
	return nil
}

// cookieIn gives the cookie of the vendor that key finds in p, nil if there is
// none.
func (t *tracker) cookieIn(p *payload, key *keyPattern) *CookieSpec {
	if !strings.HasPrefix(key.text, "cookie.") {
		return nil
	}
	for i := range p.pairs {
		if kv := &p.pairs[i]; kv.value != "" && key.fits(kv.key) {
			return t.cookie(strings.TrimPrefix(kv.key, "cookie."))
		}
	}
	return nil
}

// cookieWords gives a field that came from a cookie the cookie's own label.
func (ru *rule) cookieWords(f *field, p *payload, out *detect.Field) {
	for i := range f.from {
		c := ru.tracker.cookieIn(p, &f.from[i])
		if c == nil {
			continue
		}
		if c.Label != "" && f.spec.Label == "" {
			out.Label = c.Label
		}
		out.Sensitive = out.Sensitive || c.Sensitive
		return
	}
}

// addCookieFields discloses the vendor's cookies that came with the request
// and that no field names.
func (ru *rule) addCookieFields(p *payload, out []detect.Field) []detect.Field {
	for _, kv := range p.pairs {
		name, ok := strings.CutPrefix(kv.key, "cookie.")
		if !ok || kv.value == "" {
			continue
		}
		c := ru.tracker.cookie(name)
		if c == nil || ru.named(kv.key) {
			continue
		}
		field := c.Field
		if field == "" {
			field = "tp_cookie"
		}
		f := newField(field, kv.value)
		if c.Label != "" {
			f.Label = c.Label
		}
		f.Sensitive = f.Sensitive || c.Sensitive
		f.Made = made(c.Made, f.Value)
		out = append(out, f)
	}
	return out
}
