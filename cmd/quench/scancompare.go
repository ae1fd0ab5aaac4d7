package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/show"
	"github.com/quench-proxy/quench/internal/scan/source"
)

// scanCompare is --compare: two copies of one mail side by side.
func (a *app) scanCompare(ctx context.Context, o *scanOptions, args []string) error {
	var copies [2]*scan.Copy
	for i, path := range args {
		m, err := a.oneMessage(ctx, path)
		if err != nil {
			return &codedError{exitUnreadable, err}
		}
		copies[i] = scan.CopyOf(m)
	}
	c := scan.Compare(copies[0], copies[1], o.me)
	if o.json {
		return a.printJSON(c)
	}
	return show.Comparison(a.out, c, a.verbose)
}

// oneMessage reads a file that holds one message.
func (a *app) oneMessage(ctx context.Context, path string) (*source.Message, error) {
	var first *source.Message
	for m, err := range source.Open(ctx, []string{path}, source.Options{Stdin: a.in}) {
		switch {
		case errors.Is(err, source.ErrSkipped):
			continue
		case err != nil:
			return nil, err
		case m.Kind == source.HAR:
			return nil, fmt.Errorf("compare %s: it is an archive, not a mail", path)
		case first != nil:
			return nil, fmt.Errorf("compare %s: it holds more than one mail", path)
		}
		first = m
	}
	if first == nil {
		return nil, errors.New("compare " + path + ": it is empty")
	}
	return first, nil
}
