package lists

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/quench-proxy/quench/internal/strictyaml"
)

// Where a list was asked for.
const (
	FromConfig = "config"       // the key "lists" of the configuration
	FromAdded  = "added"        // quench lists add
	FromFlag   = "command line" // --list
	FromRules  = "my-rules"     // the user's own rules file
)

// maxSpec bounds what names a list: a path or URL.
const maxSpec = 4096

// Ref says which list is meant and where it is. Exactly one of URLs and File is
// set.
type Ref struct {
	// Name is for people, logs and policies: that of the catalogue, the file's
	// own, or the host and a number made of the URL, never a URL's path.
	Name string
	// Key is the identity: the catalogue's name, the URL, or the file's path.
	Key  string
	URLs []string
	File string // absolute
	// Format is that of the catalogue, "" if it is to be found out.
	Format string
	// Title, Licence, For and Homepage are the catalogue's, if it is in there.
	Title, Licence, For, Homepage string
	// From says who asked for it.
	From []string
}

// Host is where the list comes from, "" for a file.
func (r *Ref) Host() string {
	if len(r.URLs) == 0 {
		return ""
	}
	return hostOf(r.URLs[0])
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Host
}

// Resolve finds out what spec means: a URL, a name of the catalogue, or a file,
// which is relative to dir. Files need not exist. from says who asks.
func (c *Catalogue) Resolve(spec, dir, from string) (Ref, error) {
	spec = strings.TrimSpace(spec)
	switch {
	case spec == "":
		return Ref{}, errors.New("an empty text names no list")
	case len(spec) > maxSpec || strings.ContainsFunc(spec, unicode.IsControl):
		return Ref{}, errors.New("that is neither a name of a list nor a file nor a URL")
	case strings.Contains(spec, "://"):
		return urlRef(spec, from)
	}
	if e, ok := c.Get(spec); ok {
		return Ref{
			Name: e.Name, Key: e.Name, URLs: e.URLs, Format: e.Format,
			Title: e.Title, Licence: e.Licence, For: e.For, Homepage: e.Homepage, From: []string{from},
		}, nil
	}
	if !strings.ContainsAny(spec, `./\`) {
		text := fmt.Sprintf("there is no list %q", spec)
		if n := strictyaml.Nearest(spec, c.names()); n != "" {
			return Ref{}, fmt.Errorf("%s; did you mean %q?", text, n)
		}
		return Ref{}, fmt.Errorf("%s; \"quench lists ls\" shows those known by name, and a file is written ./%s", text, spec)
	}
	return fileRef(spec, dir, from)
}

func fileRef(path, dir, from string) (Ref, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return Ref{}, fmt.Errorf("find %s: %w", path, err)
	}
	return Ref{Name: filepath.Base(abs), Key: abs, File: abs, From: []string{from}}, nil
}

// RulesFile is the Ref of the user's own rules file.
func RulesFile(path string) Ref {
	r, err := fileRef(path, "", FromRules)
	if err != nil {
		r = Ref{Key: path, File: path, From: []string{FromRules}}
	}
	r.Name = "my-rules"
	return r
}

func urlRef(spec, from string) (Ref, error) {
	u, err := url.Parse(spec)
	if err != nil {
		return Ref{}, errors.New("that is not a URL") // the library's text repeats it
	}
	if err := checkURL(u); err != nil {
		return Ref{}, err
	}
	u.Fragment = ""
	s := u.String()
	sum := sha256.Sum256([]byte(s))
	return Ref{Name: u.Hostname() + "-" + hex.EncodeToString(sum[:3]), Key: s, URLs: []string{s}, From: []string{from}}, nil
}

// checkURL refuses what a list must not come from. Who can change a list on its
// way decides what its reader sees, so plain HTTP is for one's own network.
func checkURL(u *url.URL) error {
	switch {
	case u.Host == "" || u.Hostname() == "":
		return errors.New("the URL has no host")
	case u.User != nil:
		return fmt.Errorf("the URL at %s has a password in it; keep such a list in a file", u.Hostname())
	case u.Scheme == "https", u.Scheme == "http" && near(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return fmt.Errorf("%s: a list is fetched by https only, but on one's own network", u.Hostname())
	}
	return fmt.Errorf("%s: a list is fetched by https, not by %.20q", u.Hostname(), u.Scheme)
}

// near reports whether a host is on this machine or this network.
func near(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if a, err := netip.ParseAddr(host); err == nil {
		a = a.Unmap()
		return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast()
	}
	if !strings.Contains(host, ".") {
		return true
	}
	for _, end := range []string{".localhost", ".local", ".lan", ".internal", ".home.arpa"} {
		if strings.HasSuffix(host, end) {
			return true
		}
	}
	return false
}

// own reports whether it is the user's own rules file: it may be empty, and may
// be written as some editors do.
func (r *Ref) own() bool { return slices.Contains(r.From, FromRules) }

// merge joins refs to one selection: the first place of each list, with all who
// asked for it, and names that differ.
func merge(groups ...[]Ref) []Ref {
	var out []Ref
	at := map[string]int{}
	names := map[string]bool{}
	for _, group := range groups {
		for _, r := range group {
			if i, twice := at[r.Key]; twice {
				out[i].From = joined(out[i].From, r.From)
				continue
			}
			if names[r.Name] { // two files of one name
				sum := sha256.Sum256([]byte(r.Key))
				r.Name += "-" + hex.EncodeToString(sum[:3])
			}
			names[r.Name] = true
			at[r.Key] = len(out)
			out = append(out, r)
		}
	}
	return out
}

func joined(a, b []string) []string {
	out := append([]string{}, a...)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
