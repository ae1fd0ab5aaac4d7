package detect

// Action is what happens to a request.
type Action uint8

// The actions, in rising order. Allow is the zero value.
const (
	// Allow: untouched.
	Allow Action = iota
	// Observe: passes, and is recorded.
	Observe
	// Strip: the request, or if it was already sent its answer, loses cookies,
	// identifiers and tracking parameters.
	Strip
	// Block: answered locally, or removed.
	Block
)

var actionNames = [...]string{"allow", "observe", "strip", "block"}

// String returns the word used in JSON.
func (a Action) String() string { return word(actionNames[:], int(a), "allow") }

// MarshalText makes an Action its word in JSON.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the word; an unknown one is read as allow.
func (a *Action) UnmarshalText(b []byte) error {
	*a = Action(max(0, index(actionNames[:], string(b))))
	return nil
}

// Reply is what the asker gets in place of the tracker's answer.
type Reply uint8

// The replies. ReplyAuto leaves the choice to the door, by what the client
// expects; the door reports the one it chose.
const (
	ReplyAuto Reply = iota
	ReplyGIF
	ReplyPNG
	ReplySVG
	ReplyEmptyJS
	ReplyStub
	ReplyEmptyCSS
	ReplyEmptyHTML
	ReplyJSON
	ReplyXML
	ReplyText
	ReplyMedia
	ReplyNoContent
	ReplyPreflight
	ReplyPage
	ReplyRedirect
	ReplyRefused
	ReplyNullAddress
	ReplyAddress
	ReplyNoData
	ReplyNXDomain
	ReplyRemoved
)

var replyNames = [...]string{"", "gif", "png", "svg", "empty-js", "stub", "empty-css", "empty-html",
	"json", "xml", "text", "media", "no-content", "preflight", "page", "redirect", "refused",
	"null-address", "address", "nodata", "nxdomain", "removed"}

// String returns the word used in JSON, "" for ReplyAuto.
func (r Reply) String() string { return word(replyNames[:], int(r), "") }

// ParseReply returns the reply with this word; ok is false if there is none.
func ParseReply(s string) (r Reply, ok bool) {
	i := index(replyNames[:], s)
	if i < 0 {
		return ReplyAuto, false
	}
	return Reply(i), true
}

// MarshalText makes a Reply its word in JSON.
func (r Reply) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the word; readers accept unknown ones as ReplyAuto.
func (r *Reply) UnmarshalText(b []byte) error { *r, _ = ParseReply(string(b)); return nil }

// Need is a set of things that must be seen before a Decision is final or can
// be explained in full.
type Need uint8

const (
	// NeedBody: the request body explains the hit. With Action Block it is read
	// for the record only; with Allow the engine's Body decides once it is held.
	NeedBody Need = 1 << iota
	// NeedResponse: the engine's Response must see the response header.
	NeedResponse
	// NeedHead: Response must also see the first bytes of the body.
	NeedHead
)

// Step names the step of the precedence that decided.
type Step uint8

// The steps, strongest first. StepNone is the zero value: nothing matched.
const (
	StepNone Step = iota
	StepUserAllow
	StepUserBlock
	StepVeto
	StepImportant
	StepHit
	StepListException
	StepLoader
	StepTagManager
	StepList
	StepLearned
	StepPixel
	StepName // refused by name, where nothing can be answered
	StepStrip
	StepScore // no rule knows it, but it looks like a tracker
)

// Rule names one rule inside one Set; 0 is none. It means nothing outside the
// Set that made it.
type Rule uint32

// Decision is what was decided about a Request. It holds no pointer and is
// made without allocation. The zero value lets the request pass.
type Decision struct {
	Action    Action
	Reply     Reply
	Need      Need
	Step      Step
	Told      bool   // something had already left when we knew
	List      uint16 // 1-based list number if a list decided, else 0
	Rule      Rule   // the rule that decided, or that lost to Exception
	Exception Rule   // the exception or veto that overruled, else 0
	Redirect  Rule   // the list's rule that names what answers a block, else 0
	Would     Action // the action that observe mode, an allow or a veto took back
}
