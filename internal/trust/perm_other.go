//go:build !unix

package trust

import "io/fs"

// checkPrivate has nothing to read here: access lists, not mode bits, guard the
// user's profile directory.
func checkPrivate(string, fs.FileInfo, string) error { return nil }

func syncDir(string) error { return nil }
