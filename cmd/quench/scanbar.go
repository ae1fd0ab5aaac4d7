package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/quench-proxy/quench/internal/scan"
)

// draw shows the bar, if it is time.
func (b *scanBar) draw(t *scan.Total) {
	if b.w == nil || time.Since(b.drawn) < barEvery {
		return
	}
	b.drawn, b.shown = time.Now(), true
	line := fmt.Sprintf("%s, %s, %d report back", plural(t.Messages, "message"), sizeText(t.Bytes), t.Reporting)
	if b.whole > 0 {
		full := int(min(t.Bytes, b.whole) * barWidth / b.whole)
		line = fmt.Sprintf("[%s%s] %s", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), line)
	}
	fmt.Fprintf(b.w, "\r\x1b[K%s", line)
}

// clear takes the bar away, so that a line can be printed.
func (b *scanBar) clear() {
	if b.shown {
		fmt.Fprint(b.w, "\r\x1b[K")
		b.shown = false
	}
}

// makeWay takes the bar away where a report would run into it.
func (b *scanBar) makeWay() {
	if b.shared {
		b.clear()
	}
}

func (b *scanBar) end() { b.clear() }
