package vendor

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

var (
	bodyCodecs  = []string{"auto", "none", "form", "multipart", "json", "json-pairs", "json-lines", "envelope", "ga4-lines", "b64", "b64gzip", "gzip"}
	paramCodecs = []string{"query", "json", "json-pairs", "semicolon", "colon", "steps", "b64json", "ga4product", "auto"}
	// rewriters change a parameter's value in its place, before a codec takes it apart.
	rewriters = []string{"unescape", "b64"}
)

// dots writes cd[value] as cd.value.
func dots(key string) string {
	if strings.IndexByte(key, '[') < 0 {
		return key
	}
	key = strings.ReplaceAll(key, "][", ".")
	key = strings.ReplaceAll(key, "[", ".")
	return strings.TrimSuffix(strings.ReplaceAll(key, "]", ""), ".")
}

func unescape(s string) string {
	if t, err := url.QueryUnescape(s); err == nil {
		return strings.ToValidUTF8(t, "\uFFFD")
	}
	return s
}

// decodePairs reads k=v pairs separated by sep.
func decodePairs(s, sep string) *payload {
	p := &payload{}
	p.addPairs(s, sep)
	return p
}

// addPairs adds what decodePairs reads.
func (p *payload) addPairs(s, sep string) {
	p.pairs = slices.Grow(p.pairs, min(strings.Count(s, sep)+1, maxParams))
	for s != "" && len(p.pairs) < maxParams {
		var kv string
		kv, s, _ = strings.Cut(s, sep)
		if kv == "" {
			continue
		}
		k, v, _ := strings.Cut(kv, "=")
		p.add(dots(unescape(k)), unescape(v))
	}
	p.cut = p.cut || s != ""
}

// decodeColon reads k:v:k:v lists (Yandex browser-info).
func decodeColon(s string) *payload {
	p := &payload{}
	parts := strings.Split(s, ":")
	for i := 0; i+1 < len(parts); i += 2 {
		p.add(parts[i], parts[i+1])
	}
	return p
}

// decodeGA4Product reads id…~nm…~pr…: two letters are the key.
func decodeGA4Product(s string) *payload {
	p := &payload{}
	for part := range strings.SplitSeq(s, "~") {
		if len(part) > 2 {
			p.add(part[:2], part[2:])
		}
	}
	return p
}

// decodeJSON flattens a JSON text to dotted keys. A text that breaks off gives
// what came before.
func decodeJSON(s []byte) *payload {
	p := &payload{}
	d := json.NewDecoder(bytes.NewReader(s))
	d.UseNumber()
	p.cut = flatten(d, p, "", 0) != nil // a broken end is no reason to forget the start
	return p
}

func flatten(d *json.Decoder, p *payload, key string, depth int) error {
	tok, err := d.Token()
	if err != nil {
		return err
	}
	delim, ok := tok.(json.Delim)
	if !ok {
		p.add(key, jsonText(tok))
		return nil
	}
	return flattenRest(d, p, key, delim, depth)
}

// flattenRest reads what follows delim, which opened an object or a list.
func flattenRest(d *json.Decoder, p *payload, key string, delim json.Delim, depth int) error {
	if depth >= maxDepth || len(p.pairs) >= maxParams {
		return io.ErrShortBuffer
	}
	for i := 0; d.More(); i++ {
		if len(p.pairs) >= maxParams {
			return io.ErrShortBuffer
		}
		name := strconv.Itoa(i)
		if delim == '{' {
			t, err := d.Token()
			if err != nil {
				return err
			}
			name, _ = t.(string)
		}
		if key != "" {
			name = key + "." + name
		}
		if err := flatten(d, p, name, depth+1); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func jsonText(tok json.Token) string {
	switch v := tok.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// decodeBody gives one payload per part of the body: one, or one a line. Only
// the first maxBody bytes are read.
func decodeBody(codec string, body []byte) []*payload {
	events := decodeWrapped(codec, body[:min(len(body), maxBody)], maxWraps)
	if len(body) > maxBody {
		cut(events)
	}
	return events
}

// cut marks that there was more than the events hold.
func cut(events []*payload) {
	for _, e := range events {
		e.cut = true
	}
}

// decodeWrapped decodes a body that may be packed in so many layers: there is
// gzip that unpacks to itself.
func decodeWrapped(codec string, body []byte, layers int) []*payload {
	if body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")); len(body) == 0 || codec == "none" || layers == 0 {
		return nil
	}
	if sniffed := sniff(body); codec == "" || codec == "auto" || lies(codec, sniffed) {
		codec = sniffed
	}
	switch codec {
	case "form":
		return []*payload{decodePairs(string(bytes.TrimSpace(body)), "&")}
	case "multipart":
		return []*payload{decodeMultipart(body)}
	case "json":
		return []*payload{decodeJSON(body)}
	case "json-pairs":
		return []*payload{decodeJSONPairs(body)}
	case "envelope":
		return decodeEnvelope(body)
	case "json-lines":
		return eachLine(body, func(l string) *payload { return decodeJSON([]byte(l)) })
	case "ga4-lines":
		return eachLine(body, func(l string) *payload { return decodePairs(l, "&") })
	case "gzip":
		inner, whole := inflate(body)
		events := decodeWrapped("auto", inner, layers-1)
		switch {
		case !whole && len(events) == 0:
			return []*payload{{cut: true}}
		case !whole:
			cut(events)
		}
		return events
	case "b64", "b64gzip":
		return decodeWrapped("auto", unbase64(body), layers-1)
	}
	return nil
}

// lies reports that a body is plainly not what the rule says, so that what it
// looks like is believed: content types and rules age.
func lies(codec, sniffed string) bool {
	switch codec {
	case "b64", "b64gzip", "gzip":
		return sniffed == "json" || sniffed == "gzip" || sniffed == "multipart"
	case "form", "ga4-lines", "multipart":
		return sniffed == "json" || sniffed == "gzip" || sniffed == "b64gzip" || sniffed == "multipart"
	}
	return sniffed == "form" || sniffed == "gzip" || sniffed == "b64gzip" || sniffed == "multipart"
}

func sniff(body []byte) string {
	b := bytes.TrimSpace(body)
	switch {
	case bytes.HasPrefix(b, []byte("{")), bytes.HasPrefix(b, []byte("[")):
		return "json"
	case bytes.HasPrefix(b, []byte("\x1f\x8b")):
		return "gzip"
	case boundaryOf(b) != "":
		return "multipart"
	case bytes.HasPrefix(b, []byte("H4sI")):
		return "b64gzip"
	case bytes.HasPrefix(b, []byte("eyJ")), bytes.HasPrefix(b, []byte("W3si")), bytes.HasPrefix(b, []byte("ewog")):
		return "b64"
	case bytes.HasPrefix(b, []byte("en=")) && bytes.IndexByte(b, '\n') > 0:
		return "ga4-lines"
	case bytes.IndexByte(b, '=') > 0:
		return "form"
	}
	return "none"
}

func eachLine(body []byte, decode func(string) *payload) []*payload {
	var out []*payload
	for l := range strings.SplitSeq(string(body), "\n") {
		if l = strings.TrimSpace(l); l == "" {
			continue
		}
		if len(out) == maxEvents {
			out[maxEvents-1].cut = true
			break
		}
		out = append(out, decode(l))
	}
	return out
}

// inflate ungzips within the bound, and says whether that was all; what a broken
// stream gave is kept.
func inflate(b []byte) (out []byte, whole bool) {
	z, err := gzip.NewReader(bytes.NewReader(bytes.TrimSpace(b)))
	if err != nil {
		return nil, false
	}
	out, err = io.ReadAll(io.LimitReader(z, maxInflate+1))
	whole = err == nil && len(out) <= maxInflate
	return out[:min(len(out), maxInflate)], whole
}

func unbase64(b []byte) []byte {
	s := strings.TrimRight(string(bytes.TrimSpace(b)), "=")
	s = strings.NewReplacer("-", "+", "_", "/", "\n", "", "\r", "").Replace(s)
	if len(s)%4 == 1 {
		s = s[:len(s)-1] // cut off in the middle
	}
	out, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		return nil
	}
	return out
}

func decodeParam(codec, value string) *payload {
	switch codec {
	case "query":
		return decodePairs(value, "&")
	case "semicolon":
		return decodePairs(value, ";")
	case "colon":
		return decodeColon(value)
	case "ga4product":
		return decodeGA4Product(value)
	case "steps":
		return decodeSteps(value)
	case "json":
		return decodeJSON([]byte(value))
	case "json-pairs":
		return decodeJSONPairs([]byte(value))
	case "b64json":
		return decodeJSON(unbase64([]byte(value)))
	}
	if all := decodeBody("auto", []byte(value)); len(all) > 0 {
		return all[0]
	}
	return &payload{}
}
