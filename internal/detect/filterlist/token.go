package filterlist

import (
	"regexp/syntax"
	"strings"
)

// candidate is a token by which a pattern can be found.
type candidate struct {
	hash  uint32
	at    uint16 // its offset in the pattern
	exact bool   // the pattern's beginning is at a fixed distance before it
	head  bool   // hash is of the head only
	text  string
}

// candidates appends to out the tokens of a pattern: the runs of token bytes
// that stand alone in every URL that matches, or whose head does.
func candidates(out []candidate, p string, flags uint8, seed uint64) []candidate {
	p = strings.ToLower(p)
	star := strings.IndexByte(p, '*')
	for i := 0; i < len(p); {
		if !isTokenByte(p[i]) {
			i++
			continue
		}
		j := i
		for j < len(p) && isTokenByte(p[j]) {
			j++
		}
		left := i > 0 && p[i-1] != '*' || i == 0 && flags&(patStart|patHost) != 0
		right := j < len(p) && p[j] != '*' || j == len(p) && flags&patEnd != 0
		c := candidate{at: uint16(i), exact: star < 0 || i < star, text: p[i:j]}
		if h, ok := hashRun(p[i:j], left, right, seed); ok {
			c.hash, c.head = h, !right
			out = append(out, c)
		}
		i = j
	}
	return out
}

// hashRun hashes a run of token bytes: whole if it is bounded on both sides,
// by its head if only on its left.
func hashRun(run string, left, right bool, seed uint64) (uint32, bool) {
	switch {
	case left && right && len(run) >= 2:
		return hashToken(run, seed), true
	case left && len(run) >= headLen:
		return tokenHash(uint64(le32(run)), 0, 255, seed), true
	}
	return 0, false
}

func hashToken(s string, seed uint64) uint32 {
	if len(s) > 8 {
		return tokenHash(le64(s), le64(s[len(s)-8:]), len(s), seed)
	}
	var w uint64
	for i := range len(s) {
		w |= uint64(s[i]) << (8 * i)
	}
	return tokenHash(w, 0, len(s), seed)
}

// tiers are tokens that many URLs have, the commonest first: in a fifth of them
// and more, in one of 25, of 65, of 140. A rule is tried whenever the URL has
// its token, so a rare token is worth more than one that few rules share.
var tiers = [...]struct {
	words string
	cost  uint32
}{
	{"https http www com js", costCommon},
	{"jpg net static images de png google id ru img css cdn min html assets http%3a https%3a 3a 2f " +
		"https%3a%2f%2fwww http%3a%2f%2fwww", 8 * costFrequent},
	{"600 amazon 800 url en ssl content doubleclick 24 fr us facebook gif 02 pagead fonts svg ads api co pixel 60 " +
		"media wp v1 false sync analytics prod php dt ad utf image tz user tv sd cd gid cb thumb org eu ac 12 tid ua " +
		"googlesyndication dl callback web 15 v2 data 11 cid json sites gtm cm ws wss uk io cloudfront amazonaws googleapis", 2 * costFrequent},
	{"ah logo type frm uploads his 10 na true page woff woff2 it ver sr ts v3 themes consent icon icons 01 gstatic pid " +
		"collect sid client version get gdpr sc cookie uid public random cv site async adnxs tags on pl connect is new common 40 " +
		"push 32 secure config default desktop jquery 16 app hm s2 tag player scripts script 20 ref dist domain adserver all cz " +
		"13 bit je guid cc video pageview main 14 num plugins event match news adsystem core ga ui tr files format stream width " +
		"home cache bg iframe 17 src gpt blog pub global styles key libs includes utm source track tracking stats log events 1x1 " +
		"index en_us jpeg webp ajax lib libs 2fwww", costFrequent},
}

// wordCosts and headCosts are what the tiers say of a whole token, and of one
// of which only the head is known.
var wordCosts, headCosts = tierCosts()

func tierCosts() (whole, heads map[string]uint32) {
	whole, heads = map[string]uint32{}, map[string]uint32{}
	for _, tier := range tiers {
		for w := range strings.FieldsSeq(tier.words) {
			whole[w] = tier.cost
			if len(w) >= headLen {
				heads[w[:headLen]] = max(heads[w[:headLen]], tier.cost)
			}
		}
	}
	return whole, heads
}

// The costs of tokens, beside how many rules have them.
const (
	costCommon   = 1 << 20
	costFrequent = 1 << 11
	costHead     = 1 << 6
)

// cost says how bad a token is to be found by, without regard to the rules.
func (c candidate) cost() uint32 {
	if c.head {
		return max(costHead, headCosts[c.text[:headLen]])
	}
	if cost, ok := wordCosts[c.text]; ok {
		return cost
	}
	switch len(c.text) {
	case 2:
		return 96
	case 3:
		return 24
	}
	return 0
}

// regexpTokens returns alternatives of which every text that matches the
// expression has at least one as a token; nil if none are certain.
func regexpTokens(source string, seed uint64) []candidate {
	re, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return nil
	}
	return tokensOf(re.Simplify(), seed)
}

func tokensOf(re *syntax.Regexp, seed uint64) []candidate {
	switch re.Op {
	case syntax.OpLiteral:
		return cheapest(singles(nil, literalTokens(string(re.Rune), false, false, seed)))
	case syntax.OpCapture, syntax.OpPlus:
		return tokensOf(re.Sub[0], seed)
	case syntax.OpRepeat:
		if re.Min > 0 {
			return tokensOf(re.Sub[0], seed)
		}
	case syntax.OpAlternate:
		var all []candidate
		for _, sub := range re.Sub {
			one := tokensOf(sub, seed)
			if one == nil {
				return nil
			}
			all = append(all, one...)
		}
		return all
	case syntax.OpConcat:
		return concatTokens(re.Sub, seed)
	}
	return nil
}

func concatTokens(subs []*syntax.Regexp, seed uint64) []candidate {
	var choices [][]candidate
	for i, sub := range subs {
		if sub.Op == syntax.OpLiteral {
			begin := i > 0 && subs[i-1].Op == syntax.OpBeginText
			end := i+1 < len(subs) && subs[i+1].Op == syntax.OpEndText
			choices = singles(choices, literalTokens(string(sub.Rune), begin, end, seed))
			continue
		}
		choices = append(choices, tokensOf(sub, seed))
	}
	return cheapest(choices)
}

// literalTokens returns the tokens of a literal that stand alone whatever is
// around it. Letters beyond ASCII bound nothing: their case folds oddly.
func literalTokens(s string, begin, end bool, seed uint64) []candidate {
	var flags uint8
	if begin {
		flags = patStart
	}
	if end {
		flags |= patEnd
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 || r == '*' }) {
		return nil
	}
	return candidates(nil, s, flags, seed)
}

// cheapest returns the choice whose tokens together cost least.
func cheapest(choices [][]candidate) []candidate {
	var best []candidate
	var least uint32
	for _, c := range choices {
		if len(c) == 0 {
			continue
		}
		sum := uint32(len(c))
		for _, x := range c {
			sum += x.cost()
		}
		if best == nil || sum < least {
			best, least = c, sum
		}
	}
	return best
}

// singles appends each candidate as a choice of its own.
func singles(choices [][]candidate, cs []candidate) [][]candidate {
	for i := range cs {
		choices = append(choices, cs[i:i+1])
	}
	return choices
}
