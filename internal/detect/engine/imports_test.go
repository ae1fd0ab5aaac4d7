package engine

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/quench-proxy/quench/"

// TestImportsRunDown holds the map of ARCHITECTURE.md.
func TestImportsRunDown(t *testing.T) {
	impure := []string{"net", "net/http", "os", "os/exec", "log", "log/slog", "syscall"}
	doors := []string{"internal/proxy", "internal/dnsfilter", "internal/scan"}
	for file, imports := range sources(t) {
		dir := filepath.ToSlash(filepath.Dir(file))
		for _, imp := range imports {
			ours, isOurs := strings.CutPrefix(imp, module)
			switch {
			case under(dir, "internal/detect") && !strings.HasSuffix(dir, "/gen") && slices.Contains(impure, imp):
				t.Errorf("%s imports %s: detect is pure", file, imp)
			case under(dir, "internal/detect") && isOurs && !under(ours, "internal/detect") && ours != "internal/strictyaml":
				t.Errorf("%s imports %s: detect imports nothing above it", file, ours)
			case strings.HasPrefix(imp, "github.com/elazarl/goproxy") && dir != "internal/proxy":
				t.Errorf("%s imports goproxy: only internal/proxy does", file)
			case (under(dir, "internal/trust") || under(dir, "rules") || under(dir, "internal/strictyaml")) && isOurs && !under(ours, dir):
				t.Errorf("%s imports %s: it imports nothing of ours", file, ours)
			case isOurs && under(ours, "cmd"):
				t.Errorf("%s imports a command", file)
			}
			for _, a := range doors {
				for _, b := range doors {
					if a != b && under(dir, a) && under(ours, b) {
						t.Errorf("%s imports %s: doors never import each other", file, ours)
					}
				}
			}
		}
	}
}

func under(dir, root string) bool { return dir == root || strings.HasPrefix(dir, root+"/") }

// sources maps each Go file that is no test to its imports.
func sources(t *testing.T) map[string][]string {
	t.Helper()
	root := filepath.Join("..", "..", "..")
	out := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		for _, i := range f.Imports {
			out[filepath.ToSlash(rel)] = append(out[filepath.ToSlash(rel)], strings.Trim(i.Path.Value, `"`))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 20 {
		t.Fatalf("only %d files found", len(out))
	}
	return out
}
