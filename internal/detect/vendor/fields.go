package vendor

import "sync"

// field is a FieldSpec in canonical order.
type field struct {
	canon  *Canonical
	spec   FieldSpec
	from   []keyPattern
	part   *lazyRE
	ignore *lazyRE
	// named, for the catch-all field custom, are the keys that fields of the
	// rule name outright: a "*" skips them, so that only the rest is custom.
	named map[string]bool
}

// lazyFields are the fields of a hit, compiled when it first explains a
// request: most hits of a program's life never do.
type lazyFields struct {
	once        sync.Once
	shared, own map[string]FieldSpec
	list        []field
}

// get gives none for nil.
func (l *lazyFields) get() []field {
	if l == nil {
		return nil
	}
	l.once.Do(func() { l.list = compileFields(l.shared, l.own) })
	return l.list
}

// compileFields gives the fields in canonical order; own comes before shared.
func compileFields(shared, own map[string]FieldSpec) []field {
	var out []field
	named := map[string]bool{}
	for i := range canonicals {
		c := &canonicals[i]
		spec, ok := own[c.Name]
		if !ok {
			spec, ok = shared[c.Name]
		}
		if ok && !spec.Unset {
			f := field{canon: c, spec: spec, part: newRE(spec.Part), ignore: newRE(spec.Ignore)}
			for _, k := range spec.From {
				f.from = append(f.from, newKeyPattern(k))
			}
			if c.Name == "custom" {
				f.named = named
			}
			out = append(out, f)
			for _, k := range spec.From {
				named[k] = true
			}
		}
	}
	return out
}

// named: a field of the rule takes its value from this very key.
func (ru *rule) named(key string) bool {
	fields := ru.fields.get()
	for i := range fields {
		for j := range fields[i].from {
			if fields[i].from[j].fits(key) {
				return true
			}
		}
	}
	return false
}
