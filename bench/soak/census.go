//go:build linux

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// census counts things by kind.
type census map[string]int

func (c census) sum() (n int) {
	for _, v := range c {
		n += v
	}
	return n
}

// beyond lists the kinds of which there are more than in base, in order.
func (c census) beyond(base census) (list []string) {
	for _, kind := range slices.Sorted(maps.Keys(c)) {
		if c[kind] > base[kind] {
			list = append(list, fmt.Sprintf("%d %s (%d before)", c[kind], kind, base[kind]))
		}
	}
	return list
}

// goroutines reads a goroutine profile with one paragraph a stack and counts
// goroutines by the function that they began in.
func goroutines(profile []byte) (census, error) {
	c := census{}
	var n, total int
	var began string
	sc := bufio.NewScanner(bytes.NewReader(profile))
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		f := strings.Fields(sc.Text())
		switch {
		case strings.HasPrefix(sc.Text(), "goroutine profile: total "):
			total, _ = strconv.Atoi(f[3])
		case len(f) > 1 && f[1] == "@":
			n, _ = strconv.Atoi(f[0])
		case len(f) > 2 && f[0] == "#" && strings.Contains(f[2], "+0x"):
			began, _, _ = strings.Cut(f[2], "+0x") // the last line of a stack is its begin
		case len(f) == 0 && n > 0:
			c[began] += n
			n, began = 0, ""
		}
	}
	if n > 0 {
		c[began] += n
	}
	if err := sc.Err(); err != nil {
		return nil, err
	}
	if total == 0 || c.sum() != total {
		return nil, fmt.Errorf("goroutine profile: %d goroutines of %d", c.sum(), total)
	}
	return c, nil
}

// descriptors counts the open descriptors of a process by what they are.
func descriptors(pid int) (census, error) {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	c := census{}
	for _, e := range list {
		to, err := os.Readlink(filepath.Join(dir, e.Name()))
		if errors.Is(err, os.ErrNotExist) {
			continue // closed meanwhile
		}
		if err != nil {
			return nil, err
		}
		kind, _, isSocket := strings.Cut(to, ":[")
		if !isSocket {
			kind = filepath.Base(to)
		}
		c[kind]++
	}
	return c, nil
}
