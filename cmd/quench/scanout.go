package main

import (
	"io"

	"github.com/quench-proxy/quench/internal/scan/page"
	"github.com/quench-proxy/quench/internal/scan/sarif"
)

func newSARIF(w io.Writer) scanFormat { return sarif.New(w, version().Version) }

func newPage(w io.Writer) scanFormat { return page.New(w) }
