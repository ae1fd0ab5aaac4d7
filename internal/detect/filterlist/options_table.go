package filterlist

import "strings"

// valueRule says whether an option has a value.
type valueRule uint8

const (
	valueNever valueRule = iota
	valueAlways
	valueExcept // not needed in exceptions
	valueMay
)

// spec is what an option means. Options without apply are known, and rejected
// as nothing for a proxy or a resolver.
type spec struct {
	apply     func(*parser, spec, option) fault
	value     valueRule
	negatable bool
	types     Types
	party     [2]PartyWant // as it is, and negated
	pages     Pages
	kind      Kind
	names     func(*Conditions) *Names
	fixed     string // the value of a modifier that is short for another
}

func typeSpec(t Types) spec { return spec{apply: applyType, negatable: true, types: t} }

func namesSpec(names func(*Conditions) *Names) spec {
	return spec{apply: applyNames, value: valueAlways, names: names}
}

func pageSpec(p Pages) spec { return spec{apply: applyPage, pages: p} }

func partySpec(want, negated PartyWant) spec {
	return spec{apply: applyParty, negatable: true, party: [2]PartyWant{want, negated}}
}

func kindSpec(k Kind, v valueRule) spec { return spec{apply: applyKind, kind: k, value: v} }

// lookup finds an option by its name, whose case does not matter.
func lookup(name string) (spec, bool) {
	if s, ok := options[name]; ok {
		return s, true
	}
	if strings.Trim(name, "_") == "" {
		return spec{apply: applyNothing}, name != ""
	}
	if all, _ := classes(name); all&classUpper == 0 {
		return spec{}, false
	}
	s, ok := options[strings.ToLower(name)]
	return s, ok
}

// options are all that list authors write, under every name they have.
var options = func() map[string]spec {
	all := make(map[string]spec, 128)
	for _, group := range []map[string]spec{typeOptions(), conditionOptions(), actionOptions(), foreignOptions()} {
		for names, s := range group {
			for name := range strings.FieldsSeq(names) {
				all[name] = s
			}
		}
	}
	return all
}()

func typeOptions() map[string]spec {
	document := typeSpec(BitDocument)
	document.apply = applyDocument
	return map[string]spec{
		"document doc":                     document,
		"subdocument frame":                typeSpec(BitSubdocument),
		"stylesheet css":                   typeSpec(BitStylesheet),
		"script":                           typeSpec(BitScript),
		"image img background":             typeSpec(BitImage),
		"font":                             typeSpec(BitFont),
		"media":                            typeSpec(BitMedia),
		"xmlhttprequest xhr fetch":         typeSpec(BitXHR),
		"ping beacon":                      typeSpec(BitPing),
		"websocket":                        typeSpec(BitWebSocket),
		"object object-subrequest":         typeSpec(BitObject),
		"other":                            typeSpec(BitOther),
		"popup popunder":                   typeSpec(BitPopup),
		"all":                              {apply: applyType, types: AllTypes | BitDocument | BitPopup},
		"inline-script inline-font webrtc": {apply: applyMeaningless, negatable: true},
	}
}

func conditionOptions() map[string]spec {
	return map[string]spec{
		"third-party 3p":              partySpec(WantThird, WantFirst),
		"first-party 1p":              partySpec(WantFirst, WantThird),
		"strict3p strict-third-party": partySpec(WantStrictThird, WantStrictFirst),
		"strict1p strict-first-party": partySpec(WantStrictFirst, WantStrictThird),
		"domain from":                 namesSpec(func(w *Conditions) *Names { return &w.Domains }),
		"to":                          namesSpec(func(w *Conditions) *Names { return &w.To }),
		"denyallow":                   {apply: applyDenyAllow, value: valueAlways},
		"method":                      {apply: applyMethod, value: valueAlways},
		"header":                      {apply: applyHeader, value: valueAlways},
		"dnstype":                     {apply: applyDNSType, value: valueAlways},
		"client":                      {apply: applyClient, value: valueAlways},
		"ctag":                        {apply: applyTags, value: valueAlways},
		"match-case":                  {apply: applyMatchCase},
		"important":                   {apply: applyImportant},
		"badfilter":                   {apply: applyBadFilter},
		"reason":                      {apply: applyNothing, value: valueAlways},
	}
}

func actionOptions() map[string]spec {
	return map[string]spec{
		"redirect":               kindSpec(KindRedirect, valueExcept),
		"redirect-rule":          kindSpec(KindRedirectRule, valueExcept),
		"rewrite":                {apply: applyRewrite, value: valueAlways},
		"empty":                  {apply: applyKind, kind: KindRedirect, fixed: "empty"},
		"mp4":                    {apply: applyMP4, kind: KindRedirect, fixed: "noopmp4-1s"},
		"csp":                    kindSpec(KindCSP, valueExcept),
		"removeparam queryprune": kindSpec(KindRemoveParam, valueMay),
		"dnsrewrite":             kindSpec(KindDNSRewrite, valueExcept),
		"generichide ghide":      pageSpec(PageGenericHide),
		"specifichide shide":     pageSpec(PageSpecificHide),
		"elemhide ehide":         pageSpec(PageElemHide),
		"genericblock":           pageSpec(PageGenericBlock),
	}
}

// foreignOptions do what only a browser, an extension or another proxy can.
func foreignOptions() map[string]spec {
	const names = `app cname content cookie cspreport csp_report dtd extension hls ipaddress
		jsinject jsonprune network object-prune permissions referrerpolicy
		removeheader replace requestheader responseheader stealth top uritransform
		urlblock urlskip urltransform xbl xmlprune`
	return map[string]spec{names: {}}
}
