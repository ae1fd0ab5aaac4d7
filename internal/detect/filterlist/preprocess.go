package filterlist

import "strings"

// branch is one open !#if: whether its lines count, whether they would if the
// condition were the other way (what !#else asks for), and whether !#else came.
type branch struct{ on, other, elsed bool }

// directive reads a line that begins with "!#".
func (p *parser) directive(line string) {
	p.report.Comments++
	word, rest, _ := strings.Cut(line[2:], " ")
	rest = trim(rest)
	var f fault
	switch word {
	case "if":
		f = p.ifLine(rest)
	case "else":
		f = p.elseLine()
	case "endif":
		if len(p.ifs) == p.floor() {
			f = fault{reasonIf, "!#endif without !#if"}
		} else {
			p.ifs = p.ifs[:len(p.ifs)-1]
		}
	case "include":
		if p.on() {
			f = p.include(rest)
		}
	case "safari_cb_affinity", "safari_cb_affinity(all)":
		// of one browser's content blocker
	default:
		if p.on() && !strings.HasPrefix(word, "safari_cb_affinity") {
			f = fault{reasonDirective, word}
		}
	}
	if f.reason != "" {
		p.report.Comments--
		p.reject(line, f)
	}
}

// on reports whether lines count now.
func (p *parser) on() bool { return len(p.ifs) == 0 || p.ifs[len(p.ifs)-1].on }

func (p *parser) ifLine(condition string) fault {
	outer := p.on()
	if len(p.ifs) >= maxNesting {
		// Pushed all the same, or its !#endif would close another.
		p.ifs = append(p.ifs, branch{})
		return fault{reasonIf, "conditions nest too deep"}
	}
	e := expression{rest: condition, env: p.src.Env}
	value := e.or()
	if e.skip(); e.bad || e.rest != "" || condition == "" {
		p.ifs = append(p.ifs, branch{})
		return fault{reasonIf, condition}
	}
	p.ifs = append(p.ifs, branch{on: outer && value, other: outer && !value})
	return fault{}
}

func (p *parser) elseLine() fault {
	if len(p.ifs) == p.floor() {
		return fault{reasonIf, "!#else without !#if"}
	}
	b := &p.ifs[len(p.ifs)-1]
	if b.elsed {
		return fault{reasonIf, "a second !#else"}
	}
	b.on, b.other, b.elsed = b.other, b.on, true
	return fault{}
}

// expression evaluates "a && !(b || c)" while it reads it.
type expression struct {
	rest  string
	env   map[string]bool
	depth int
	bad   bool
}

func (e *expression) skip() { e.rest = strings.TrimLeft(e.rest, " \t") }

func (e *expression) take(s string) bool {
	e.skip()
	if !strings.HasPrefix(e.rest, s) {
		return false
	}
	e.rest = e.rest[len(s):]
	return true
}

func (e *expression) or() bool {
	v := e.and()
	for !e.bad && e.take("||") {
		right := e.and()
		v = v || right
	}
	return v
}

func (e *expression) and() bool {
	v := e.not()
	for !e.bad && e.take("&&") {
		right := e.not()
		v = v && right
	}
	return v
}

func (e *expression) not() bool {
	v := true
	for e.take("!") {
		v = !v
	}
	if e.take("(") {
		if e.depth++; e.depth > maxNesting {
			e.bad = true
			return false
		}
		inner := e.or()
		e.depth--
		if !e.take(")") {
			e.bad = true
		}
		return v == inner
	}
	return v == e.word()
}

func (e *expression) word() bool {
	n := 0
	for n < len(e.rest) && (classOf[e.rest[n]]&(className|classUpper) != 0) {
		n++
	}
	if n == 0 {
		e.bad = true
		return false
	}
	w := e.rest[:n]
	e.rest = e.rest[n:]
	value, known := e.env[w]
	return value || !known && w == "true"
}

// include reads another list in place of its line.
func (p *parser) include(name string) fault {
	switch {
	case name == "" || len(name) > maxNameText:
		return fault{reasonInclude, "no usable name"}
	case p.src.Include == nil:
		return fault{reasonInclude, "included lists are not available here"}
	case len(p.open) > MaxInclude:
		return fault{reasonInclude, "includes nest too deep"}
	case p.includes >= MaxIncludes:
		return fault{reasonInclude, "too many includes"}
	}
	p.includes++
	for _, open := range p.names {
		if open == name {
			return fault{reasonInclude, "the list would include itself"}
		}
	}
	raw, err := p.src.Include(name)
	if err != nil {
		return fault{reasonInclude, err.Error()}
	}
	text, err := decode(raw)
	if err != nil {
		return fault{reasonInclude, err.Error()}
	}
	for _, open := range p.open {
		if open == text {
			return fault{reasonInclude, "the list would include itself"}
		}
	}
	if p.size += len(text); p.size > MaxList {
		return fault{reasonInclude, errTooLong.Error()}
	}
	p.text(name, text)
	return fault{}
}
