package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/quench-proxy/quench/internal/scan/judge"
)

// Bounds on a Mailbox; what lies past one is counted without a name.
const (
	MaxSenders  = 100_000 // senders that are told apart
	MaxTrackers = 100_000 // trackers that are told apart
)

// Tally counts the references of one message or many by what they do.
type Tally struct {
	// Rungs counts findings that a client uses, by rung.
	Rungs [judge.Ordinary + 1]int `json:"rungs"`
	// Opening and Clicks count trackers by what sets them off, Content pictures
	// that are seen and name their reader.
	Opening int `json:"opening"`
	Clicks  int `json:"clicks"`
	Content int `json:"content"`
	// Later counts trackers that wait until the mail is printed or pointed at, or
	// an attachment opened.
	Later int `json:"later,omitempty"`
}

// Message is what one message does.
type Message struct {
	Tally
	// Trackers are who is told by opening or clicking, surest first, each once.
	Trackers []Told `json:"trackers,omitempty"`
	// Reports: opening or clicking tells somebody (rungs proven to hidden).
	Reports bool `json:"reports"`
}

// Told is one who is told, and the surest rung by which that is known.
type Told struct {
	Name   string       `json:"name"`
	Ladder judge.Ladder `json:"ladder"`
	// Opening: without a click.
	Opening bool `json:"opening"`
	// Later is what the reader must do beside opening the mail, "print", "hover",
	// "attachment" (open one) or "form" (send one); "" if opening is enough, or
	// if it is a click.
	Later string `json:"later,omitempty"`
}

// receipt is who is told by a receipt, which is asked for openly.
const receipt = "the sender, who asks for a receipt"

// String is the name with how sure it is: "t.example (proven)".
func (t Told) String() string {
	switch inner, ok := strings.CutSuffix(t.Name, ")"); {
	case t.Name == receipt:
		return t.Name
	case ok:
		return inner + ", " + t.Ladder.String() + ")"
	}
	return t.Name + " (" + t.Ladder.String() + ")"
}

// Summarise counts r.
func Summarise(r *judge.Result) Message {
	var m Message
	at := map[string]int{}
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.When == "inert" || f.When == "header" && f.Ladder == judge.Ordinary {
			continue
		}
		m.Rungs[f.Ladder]++
		if f.Ladder.Tracker() {
			m.Reports = true
			m.count(f)
			m.tell(f, at)
		}
	}
	slices.SortStableFunc(m.Trackers, func(a, b Told) int { return int(a.Ladder) - int(b.Ladder) })
	return m
}

// count counts what sets f off.
func (t *Tally) count(f *judge.Finding) {
	switch kind := kind(f); {
	case f.Content:
		t.Content++
	case kind == "click":
		t.Clicks++
	case kind == "print" || kind == "hover" || f.Attachment != "":
		t.Later++
	default:
		t.Opening++
	}
}

// tell adds whom f tells; at is where each stands.
func (m *Message) tell(f *judge.Finding, at map[string]int) {
	t := Told{Name: who(f), Ladder: f.Ladder, Opening: true}
	switch kind := kind(f); {
	case kind == "click":
		t.Opening = false
		if form(f) {
			t.Later = "form"
		}
	case kind == "header":
		t.Name = receipt
	case f.Attachment != "":
		t.Later = "attachment"
	case kind == "print", kind == "hover":
		t.Later = kind
	}
	key := t.Name
	if f.Tracker != nil && f.Tracker.ID != "" && t.Name != receipt {
		key = f.Tracker.ID
		if f.Ladder > judge.Vendor && !f.Known {
			key = "like " + key
		}
	}
	k, ok := at[key]
	if !ok {
		at[key] = len(m.Trackers)
		m.Trackers = append(m.Trackers, t)
		return
	}
	o := &m.Trackers[k]
	o.Ladder = min(o.Ladder, t.Ladder)
	switch {
	case t.Opening && !o.Opening:
		o.Name, o.Opening, o.Later = t.Name, true, t.Later
	case t.Opening && t.Later == "":
		o.Later = ""
	}
}

// String is the summary in words: one sentence or more.
func (m Message) String() string {
	if !m.Reports {
		if n := m.Rungs[judge.Token]; n > 0 {
			return fmt.Sprintf("Nothing in this mail is known to report back; %s a code that may name you.", counted(n, "address carries", "addresses carry"))
		}
		return "Nothing in this mail reports back."
	}
	told := map[string][]string{}
	for _, t := range m.Trackers {
		when := t.Later
		if !t.Opening && t.Later == "" {
			when = "click"
		}
		told[when] = append(told[when], t.String())
	}
	var out []string
	for _, s := range [...][3]string{
		{"", "Opening this mail tells ", "."}, {"print", "Printing this mail tells ", "."},
		{"hover", "Pointing at a part of this mail tells ", "."}, {"attachment", "Opening an attachment tells ", "."},
		{"click", "Its links tell ", " of a click."}, {"form", "Sending a form in it tells ", " what you fill in."},
	} {
		if names := told[s[0]]; len(names) > 0 {
			out = append(out, s[1]+listed(names)+s[2])
		}
	}
	if m.Content > 0 {
		out = append(out, counted(m.Content, "picture you see was", "pictures you see were")+" made for you alone.")
	}
	return strings.Join(out, " ")
}

// maxListed is how many names a sentence lists.
const maxListed = 6

func listed(names []string) string {
	n := len(names)
	switch {
	case n == 1:
		return names[0]
	case n > maxListed:
		return strings.Join(names[:maxListed], ", ") + fmt.Sprintf(" and %d more", n-maxListed)
	}
	return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Mailbox adds messages up. The zero value is empty. Not for concurrent use.
type Mailbox struct {
	Messages  int `json:"messages"`
	Reporting int `json:"reporting"` // messages that report back
	Opened    int `json:"opened"`    // messages that report being opened
	Tally
	senders  map[string]*sender
	trackers map[string]*count
}

type sender struct {
	messages, reporting int
	trackers            map[string]int
}

type count struct {
	messages int
	ladder   judge.Ladder
}

// Add counts a message of a sender ("" if unknown).
func (b *Mailbox) Add(from string, m *Message) {
	if b.senders == nil {
		b.senders, b.trackers = map[string]*sender{}, map[string]*count{}
	}
	b.Messages++
	for i, n := range m.Rungs {
		b.Rungs[i] += n
	}
	b.Opening += m.Opening
	b.Clicks += m.Clicks
	b.Later += m.Later
	b.Content += m.Content
	s := b.senders[from]
	if s == nil {
		if len(b.senders) >= MaxSenders {
			from = ""
		}
		if s = b.senders[from]; s == nil {
			s = &sender{trackers: map[string]int{}}
			b.senders[from] = s
		}
	}
	s.messages++
	if m.Reports {
		b.Reporting++
		s.reporting++
	}
	if m.Opening > 0 {
		b.Opened++
	}
	for _, t := range m.Trackers {
		b.tracker(s, t)
	}
}

func (b *Mailbox) tracker(s *sender, t Told) {
	c := b.trackers[t.Name]
	if c == nil {
		if len(b.trackers) >= MaxTrackers {
			return
		}
		c = &count{ladder: t.Ladder}
		b.trackers[t.Name] = c
	}
	c.messages++
	c.ladder = min(c.ladder, t.Ladder)
	s.trackers[t.Name]++
}

// Share is the part of the messages that report back, 0 of none.
func (b *Mailbox) Share() float64 {
	if b.Messages == 0 {
		return 0
	}
	return float64(b.Reporting) / float64(b.Messages)
}

// Row is one sender or tracker of a mailbox.
type Row struct {
	Name      string   `json:"name"`
	Messages  int      `json:"messages"`
	Reporting int      `json:"reporting,omitempty"`
	Ladder    string   `json:"ladder,omitempty"`
	Trackers  []string `json:"trackers,omitempty"`
}

// Senders are the senders by messages that report back, most first, with whom
// each tells, at most n; all if n is 0.
func (b *Mailbox) Senders(n int) []Row {
	var out []Row
	for name, s := range b.senders {
		r := Row{Name: name, Messages: s.messages, Reporting: s.reporting}
		for t := range s.trackers {
			r.Trackers = append(r.Trackers, t)
		}
		slices.SortFunc(r.Trackers, func(x, y string) int {
			if d := s.trackers[y] - s.trackers[x]; d != 0 {
				return d
			}
			return strings.Compare(x, y)
		})
		out = append(out, r)
	}
	return first(out, n, func(r *Row) int { return r.Reporting })
}

// Trackers are who is told, by messages, most first, at most n; all if n is 0.
func (b *Mailbox) Trackers(n int) []Row {
	var out []Row
	for name, c := range b.trackers {
		out = append(out, Row{Name: name, Messages: c.messages, Ladder: c.ladder.String()})
	}
	return first(out, n, func(r *Row) int { return r.Messages })
}

func first(rows []Row, n int, by func(*Row) int) []Row {
	slices.SortFunc(rows, func(x, y Row) int {
		if d := by(&y) - by(&x); d != 0 {
			return d
		}
		return strings.Compare(x.Name, y.Name)
	})
	if n > 0 && n < len(rows) {
		rows = rows[:n]
	}
	return rows
}

// String is the mailbox in words.
func (b *Mailbox) String() string {
	if b.Messages == 0 {
		return "No messages."
	}
	if b.Reporting == 0 {
		return fmt.Sprintf("None of %s reports back.", counted(b.Messages, "message", "messages"))
	}
	verb := "report"
	if b.Reporting == 1 {
		verb = "reports"
	}
	s := fmt.Sprintf("%d of %s %s back (%.0f%%), %d of them by being opened.", b.Reporting, counted(b.Messages, "message", "messages"), verb, 100*b.Share(), b.Opened)
	if rows := b.Trackers(3); len(rows) > 0 {
		var names []string
		for _, r := range rows {
			names = append(names, fmt.Sprintf("%s (%d)", r.Name, r.Messages))
		}
		s += " Told most often: " + listed(names) + "."
	}
	return s
}
