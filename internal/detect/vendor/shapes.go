package vendor

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxBoundary is the length of a boundary (RFC 2046 section 5.1.1).
const maxBoundary = 70

// boundaryOf reads the boundary off the first line of a multipart/form-data
// body, for the content type is not asked; "" if it is none.
func boundaryOf(body []byte) string {
	line, rest, _ := bytes.Cut(body[:min(len(body), 1<<10)], []byte("\n"))
	b, ok := bytes.CutPrefix(bytes.TrimRight(line, "\r \t"), []byte("--"))
	if !ok || len(b) == 0 || len(b) > maxBoundary {
		return ""
	}
	const head = "content-disposition:"
	if len(rest) < len(head) || !strings.EqualFold(string(rest[:len(head)]), head) {
		return ""
	}
	return string(b)
}

// decodeMultipart reads the parts of a form (RFC 7578), the first maxParams of
// them and maxValue bytes of each. A file's name is at its key with ".file"; of
// its content only what is text is kept. A body that breaks off gives what came
// before.
func decodeMultipart(body []byte) *payload {
	p := &payload{}
	body = bytes.TrimSpace(body)
	boundary := boundaryOf(body)
	if boundary == "" {
		return p
	}
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for range maxParams {
		part, err := r.NextRawPart()
		if err != nil {
			p.cut = p.cut || err != io.EOF
			return p
		}
		value, err := io.ReadAll(io.LimitReader(part, maxValue))
		p.cut = p.cut || err != nil // what a body that breaks off ends with is worth having
		key := dots(part.FormName())
		if name := part.FileName(); name != "" {
			p.add(key+".file", strings.ToValidUTF8(name, "\uFFFD"))
		}
		switch {
		case utf8.Valid(value) && bytes.IndexByte(value, 0) < 0:
			p.add(key, string(value))
		case part.FileName() == "":
			p.add(key, strings.ToValidUTF8(string(value), "\uFFFD"))
		}
	}
	return p
}

// decodeSteps reads the steps of a path: name:value/name=value/…. Brackets
// around some of them are left out.
func decodeSteps(s string) *payload {
	p := &payload{}
	for step := range strings.SplitSeq(s, "/") {
		step = strings.Trim(step, "[]")
		if i := strings.IndexAny(step, ":="); i > 0 {
			p.add(dots(unescape(step[:i])), unescape(step[i+1:]))
		}
		if len(p.pairs) >= maxParams {
			break
		}
	}
	return p
}

// decodeJSONPairs reads a list of lists of a name and a value, as in
// [["event",{"a":1}],["id","7"]]: event.a and id. What else is in the list gets
// its number as a name, as in any JSON. A text that breaks off gives what came
// before.
func decodeJSONPairs(s []byte) *payload {
	p := &payload{}
	d := json.NewDecoder(bytes.NewReader(s))
	d.UseNumber()
	if tok, err := d.Token(); err != nil || tok != json.Delim('[') {
		return decodeJSON(s)
	}
	for i := 0; d.More(); i++ {
		if len(p.pairs) >= maxParams || decodeJSONPair(d, p, strconv.Itoa(i)) != nil {
			p.cut = true
			return p
		}
	}
	return p
}

// decodeJSONPair reads one item of such a list: a pair, or anything else.
func decodeJSONPair(d *json.Decoder, p *payload, number string) error {
	tok, err := d.Token()
	if err != nil {
		return err
	}
	switch tok {
	case json.Delim('{'):
		return flattenRest(d, p, number, tok.(json.Delim), 1)
	case json.Delim('['):
	default:
		p.add(number, jsonText(tok))
		return nil
	}
	name := ""
	for i := 0; d.More(); i++ {
		if i == 0 {
			if tok, err = d.Token(); err != nil {
				return err
			}
			s, ok := tok.(string)
			if name = number + ".0"; ok {
				name = dots(s)
				p.add(name, "") // a name alone is there too
			}
			if delim, ok := tok.(json.Delim); ok {
				err = flattenRest(d, p, name, delim, 2)
			}
		} else {
			key := name
			if i > 1 {
				key += "." + strconv.Itoa(i)
			}
			err = flatten(d, p, key, 2)
		}
		if err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// decodeEnvelope reads JSON documents one after the other: a head, then for
// each item a head of its own and, where that gives a length, so many bytes, or
// else the next line. An item is one event: its keys stand as they are, those
// of its head behind "item.", those of the first head behind "envelope.".
func decodeEnvelope(body []byte) []*payload {
	line, rest, _ := bytes.Cut(body, []byte("\n"))
	head := decodeJSON(line)
	var out []*payload
	for len(out) < maxEvents {
		line, rest, _ = bytes.Cut(bytes.TrimLeft(rest, "\r\n"), []byte("\n"))
		if len(bytes.TrimSpace(line)) == 0 {
			break
		}
		item := decodeJSON(line)
		var content []byte
		content, rest = itemContent(item, rest)
		p := decodeItem(content)
		p.merge("item.", item)
		p.merge("envelope.", head)
		out = append(out, p)
	}
	if len(out) == 0 && len(head.pairs) > 0 {
		p := &payload{}
		p.merge("envelope.", head)
		out = append(out, p)
	}
	return out
}

// itemContent cuts an item's content off the rest of an envelope. A length that
// the rest does not hold takes all.
func itemContent(item *payload, rest []byte) (content, after []byte) {
	n, err := strconv.Atoi(item.get("length"))
	if err != nil || n < 0 {
		content, after, _ = bytes.Cut(rest, []byte("\n"))
		return content, after
	}
	n = min(n, len(rest))
	return rest[:n], rest[n:]
}

// decodeItem finds out what an item's content is: JSON, or JSON lines in front
// of something packed. An envelope in an envelope is not looked into.
func decodeItem(content []byte) *payload {
	if first, _, _ := bytes.Cut(content, []byte("\n")); sniff(first) == "json" {
		return decodeJSON(content)
	}
	if all := decodeBody("auto", content); len(all) > 0 {
		return all[0]
	}
	return &payload{}
}
