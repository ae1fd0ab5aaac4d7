package scan

import (
	"errors"
	"strings"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/intake"
	"github.com/quench-proxy/quench/internal/detect/redact"
	"github.com/quench-proxy/quench/internal/detect/say"
	"github.com/quench-proxy/quench/internal/scan/explain"
	"github.com/quench-proxy/quench/internal/scan/har"
	"github.com/quench-proxy/quench/internal/scan/identity"
	"github.com/quench-proxy/quench/internal/scan/judge"
	"github.com/quench-proxy/quench/internal/scan/source"
)

// MaxEntries is how many entries of one archive are reported; what lies past it
// is not looked at, and the Report says so.
const MaxEntries = 100_000

// Replay decides about the entries of one archive, in their order, as the proxy
// decides about requests: what one entry teaches holds for those after it. The
// program hands in the proxy's own filter, so that both agree by construction:
// doors do not import each other. It is for one goroutine.
type Replay interface {
	// Entry takes the next entry, which it may keep. decided is called once for
	// each, within this call or a later one.
	Entry(e *har.Entry, decided func(Replayed))
	// End decides what is still open.
	End()
}

// Replayed is what was decided: the sighting that the proxy would have recorded.
type Replayed struct {
	Request  detect.Request
	Decision detect.Decision
	// Verdicts explain it; none if no rule speaks of the request.
	Verdicts []detect.Verdict
	// Own: the request went to Quench itself, which answered it. Verdicts then
	// say what the page had asked for; Request is the script that Quench stood in
	// for. Unsure: it only looks so.
	Own, Unsure bool
}

// archive reads the entries of a HAR file.
func (s *Scanner) archive(m *source.Message, r *Report) {
	me := identity.New(s.Me)
	var replay Replay = byEngine{s}
	if s.Replay != nil {
		replay = s.Replay()
	}
	for e, err := range har.Read(m.Body) {
		var lost *har.EntryError
		switch {
		case errors.As(err, &lost):
			r.unread(err.Error())
			continue
		case err != nil:
			r.unread(err.Error())
		case len(r.Findings) == MaxEntries:
			r.unread("more entries than are looked at")
		default:
			i := len(r.Findings)
			r.Findings = append(r.Findings, judge.Finding{})
			replay.Entry(e, func(d Replayed) { r.Findings[i] = s.entry(m, e, me, d) })
			continue
		}
		break
	}
	replay.End()
	r.Lines = make([]int, len(r.Findings))
	r.finish()
}

// byEngine decides by the engine alone where no Replay was given.
type byEngine struct{ s *Scanner }

func (b byEngine) Entry(e *har.Entry, decided func(Replayed)) {
	j := &b.s.Judge
	out := Replayed{Request: intake.Request(e.Request.Method, e.Request.URL, e.Request.Header)}
	if j.Rules != nil {
		out.Decision = j.Rules.Request(&out.Request, j.Policy)
		out.Verdicts = j.Rules.Explain(detect.Seen{Request: &out.Request, Policy: j.Policy, At: e.Started}, out.Decision)
	}
	decided(out)
}

func (byEngine) End() {}

// entry is the finding about one entry.
func (s *Scanner) entry(m *source.Message, e *har.Entry, me *identity.Set, d Replayed) judge.Finding {
	q := &d.Request
	f := judge.Finding{
		Schema: judge.Schema, Time: e.Started.UTC(), Door: "scan", Count: 1, File: m.File, Offset: e.Offset,
		Range: [2]int{int(e.Offset), int(e.Offset)}, Vector: "V180", When: "opening", Ladder: judge.Ordinary,
		Request: judge.Request{Method: e.Request.Method, Host: q.Host, URL: e.Request.URL, Type: q.Type.String(), Page: q.Page,
			PageFrom: q.PageFrom.String()},
		Sender: detect.HostOf(e.Page),
	}
	if d.Own { // as the ledger has it: the path is ours, made up
		f.Request.URL = redact.URL(redact.Counts, q.URL)
	}
	if len(d.Verdicts) > 0 {
		f.Verdict = d.Verdicts[0]
		f.Told = f.Told || !d.Own && f.Action == detect.Block && left(e)
		if f.Say != nil && !d.Own {
			how := *f.Say
			how.Did = would(f.Action)
			f.Say = &how
			f.Sentence = say.Sentence(&f.Verdict)
		}
	}
	f.Ladder = rung(d.Decision)
	switch {
	case d.Unsure:
		f.Ladder = judge.Token
		f.Sentence = "This looks like a report of a script that Quench stood in for, but this session does not hold that script. If it was recorded behind Quench, nobody else got it."
	case d.Own && f.Sentence == "":
		f.Ladder = judge.Ordinary
		f.Sentence = "A report to Quench itself, by the script that stood in for " + q.Host + "'s. Nobody else got it."
	case !d.Own:
		proofs(&f, e, me, q)
	}
	if f.Sentence == "" {
		f.Sentence = "A request to " + q.Host + "; no rule names it."
	}
	for i := range f.Proofs {
		if p := &f.Proofs[i]; !p.Weak {
			f.Sentence += " It carried " + explain.Proof(p) + "."
			break
		}
	}
	return f
}

// left reports whether the request went out to whom it was for: an answer came
// that is neither the proxy's, nor the browser's own, nor from its cache.
func left(e *har.Entry) bool {
	h := e.Response.Header
	ours := h.Get("Cache-Control") == "no-store" && h.Get("Timing-Allow-Origin") == "*" && h.Get("Cross-Origin-Resource-Policy") != ""
	return e.Response.Status > 0 && !e.Cached && !ours && h.Get("Non-Authoritative-Reason") == ""
}

// would says what the proxy does with such a request: an archive tells of what
// has happened without it, or with it.
func would(a detect.Action) string {
	switch a {
	case detect.Block:
		return "Behind Quench such a request is blocked."
	case detect.Strip:
		return "Behind Quench such a request loses what names you."
	}
	return ""
}

// rung is where a decision stands on the ladder.
func rung(d detect.Decision) judge.Ladder {
	switch d.Step {
	case detect.StepNone, detect.StepUserAllow, detect.StepVeto, detect.StepListException:
		return judge.Ordinary
	case detect.StepLearned, detect.StepPixel, detect.StepScore:
		return judge.Likely
	case detect.StepStrip:
		return judge.Token
	}
	return judge.Vendor
}

// inBody is where a request's body holds an address.
const inBody identity.Where = "body"

// proofs looks for the reader's addresses in what goes to third parties: the
// URL, the Referer that a browser sends along, and the body.
func proofs(f *judge.Finding, e *har.Entry, me *identity.Set, q *detect.Request) {
	if q.Party() != detect.ThirdParty {
		return
	}
	f.Proofs, f.Others = me.Search(e.Request.URL)
	if ref := e.Request.Header.Get("Referer"); ref != "" {
		for _, p := range me.Find(ref) {
			p.Param = strings.TrimSpace("Referer " + p.Param)
			f.Proofs = append(f.Proofs, p)
		}
	}
	for _, p := range me.Find(string(e.Request.Body)) {
		p.Where, p.Param = inBody, ""
		f.Proofs = append(f.Proofs, p)
	}
	for i := range f.Proofs {
		if p := &f.Proofs[i]; !p.Weak {
			f.Ladder = judge.Proven
			f.Evidence = append(f.Evidence, detect.Evidence{Kind: "recipient", Detail: "your " + string(p.Form) + ", " + p.Encoding.String() + ", in the " + string(p.Where)})
		}
	}
}
