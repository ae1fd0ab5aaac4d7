package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxCounted is how many names a summary spells out.
const maxCounted = 12

// counted writes names with their counts, the largest first.
func counted(m map[string]int) string {
	names := slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(m[b], m[a]), strings.Compare(a, b))
	})
	var parts []string
	for i, n := range names {
		if i == maxCounted {
			parts = append(parts, fmt.Sprintf("and %d more", len(names)-i))
			break
		}
		parts = append(parts, fmt.Sprintf("%s (%d)", n, m[n]))
	}
	return strings.Join(parts, ", ")
}
