package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/quench-proxy/quench/internal/control"
	"github.com/quench-proxy/quench/internal/detect/engine"
	"github.com/quench-proxy/quench/internal/strictyaml"
	"github.com/quench-proxy/quench/rules"
)

// ruleSet is a compiled Set and where it came from.
type ruleSet struct {
	set      *engine.Set
	trackers []string // ids that the configuration may name; nil if rules are off
	about    control.Rules
}

// loadRules compiles the rules that --rules asks for.
func (a *app) loadRules() (*ruleSet, error) {
	src := engine.Sources{Builtin: rules.FS}
	about := control.Rules{Source: "built-in", Loaded: time.Now().UTC()}
	switch a.rules {
	case "":
	case "off":
		src, about.Source = engine.Sources{}, "off"
	default:
		dir, err := filepath.Abs(a.rules)
		if err != nil {
			return nil, fmt.Errorf("find the rules: %w", err)
		}
		if st, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("read the rules: %w", err)
		} else if !st.IsDir() {
			return nil, usagef("--rules is \"off\" or a directory; %s is a file", dir)
		}
		src.User, about.Source = os.DirFS(dir), dir
	}
	set, err := engine.Load(src)
	if err != nil {
		return nil, inDir(about.Source, err)
	}
	r := &ruleSet{set: set, about: about}
	r.about.Trackers = len(set.Trackers())
	if a.rules != "off" {
		r.trackers = set.Trackers()
	}
	return r, nil
}

// inDir gives the faults of a person's own rule files the names under which
// they can be opened.
func inDir(dir string, err error) error {
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, e := range all.Unwrap() {
			out = append(out, inDir(dir, e))
		}
		return errors.Join(out...)
	}
	if f, ok := err.(*strictyaml.Fault); ok && filepath.IsAbs(dir) {
		return &strictyaml.Fault{File: filepath.Join(dir, filepath.FromSlash(f.File)), Line: f.Line, Text: f.Text}
	}
	return err
}
