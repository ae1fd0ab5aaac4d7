package vendor

import (
	"regexp/syntax"
	"slices"
	"unicode"
)

// side is an end of a text.
type side bool

const (
	atStart side = false
	atEnd   side = true
)

// maxTexts bounds the texts that textsOf tells apart.
const maxTexts = 32

// open is a text that stands at an end of what an expression matches.
type open struct {
	text string
	// whole: the text is the match, so that what stands beside the expression
	// joins it. Otherwise there may be anything between them.
	whole bool
}

// ends gives the texts one of which ends, and one of which begins, a path that
// the pattern matches.
func (p *pathPattern) ends() (tails, heads []string) {
	if !p.prefix {
		tails = []string{p.text}
	}
	if !p.suffix {
		heads = []string{p.text}
	}
	return tails, heads
}

// textsOf gives texts of which one stands at that end of whatever the regexp
// matches; nil if it says too little.
func textsOf(re *syntax.Regexp, at side) []string {
	if !anchored(re, at) {
		return nil
	}
	var texts []string
	for _, o := range openTexts(re, at) {
		texts = append(texts, o.text)
	}
	return texts
}

// anchored: a match of re cannot but reach that end of the text.
func anchored(re *syntax.Regexp, at side) bool {
	switch re.Op {
	case syntax.OpBeginText:
		return at == atStart
	case syntax.OpEndText:
		return at == atEnd
	case syntax.OpCapture, syntax.OpPlus:
		return anchored(re.Sub[0], at)
	case syntax.OpConcat:
		return anchored(at.outermost(re.Sub), at)
	case syntax.OpAlternate:
		return !slices.ContainsFunc(re.Sub, func(s *syntax.Regexp) bool { return !anchored(s, at) })
	}
	return false
}

func (at side) outermost(subs []*syntax.Regexp) *syntax.Regexp {
	if at == atEnd {
		return subs[len(subs)-1]
	}
	return subs[0]
}

// openTexts gives texts of which one stands at that end of whatever re matches.
// They may be more than needed, and "" says nothing.
func openTexts(re *syntax.Regexp, at side) []open {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginText, syntax.OpEndText:
		return []open{{whole: true}}
	case syntax.OpLiteral:
		if t := fixedText(re); t != "" {
			return []open{{t, true}}
		}
	case syntax.OpCharClass:
		if texts := classTexts(re); texts != nil {
			return texts
		}
	case syntax.OpCapture:
		return openTexts(re.Sub[0], at)
	case syntax.OpQuest:
		return fewTexts(append(openTexts(re.Sub[0], at), open{whole: true}))
	case syntax.OpAlternate:
		var texts []open
		for _, s := range re.Sub {
			texts = append(texts, openTexts(s, at)...)
		}
		return fewTexts(texts)
	case syntax.OpConcat:
		return concatTexts(re.Sub, at)
	}
	return []open{{}}
}

// concatTexts joins from the end inwards, as long as nothing stands between.
func concatTexts(subs []*syntax.Regexp, at side) []open {
	texts := []open{{whole: true}}
	for i := range subs {
		sub := subs[i]
		if at == atEnd {
			sub = subs[len(subs)-1-i]
		}
		if !slices.ContainsFunc(texts, func(o open) bool { return o.whole }) {
			break
		}
		longer := join(texts, openTexts(sub, at), at)
		if len(longer) > maxTexts {
			break
		}
		texts = longer
	}
	return texts
}

// join puts each of the inner texts beside each of the outer ones that it
// touches.
func join(outer, inner []open, at side) []open {
	var out []open
	for _, o := range outer {
		if !o.whole {
			out = append(out, o)
			continue
		}
		for _, i := range inner {
			if at == atEnd {
				out = append(out, open{i.text + o.text, i.whole})
			} else {
				out = append(out, open{o.text + i.text, i.whole})
			}
		}
	}
	return out
}

// fewTexts gives up where they are too many.
func fewTexts(texts []open) []open {
	if len(texts) > maxTexts {
		return []open{{}}
	}
	return texts
}

// classTexts gives the characters of a class, nil if they are many or beyond
// ASCII.
func classTexts(re *syntax.Regexp) []open {
	var texts []open
	for i := 0; i+1 < len(re.Rune); i += 2 {
		low, high := re.Rune[i], re.Rune[i+1]
		if high > unicode.MaxASCII || int(high-low) >= maxTexts {
			return nil
		}
		for c := low; c <= high; c++ {
			texts = append(texts, open{string(c), true})
		}
	}
	if len(texts) > maxTexts {
		return nil
	}
	return texts
}
