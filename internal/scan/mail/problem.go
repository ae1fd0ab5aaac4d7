package mail

// What is a kind of problem.
type What uint8

// The kinds of problem.
const (
	NoBlankLine    What = iota // header runs into body without a blank line
	NoHeader                   // no header at all: read as a body
	BadField                   // a header line that is no field
	TooManyFields              // fields past MaxFields or MaxHeader
	BadType                    // Content-Type cannot be read
	NoBoundary                 // multipart without a boundary
	Unterminated               // final boundary missing
	NeverStarted               // no boundary line at all
	TooDeep                    // past MaxDepth
	TooManyParts               // past MaxParts
	BadEncoding                // unknown transfer encoding, read as it stands
	BadBase64                  // bytes that are no base64
	BadQuoted                  // escapes that are no quoted-printable
	BadCharset                 // unknown charset, read as it stands
	CharsetLies                // body is not in the declared charset
	TooLong                    // message past MaxMessage
	TooMuch                    // decoded bodies past MaxDecoded
	Encoded                    // uuencode or yEnc inside text: not opened
	BadAttachment              // TNEF, S/MIME, .msg or Office file cannot be opened
	EncryptedBody              // cannot be read without a key
	PartialMessage             // message/partial: only a fragment is here
	ExternalBody               // content lies elsewhere
	Unpatchable                // an edit has no place in the raw bytes
	Skipped                    // bytes left out of a message too large to hold
	MarkupCut                  // markup past the walker's bounds
	AttachmentCut              // attachment past its bounds
	Unopened                   // an archive (ZIP, gzip …), which is not looked into
	ClearBase64                // declared as base64 and in clear: read as it stands
	TwoReadings                // base64 and text in clear in one: one of them was not read
)

var whats = [...]string{
	"header without a blank line after it", "no header", "header line that is no field", "header too long, rest ignored",
	"content type cannot be read", "multipart without a boundary", "final boundary missing", "boundary never appears",
	"nested too deep, not opened", "too many parts, rest ignored", "unknown transfer encoding", "bytes that are no base64",
	"escapes that are no quoted-printable", "unknown charset", "body is not in the charset it declares",
	"message too long, rest ignored", "too much to decode, rest ignored", "uuencoded or yEnc data, not opened",
	"attachment cannot be opened", "encrypted, cannot be read", "only a fragment of a message", "content lies outside the message",
	"edit has no place in the raw bytes", "attachment data left out of a very large message", "markup past its bounds",
	"attachment past its bounds", "archive, not looked into",
	"said to be base64, but in clear: read as it stands", "partly base64, partly in clear: only one of them was read",
}

// String is the sentence for it.
func (w What) String() string { return whats[min(int(w), len(whats)-1)] }

// report keeps p, or counts it.
func (m *Message) report(w What, part string, at int, detail string) {
	if len(m.Problems) >= MaxProblems {
		m.Lost++
		return
	}
	m.Problems = append(m.Problems, Problem{w, part, at, detail})
}
