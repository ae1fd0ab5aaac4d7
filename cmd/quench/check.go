package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/memory"
)

const checkLong = `Say what quench would do with a request, why, and what the request would tell
whom. It is judged by the same code as in the proxy, but nothing is sent. What
only an answer shows (that it is an invisible image) cannot be seen here.

With --jsonl requests are read from standard input, one JSON object a line:
  {"url": …, "page": …, "type": …, "method": …, "headers": {…}, "body": …}
Only "url" is needed; "body_base64" is for bodies that are no text. One line
comes out for each line that went in.`

// maxBodyFile bounds the file of --body. The proxy holds less than that.
const maxBodyFile = 1 << 20

func (a *app) checkCmd() *cobra.Command {
	var in checkInput
	var headers []string
	var bodyFile string
	var asJSON, stream bool
	cmd := &cobra.Command{
		Use: "check [URL]", Short: "Why, and what would it tell?", Long: checkLong, Args: maxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if stream != (len(args) == 0) {
				return usagef("check needs a URL, or --jsonl and no URL")
			}
			if stream && asJSON {
				return usagef("--json is for one URL; --jsonl prints JSON anyway")
			}
			c, err := a.newJudge(cmd.Context())
			if err != nil {
				return err
			}
			if stream {
				return a.checkStream(cmd.Context(), c)
			}
			in.URL = args[0]
			if err := in.complete(a.in, headers, bodyFile); err != nil {
				return err
			}
			return a.checkOne(c, &in, asJSON)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&asJSON, "json", false, "print one JSON object")
	f.BoolVar(&stream, "jsonl", false, "read requests from standard input, one a line, and answer each with a line")
	f.StringVar(&in.Page, "page", "", "the `URL` of the page that makes the request")
	f.StringVar(&in.Type, "type", "", "what it is for: document, image, script, xmlhttprequest, ping …")
	f.StringVar(&in.Method, "method", "", "the HTTP `METHOD`; GET, or POST with --body")
	f.StringVar(&bodyFile, "body", "", "a `FILE` with the request's body, - for standard input")
	f.StringArrayVarP(&headers, "header", "H", nil, "a header `\"Name: value\"`; may be repeated")
	return cmd
}

// notInToken are the visible characters that a method cannot have (RFC 9110,
// 5.6.2).
const notInToken = "\"(),/:;<=>?@[\\]{}"

// complete adds what the command line says beside the URL.
func (in *checkInput) complete(stdin io.Reader, headers []string, bodyFile string) error {
	for _, h := range headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return usagef("--header %q is not \"Name: value\"", h)
		}
		if in.Headers == nil {
			in.Headers = map[string]oneOrMany{}
		}
		name = http.CanonicalHeaderKey(strings.TrimSpace(name))
		in.Headers[name] = append(in.Headers[name], strings.TrimSpace(value))
	}
	if in.Page != "" && detect.HostOf(pageURL(in.Page)) == "" {
		return usagef("--page %.200q has no host", in.Page)
	}
	if strings.ContainsFunc(in.Method, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(notInToken, r) }) {
		return usagef("--method %.200q is no HTTP method", in.Method)
	}
	if bodyFile == "" {
		return nil
	}
	var data []byte
	var err error
	if bodyFile == "-" {
		data, err = io.ReadAll(io.LimitReader(stdin, maxBodyFile+1))
	} else {
		data, err = readFile(bodyFile, maxBodyFile)
	}
	switch {
	case err != nil:
		return &codedError{exitUnreadable, fmt.Errorf("read the body: %w", err)}
	case len(data) > maxBodyFile:
		return &codedError{exitUnreadable, fmt.Errorf("read the body: %s is larger than %d bytes", bodyFile, maxBodyFile)}
	}
	in.body = data
	if in.Method == "" {
		in.Method = http.MethodPost
	}
	return nil
}

// judge judges requests with what would be in force now.
type judge struct {
	rules  *ruleSet
	policy *detect.Policy
	now    func() time.Time
	// keepLinks and keepWidgets are what the proxy is told to leave alone.
	keepLinks, keepWidgets bool
	// history is what the proxy remembers of hosts; nil remembers nothing.
	history *memory.History
}

// newJudge takes rules, configuration and what was learned and allowed.
// Nothing is written.
func (a *app) newJudge(ctx context.Context) (*judge, error) {
	r, err := a.loadRules()
	if err != nil {
		return nil, err
	}
	cfg, err := a.loadConfig(r.trackers)
	if err != nil {
		return nil, err
	}
	dir, err := a.data()
	if err != nil {
		return nil, err
	}
	if err := a.withListsInForce(ctx, r, dir, cfg); err != nil {
		return nil, err
	}
	m, err := memory.Open(dir, memory.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	m.SetConfig(cfg.memory())
	return &judge{rules: r, policy: m.Policy(""), now: time.Now, history: m.History().Frozen(),
		keepLinks: !cfg.Proxy.CleanLinks, keepWidgets: !cfg.Proxy.ClickToLoad}, m.Close()
}

func (a *app) checkOne(c *judge, in *checkInput, asJSON bool) error {
	out, err := c.check(in)
	if err != nil {
		return &usageError{err}
	}
	if asJSON {
		return a.printJSON(out)
	}
	var b bytes.Buffer
	out.text(&b)
	_, err = a.out.Write(b.Bytes())
	return err
}

// checkStream answers each line of standard input with a line.
func (a *app) checkStream(ctx context.Context, c *judge) error {
	lines := newLineReader(a.in)
	bad := 0
	for n := 1; ctx.Err() == nil; n++ {
		line, err := lines.next()
		if err == io.EOF {
			break
		}
		var out any
		if err == nil {
			out, err = c.checkLine(line)
		} else if err != errLongLine {
			return fmt.Errorf("read standard input: %w", err)
		}
		if err != nil {
			bad++
			out = lineError{Schema: 1, Line: n, Error: err.Error()}
		}
		if err := a.printJSON(out); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if bad > 0 {
		return &codedError{exitUnreadable, fmt.Errorf("%d line(s) could not be judged", bad)}
	}
	return nil
}

// lineError stands for a line that could not be judged.
type lineError struct {
	Schema int    `json:"schema"`
	Line   int    `json:"line"`
	Error  string `json:"error"`
}

// colour says whether standard output may have colour.
func (a *app) colour() bool {
	f, ok := a.out.(*os.File)
	if !ok || a.getenv("NO_COLOR") != "" || a.getenv("TERM") == "dumb" {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}
