package sarif_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/judge"
	"github.com/quench-proxy/quench/internal/scan/sarif"
	"github.com/quench-proxy/quench/internal/scan/source"
)

// validate holds a log against the official schema.
func validate(t *testing.T, log []byte) any {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile("testdata/sarif-schema-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(log))
	if err != nil {
		t.Fatalf("%v in\n%s", err, log)
	}
	if err := s.Validate(doc); err != nil {
		t.Errorf("%v in\n%s", err, log)
	}
	return doc
}

const mail = "From: a@shop.example\nTo: ann@home.example\nSubject: s\nContent-Type: text/html; charset=nonesuch\n\n" +
	"<img src=\"http://t.example/o/?r=ann@home.example\" width=1 height=1><img src=\"http://t.example/p/8f3a77ccd1e2b3a4c5d6.gif\" width=1 height=1>\n" +
	"<a href=\"http://t.example/l/8f3a77ccd1e2b3a4c5d6\">x</a><img src=http://t.example/logo.png>"

func TestLog(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := sarif.New(&b, "v1.2.3")
	s := &scan.Scanner{}
	for _, name := range []string{"a b%.eml", "/abs/ä.eml", "-"} {
		r := s.Message(&source.Message{File: name, Raw: []byte(mail), Length: int64(len(mail))})
		r.Findings[0].Tracker = &detect.Tracker{ID: "t", Name: "T <b>", Company: "C"}
		if err := w.Report(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Failed(&source.FileError{File: "gone.eml", Err: errors.New("no such file")}); err != nil {
		t.Fatal(err)
	}
	if err := w.End(&scan.Total{}); err != nil {
		t.Fatal(err)
	}
	doc := validate(t, b.Bytes()).(map[string]any)
	run := doc["runs"].([]any)[0].(map[string]any)
	results := run["results"].([]any)
	if len(results) != 9 {
		t.Fatalf("%d results, want 9 (three a message, the ordinary ones left out)", len(results))
	}
	first := results[0].(map[string]any)
	rules := run["tool"].(map[string]any)["driver"].(map[string]any)["rules"].([]any)
	index, err := first["ruleIndex"].(interface{ Int64() (int64, error) }).Int64()
	if err != nil || rules[index].(map[string]any)["id"] != first["ruleId"] || first["ruleId"] != "V001" || first["level"] != "error" {
		t.Errorf("first result %v", first)
	}
	for _, want := range []string{`"uri":"a%20b%25.eml"`, `"uri":"file:///abs/%C3%A4.eml"`, `"uri":"stdin"`, `"startLine":6`, `"executionSuccessful":false`,
		`unknown charset`, `no such file`, `"semanticVersion":"1.2.3"`, `"level":"warning"`, `"level":"note"`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s in\n%s", want, b.String())
		}
	}
	at := strings.Index(mail, "http://")
	region := first["locations"].([]any)[0].(map[string]any)["physicalLocation"].(map[string]any)["region"].(map[string]any)
	if n, err := region["byteOffset"].(interface{ Int64() (int64, error) }).Int64(); err != nil || n != int64(at) {
		t.Errorf("region %v, want byte %d", region, at)
	}
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := sarif.New(&b, "unknown")
	if err := w.Report(&scan.Report{File: "x", Findings: []judge.Finding{{Ladder: judge.Ordinary}}, Lines: []int{0}}); err != nil {
		t.Fatal(err)
	}
	if err := w.End(&scan.Total{}); err != nil {
		t.Fatal(err)
	}
	validate(t, b.Bytes())
	if !strings.Contains(b.String(), `"executionSuccessful":true`) {
		t.Errorf("not said to be complete:\n%s", b.String())
	}
	b.Reset()
	if err := sarif.New(&b, "").End(&scan.Total{}); err != nil {
		t.Fatal(err)
	}
	validate(t, b.Bytes())
}
