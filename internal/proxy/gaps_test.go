package proxy

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// gap is one of goproxy's, by its number in the notes; check returns why it is
// open in the proxy it is given.
type gap struct {
	n     int
	name  string
	set   rigOptions
	check func(*rig) error
	// only says that bare goproxy is not run, and why.
	only string
	// alone: not beside others.
	alone bool
}

func (g gap) String() string { return fmt.Sprintf("%02d %s", g.n, g.name) }

// TestGaps holds each of goproxy's gaps against this proxy and, where it can
// fail there, against goproxy as it comes. Only ours can fail the test.
func TestGaps(t *testing.T) {
	var mu sync.Mutex
	here, there := map[int]error{}, map[int]error{}
	run := func(t *testing.T, g gap) {
		err := g.check(ourRig(t, g.set))
		mu.Lock()
		here[g.n] = err
		mu.Unlock()
		if err != nil {
			t.Errorf("open here: %v", err)
		}
		if g.only == "" {
			err := g.check(bareRig(t, g.set))
			mu.Lock()
			there[g.n] = err
			mu.Unlock()
		}
	}
	list := append(append(gapsOfFront(), gapsOfTunnels()...), gapsOfLife()...)
	for _, g := range list {
		if g.alone {
			t.Run(g.String(), func(t *testing.T) {
				if g.n == 8 {
					trapEnvironment(t)
				}
				run(t, g)
			})
		}
	}
	t.Run("together", func(t *testing.T) {
		for _, g := range list {
			if !g.alone {
				t.Run(g.String(), func(t *testing.T) { t.Parallel(); run(t, g) })
			}
		}
	})
	t.Log(gapTable(list, here, there))
}

// gapTable says for each gap how it stands here and in bare goproxy.
func gapTable(list []gap, here, there map[int]error) string {
	var b strings.Builder
	closed, open, tried := 0, 0, 0
	fmt.Fprintf(&b, "%-45s %-8s %s\n", "gap", "here", "bare goproxy")
	for n := 1; n <= 22; n++ {
		for _, g := range list {
			if g.n != n {
				continue
			}
			err, ran := here[n]
			h := "closed"
			switch {
			case !ran:
				h = "not run"
			case err != nil:
				h = "OPEN"
			default:
				closed++
			}
			bare := "not run: " + g.only
			if g.only == "" {
				bare = "closed"
				tried++
				if there[n] != nil {
					open++
					bare = fmt.Sprintf("open: %.90s", there[n])
				}
			}
			fmt.Fprintf(&b, "%-45s %-8s %s\n", g, h, bare)
		}
	}
	fmt.Fprintf(&b, "closed here: %d of %d; open in bare goproxy: %d of %d tried", closed, len(list), open, tried)
	return b.String()
}
