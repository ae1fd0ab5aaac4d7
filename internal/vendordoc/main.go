// Command vendordoc writes the page of all companies that the rules know:
// vendordoc ROOT FOLDER OUT. FOLDER with the rule files is below ROOT.
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
	if len(args) != 3 {
		return fmt.Errorf("usage: vendordoc ROOT FOLDER OUT")
	}
	specs, err := vendor.ParseDir(os.DirFS(args[0]), args[1])
	if err != nil {
		return err
	}
	if err := os.WriteFile(args[2], markdown(specs), 0o644); err != nil {
		return fmt.Errorf("vendordoc: write the page: %w", err)
	}
	return nil
}
