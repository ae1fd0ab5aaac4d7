package report

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quench-proxy/quench/internal/ledger"
)

// maxTellers is how many companies a sentence names.
const maxTellers = 5

const addressNote = "Whoever is asked also sees the IP address. It can join visits that no number joins; that is not counted here."

// says sums the report up, in sentences.
func (r *Report) says() []string {
	if r.Empty() {
		return []string{r.nothing()}
	}
	out := []string{r.lead()}
	for _, s := range []string{r.fate(), r.really(), r.looks(), r.refused(), r.unknown(), r.links(), r.banners(), r.devices(), r.partial()} {
		if s != "" {
			out = append(out, s)
		}
	}
	return append(out, addressNote)
}

func (r *Report) nothing() string {
	if r.Company != "" || r.Site != "" || !r.Since.IsZero() {
		return "Nothing that was recorded fits this: no company was asked for anything."
	}
	return "Nothing has been recorded yet. Open some pages with quench browse, or through quench serve, and come back."
}

// lead is the sentence that says most.
func (r *Report) lead() string {
	paged := 0
	for i := range r.Companies {
		if len(r.Companies[i].Sites) > 0 {
			paged++
		}
	}
	var b strings.Builder
	told := r.Told == r.Requests // then nothing was kept from anybody
	if !told {
		b.WriteString("Without Quench, ")
	}
	switch who := r.who(paged); {
	case paged == 0 && len(r.Companies) == 0:
		return "No company that the rules know would have followed you " + r.when() + "."
	case paged == 0:
		b.WriteString(r.who(len(r.Companies)) + tense(told, " would have learned", " has learned") + " that you are there " + r.when() + ".")
	case r.onlySite() != "":
		b.WriteString(who + tense(told, " would have learned", " has learned") + " of what you do on " + r.onlySite() + " " + r.when() + r.best(told, len(r.Companies) == 1))
	default:
		b.WriteString(who + tense(told, " would have followed", " has followed") + " you across " + count(r.Sites, "site") + " " + r.when() + r.best(told, len(r.Companies) == 1))
	}
	return upper(b.String())
}

// onlySite is the one site of the report, "" if there are more.
func (r *Report) onlySite() string {
	for i := range r.Companies {
		if c := &r.Companies[i]; r.Sites == 1 && len(c.Sites) == 1 {
			return c.Sites[0].Site
		}
	}
	return ""
}

// who is one company by its name, or how many.
func (r *Report) who(n int) string {
	if n != 1 {
		return count(n, "company")
	}
	for i := range r.Companies {
		if len(r.Companies[i].Sites) > 0 || len(r.Companies) == 1 {
			return name(&r.Companies[i])
		}
	}
	return "one company"
}

// best says who could have joined the most sites, and ends the sentence.
func (r *Report) best(told, alone bool) string {
	var best *ledger.Company
	for i := range r.Companies {
		if c := &r.Companies[i]; c.Linked > 1 && (best == nil || c.Linked > best.Linked) {
			best = c
		}
	}
	if best == nil {
		if r.Sites < 2 {
			return "."
		}
		return "; nothing that they carried joins two of them."
	}
	who := "; " + name(best)
	if alone {
		who = "; it"
	}
	return who + tense(told, " would have linked ", " has linked ") + strconv.Itoa(best.Linked) + " of them by " + by(&best.Identifiers[0]) + "."
}

// by is what an identifier is, in a word.
func by(id *ledger.Identifier) string {
	switch id.Field {
	case "visitor_id", "tp_cookie", "user_id", "recipient":
		return "one number" + since(id.Made)
	}
	return id.Label
}

func since(made string) string {
	if t, err := time.Parse(time.DateOnly, made); err == nil {
		return t.Format(" that it has kept since 2 January 2006")
	}
	return ""
}

// fate says what became of the requests.
func (r *Report) fate() string {
	if r.Requests == 0 {
		return ""
	}
	s := "Of " + count(r.Requests, "request") + ", " + verb(r.Stopped, "was", "were") + " stopped before anything left"
	if r.Stripped > 0 {
		s += ", " + big(r.Stripped) + " went on without what tells people apart"
	}
	if r.Told == 0 {
		return s + ", and none told anything."
	}
	return s + ", and " + big(r.Told) + " had told something: let through, or known too late."
}

// really says who was told all the same.
func (r *Report) really() string {
	var tellers []string
	n, linked := 0, (*ledger.Company)(nil)
	for i := range r.Companies {
		c := &r.Companies[i]
		if c.Told == 0 {
			continue
		}
		if n++; n <= maxTellers {
			tellers = append(tellers, name(c)+" ("+big(c.Told)+")")
		}
		if c.LinkedTold > 1 && (linked == nil || c.LinkedTold > linked.LinkedTold) {
			linked = c
		}
	}
	if n == 0 || r.Told == r.Requests {
		return ""
	}
	if n > maxTellers {
		tellers = append(tellers, strconv.Itoa(n-maxTellers)+" more")
	}
	s := "Told all the same: " + list(tellers) + "."
	if linked != nil {
		s += " " + name(linked) + " has linked " + count(linked.LinkedTold, "site") + "."
	}
	return s
}

// looks says of whom only the looks are known.
func (r *Report) looks() string {
	var who []string
	for i := range r.Companies {
		if c := &r.Companies[i]; onlyLooks(c) {
			who = append(who, c.Company)
		}
	}
	if len(who) == 0 {
		return ""
	}
	n := len(who)
	if n > maxTellers {
		who = append(who[:maxTellers:maxTellers], strconv.Itoa(n-maxTellers)+" more")
	}
	return upper(count(n, "company")) + verbWords(n, " is", " are") + " known by looks alone: what was seen looks like " + list(who) + "."
}

func verbWords(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func (r *Report) refused() string {
	var n int64
	for i := range r.Companies {
		n += r.Companies[i].Refused
	}
	if n == 0 {
		return ""
	}
	return upper(count(n, "request")) + verbWords(int(n), " was made although it said itself", " were made although they said themselves") + " that you had refused."
}

func (r *Report) unknown() string {
	looks, listed, told := 0, 0, int64(0)
	for i := range r.Unknown {
		told += r.Unknown[i].Told
		if r.Unknown[i].Listed {
			listed++
		} else {
			looks++
		}
	}
	var parts []string
	if looks > 0 {
		parts = append(parts, count(looks, "place")+" that no rule knows looked like "+verbWords(looks, "a tracker", "trackers"))
	}
	if listed > 0 {
		parts = append(parts, count(listed, "place")+" that no rule knows "+verbWords(listed, "is", "are")+" named by public lists")
	}
	if len(parts) == 0 {
		return ""
	}
	s := upper(list(parts)) + "; nobody here knows whose " + verbWords(looks+listed, "it is.", "they are.")
	if told > 0 {
		s += verbWords(looks+listed, " It was", " They were") + " told something " + count(told, "time") + "."
	}
	return s
}

func (r *Report) links() string {
	if r.Links == 0 {
		return ""
	}
	return upper(count(r.Links, "link")) + " that you followed " + verbWords(int(r.Links), "was", "were") + " freed of what marks you, or led past a recorder of clicks."
}

func (r *Report) banners() string {
	if r.Banners == 0 {
		return ""
	}
	return upper(count(r.Banners, "request")) + " of consent banners passed: they carry what you refuse, so nothing of them is ever stopped."
}

func (r *Report) devices() string {
	if r.Devices < 2 {
		return ""
	}
	return "This is of " + strconv.Itoa(r.Devices) + " devices together, and of all who use them."
}

func (r *Report) partial() string {
	if !r.Partial {
		return ""
	}
	return "There was more than one report can hold: sites, pages and identifiers are the least that it was."
}

// when is the time that the report is of.
func (r *Report) when() string {
	if r.Since.IsZero() {
		if r.First.IsZero() {
			return "so far"
		}
		return "since " + r.First.Format("2 January 2006")
	}
	switch span := r.Made.Sub(r.Since).Round(time.Hour); {
	case span == 7*24*time.Hour:
		return "this week"
	case span == 24*time.Hour:
		return "in the last 24 hours"
	case span > 0 && span <= 48*time.Hour:
		return "in the last " + count(int(span/time.Hour), "hour")
	case span > 0 && span%(24*time.Hour) == 0:
		return "in the last " + count(int(span/(24*time.Hour)), "day")
	}
	return "since " + r.Since.Format("2 January 2006")
}

// onlyLooks reports whether nothing of c is proven.
func onlyLooks(c *ledger.Company) bool { return c.Likely > 0 && c.Likely == c.Requests }

// name is what c is called in a sentence.
func name(c *ledger.Company) string {
	if onlyLooks(c) {
		return "what looks like " + c.Company
	}
	return c.Company
}

func tense(told bool, would, did string) string {
	if told {
		return did
	}
	return would
}

func verb(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return big(n) + " " + many
}

// count is a number with its noun.
func count[N int | int64](n N, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "y") && !strings.HasSuffix(noun, "ay"):
		noun = noun[:len(noun)-1] + "ie"
	}
	return big(int64(n)) + " " + noun + "s"
}

// big writes a number with its thousands apart.
func big(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func list(words []string) string {
	switch n := len(words); n {
	case 0:
		return ""
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// chainSays is a chain as a sentence.
func chainSays(c *ledger.Chain) string {
	s := "On " + c.Site + " " + c.Says
	if c.What != "" && c.What != "…" {
		s += " (“" + c.What + "”)"
	}
	s += ". " + c.Company + tense(c.Told, " could have shown it to you again", " was told, and could show it to you again")
	later := slices.Clone(c.Later)
	if n := c.Count - len(later); n > 0 {
		later = append(later, count(n, "more site"))
	}
	return s + " on " + list(later) + ", where it " + tense(c.Told, "would have met", "met") + " the same browser by " + c.Label + "."
}

// syncSays is a sync as a sentence.
func syncSays(s *ledger.Sync) string {
	to, from := s.To, or(s.From, "Another company")
	if strings.Trim(to, "0123456789") == "" {
		to = "its partner number " + to
	}
	told := s.Told == s.Requests
	out := from + tense(told, " tried to tell ", " has told ") + to + " which number it uses for you"
	if s.Both {
		out = from + tense(told, " tried to match its number for you with that of ", " has matched its number for you with that of ") + to
	}
	if s.Requests > 1 {
		out += ", " + big(s.Requests) + " times"
	}
	if s.Told > 0 && !told {
		out += ", and did " + count(s.Told, "time")
	}
	if s.Sites > 0 {
		out += ", from " + count(s.Sites, "site")
	}
	return out + "."
}
