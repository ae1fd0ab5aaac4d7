package judge

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/detect/markup"
	"github.com/quench-proxy/quench/internal/need"
	"github.com/quench-proxy/quench/internal/scan/mail"
)

// sampled is how many remote pictures of the public mail are labelled by hand.
const sampled = 200

// pictureRef is one remote picture of one message: the first reference of the
// message to its URL, refs[index].
type pictureRef struct {
	file  string
	index int
	sum   string // SHA-256 of the URL, hexadecimal
	rank  int    // how many URLs of the message have a smaller sum
}

// readMail takes one message apart for the judge.
func readMail(raw []byte) (*mail.Message, []Ref) {
	m := mail.Read(raw, mail.RFC5322, mail.Options{})
	var refs []Ref
	m.Walk(markup.Options{}, func(r *mail.Ref) {
		refs = append(refs, Ref{Ref: r.Ref, Part: r.Part.Path, At: r.Value})
	})
	return m, refs
}

// sampleOf is the rule of the sample, so that nobody chooses: each message's
// picture addresses are put in order of their SHA-256; from every message the
// first is taken, then from every message the second, and so on, within one
// rank again in order of SHA-256, no address twice, until there are n.
func sampleOf(t testing.TB, n int) (list []pictureRef, raw map[string][]byte) {
	t.Helper()
	dir := need.Data(t, "mail")
	raw = map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		name := filepath.ToSlash(rel)
		raw[name] = b
		list = append(list, picturesOf(name, b)...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Slice(list, func(i, j int) bool {
		a, b := list[i], list[j]
		if a.rank != b.rank {
			return a.rank < b.rank
		}
		return a.sum < b.sum || a.sum == b.sum && a.file < b.file
	})
	seen, kept := map[string]bool{}, list[:0]
	for _, p := range list {
		if !seen[p.sum] && len(kept) < n {
			seen[p.sum] = true
			kept = append(kept, p)
		}
	}
	return kept, raw
}

func picturesOf(file string, raw []byte) (list []pictureRef) {
	_, refs := readMail(raw)
	seen := map[string]bool{}
	for i := range refs {
		r := &refs[i]
		if !auto(r) || !picture(r) || seen[r.URL] || !strings.HasPrefix(strings.ToLower(r.URL), "http") {
			continue
		}
		seen[r.URL] = true
		sum := sha256.Sum256([]byte(r.URL))
		list = append(list, pictureRef{file: file, index: i, sum: hex.EncodeToString(sum[:])})
	}
	sort.Slice(list, func(i, j int) bool { return list[i].sum < list[j].sum })
	for i := range list {
		list[i].rank = i
	}
	return list
}
