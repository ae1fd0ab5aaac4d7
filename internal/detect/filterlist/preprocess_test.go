package filterlist

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func texts(rules []Rule) []string {
	var list []string
	for _, r := range rules {
		list = append(list, r.Text)
	}
	return list
}

func TestIf(t *testing.T) {
	t.Parallel()
	env := map[string]bool{"yes": true, "ext_ublock": true, "true": true}
	for condition, want := range map[string]bool{
		"true": true, "false": false, "yes": true, "!yes": false, "!!yes": true, "no": false, "!no": true,
		"yes && no": false, "yes || no": true, "no&&no||yes": true, "no && (no || yes)": false,
		"!(yes && no)": true, "!(yes)": false, "((yes))": true, "ext_ublock": true, "!ext_ublock": false,
	} {
		src := adblock("!#if " + condition + "\n/on/x\n!#else\n/off/x\n!#endif\n/always/x\n")
		src.Env = env
		rules, report := parseText(src)
		first := "/off/x"
		if want {
			first = "/on/x"
		}
		if diff := cmp.Diff([]string{first, "/always/x"}, texts(rules)); diff != "" || report.Rejected != 0 || report.Skipped != 1 {
			t.Errorf("%s: %v, skipped %d (-want +got)\n%s", condition, report.Problems, report.Skipped, diff)
		}
	}
}

func TestFaultyIf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		rules    []string
		problems int
	}{
		"!#if a &&\n/x/y\n!#endif\n/z/y":                                    {[]string{"/z/y"}, 1},
		"!#if (a\n/x/y\n!#endif\n/z/y":                                      {[]string{"/z/y"}, 1},
		"!#if a b\n/x/y\n!#endif\n/z/y":                                     {[]string{"/z/y"}, 1},
		"!#else\n/z/y\n!#endif":                                             {[]string{"/z/y"}, 2},
		"!#if true\n/z/y":                                                   {[]string{"/z/y"}, 1},
		"!#if true\n/z/y\n!#else\n/x/y\n!#else\n/u/y\n!#endif":              {[]string{"/z/y"}, 1},
		"!#if false\n!#if true\n/x/y\n!#else\n/u/y\n!#endif\n!#endif\n/z/y": {[]string{"/z/y"}, 0},
		strings.Repeat("!#if true\n", maxNesting+1) + "/x/y\n" + strings.Repeat("!#endif\n", maxNesting+1) + "/z/y":        {[]string{"/z/y"}, 1},
		"!#if " + strings.Repeat("(", maxNesting+1) + "true" + strings.Repeat(")", maxNesting+1) + "\n/x/y\n!#endif\n/z/y": {[]string{"/z/y"}, 1},
	} {
		rules, report := parseText(adblock(text))
		if diff := cmp.Diff(want.rules, texts(rules)); diff != "" || report.Rejected != want.problems {
			t.Errorf("%.80q: %v, want %d problems (-want +got)\n%s", text, report.Problems, want.problems, diff)
		}
	}
}

// files is an Include that knows some texts.
func files(texts map[string]string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		if text, ok := texts[name]; ok {
			return []byte(text), nil
		}
		return nil, errors.New("no such list")
	}
}

func TestInclude(t *testing.T) {
	t.Parallel()
	src := adblock("/one/x\n!#include a.txt\n/four/x\n||bad^$foo\n!#include none.txt\n!#if false\n!#include a.txt\n!#endif\n/five/x\n")
	src.Include = files(map[string]string{
		"a.txt": "! Title: not this\n/two/x\n!#if true\n!#include b.txt\n||bad^$bar\n!#endif\n",
		"b.txt": "/three/x",
	})
	rules, report := parseText(src)
	if diff := cmp.Diff([]string{"/one/x", "/two/x", "/three/x", "/four/x", "/five/x"}, texts(rules)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var got []string
	for _, r := range rules {
		name, line := report.Where(r.Line)
		got = append(got, fmt.Sprintf("%s:%d", name, line))
	}
	for _, p := range report.Problems {
		got = append(got, fmt.Sprintf("%s:%d", p.List, p.Line))
	}
	want := []string{"test:1", "a.txt:2", "b.txt:1", "test:3", "test:9", "a.txt:5", "test:4", "test:5"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("places (-want +got)\n%s", diff)
	}
	if report.Meta.Title != "" {
		t.Errorf("title %q is an include's", report.Meta.Title)
	}
}

func TestIncludeBounds(t *testing.T) {
	t.Parallel()
	deep := map[string]string{"end": "/end/x"}
	for i := range MaxInclude + 2 {
		deep[fmt.Sprint(i)] = fmt.Sprintf("/level/%d\n!#include %d\n", i, i+1)
	}
	for _, tt := range []struct {
		name, text string
		files      map[string]string
		rules      int
		problem    string
	}{
		{"itself by name", "/x/y\n!#include test", map[string]string{"test": "/x/y\n!#include test"}, 1, "include itself"},
		{"itself under another name", "/x/y\n!#include ./test", map[string]string{"./test": "/x/y\n!#include ./test"}, 1, "include itself"},
		{"round", "/x/y\n!#include a", map[string]string{"a": "/z/y\n!#include b", "b": "!#include a"}, 2, "include itself"},
		{"deep", "!#include 0", deep, MaxInclude, "too deep"},
		{"many", strings.Repeat("!#include a\n", MaxIncludes+1), map[string]string{"a": "/x/y"}, MaxIncludes, "too many"},
		{"a page", "!#include a", map[string]string{"a": "<html>"}, 0, "web page"},
		{"closing the parent's if", "!#if false\n/x/y\n!#else\n!#include a\n/z/y\n!#endif", map[string]string{"a": "!#endif\n!#else\n/x/y"}, 2, "without !#if"},
		{"leaving an if open", "!#include a\n/z/y", map[string]string{"a": "!#if false\n/x/y"}, 1, "without !#endif"},
		{"a long name", "!#include " + strings.Repeat("a", maxNameText+1), nil, 0, "no usable name"},
	} {
		src := adblock(tt.text)
		src.Include = files(tt.files)
		rules, report := parseText(src)
		if len(rules) != tt.rules || len(report.Problems) == 0 || !strings.Contains(report.Problems[0].String(), tt.problem) {
			t.Errorf("%s: %d rules, %v; want %d, %q", tt.name, len(rules), report.Problems, tt.rules, tt.problem)
		}
	}
}
