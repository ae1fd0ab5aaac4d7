package score

import (
	"strconv"

	"github.com/quench-proxy/quench/internal/detect"
)

// Sign is one thing that speaks for or against a request being a tracker's.
type Sign uint8

// The signs. The letters are those of the table they are taken from.
const (
	signThird     Sign = iota // E3
	signBeacon                // E4
	signPlain                 // E4
	signImage                 // E4
	signBare                  // an image of no kind and no size
	signCookie                // E5
	signSiteID                // E6
	signPage                  // E7
	signReferrer              // E7
	signTraits                // E8
	signHashed                // E9
	signBuster                // E10
	signEvent                 // E11
	signWord                  // E12
	signWords                 // E12
	signConsent               // E13
	signSync                  // E14
	signSyncWords             // E14
	signFinger                // E9: a SHA-256 that no name explains
	signGIF                   // a GIF with parameters
	signBought                // an order, or what was paid
	signAccount               // the number of the account that receives it
	signWeak                  // a value like an identifier that no name explains
	signVisitor               // a number under a name that means a visitor
	signCrossed               // E15
	signTracks                // E15
	signGivesIDs              // E5, of answers
	signStatic                // N2
	signContent               // N6
	numSigns
)

// points are the weights: of what goes where no script reads the answer
// (images, pings), and of calls whose answer the page reads and may need. They
// were set by hand on one half of the vendors and measured on the other; see
// BENCHMARKS.md.
var points = [2][numSigns]int8{
	unread: {
		signThird: 2, signBeacon: 2, signImage: 1, signBare: 1, signCookie: 3, signSiteID: 5, signPage: 3, signReferrer: 1,
		signTraits: 3, signHashed: 5, signFinger: 3, signGIF: 1, signBought: 2, signAccount: 1, signWeak: 1, signBuster: 1,
		signEvent: 3, signWord: 2, signWords: 1, signConsent: 2, signSync: 5, signSyncWords: 3, signVisitor: 3,
		signCrossed: 4, signTracks: 4, signGivesIDs: 3, signStatic: -4, signContent: -3,
	},
	read: {
		signThird: 2, signPlain: 2, signCookie: 2, signSiteID: 2, signPage: 2, signReferrer: 1,
		signTraits: 3, signHashed: 4, signFinger: 1, signBought: 1, signBuster: 1,
		signEvent: 2, signWord: 2, signWords: 1, signConsent: 2, signSync: 5, signSyncWords: 3, signVisitor: 2,
		signCrossed: 2, signTracks: 2, signGivesIDs: 3, signStatic: -4, signContent: -3,
	},
}

// The columns of points.
const (
	unread = 0
	read   = 1
)

var words = [numSigns]string{
	signThird:     "third party",
	signBeacon:    "it is sent where nobody reads the answer",
	signPlain:     "sent as plain text, as reports are",
	signImage:     "an image that carries data",
	signBare:      "asks for an image of no name and no size",
	signCookie:    "sends its own cookie with a number for this browser",
	signSiteID:    "carries the number that the site's own cookie holds",
	signPage:      "says which page you are on",
	signReferrer:  "says which page you came from",
	signTraits:    "sends traits of your screen, language, time zone or page title",
	signHashed:    "carries a fingerprint as of an e-mail address or telephone number",
	signBuster:    "carries a number only so that no cache answers",
	signEvent:     "names something you did",
	signWord:      "its address has a word that trackers use",
	signWords:     "its address has a second such word",
	signConsent:   "says what you agreed to",
	signSync:      "carries the number that another company uses for you",
	signSyncWords: "asks to compare numbers with another company",
	signFinger:    "carries a fingerprint of something",
	signGIF:       "asks for a GIF with data in its address",
	signBought:    "tells what was ordered or paid",
	signAccount:   "names the account that receives it",
	signWeak:      "carries a value like a number for somebody",
	signVisitor:   "carries a number for this browser or visit",
	signCrossed:   "carried the same number on another site",
	signTracks:    "did the same on three sites or more",
	signGivesIDs:  "gave this browser a long-lived number with an empty answer",
	signStatic:    "the name of a stored file",
	signContent:   "this host mostly serves content",
}

// The levels of a score.
const (
	// Looks: worth a line in the record.
	Looks = 6
	// Strip: loses what tells people apart.
	Strip = 7
	// Block: not sent.
	Block = 10
)

// Result is a score with its reasons. It holds no pointer but Partner, and the
// zero value says that nothing speaks against the request.
type Result struct {
	Points int
	Signs  uint32
	// Read: the page reads the answer, so that some signs count less.
	Read bool
	// Partner is whose number the request carries; "" if it is no other's.
	Partner string
}

func (r *Result) add(s Sign) {
	if r.Signs>>s&1 == 0 {
		r.Signs |= 1 << s
		r.Points += r.worth(s)
	}
}

// worth is what a sign counts in this Result.
func (r *Result) worth(s Sign) int {
	if r.Read {
		return int(points[read][s])
	}
	return int(points[unread][s])
}

func (r *Result) has(s Sign) bool { return r.Signs>>s&1 != 0 }

// Evidence gives each point of the score in words, the weightiest first. The
// words hold no value of the request.
func (r Result) Evidence() []detect.Evidence {
	var out []detect.Evidence
	for want := 9; want >= -9; want-- {
		for s := range numSigns {
			if !r.has(s) || r.worth(s) != want || want == 0 {
				continue
			}
			kind := "heuristic"
			if s == signSync {
				kind = "sync"
			}
			out = append(out, detect.Evidence{Kind: kind, Detail: words[s] + " (" + signed(want) + ")"})
		}
	}
	return out
}

// Reasons gives the words of what speaks against the request, without points.
func (r Result) Reasons() []string {
	var out []string
	for want := 9; want > 0; want-- {
		for s := range numSigns {
			if r.has(s) && r.worth(s) == want {
				out = append(out, words[s])
			}
		}
	}
	return out
}

func signed(n int) string {
	if n > 0 {
		return "+" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}
