// Package attach finds what documents attached to mail would fetch or link to:
// Office files, RTF, PDF and S/MIME certificates. It reports only: nothing is
// changed inside an attachment. Bytes in, values out, within bounds.
package attach

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/quench-proxy/quench/internal/detect/markup"
)

// Bounds on what is opened.
const (
	// MaxFiles is how many files of one archive are looked at.
	MaxFiles = 10_000
	// MaxInflated is how many bytes one document may become.
	MaxInflated = 64 << 20
	// MaxRefs is how many references one document gives.
	MaxRefs = 10_000
	// MaxURL is how many bytes of a URL are kept.
	MaxURL = 8 << 10
)

// ErrFormat is wrapped where the bytes are not what they should be; ErrCut
// where a bound was passed.
var (
	ErrFormat = errors.New("not in the format")
	ErrCut    = errors.New("past its bounds")
)

// Ref is one reference found in an attachment.
type Ref struct {
	Vector markup.Vector
	When   markup.When
	URL    string
	// Field is the place: a file in the archive, a kind of action, the
	// extension of a certificate.
	Field string
}

// list collects references, each once.
type list struct {
	refs []Ref
	seen map[Ref]bool
	cut  bool
}

func (l *list) add(r Ref) {
	r.URL = strings.TrimSpace(r.URL[:min(len(r.URL), MaxURL)])
	if r.URL == "" || l.seen[r] {
		return
	}
	if len(l.refs) == MaxRefs {
		l.cut = true
		return
	}
	if l.seen == nil {
		l.seen = map[Ref]bool{}
	}
	l.seen[r] = true
	l.refs = append(l.refs, r)
}

func (l *list) done(what string, err error) ([]Ref, error) {
	if err == nil && l.cut {
		err = ErrCut
	}
	if err != nil {
		err = fmt.Errorf("open %s: %w", what, err)
	}
	return l.refs, err
}

// Office finds the external relationships of an OOXML file (docx, xlsx, pptx):
// linked images, templates and objects are fetched on opening, links on a click.
func Office(b []byte) ([]Ref, error) {
	var l list
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return l.done("Office file", fmt.Errorf("%w: %w", err, ErrFormat))
	}
	left := int64(MaxInflated)
	for i, f := range z.File {
		if i == MaxFiles {
			l.cut = true
			break
		}
		if !strings.HasSuffix(f.Name, ".rels") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			l.cut = true
			continue
		}
		data, err := io.ReadAll(io.LimitReader(r, left+1))
		_ = r.Close()
		if left -= int64(len(data)); left < 0 {
			l.cut = true
			break
		}
		l.cut = l.cut || err != nil
		l.relationships(data, f.Name)
	}
	return l.done("Office file", nil)
}

// relationships reads one .rels file.
func (l *list) relationships(data []byte, name string) {
	d := xml.NewDecoder(bytes.NewReader(data))
	d.Strict = false
	for {
		t, err := d.RawToken()
		if err != nil {
			l.cut = l.cut || err != io.EOF
			return
		}
		e, ok := t.(xml.StartElement)
		if !ok || e.Name.Local != "Relationship" {
			continue
		}
		var target, mode, kind string
		for _, a := range e.Attr {
			switch a.Name.Local {
			case "Target":
				target = a.Value
			case "TargetMode":
				mode = a.Value
			case "Type":
				kind = path.Base(a.Value)
			}
		}
		if !strings.EqualFold(mode, "External") {
			continue
		}
		when := markup.Opening
		if kind == "hyperlink" {
			when = markup.Click
		}
		l.add(Ref{140, when, target, name + " (" + kind + ")"})
	}
}

// RTF finds what an RTF document links to: templates, linked pictures and
// objects on opening, links on a click.
func RTF(b []byte) ([]Ref, error) {
	var l list
	if !bytes.HasPrefix(bytes.TrimLeft(b[:min(len(b), 64)], " \r\n\t"), []byte(`{\rt`)) {
		return l.done("RTF", ErrFormat)
	}
	for _, f := range [...]struct {
		word string
		when markup.When
	}{{"HYPERLINK", markup.Click}, {"INCLUDEPICTURE", markup.Opening}, {"INCLUDETEXT", markup.Opening}, {" LINK ", markup.Opening}, {"DDEAUTO", markup.Opening}, {`\*\template`, markup.Opening}, {`\objautlink`, markup.Opening}} {
		rest := b
		for tries := 0; ; tries++ {
			n := bytes.Index(rest, []byte(f.word))
			if n < 0 {
				break
			}
			if tries == MaxRefs {
				l.cut = true
				break
			}
			rest = rest[n+len(f.word):]
			if u := fieldTarget(rest); u != "" {
				l.add(Ref{140, f.when, u, strings.Trim(f.word, `\* `)})
			}
		}
	}
	return l.done("RTF", nil)
}

// maxField is how many bytes of a field are read.
const maxField = 2 << 10

// fieldTarget is the URL at the beginning of a field's text.
func fieldTarget(b []byte) string {
	b = b[:min(len(b), maxField)]
	if n := bytes.IndexAny(b, "{}"); n >= 0 {
		b = b[:n]
	}
	text := strings.NewReplacer(`\\`, `\`, `\'3d`, "=", `\'26`, "&", `\'3f`, "?", "\r", "", "\n", "").Replace(string(b))
	text = strings.TrimLeft(text, " ")
	if q := strings.IndexByte(text, '"'); q >= 0 && q < 16 {
		text, _, _ = strings.Cut(text[q+1:], `"`)
	} else if i := strings.IndexByte(text, ' '); i >= 0 {
		text = text[:i]
	}
	if !strings.Contains(text, "://") && !strings.HasPrefix(text, `\\`) {
		return ""
	}
	return text
}
