// Package mail takes one message apart and keeps, for everything it finds,
// where it stands in the bytes that came: parts with their header and body
// ranges, bodies decoded to UTF-8 with a way back to the raw bytes, every
// reference of header and body, and edits that change nothing else.
//
// Nothing that can be read is refused because something else cannot: a part
// whose boundary never ends, whose encoding lies or whose header has no blank
// line is read as a client would read it, and Message.Problems says so.
//
// The package is pure: bytes in, values out, no files and no network.
//
//	m := mail.Read(raw, mail.RFC5322, mail.Options{})
//	m.Walk(markup.Options{}, func(r *mail.Ref) { refs = append(refs, *r) })
//	edits, err := m.Neutralise(refs, false)
//	clean := markup.Apply(raw, edits)
//
// Broken markup may need a second pass: whoever cleans reads the result again,
// as package scan does.
package mail
