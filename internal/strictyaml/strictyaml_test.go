package strictyaml

import (
	"strings"
	"testing"
)

type inner struct {
	Listen string `yaml:"listen"`
	Ports  []int  `yaml:"ports"`
	On     bool   `yaml:"on"`
}

type outer struct {
	Mode  string           `yaml:"mode"`
	Proxy inner            `yaml:"proxy"`
	Named map[string]inner `yaml:"named"`
}

func TestDecodeFaults(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"good", "mode: block\nproxy: {listen: x, ports: [1]}\n", ""},
		{"empty", "", ""},
		{"typo", "mode: block\nproxy:\n  lisen: x\n", `f.yaml:3: unknown key "lisen"; did you mean "listen"?`},
		{"far", "zzzzzzzz: 1\n", `f.yaml:1: unknown key "zzzzzzzz"; known here: mode, proxy, named`},
		{"in a map", "named:\n  a: {port: [1]}\n", `f.yaml:2: unknown key "port"; did you mean "ports"?`},
		{"twice", "mode: a\nmode: b\n", `f.yaml:2: key "mode" is already set in line 1`},
		{"type", "proxy:\n  ports: 12\n", "f.yaml:2: `12` does not fit here, want a list"},
		{"list for text", "mode: [a]\n", "f.yaml:1: a list does not fit here, want text"},
		{"mapping for text", "mode: {a: b}\n", "f.yaml:1: a mapping does not fit here, want text"},
		{"list for all", "- a\n", "f.yaml:1: a list does not fit here, want a mapping"},
		{"syntax", "mode: [\n", "f.yaml:"},
		{"two documents", "mode: a\n---\nmode: b\n", "more than one document"},
		{"large", strings.Repeat("#", MaxSize+1), "larger than"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := Decode("f.yaml", []byte(tt.in), new(outer))
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("Decode = %v, want no error", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("Decode = %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestDecodeReportsAllFaults(t *testing.T) {
	err := Decode("f.yaml", []byte("mod: x\nproxy: {lisen: y}\nnamed: 3\n"), new(outer))
	if err == nil {
		t.Fatal("no error")
	}
	if n := strings.Count(err.Error(), "f.yaml:"); n != 3 {
		t.Errorf("%d faults reported, want 3:\n%v", n, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("mode: block\nproxy: {listen: x}\n")
	f.Add("a: &a [*a]\n")
	f.Fuzz(func(t *testing.T, in string) { _ = Decode("f.yaml", []byte(in), new(outer)) })
}
