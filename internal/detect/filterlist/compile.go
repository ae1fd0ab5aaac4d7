package filterlist

import (
	"bytes"
	"math/rand/v2"
)

// Options is how lists are compiled. The zero value is good.
type Options struct {
	// Seed seeds the hashes, so that nobody can make lookups slow from afar; 0
	// draws one.
	Seed uint64
}

// MaxLists bounds how many lists one Set holds.
const MaxLists = 1<<16 - 1

// Compile makes one immutable Set of lists; list n is sources[n-1]. Nothing of
// the sources is kept, they may be freed or changed afterwards. The reports,
// one a source, say what became of every line; a source that is no list at all
// has Err set and gives no rules, and the others count all the same. Sources
// beyond MaxLists are ignored.
func Compile(sources []Source, opt Options) (*Set, []Report) {
	sources = sources[:min(len(sources), MaxLists)]
	if opt.Seed == 0 {
		opt.Seed = rand.Uint64() | 1
	}
	size, lines := 0, 0
	for i := range sources {
		size += len(sources[i].Text)
		lines += bytes.Count(sources[i].Text, []byte("\n"))
	}
	b := newBuilder(opt.Seed, len(sources), size, min(lines, size/8))
	for i, src := range sources {
		if mayCancel(src.Text) || src.Include != nil {
			Parse(src, uint16(i+1), func(r *Rule) {
				if r.BadFilter {
					b.cancel(r)
				}
			})
		}
	}
	reports := make([]Report, len(sources))
	for i, src := range sources {
		refused := 0
		var why error
		reports[i] = Parse(src, uint16(i+1), func(r *Rule) {
			if err := b.add(r); err != nil {
				refused++
				why = err
			}
		})
		reports[i].refuse(refused, why)
	}
	return b.finish(), reports
}

// mayCancel reports whether a list can hold a badfilter rule: most hold none,
// and need not be read twice.
func mayCancel(text []byte) bool {
	return bytes.Contains(text, []byte("badfilter")) || bytes.IndexByte(text, 0) >= 0
}

// refuse counts rules that were parsed but do not fit a Set.
func (r *Report) refuse(n int, why error) {
	if n == 0 {
		return
	}
	r.Rejected += n
	if r.Reasons == nil {
		r.Reasons = map[string]int{}
	}
	r.Reasons[why.Error()] += n
}
