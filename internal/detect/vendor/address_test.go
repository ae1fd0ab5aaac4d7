package vendor

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAddressAsSent: whatever the vendor asks for, the record says what was
// sent.
func TestAddressAsSent(t *testing.T) {
	t.Parallel()
	const yaml = `
company: Acme Ads
trackers:
  - id: acme
    name: Acme
    hits:
      - {id: hit, hosts: [a.acme.example], paths: [/hit]}
    fields:
      email_plain: e
      email_hash: {from: [h], label: Acme's word for you}
      phone_hash: p
      user_id: u
    events: {"*": "something happened"}
`
	md5 := strings.Repeat("0a", 16)
	sha256 := strings.Repeat("B1", 32)
	for _, c := range []struct {
		query string
		want  map[string]string
		label string // of email_plain
	}{
		{"e=ada%40mail.example", map[string]string{"email_plain": "ada@mail.example"}, "your e-mail address, in clear"},
		{"e=" + sha256, map[string]string{"email_hash": sha256}, ""},
		{"h=" + md5, map[string]string{"email_hash": md5}, ""},
		{"h=ada%40mail.example", map[string]string{"email_plain": "ada@mail.example"}, "your e-mail address, in clear"},
		{"e=ada%40mail.example&h=" + md5, map[string]string{"email_plain": "ada@mail.example", "email_hash": md5}, "your e-mail address, in clear"},
		{"e=ada%40mail.example&h=eve%40mail.example", map[string]string{"email_plain": "ada@mail.example"}, "your e-mail address, in clear"},
		{"e=" + md5 + "&h=" + sha256, map[string]string{"email_hash": md5}, ""},
		{"e=ada", map[string]string{"email_plain": "ada"}, "your e-mail address, in clear"},
		{"e=" + md5[1:], map[string]string{"email_plain": md5[1:]}, "your e-mail address, in clear"},
		{"p=4915112345678", map[string]string{"phone_plain": "4915112345678"}, ""},
		{"p=%2B49+(151)+1234-567", map[string]string{"phone_plain": "+49 (151) 1234-567"}, ""},
		{"p=" + sha256, map[string]string{"phone_hash": sha256}, ""},
		{"p=123", map[string]string{"phone_hash": "123"}, ""},
		{"u=ada%40mail.example", map[string]string{"email_plain": "ada@mail.example"}, "your e-mail address, in clear"},
		{"u=4711", map[string]string{"user_id": "4711"}, ""},
		{"h=%40acme", map[string]string{"email_hash": "@acme"}, ""},
	} {
		v := explain(t, compile(t, yaml), "GET", "https://a.acme.example/hit?"+c.query, "", nil)[0]
		if diff := cmp.Diff(c.want, fieldsOf(v)); diff != "" {
			t.Errorf("%s: -want +got\n%s", c.query, diff)
		}
		for _, f := range v.Disclosed {
			if f.Name == "email_plain" && (f.Label != c.label || !f.Sensitive) {
				t.Errorf("%s: %+v, want label %q", c.query, f, c.label)
			}
		}
	}
}
