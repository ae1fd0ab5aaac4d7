package outlook

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"

	"github.com/richardlehane/mscfb"
)

// stream is one stream of the file.
type stream struct {
	path []string
	f    *mscfb.File
}

// msgFile is an open .msg.
type msgFile struct {
	streams []stream
	left    int64 // bytes that may still be read
	cut     bool  // something lies past a bound
}

// MSG opens an Outlook message file (MS-OXMSG).
func MSG(b []byte) (*Item, error) { return msg(b, MaxBytes, MaxProperties) }

// msg is MSG with bounds on the bytes and streams that are read.
func msg(b []byte, bytesLeft int64, streams int) (it *Item, err error) {
	// The library reads a file system that a stranger wrote; what it trips over
	// costs this message, not the run.
	defer func() {
		if r := recover(); r != nil {
			it, err = &Item{Cut: true}, fmt.Errorf("open .msg: %v: %w", r, ErrFormat)
		}
	}()
	r, err := mscfb.New(bytes.NewReader(b))
	if err != nil {
		return &Item{}, fmt.Errorf("open .msg: %w: %w", err, ErrFormat)
	}
	m := &msgFile{left: bytesLeft}
	for _, f := range r.File {
		if m.cut = len(m.streams) == streams; m.cut {
			break
		}
		m.streams = append(m.streams, stream{append(append([]string{}, f.Path...), f.Name), f})
	}
	it = m.item(nil, 0)
	it.Cut = it.Cut || m.cut
	if it.Header == nil && it.HTML == nil && it.Text == nil && it.RTF == nil && len(it.Attachments) == 0 {
		return it, fmt.Errorf("open .msg: no message inside: %w", ErrFormat)
	}
	return it, nil
}

// read gives a stream's bytes, nil past the bound.
func (m *msgFile) read(s stream) ([]byte, bool) {
	if s.f.Size < 0 || s.f.Size > m.left {
		m.cut = true
		return nil, false
	}
	m.left -= s.f.Size
	b, err := io.ReadAll(io.LimitReader(s.f, s.f.Size))
	m.cut = m.cut || err != nil
	return b, err == nil
}

func under(path, dir []string) bool {
	if len(path) <= len(dir) {
		return false
	}
	for i := range dir {
		if path[i] != dir[i] {
			return false
		}
	}
	return true
}

const (
	substg = "__substg1.0_"
	attach = "__attach_version1.0_"
	props  = "__properties_version1.0"
)

// tagOf reads "__substg1.0_10130102".
func tagOf(name string) (id, kind uint16, ok bool) {
	if len(name) != len(substg)+8 || !strings.HasPrefix(name, substg) {
		return 0, 0, false
	}
	v, err := strconv.ParseUint(name[len(substg):], 16, 32)
	return uint16(v >> 16), uint16(v), err == nil
}

// item reads the message whose storage is dir.
func (m *msgFile) item(dir []string, depth int) *Item {
	it := &Item{}
	attachments := map[string]bool{}
	var order []string
	for _, s := range m.streams {
		if !under(s.path, dir) {
			continue
		}
		name := s.path[len(dir)]
		if strings.HasPrefix(name, attach) {
			if !attachments[name] {
				attachments[name] = true
				order = append(order, name)
			}
			continue
		}
		if len(s.path) != len(dir)+1 || s.f.FileInfo().IsDir() {
			continue
		}
		if id, kind, ok := tagOf(name); ok && wanted(id) {
			b, ok := m.read(s)
			it.Cut = it.Cut || !ok
			it.set(id, kind, b)
		}
	}
	it.codepage(m, dir)
	sort.Strings(order)
	for _, name := range order {
		if len(it.Attachments) == MaxAttachments {
			it.Cut = true
			break
		}
		it.Attachments = append(it.Attachments, m.attachment(append(append([]string{}, dir...), name), depth))
	}
	return it
}

func wanted(id uint16) bool {
	switch id {
	case propSubject, propHeaders, propFromName, propBody, propRTF, propHTML:
		return true
	}
	return false
}

// codepage finds the charset among the fixed-size properties.
func (it *Item) codepage(m *msgFile, dir []string) {
	for _, s := range m.streams {
		if len(s.path) != len(dir)+1 || !under(s.path, dir) || s.path[len(dir)] != props {
			continue
		}
		b, _ := m.read(s)
		head := 32
		if len(dir) > 0 {
			head = 24
		}
		for b = b[min(head, len(b)):]; len(b) >= 16; b = b[16:] {
			if binary.LittleEndian.Uint32(b) == propCodepage<<16|typeInt32 {
				it.set(propCodepage, typeInt32, b[8:12])
			}
		}
	}
}

// attachment reads the attachment whose storage is dir.
func (m *msgFile) attachment(dir []string, depth int) (a Attachment) {
	for _, s := range m.streams {
		if !under(s.path, dir) {
			continue
		}
		id, kind, ok := tagOf(s.path[len(dir)])
		switch {
		case !ok:
		case id == propData && kind == typeObject:
			if depth >= MaxNesting {
				m.cut = true
			} else if a.Item == nil {
				a.Item = m.item(append(append([]string{}, dir...), s.path[len(dir)]), depth+1)
			}
		case len(s.path) == len(dir)+1:
			b, _ := m.read(s)
			a.set(id, kind, b)
		}
	}
	return a
}
