package filterlist

// The arrays of a Set hold only 32-bit words and bytes, so that the garbage
// collector never looks into them and a cache can be read in place.

// shape is all of a rule but its pattern and line. A hundred thousand rules
// have a few thousand shapes.
type shape struct {
	// list is the list's number <<16 | the realms <<8 | the Kind.
	list  uint32
	flags uint32
	types uint32
	// methods are those named, and those negated <<16.
	methods uint32
	// domains, to, deny, cancel, header and dns are offsets into sets, 0 for
	// none; value, prefix and suffix offsets into strs; regex is one more than
	// the number of the value's regular expression.
	domains, to, deny, cancel, header, dns uint32
	value, regex, prefix, suffix           uint32
}

const shapeWords = 14

// The flags of a shape. The party wanted stands above them, then Pages.
const (
	flagException = 1 << iota
	flagImportant
	// flagNames: the rule acts on bare names too.
	flagNames
	// flagGeneric: the rule includes no page by name.
	flagGeneric
	// flagWhole: prefix is the whole text of the rule.
	flagWhole
	// flagMention: no rule at all, only the note that a pattern names a host.
	flagMention

	partyShift = 8
	pageShift  = 16
)

func (s *shape) number() uint16       { return uint16(s.list >> 16) }
func (s *shape) realms() uint8        { return uint8(s.list >> 8) }
func (s *shape) kind() Kind           { return Kind(s.list) }
func (s *shape) party() PartyWant     { return PartyWant(s.flags >> partyShift & 0xff) }
func (s *shape) pages() Pages         { return Pages(s.flags >> pageShift) }
func (s *shape) is(flags uint32) bool { return s.flags&flags != 0 }

// The realms: each is asked on its own, in order.
const (
	realmBlock = 1 << iota
	realmImportant
	realmException
	realmRedirect
	realmModifier // removeparam and csp
	realmPage
	realmName    // acts on bare names
	realmRewrite // dnsrewrite
)

// rule is one rule with a pattern that the host table cannot hold.
type rule struct {
	pat   uint32 // offset into pats, or the number of a regular expression
	form  uint32 // length of the pattern <<8 | its flags
	shape uint32
	line  uint32
}

const ruleWords = 4

func (r *rule) flags() uint8 { return uint8(r.form) }
func (r *rule) len() uint32  { return r.form >> 8 }

// entry points from a token, a page or nothing to a rule.
type entry struct {
	// to is the rule | flags | where the check lies, from the token, <<24.
	to uint32
	// at is the token's offset in the pattern <<16 | the realms <<8 | how many
	// bytes the check has.
	at uint32
	// check are bytes that the URL must have beside the token: nearly all rules
	// of a bucket fail here, before anything else of them is read.
	check uint32
}

const entryWords = 3

const (
	entryLast = 1 << (22 + iota) // the last of its bucket
	entryScan                    // the pattern may begin anywhere
	entryRule = entryLast - 1
)

func (e *entry) realms() uint8 { return uint8(e.at >> 8) }
func (e *entry) rule() uint32  { return e.to & entryRule }

// regex is a regular expression; it is compiled when it is first needed.
type regex struct {
	source uint32 // offset into strs
	// exact: case matters. lits is an offset into sets: strings of which a text
	// that matches has one; 0 if none are known.
	exact uint32
	lits  uint32
}

const regexWords = 3

// realmsOf returns in which realms a rule is looked for.
func realmsOf(r *Rule, names bool) uint8 {
	var realms uint8
	switch r.Kind {
	case KindBlock:
		realms = blockRealm(r)
	case KindRedirect:
		realms = realmRedirect
		if !r.Exception {
			realms |= blockRealm(r)
		}
	case KindRedirectRule:
		realms = realmRedirect
	case KindRemoveParam, KindCSP:
		realms = realmModifier
	case KindPage:
		realms = realmPage
	case KindDNSRewrite:
		return realmRewrite
	}
	if dnsOnly(&r.Where) {
		realms = 0
	}
	if names && r.Kind == KindBlock {
		realms |= realmName
	}
	return realms
}

func blockRealm(r *Rule) uint8 {
	switch {
	case r.Exception:
		return realmException
	case r.Important:
		return realmImportant
	}
	return realmBlock
}

// dnsOnly reports whether only a DNS question can meet the conditions.
func dnsOnly(w *Conditions) bool {
	return len(w.DNSTypes)+len(w.NotDNSTypes)+len(w.Clients.Include)+len(w.Clients.Exclude)+
		len(w.Tags.Include)+len(w.Tags.Exclude) > 0
}

// actsOnNames reports whether a rule says something of a bare name: it sets no
// condition that only a request of a page can meet, and its pattern can be
// that of a name.
func actsOnNames(r *Rule) bool {
	w := &r.Where
	if r.Kind != KindBlock && r.Kind != KindDNSRewrite {
		return false
	}
	if w.Types != 0 && w.Types&AllTypes != AllTypes || w.Methods|w.NotMethods != 0 || w.Party != AnyParty ||
		len(w.Domains.Include)+len(w.Domains.Exclude) > 0 || w.Header != "" {
		return false
	}
	for i := range len(r.Pattern.Text) {
		if c := r.Pattern.Text[i]; !nameByte(c) {
			return false
		}
	}
	return true
}

func nameByte(c byte) bool {
	return c >= 0x80 || isTokenByte(c) && c != '%' || c == '-' || c == '.' || c == '_' || c == '*' || c == '^'
}

// inHostTable reports whether a rule's pattern is a host and all below it.
func inHostTable(p *Pattern, hostOnly bool) bool {
	if p.Anchor != AnchorHost && !hostOnly || p.Host == "" || len(p.Host) > maxName || p.End {
		return false
	}
	return hostOnly || len(p.Text) == len(p.Host)+1 && p.Text[len(p.Host)] == '^'
}
