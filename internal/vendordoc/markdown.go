package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/quench-proxy/quench/internal/detect/vendor"
)

// maxNamed is how many hosts, paths or files of one kind a cell names before it
// counts the rest.
const maxNamed = 6

const intro = `# Whom the rules know

Made from ` + "`rules/vendors`" + ` by ` + "`go generate ./rules`" + `; never edited by hand. One row a
product that tracks, by company. What the columns say:

- **Endpoints**: where it is told something, host and path; ` + "`.name`" + ` is a name with all
  below it, ` + "`name.*`" + ` a name under any top level, "any host" a signature that finds the
  hit wherever a site may have moved it. Then the names that may be refused unasked.
- **Fields**: what Quench can read out of a hit, by its canonical names.
- **Codecs**: how hits are written: the address's query, bodies ("found by looking"
  where the rule leaves it to the bytes), parameters that hold a payload themselves.
- **Stub**: what its script is answered with, so that pages go on.
- **Confidence**: *captured*: seen on the wire; *decoded*: taken from a decoder that is
  kept up; *known*: hearsay, so that sentences say "looks like".

`

// markdown is the page. Two pages of equal specs are equal.
func markdown(specs []*vendor.Spec) []byte {
	specs = slices.SortedStableFunc(slices.Values(specs), func(a, b *vendor.Spec) int {
		return cmp.Compare(strings.ToLower(a.Company), strings.ToLower(b.Company))
	})
	web, mail := rows(specs)
	var b bytes.Buffer
	b.WriteString(intro)
	fmt.Fprintf(&b, "%d products in pages, %d senders of mail, %d companies.\n\n## In pages\n\n", len(web), len(mail), len(specs))
	table(&b, []string{"Vendor", "Company", "Endpoints", "Fields", "Codecs", "Stub", "Confidence"}, web)
	b.WriteString("\n## In mail\n\nPictures that report the opening, and links that report the click before they lead on.\n\n")
	table(&b, []string{"Vendor", "Company", "Pictures", "Links", "Fields", "Confidence"}, mail)
	return b.Bytes()
}

func rows(specs []*vendor.Spec) (web, mail [][]string) {
	for _, s := range specs {
		for i := range s.Trackers {
			web = append(web, webRow(s, &s.Trackers[i]))
		}
		for i := range s.Mail {
			mail = append(mail, mailRow(s, &s.Mail[i]))
		}
	}
	return web, mail
}

func webRow(s *vendor.Spec, t *vendor.TrackerSpec) []string {
	return []string{t.Name + " " + code(t.ID), company(s), endpoints(t), fields(t), codecs(t), stubs(t),
		cmp.Or(t.Confidence, "captured")}
}

func mailRow(s *vendor.Spec, m *vendor.MailSpec) []string {
	var pictures, links []string
	for i := range m.Open {
		pictures = append(pictures, place(&m.Open[i].MatchSpec))
	}
	for i := range m.Links {
		links = append(links, place(&m.Links[i].MatchSpec))
	}
	name := m.Name
	if i := slices.IndexFunc(s.Trackers, func(t vendor.TrackerSpec) bool { return t.ID == m.ID }); name == "" && i >= 0 {
		name = s.Trackers[i].Name
	}
	return []string{cmp.Or(name, s.Company) + " " + code(m.ID), company(s), cmp.Or(unique(pictures, "<br>"), "none known"),
		cmp.Or(unique(links, "<br>"), "none known"), cmp.Or(strings.Join(slices.Sorted(maps.Keys(m.Fields)), ", "), "that it was opened"),
		cmp.Or(m.Confidence, "known")}
}

func company(s *vendor.Spec) string {
	out := s.Company
	if s.Legal != "" && s.Legal != s.Company {
		out += ": " + s.Legal
	}
	if s.Country != "" {
		out += ", " + s.Country
	}
	return out
}

func endpoints(t *vendor.TrackerSpec) string {
	var hits []string
	for i := range t.Hits {
		hits = append(hits, place(&t.Hits[i].MatchSpec))
	}
	out := unique(hits, "<br>")
	if len(t.ByName.Refuse) > 0 {
		out += sep(out) + "refused by name: " + some(t.ByName.Refuse)
	}
	return cmp.Or(out, "its script only: "+loaderPlaces(t))
}

func loaderPlaces(t *vendor.TrackerSpec) string {
	var out []string
	for i := range t.Loaders {
		out = append(out, place(&t.Loaders[i].MatchSpec))
	}
	return unique(out, "<br>")
}

// place is where a rule holds, in few words.
func place(m *vendor.MatchSpec) string {
	where := some(m.Hosts)
	switch {
	case m.HostRE != "":
		where = code(m.HostRE)
	case slices.Contains(m.Hosts, "*"):
		where = "any host"
	}
	paths := slices.Clone(m.Paths)
	if m.PathRE != "" {
		paths = append(paths, m.PathRE)
	}
	if len(paths) > 0 {
		where += ": " + some(paths)
	}
	if len(m.Query) > 0 {
		where += ", by " + some(slices.Sorted(maps.Keys(m.Query)))
	}
	return where
}

// fields are the canonical fields that a product's hits can give, in the order
// in which a record names them.
func fields(t *vendor.TrackerSpec) string {
	have := map[string]bool{}
	for name := range t.Fields {
		have[name] = true
	}
	for i := range t.Hits {
		for name := range t.Hits[i].Fields {
			have[name] = true
		}
	}
	for _, c := range t.Cookies {
		if !c.Secret {
			have[cmp.Or(c.Field, "tp_cookie")] = true
		}
	}
	var out []string
	for _, c := range vendor.Canonicals() {
		if have[c.Name] {
			out = append(out, c.Name)
		}
	}
	return cmp.Or(strings.Join(out, ", "), "page_url")
}

func codecs(t *vendor.TrackerSpec) string {
	var bodies, params []string
	for i := range t.Hits {
		h := &t.Hits[i]
		switch {
		case h.Body == "none" || len(h.Methods) == 1 && h.Methods[0] == "GET":
		case h.Body == "" || h.Body == "auto":
			bodies = append(bodies, "found by looking")
		default:
			bodies = append(bodies, h.Body)
		}
		for _, c := range h.Params {
			params = append(params, c)
		}
		if h.Split != "" || h.Body == "ga4-lines" {
			params = append(params, "batches")
		}
		if h.Matrix {
			params = append(params, "matrix")
		}
	}
	out := []string{"query"}
	if b := sortedSet(bodies); len(b) > 0 {
		out = append(out, "body "+strings.Join(b, " or "))
	}
	return strings.Join(append(out, sortedSet(params)...), "; ")
}

func stubs(t *vendor.TrackerSpec) string {
	var out []string
	for i := range t.Loaders {
		switch l := &t.Loaders[i]; {
		case l.TagManager:
			out = append(out, "tag manager: passes, "+code(l.Stub)+" when strict")
		case l.Mode == "pass":
			out = append(out, "passes")
		case l.Stub != "" && l.Mode != "block":
			out = append(out, code(l.Stub))
		case l.MustFail:
			out = append(out, "fails to load")
		default:
			out = append(out, "empty script")
		}
	}
	return cmp.Or(unique(out, ", "), "no script")
}

func table(b *bytes.Buffer, head []string, rows [][]string) {
	line := func(cells []string) {
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	line(head)
	b.WriteString(strings.Repeat("|---", len(head)) + "|\n")
	for _, r := range rows {
		line(r)
	}
}

// some names the first of a list and counts the rest.
func some(list []string) string {
	var out []string
	for i, s := range list {
		if i == maxNamed {
			return strings.Join(out, ", ") + fmt.Sprintf(" and %d more", len(list)-i)
		}
		out = append(out, code(s))
	}
	return strings.Join(out, ", ")
}

// code quotes a text of a rule, so that nothing in it is markup of a table.
func code(s string) string {
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	return fence + strings.ReplaceAll(s, "|", `\|`) + fence
}

func unique(list []string, by string) string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return strings.Join(out, by)
}

func sortedSet(list []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(list)))
}

func sep(before string) string {
	if before == "" {
		return ""
	}
	return "<br>"
}
