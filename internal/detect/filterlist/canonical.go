package filterlist

import (
	"slices"
	"strconv"
	"strings"
)

// Canonical returns the one text of all ways to write a rule: options under
// their first names, sorted, without doubles; names and pattern in lower case.
// badfilter, list, line and author's text have no part in it, so a rule with
// badfilter cancels those whose Canonical equals its own. Parse reads it back
// to rules of the same Canonical. It is not meant for the data path.
func Canonical(r *Rule) string {
	if r.HostOnly {
		return "0.0.0.0 " + r.Pattern.Host
	}
	var b strings.Builder
	if r.Exception {
		b.WriteString("@@")
	}
	writePattern(&b, &r.Pattern)
	opts := appendConditions(nil, r)
	opts = appendAction(opts, r)
	if len(opts) == 0 && needsOptions(&r.Pattern, b.Len()) {
		opts = append(opts, "_")
	}
	if len(opts) > 0 {
		b.WriteByte('$')
		b.WriteString(strings.Join(opts, ","))
	}
	return b.String()
}

// needsOptions reports a pattern that would be read as something else if it
// stood alone: for its "$", or because nothing is left of it, or as a host.
func needsOptions(p *Pattern, written int) bool {
	return written == 0 || strings.IndexByte(p.Text, '$') >= 0 || strings.IndexByte(p.Regexp, '$') >= 0 ||
		p.Anchor == AnchorNone && !p.End && plainName(p.Text)
}

// writePattern writes the pattern, with a wildcard where it would otherwise
// begin or end like something else.
func writePattern(b *strings.Builder, p *Pattern) {
	if p.Regexp != "" {
		b.WriteString("/" + p.Regexp + "/")
		return
	}
	switch {
	case p.Anchor == AnchorStart:
		b.WriteByte('|')
	case p.Anchor == AnchorHost:
		b.WriteString("||")
	case p.Text == "" || strings.IndexByte("|@!#[", p.Text[0]) >= 0 ||
		p.Text[0] == '/' && strings.HasSuffix(p.Text, "/") && !p.End:
		b.WriteByte('*')
	}
	b.WriteString(p.Text)
	if p.End {
		b.WriteByte('|')
	} else if strings.HasSuffix(p.Text, "|") {
		b.WriteByte('*')
	}
}

// typeOrder is how types are called and sorted.
var typeOrder = [...]struct {
	bit  Types
	name string
}{
	{BitDocument, "document"}, {BitFont, "font"}, {BitImage, "image"}, {BitMedia, "media"},
	{BitObject, "object"}, {BitOther, "other"}, {BitPing, "ping"}, {BitPopup, "popup"},
	{BitScript, "script"}, {BitStylesheet, "stylesheet"}, {BitSubdocument, "subdocument"},
	{BitWebSocket, "websocket"}, {BitXHR, "xmlhttprequest"},
}

var pageOrder = [...]struct {
	bit  Pages
	name string
}{
	{PageElemHide, "elemhide"}, {PageGenericBlock, "genericblock"},
	{PageGenericHide, "generichide"}, {PageSpecificHide, "specifichide"},
}

var partyNames = [...]string{
	WantThird: "third-party", WantFirst: "first-party", WantStrictThird: "strict3p",
	WantStrictFirst: "strict1p", WantSibling: "first-party,strict3p",
}

func appendConditions(opts []string, r *Rule) []string {
	w := &r.Where
	for _, t := range typeOrder {
		if w.Types&t.bit != 0 && !defaultTypes(r) {
			opts = append(opts, t.name)
		}
	}
	for _, t := range pageOrder {
		if r.Page&t.bit != 0 {
			opts = append(opts, t.name)
		}
	}
	if w.Party != AnyParty {
		opts = append(opts, partyNames[w.Party])
	}
	if r.Important {
		opts = append(opts, "important")
	}
	if r.Pattern.MatchCase {
		opts = append(opts, "match-case")
	}
	opts = appendValues(opts, "denyallow", Names{Include: w.DenyAllow})
	opts = appendValues(opts, "domain", writable(w.Domains))
	opts = appendValues(opts, "to", writable(w.To))
	opts = appendValues(opts, "ctag", w.Tags)
	opts = appendValues(opts, "client", Names{mapped(w.Clients.Include, quoteClient), mapped(w.Clients.Exclude, quoteClient)})
	opts = appendValues(opts, "dnstype", Names{mapped(w.DNSTypes, typeNumber), mapped(w.NotDNSTypes, typeNumber)})
	opts = appendValues(opts, "method", Names{methodList(w.Methods), methodList(w.NotMethods)})
	if w.Header != "" {
		name, value, ok := strings.Cut(w.Header, ":")
		if ok {
			name += ":" + escape(value)
		}
		opts = append(opts, "header="+name)
	}
	return opts
}

// defaultTypes reports types that need not be written for the rule's kind.
func defaultTypes(r *Rule) bool {
	return r.Kind == KindRemoveParam && r.Where.Types == AllTypes|BitDocument ||
		r.Kind == KindCSP && r.Where.Types == BitDocument|BitSubdocument
}

func appendAction(opts []string, r *Rule) []string {
	name := ""
	switch r.Kind {
	case KindRedirect:
		name = "redirect"
	case KindRedirectRule:
		name = "redirect-rule"
	case KindRemoveParam:
		name = "removeparam"
	case KindCSP:
		name = "csp"
	case KindDNSRewrite:
		name = "dnsrewrite"
	default:
		return opts
	}
	if r.Value != "" {
		name += "=" + escape(r.Value)
	}
	return append(opts, name)
}

// appendValues writes an option of several values, sorted, each once.
func appendValues(opts []string, option string, names Names) []string {
	if len(names.Include)+len(names.Exclude) == 0 {
		return opts
	}
	all := slices.Clone(names.Include)
	for _, name := range names.Exclude {
		all = append(all, "~"+name)
	}
	slices.Sort(all)
	return append(opts, option+"="+strings.Join(slices.Compact(all), "|"))
}

// writable puts IPv6 addresses back into brackets.
func writable(n Names) Names {
	bracket := func(s string) string {
		if s[0] != '/' && strings.IndexByte(s, ':') >= 0 {
			return "[" + s + "]"
		}
		return s
	}
	return Names{mapped(n.Include, bracket), mapped(n.Exclude, bracket)}
}

func mapped[T any](in []T, f func(T) string) []string {
	out := make([]string, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}

func typeNumber(n uint16) string { return "TYPE" + strconv.Itoa(int(n)) }

func methodList(m Methods) []string {
	var list []string
	for i, name := range methodNames {
		if m&(1<<i) != 0 {
			list = append(list, name)
		}
	}
	return list
}

// escape puts backslashes before the commas of a value that is no regular
// expression.
func escape(s string) string {
	if strings.IndexByte(s, ',') < 0 || regexpEnd(s) == len(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == ',':
			b.WriteByte('\\')
		case s[i] == '\\' && i+1 < len(s):
			b.WriteByte('\\')
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
