package vendor

import "testing"

// TestNameNotSent: a name that a hit did not carry leaves no hole in what is
// said.
func TestNameNotSent(t *testing.T) {
	t.Parallel()
	const yaml = `
company: Acme Ads
trackers:
  - id: acme
    name: Acme
    hits:
      - {id: hit, hosts: [a.acme.example], paths: [/hit]}
    fields:
      event: t
      label: l
    events:
      named: "something the site calls “{label}” happened"
`
	c := compile(t, yaml)
	for query, want := range map[string]string{
		"t=named&l=play": "something the site calls “play” happened",
		"t=named":        "something the site counts happened",
		"t=named&l=":     "something the site counts happened",
	} {
		a := explain(t, c, "GET", "https://a.acme.example/hit?"+query, "", nil)[0].Activity
		if a == nil || a.Says != want {
			t.Errorf("%s: %+v, want %q", query, a, want)
		}
	}
}
