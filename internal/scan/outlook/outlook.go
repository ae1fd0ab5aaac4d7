// Package outlook opens what only Outlook writes: .msg files, TNEF
// (winmail.dat) and compressed RTF, and gives the mail that is inside: header,
// HTML, text and attachments. Bytes in, values out.
package outlook

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"
)

// Bounds on what is opened.
const (
	// MaxBytes is how many bytes one .msg or TNEF may give.
	MaxBytes = 128 << 20
	// MaxRTF is how many bytes compressed RTF may become.
	MaxRTF = 32 << 20
	// MaxAttachments is how many attachments one item may have.
	MaxAttachments = 1000
	// MaxProperties is how many properties are read.
	MaxProperties = 100_000
	// MaxNesting is how deep messages attached to messages are opened.
	MaxNesting = 8
)

// ErrFormat is wrapped where the bytes are not what they should be.
var ErrFormat = errors.New("not in the format")

// Item is one message. Everything may be empty. Text is in UTF-8, HTML as it
// was stored.
type Item struct {
	// Header is the mail's header as it was sent (RFC 5322).
	Header []byte
	// Subject and From help where there is no Header.
	Subject, From string
	HTML          []byte
	// Charset of HTML, "" if it is not said.
	Charset string
	Text    []byte
	// RTF is the body, decompressed, if there is no HTML in it.
	RTF         []byte
	Attachments []Attachment
	// Cut: something lies past a bound or could not be read.
	Cut bool
}

// Attachment is one attachment, of which either Data or Item is set.
type Attachment struct {
	Name, Type, ContentID, Location string
	Data                            []byte
	Item                            *Item
}

// The MAPI properties that matter (MS-OXPROPS).
const (
	propSubject    = 0x0037
	propHeaders    = 0x007D
	propFromName   = 0x0C1F
	propBody       = 0x1000
	propRTF        = 0x1009
	propHTML       = 0x1013
	propData       = 0x3701
	propShortName  = 0x3704
	propLongName   = 0x3707
	propMIME       = 0x370E
	propContentID  = 0x3712
	propLocation   = 0x3713
	propCodepage   = 0x3FDE
	propAttachName = 0x3001
)

// The types of properties (MS-OXCDATA 2.11.1).
const (
	typeInt16    = 0x0002
	typeInt32    = 0x0003
	typeFloat32  = 0x0004
	typeBool     = 0x000B
	typeObject   = 0x000D
	typeString8  = 0x001E
	typeUnicode  = 0x001F
	typeBinary   = 0x0102
	typeCLSID    = 0x0048
	typeMultiple = 0x1000
)

// set puts one property of the message in its place.
func (it *Item) set(id, kind uint16, value []byte) {
	switch id {
	case propHeaders:
		it.Header = []byte(str(kind, value))
	case propSubject:
		it.Subject = str(kind, value)
	case propFromName:
		it.From = str(kind, value)
	case propBody:
		it.Text = []byte(str(kind, value))
	case propHTML:
		it.HTML = value
		if kind == typeUnicode {
			it.HTML, it.Charset = []byte(str(kind, value)), "utf-8"
		}
	case propCodepage:
		if len(value) >= 4 && it.Charset == "" {
			it.Charset = codepage(binary.LittleEndian.Uint32(value))
		}
	case propRTF:
		it.setRTF(value)
	}
}

func (it *Item) setRTF(value []byte) {
	rtf, err := Decompress(value)
	if err != nil {
		it.Cut = true
	}
	if html, ok := FromRTF(rtf); ok {
		if len(it.HTML) == 0 {
			it.HTML, it.Charset = html, "utf-8"
		}
		return
	}
	it.RTF = rtf
}

func (a *Attachment) set(id, kind uint16, value []byte) {
	switch id {
	case propData:
		a.Data = value
	case propLongName:
		a.Name = str(kind, value)
	case propShortName, propAttachName:
		if a.Name == "" {
			a.Name = str(kind, value)
		}
	case propMIME:
		a.Type = str(kind, value)
	case propContentID:
		a.ContentID = str(kind, value)
	case propLocation:
		a.Location = str(kind, value)
	}
}

// str is a string property in UTF-8. Eight-bit strings are kept as they are.
func str(kind uint16, b []byte) string {
	if kind == typeUnicode {
		u := make([]uint16, len(b)/2)
		for i := range u {
			u[i] = binary.LittleEndian.Uint16(b[2*i:])
		}
		b = []byte(string(utf16.Decode(u)))
	}
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return string(b)
}

// codepage names a Windows code page as mail does.
func codepage(n uint32) string {
	switch n {
	case 0:
		return ""
	case 65001:
		return "utf-8"
	case 20127:
		return "us-ascii"
	case 1200:
		return "utf-16le"
	case 65000:
		return "utf-7"
	case 932:
		return "shift_jis"
	case 936:
		return "gbk"
	case 949:
		return "euc-kr"
	case 950:
		return "big5"
	case 50220, 50221, 50222:
		return "iso-2022-jp"
	case 51932:
		return "euc-jp"
	case 20866:
		return "koi8-r"
	case 21866:
		return "koi8-u"
	}
	if n >= 28591 && n <= 28606 {
		return fmt.Sprintf("iso-8859-%d", n-28590)
	}
	return fmt.Sprintf("windows-%d", n)
}
