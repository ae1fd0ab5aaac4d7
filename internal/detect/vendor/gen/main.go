// Command gen compiles a folder of rule files to the form that ships with the
// program: gen FOLDER OUT.
package main

import (
	"fmt"
	"os"

	"github.com/quench-proxy/quench/internal/detect/vendor"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: gen FOLDER OUT")
	}
	specs, err := vendor.ParseDir(os.DirFS("."), args[0])
	if err != nil {
		return err
	}
	data, err := vendor.Marshal(specs)
	if err != nil {
		return fmt.Errorf("gen: compile: %w", err)
	}
	return os.WriteFile(args[1], append(data, '\n'), 0o644)
}
