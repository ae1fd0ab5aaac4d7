package vendor

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOnlyWildCookies holds that a tracker all of whose cookies are known by
// their beginning gets them, and no other.
func TestOnlyWildCookies(t *testing.T) {
	t.Parallel()
	const yaml = `
company: Acme Ads
trackers:
  - id: wild
    name: Acme
    cookies:
      - {name: _ac_*, field: visitor_id, label: Acme's number for this browser, sensitive: true}
    hits:
      - {id: hit, hosts: [a.acme.example], paths: [/hit]}
    fields:
      account: id
    events: {"*": "something happened"}
`
	for _, c := range []struct {
		cookies string
		want    map[string]string
	}{
		{"other=1; _ac_7=v7; _bc_7=w7", map[string]string{"account": "1", "visitor_id": "v7"}},
		{"other=1; ac_7=v7", map[string]string{"account": "1"}},
		{"", map[string]string{"account": "1"}},
	} {
		v := explain(t, compile(t, yaml), "GET", "https://a.acme.example/hit?id=1", "", map[string]string{"Cookie": c.cookies})[0]
		if diff := cmp.Diff(c.want, fieldsOf(v)); diff != "" {
			t.Errorf("cookies %q: -want +got\n%s", c.cookies, diff)
		}
	}
}
