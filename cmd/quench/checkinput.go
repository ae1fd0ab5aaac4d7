package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/memory"
	"github.com/quench-proxy/quench/internal/strictyaml"
)

// maxLine bounds one line of --jsonl.
const maxLine = 1 << 20

// checkInput is a request to be judged.
type checkInput struct {
	URL        string               `json:"url"`
	Page       string               `json:"page"`
	Type       string               `json:"type"`
	Method     string               `json:"method"`
	Headers    map[string]oneOrMany `json:"headers"`
	Body       string               `json:"body"`
	BodyBase64 string               `json:"body_base64"`

	body []byte
}

// oneOrMany is a text or a list of texts.
type oneOrMany []string

// UnmarshalJSON reads either form.
func (o *oneOrMany) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*o = oneOrMany{one}
		return nil
	}
	var many []string
	if err := json.Unmarshal(b, &many); err != nil {
		return errors.New("a header's value is a text or a list of texts")
	}
	*o = many
	return nil
}

// parseInput reads one line of --jsonl.
func parseInput(line []byte) (*checkInput, error) {
	in := &checkInput{}
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(in); err != nil {
		return nil, lineFault(err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("read the line: something follows the object")
	}
	switch {
	case in.URL == "":
		return nil, errors.New(`"url" is missing`)
	case in.Body != "" && in.BodyBase64 != "":
		return nil, errors.New(`"body" and "body_base64" exclude each other`)
	case in.BodyBase64 != "":
		b, err := base64.StdEncoding.DecodeString(in.BodyBase64)
		if err != nil {
			return nil, fmt.Errorf("body_base64: %w", err)
		}
		in.body = b
	case in.Body != "":
		in.body = []byte(in.Body)
	}
	return in, nil
}

// lineFault says what is wrong with a line without the words of Go.
func lineFault(err error) error {
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("read the line: it is blank")
	case errors.As(err, &wrong) && wrong.Field != "":
		return fmt.Errorf("read the line: %q cannot be a %s", wrong.Field, wrong.Value)
	case errors.As(err, &wrong):
		return fmt.Errorf("read the line: want an object, got %s", wrong.Value)
	}
	return fmt.Errorf("read the line: %s", strings.TrimPrefix(err.Error(), "json: "))
}

// dest is what a browser says of a request of each type in Sec-Fetch-Dest and
// Sec-Fetch-Mode. Types that are not here leave it unsaid.
var dest = map[detect.Type][2]string{
	detect.TypeDocument: {"document", "navigate"}, detect.TypeSubdocument: {"iframe", "navigate"},
	detect.TypeStylesheet: {"style", "no-cors"}, detect.TypeScript: {"script", "no-cors"},
	detect.TypeImage: {"image", "no-cors"}, detect.TypeFont: {"font", "cors"},
	detect.TypeMedia: {"video", "no-cors"}, detect.TypeXHR: {"empty", "cors"},
	detect.TypeObject: {"object", "no-cors"}, detect.TypeWebSocket: {"empty", "websocket"},
}

// header returns the header a browser would send: what the input says, and
// where that is silent what its type and page mean.
func (in *checkInput) header() (http.Header, detect.Type, error) {
	h := http.Header{}
	for name, values := range in.Headers {
		for _, v := range values {
			h.Add(name, v)
		}
	}
	t, ok := detect.ParseType(in.Type)
	if in.Type != "" && !ok {
		var known []string
		for i := detect.TypeOther; i <= detect.TypeObject; i++ {
			known = append(known, i.String())
		}
		if n := strictyaml.Nearest(in.Type, known); n != "" {
			return nil, t, fmt.Errorf("unknown type %q; did you mean %q?", in.Type, n)
		}
		return nil, t, fmt.Errorf("unknown type %q; known: %s", in.Type, strings.Join(known, ", "))
	}
	if d, ok := dest[t]; ok && in.Type != "" && h.Get("Sec-Fetch-Dest") == "" {
		h.Set("Sec-Fetch-Dest", d[0])
		if h.Get("Sec-Fetch-Mode") == "" {
			h.Set("Sec-Fetch-Mode", d[1])
		}
	}
	if in.Page != "" && h.Get("Referer") == "" {
		h.Set("Referer", pageURL(in.Page))
	}
	return h, t, nil
}

// pageURL lets a person name a page by its host.
func pageURL(page string) string {
	if !strings.Contains(page, "//") {
		return "https://" + page
	}
	return page
}

// target returns the URL to judge: a web socket's as the proxy sees it, one
// without a scheme as https if it begins with a host, and a host as browsers
// send it.
func (in *checkInput) target() (string, error) {
	url := strings.TrimSpace(in.URL)
	if scheme, rest, ok := strings.Cut(url, "://"); ok {
		switch strings.ToLower(scheme) {
		case "ws":
			url = "http://" + rest
		case "wss":
			url = "https://" + rest
		}
	} else if !strings.HasPrefix(url, "//") && beginsWithHost(url) {
		url = "https://" + url
	}
	host := detect.HostOf(url)
	if host == "" {
		return "", fmt.Errorf("%.200q has no host to judge", in.URL)
	}
	if strings.IndexFunc(host, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
		if ascii, err := idna.Lookup.ToASCII(host); err == nil {
			at := strings.Index(strings.ToLower(url), host)
			if at >= 0 && at+len(host) <= len(url) && strings.EqualFold(url[at:at+len(host)], host) {
				url = url[:at] + ascii + url[at+len(host):]
			}
		}
	}
	return url, nil
}

// beginsWithHost reports whether a text without "://" begins with a host name
// and perhaps a port. A scheme (mailto:, data:) is none.
func beginsWithHost(s string) bool {
	if i := strings.IndexAny(s, "/?#"); i >= 0 {
		s = s[:i]
	}
	host, port, _ := strings.Cut(s, ":")
	if !strings.Contains(host, ".") || strings.Trim(port, "0123456789") != "" {
		return false
	}
	_, err := memory.CleanHost(host)
	return err == nil
}

var errLongLine = fmt.Errorf("the line is longer than %d bytes", maxLine)

// lineReader reads lines of bounded length and goes on after a longer one.
type lineReader struct{ r *bufio.Reader }

func newLineReader(r io.Reader) *lineReader { return &lineReader{bufio.NewReaderSize(r, 64<<10)} }

// next returns the next line, io.EOF at the end, and errLongLine for one that
// was skipped because it is too long. Blank lines count: each line in has its
// line out.
func (l *lineReader) next() ([]byte, error) {
	var line []byte
	long := false
	for {
		part, err := l.r.ReadSlice('\n')
		if long = long || len(line)+len(part) > maxLine; !long {
			line = append(line, part...)
		}
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case long && (err == nil || err == io.EOF):
			return nil, errLongLine
		case err == io.EOF && len(line) > 0:
			return line, nil
		}
		return line, err
	}
}
