package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/quench-proxy/quench/internal/need"
)

// dataTypes are the words of the recorded requests that are not ours.
var dataTypes = map[string]string{"sub_frame": "subdocument"}

// TestCheckAgreesWithReference asks "quench check" about recorded requests
// under EasyList and EasyPrivacy: every verdict is the reference engine's.
func TestCheckAgreesWithReference(t *testing.T) {
	t.Parallel()
	easylist, easyprivacy := need.Data(t, "filter/easylist.txt"), need.Data(t, "filter/easyprivacy.txt")
	var in bytes.Buffer
	enc := json.NewEncoder(&in)
	for line := range strings.Lines(string(need.File(t, "filter/requests.tsv"))) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 3)
		word := f[0]
		if ours, ok := dataTypes[word]; ok {
			word = ours
		}
		if err := enc.Encode(map[string]string{"type": word, "page": f[1], "url": f[2]}); err != nil {
			t.Fatal(err)
		}
	}
	var out, said bytes.Buffer
	code := run(t.Context(), []string{"check", "--jsonl", "--rules", "off", "--data-dir", t.TempDir(),
		"--list", easylist, "--list", easyprivacy}, &in, &out, &said, func(string) string { return "" })
	if code != 0 {
		t.Fatalf("exit %d: %s", code, &said)
	}
	want := strings.Fields(string(need.File(t, "filter/verdicts.txt")))
	counts := map[string]int{}
	n, wrong := 0, 0
	for line := range strings.Lines(out.String()) {
		var got struct {
			Action    string          `json:"action"`
			Exception json.RawMessage `json:"exception"`
		}
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		word := "0"
		switch {
		case got.Action == "block":
			word = "1"
		case len(got.Exception) > 0 && string(got.Exception) != "null":
			word = "2"
		}
		if n < len(want) && word != want[n] {
			if wrong++; wrong <= 5 {
				t.Errorf("request %d: %s, the reference says %s: %.300s", n+1, word, want[n], line)
			}
		}
		counts[word]++
		n++
	}
	t.Logf("%d requests: %d pass, %d blocked, %d lifted; %d differ", n, counts["0"], counts["1"], counts["2"], wrong)
	if n != len(want) || wrong > 0 {
		t.Errorf("%d answers to %d requests, %d differ", n, len(want), wrong)
	}
}
