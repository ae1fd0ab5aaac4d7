package engine_test

import (
	"bufio"
	"encoding/json"
	"net/textproto"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quench-proxy/quench/internal/detect"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/detect/intake"
	"github.com/quench-proxy/quench/rules"
)

// vector is a line of testdata/vectors.jsonl, the file that every door runs.
type vector struct {
	Name string `json:"name"`
	In   struct {
		URL, Page, Type, Method, Body string
		Headers                       map[string]string
	} `json:"in"`
	Want want `json:"want"`
}

type want struct {
	Action, Tracker, Activity, Reply string
	Also                             []string
}

func vectors(t *testing.T) []vector {
	t.Helper()
	f, err := os.Open("../testdata/vectors.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []vector
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		var v vector
		if err := json.Unmarshal(sc.Bytes(), &v); err != nil {
			t.Fatalf("line %d: %v", len(all)+1, err)
		}
		all = append(all, v)
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestVectors(t *testing.T) {
	set, err := engine.Load(engine.Sources{Builtin: rules.FS})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			h := textproto.MIMEHeader{}
			for k, val := range v.In.Headers {
				h.Set(k, val)
			}
			if v.In.Page != "" {
				h.Set("Referer", v.In.Page)
			}
			method := v.In.Method
			if method == "" {
				method = "GET"
			}
			r := intake.Request(method, v.In.URL, h)
			r.Type, _ = detect.ParseType(v.In.Type)
			r.Body = []byte(v.In.Body)
			d := set.Request(&r, nil)
			if d.Need&detect.NeedBody != 0 && d.Action < detect.Block {
				d = set.Body(&r, d, nil)
			}
			got := want{Action: d.Action.String()}
			for i, e := range set.Explain(detect.Seen{Request: &r}, d) {
				switch {
				case i == 0:
					got.Tracker = e.Tracker.ID
					if v.Want.Activity != "" && e.Activity != nil {
						got.Activity = e.Activity.Name
					}
					if v.Want.Reply != "" {
						got.Reply = e.Reply.String()
					}
				default:
					got.Also = append(got.Also, e.Activity.Name)
				}
			}
			if v.Want.Tracker == "" {
				got.Tracker = ""
			}
			if diff := cmp.Diff(v.Want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
