package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/quench-proxy/quench/internal/browse/browsertest"
)

// tab is a browser's tab with deadlines.
type tab struct {
	t         testing.TB
	d         browsertest.Driver
	name      string
	downloads string
	read      int // console messages already judged
}

// on returns the tab for a subtest.
func (b *tab) on(t testing.TB) *tab {
	c := *b
	c.t, c.read = t, len(b.d.Console())
	return &c
}

func (b *tab) navigate(url string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitTime)
	defer cancel()
	if err := b.d.Navigate(ctx, url); err != nil {
		b.t.Fatalf("%s: %v", b.name, err)
	}
}

func (b *tab) eval(js string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitTime)
	defer cancel()
	got, err := b.d.Eval(ctx, js)
	if err != nil {
		b.t.Fatalf("%s: %s: %v", b.name, js, err)
	}
	return got
}

func (b *tab) want(js, want string) {
	b.t.Helper()
	if got := b.eval(js); got != want {
		b.t.Errorf("%s: %s = %s, want %s", b.name, js, got, want)
	}
}

func (b *tab) click(selector string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitTime)
	defer cancel()
	if err := b.d.Click(ctx, selector); err != nil {
		b.t.Fatalf("%s: %v", b.name, err)
	}
}

// await evaluates js until it gives want; while a page is being left that may
// fail.
func (b *tab) await(js, want string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitTime)
	defer cancel()
	await(b.t, ctx, b.name+": "+js+" to be "+want, func() bool {
		got, err := b.d.Eval(ctx, js)
		return err == nil && got == want
	})
}

// quiet fails the test if the console got an error since the last call.
func (b *tab) quiet() {
	b.t.Helper()
	all := b.d.Console()
	if fresh := all[b.read:]; len(fresh) > 0 {
		b.t.Errorf("%s: console errors:\n%s", b.name, strings.Join(fresh, "\n"))
	}
	b.read = len(all)
}

// await polls until ok or ctx ends.
func await(t testing.TB, ctx context.Context, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waiting for %s: %v", what, ctx.Err())
		}
	}
}
