// Command gen compiles the rules to the form that ships with the program: gen
// ROOT FOLDER OUT. FOLDER is below ROOT, and evidence names the files as it does.
package main

import (
	"fmt"
	"os"

	"github.com/quench-proxy/quench/internal/detect/engine"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("usage: gen ROOT FOLDER OUT")
	}
	data, err := engine.Pack(os.DirFS(args[0]), args[1])
	if err != nil {
		return err
	}
	return os.WriteFile(args[2], data, 0o644)
}
