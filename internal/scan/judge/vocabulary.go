package judge

import "strings"

// word is what a word of an address may say about it.
type word struct {
	text string
	says uint16
}

// What words say.
const (
	saysClear      = 1 << iota // the address counts something
	saysHint                   // it may count something, or not
	saysSpacer                 // a file that holds a picture down
	saysFolder                 // a folder of files that are the same for everybody
	saysPicture                // the extension of such a file
	saysNothing                // a parameter that names no reader
	saysDescribing             // a parameter about how a picture shall look
	saysSigned                 // a parameter by which a service lets an address be used
)

// maxWord is the length of the longest word.
const maxWord = 20

// vocabulary holds all words in one table, so that each is looked up once.
var vocabulary = func() map[string]word {
	m := map[string]word{}
	for _, list := range []struct {
		words string
		says  uint16
	}{
		{clearWords, saysClear}, {hintWords, saysHint}, {spacerWords, saysSpacer}, {folderWords, saysFolder}, {pictureWords, saysPicture},
		{ignoredParams, saysNothing}, {describingParams, saysDescribing}, {signatureParams, saysSigned},
	} {
		for _, w := range strings.Fields(list.words) {
			m[w] = word{w, m[w].says | list.says}
		}
	}
	return m
}()

// lengths has a bit for the length of each word, by its first byte: most of
// what stands in an address is no word.
var lengths = func() (t [256]uint32) {
	for w := range vocabulary {
		t[w[0]] |= 1 << len(w)
		if w[0] >= 'a' && w[0] <= 'z' {
			t[w[0]-0x20] |= 1 << len(w)
		}
	}
	return t
}()

// lookup returns the word s is, in any case of its letters; zero if it is none.
func lookup(s string) word {
	if len(s) == 0 || len(s) > maxWord || lengths[s[0]]&(1<<len(s)) == 0 {
		return word{}
	}
	var low [maxWord]byte
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		low[i] = c
	}
	return vocabulary[string(low[:len(s)])]
}

func says(s string, what uint16) bool { return lookup(s).says&what != 0 }
