package filterlist

import "strings"

// applyClient reads addresses, CIDRs and names, parted by "|"; names may stand
// in quotes and hold escaped quotes, commas and bars.
func applyClient(p *parser, _ spec, o option) fault {
	for rest := o.value; rest != ""; {
		to := &p.rule.Where.Clients.Include
		if rest[0] == '~' {
			rest, to = rest[1:], &p.rule.Where.Clients.Exclude
		}
		name, after, ok := clientName(rest)
		if !ok {
			return fault{reasonBadValue, "client"}
		}
		*to = append(*to, name)
		rest = after
	}
	return fault{}
}

// clientName takes the first name off s.
func clientName(s string) (name, rest string, ok bool) {
	var quote byte
	if s != "" && (s[0] == '\'' || s[0] == '"') {
		quote, s = s[0], s[1:]
	}
	var b strings.Builder
	i := 0
	for ; i < len(s) && !(quote == 0 && s[i] == '|') && !(quote != 0 && s[i] == quote); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		if classOf[s[i]]&classBad != 0 || s[i] == '\t' {
			return "", "", false
		}
		b.WriteByte(s[i])
	}
	if quote != 0 {
		if i == len(s) {
			return "", "", false // no closing quote
		}
		i++
	}
	if i < len(s) && s[i] != '|' {
		return "", "", false
	}
	return b.String(), s[min(i+1, len(s)):], b.Len() > 0
}

// quoteClient writes a name so that clientName reads it.
func quoteClient(name string) string {
	plain := name != ""
	for i := range len(name) {
		plain = plain && (classOf[name[i]]&(className|classUpper) != 0 || name[i] == ':' || name[i] == '/' && i > 0)
	}
	if plain {
		return name
	}
	var b strings.Builder
	b.WriteByte('\'')
	for i := range len(name) {
		if strings.IndexByte(`\'",|`, name[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(name[i])
	}
	b.WriteByte('\'')
	return b.String()
}

func applyTags(p *parser, _ spec, o option) fault {
	for one := range strings.SplitSeq(o.value, "|") {
		to := &p.rule.Where.Tags.Include
		if strings.HasPrefix(one, "~") {
			one, to = one[1:], &p.rule.Where.Tags.Exclude
		}
		if all, _ := classes(one); one == "" || all&^className != 0 {
			return fault{reasonBadValue, "ctag"}
		}
		*to = append(*to, one)
	}
	return fault{}
}
