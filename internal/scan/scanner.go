package scan

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/scan/explain"
	"github.com/quench-proxy/quench/internal/scan/identity"
	"github.com/quench-proxy/quench/internal/scan/judge"
	"github.com/quench-proxy/quench/internal/scan/mail"
	"github.com/quench-proxy/quench/internal/scan/source"
)

// Scanner scans messages. The zero value judges by structure alone. Its fields
// are set before the first call; it is safe for concurrent use.
type Scanner struct {
	Judge judge.Judge
	// Me are the reader's addresses beside those in a message's header.
	Me []string
	// Now is the clock; nil leaves the findings without a time.
	Now func() time.Time
	// Replay makes what decides about the entries of one archive; nil means that
	// archives are judged by the engine of Judge alone, without their answers.
	Replay func() Replay
	// Cleaning plans a clean copy of each message; nil plans none.
	Cleaning *Cleaning

	rooms sync.Pool           // of *room
	known atomic.Pointer[set] // the last reader's
}

// room is memory in which one message after the other is scanned.
type room struct {
	refs  []mail.Ref
	given []judge.Ref
	judge judge.Room
}

// room gives memory for one message.
func (s *Scanner) room() *room {
	if r, ok := s.rooms.Get().(*room); ok {
		return r
	}
	return &room{}
}

// Reuse takes back what r holds for messages to come. Neither r nor anything
// that shares its Findings may be read any more.
func (s *Scanner) Reuse(r *Report) {
	if n := len(r.Findings); n == 0 || n > maxReserved {
		return
	}
	clear(r.Findings)
	to := s.room()
	if cap(r.Findings) > cap(to.judge.Findings) {
		to.judge.Findings = r.Findings[:0]
	}
	r.Findings = nil
	s.rooms.Put(to)
}

// release takes back what x stood in.
func (s *Scanner) release(x *reading) {
	if len(x.refs) > maxReserved {
		return
	}
	clear(x.refs)
	clear(x.given)
	x.room.refs, x.room.given = x.refs[:0], x.given[:0]
	s.rooms.Put(x.room)
	x.refs, x.given = nil, nil
}

// set is a reader's addresses prepared: most mailboxes are one reader's.
type set struct {
	of []string
	me *identity.Set
}

// reader prepares addresses, or takes those prepared last if they are the same.
func (s *Scanner) reader(addresses []string) *identity.Set {
	if k := s.known.Load(); k != nil && slices.Equal(k.of, addresses) {
		return k.me
	}
	k := &set{addresses, identity.New(addresses)}
	s.known.Store(k)
	return k.me
}

// Message scans m. It never fails: what could not be read is in the Report.
// An archive is read to its end, which needs m.Body; everything else works on
// m.Raw alone.
func (s *Scanner) Message(m *source.Message) (r *Report) {
	r = &Report{File: m.File, Offset: m.Offset, Length: m.Length, Index: m.Index, Kind: kindWord(m), Mbox: m.Mbox}
	defer func() {
		if fault := recover(); fault != nil {
			r = &Report{File: m.File, Offset: m.Offset, Length: m.Length, Index: m.Index, Kind: kindWord(m), Mbox: m.Mbox}
			r.unread(fmt.Sprintf("a fault in Quench ended the scan of this message: %v", fault))
			r.Stack = string(debug.Stack())
		}
	}()
	if m.Kind == source.HAR {
		s.archive(m, r)
		return r
	}
	x := s.read(m, m.Raw)
	r.header(x.mail)
	r.Findings = x.judge(s, m)
	r.Lines = lines(m, r.Findings)
	r.finish()
	r.troubles(x.mail, m, s.Cleaning != nil && s.Cleaning.All)
	programs := r.scripts(x.mail)
	r.Scripts = programs.inline + programs.external
	r.Nothing = len(r.Unread) > 0 && nothing(x.mail)
	if s.Cleaning != nil {
		r.Clean = s.clean(m, x, r.Findings)
		r.Clean.blind = len(r.Unread) > 0
		r.Clean.Scripts, r.Clean.all = programs.inline, s.Cleaning.All
		if !s.Cleaning.All {
			r.Clean.Scripts += programs.external
		}
	}
	s.release(x)
	return r
}

func (s *Scanner) now() time.Time {
	if s.Now == nil {
		return time.Time{}
	}
	return s.Now().UTC()
}

// reading is one message taken apart. refs[i] and given[i] are one reference.
type reading struct {
	room  *room
	mail  *mail.Message
	refs  []mail.Ref
	given []judge.Ref
}

// A newsletter has about one reference in bytesPerRef bytes; room is made for
// that many, at most maxReserved, at once.
const (
	bytesPerRef = 300
	maxReserved = 1000
)

// read takes raw, the bytes of m or a changed copy of them, apart.
func (s *Scanner) read(m *source.Message, raw []byte) *reading {
	x := &reading{room: s.room(), mail: mail.Read(raw, m.MailKind(), mail.Options{})}
	x.refs = slices.Grow(x.room.refs[:0], min(len(raw)/bytesPerRef, maxReserved))
	x.mail.Walk(markup.Options{}, func(r *mail.Ref) {
		if lookedAhead(r) {
			r.When = markup.Legacy
		}
		x.refs = append(x.refs, *r)
	})
	x.given = slices.Grow(x.room.given[:0], len(x.refs))[:len(x.refs)]
	for i := range x.refs {
		r := &x.refs[i]
		x.given[i] = judge.Ref{Ref: r.Ref, Part: r.Part.Path, Attachment: r.Attachment(), At: place(m, r)}
	}
	return x
}

// lookedAhead reports whether r stands in a template, where nothing is fetched,
// but Firefox, which reads ahead of its own parser, does not know that and may.
func lookedAhead(r *mail.Ref) bool {
	if r.When != markup.Inert || r.Reach != markup.Remote || !r.Tricks.Has(48) {
		return false
	}
	switch r.Vector {
	case 1, 2, 8, 13, 33, 34, 56, 58, 61, 121:
		return true
	}
	return false
}

// place is where in the file r's URL stands; zero if it has no bytes of its own.
func place(m *source.Message, r *mail.Ref) markup.Range {
	at, ok := r.Place()
	if !ok {
		return markup.Range{}
	}
	return markup.Range{Start: int(m.FileOffset(at.Start)), End: int(m.FileOffset(max(at.End-1, at.Start))) + min(1, at.Len())}
}

// judge gives every reference its finding, sentence included.
func (x *reading) judge(s *Scanner, m *source.Message) []judge.Finding {
	var me []string
	for _, a := range x.mail.Recipients() {
		me = append(me, a.Address)
	}
	me = append(me, s.Me...)
	res := s.Judge.MessageIn(&x.room.judge, &judge.Message{
		File: m.File, Offset: m.Offset, Time: s.now(), Sender: x.mail.From().Domain, Me: s.reader(me), Lists: lists(x.mail), Refs: x.given,
	})
	explain.Fill(res)
	if m.Kind == source.HTML {
		for i := range res.Findings {
			res.Findings[i].Sentence = ofPage.Replace(res.Findings[i].Sentence)
		}
	}
	return res.Findings
}

// lists are the addresses of mailing lists that m came by, as List-Post gives
// them and as List-Id and a recipient's address spell them alike.
func lists(m *mail.Message) (out []string) {
	if post := m.Header.Get("List-Post"); post != "" {
		for _, a := range mail.ParseAddresses(strings.ReplaceAll(post, "mailto:", "")) {
			out = append(out, a.Address)
		}
	}
	id := strings.ToLower(m.Header.Get("List-Id"))
	if id == "" {
		return out
	}
	for _, a := range m.Recipients() {
		if strings.Contains(id, "<"+strings.ToLower(a.Local+"."+a.Domain)+">") {
			out = append(out, a.Address)
		}
	}
	return out
}

// ofPage says of a page what the words of package explain say of mail.
var ofPage = strings.NewReplacer("this mail", "this page", "This mail", "This page", "the mail itself", "the page itself", "mail program", "browser", "copy of the mail", "copy of the page")
