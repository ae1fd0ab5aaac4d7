package hello

import "strings"

// Extension numbers, RFC 8446 §4.2, RFC 6066, RFC 7301 and the ECH draft.
const (
	extServerName        = 0
	extGroups            = 10
	extSigAlgs           = 13
	extALPN              = 16
	extEarlyData         = 42
	extSupportedVersions = 43
	extECH               = 0xfe0d
)

// reader takes fields off the front of a message; ok is false once it ran dry.
type reader []byte

func (r *reader) take(n int) (reader, bool) {
	if n < 0 || len(*r) < n {
		return nil, false
	}
	out := (*r)[:n]
	*r = (*r)[n:]
	return out, true
}

func (r *reader) u8() (int, bool) {
	b, ok := r.take(1)
	if !ok {
		return 0, false
	}
	return int(b[0]), true
}

func (r *reader) u16() (uint16, bool) {
	b, ok := r.take(2)
	if !ok {
		return 0, false
	}
	return uint16(b[0])<<8 | uint16(b[1]), true
}

// vec8 and vec16 take a vector with a length of one or two bytes before it.
func (r *reader) vec8() (reader, bool) {
	n, ok := r.u8()
	if !ok {
		return nil, false
	}
	return r.take(n)
}

func (r *reader) vec16() (reader, bool) {
	n, ok := r.u16()
	if !ok {
		return nil, false
	}
	return r.take(int(n))
}

func (r reader) list16() ([]uint16, bool) {
	if len(r)%2 != 0 {
		return nil, false
	}
	out := make([]uint16, 0, len(r)/2)
	for len(r) > 0 {
		v, _ := r.u16()
		out = append(out, v)
	}
	return out, true
}

func (h *Hello) body(r reader) bool {
	version, ok := r.u16()
	if !ok {
		return false
	}
	if _, ok = r.take(32); !ok { // random
		return false
	}
	if _, ok = r.vec8(); !ok { // session id
		return false
	}
	ciphers, ok := r.vec16()
	if !ok {
		return false
	}
	if h.Ciphers, ok = ciphers.list16(); !ok {
		return false
	}
	if _, ok = r.vec8(); !ok { // compression
		return false
	}
	if len(r) > 0 {
		exts, ok := r.vec16()
		if !ok || !h.extensions(exts) {
			return false
		}
	}
	if h.Versions == nil {
		h.Versions = []uint16{version}
	}
	return true
}

func (h *Hello) extensions(r reader) bool {
	for len(r) > 0 {
		kind, ok := r.u16()
		if !ok {
			return false
		}
		data, ok := r.vec16()
		if !ok || !h.extension(kind, data) {
			return false
		}
	}
	return true
}

func (h *Hello) extension(kind uint16, data reader) (ok bool) {
	switch kind {
	case extServerName:
		return h.serverName(data)
	case extGroups:
		return lists(&h.Groups, data.vec16)
	case extSigAlgs:
		return lists(&h.SigAlgs, data.vec16)
	case extSupportedVersions:
		return lists(&h.Versions, data.vec8)
	case extALPN:
		return h.alpn(data)
	case extEarlyData:
		h.EarlyData = true
	case extECH:
		h.ECH = true
	}
	return true
}

func lists(into *[]uint16, vec func() (reader, bool)) bool {
	v, ok := vec()
	if !ok {
		return false
	}
	*into, ok = v.list16()
	return ok
}

func (h *Hello) serverName(r reader) bool {
	names, ok := r.vec16()
	if !ok {
		return false
	}
	for len(names) > 0 {
		kind, ok := names.u8()
		if !ok {
			return false
		}
		name, ok := names.vec16()
		if !ok {
			return false
		}
		if kind == 0 && h.ServerName == "" {
			h.ServerName = strings.ToLower(strings.TrimSuffix(string(name), "."))
		}
	}
	return true
}

func (h *Hello) alpn(r reader) bool {
	protos, ok := r.vec16()
	if !ok {
		return false
	}
	for len(protos) > 0 {
		p, ok := protos.vec8()
		if !ok {
			return false
		}
		h.ALPN = append(h.ALPN, string(p))
	}
	return true
}
