// Package need is what tests ask for when they need something that a machine
// may not have: a real program, or the folder of public data. Without it a
// test is skipped, but where everything is required, as in CI, it fails: a
// skip that nobody sees is a test that cannot fail.
//
// It is imported by tests only.
package need

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Required reports whether real programs must be there
// (QUENCH_REQUIRE_BROWSERS).
func Required() bool { return os.Getenv("QUENCH_REQUIRE_BROWSERS") == "1" }

// Lack skips the test because something is missing, or fails it where that is
// required.
func Lack(t testing.TB, format string, args ...any) {
	t.Helper()
	if Required() {
		t.Fatalf(format+" (required by QUENCH_REQUIRE_BROWSERS)", args...)
	}
	t.Skipf(format, args...)
}

// Program returns the path of the first of names that is installed.
func Program(t testing.TB, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	Lack(t, "none of %q is installed", names)
	return ""
}

// Data returns the path of a file or folder of the public data, by its name
// below the folder that QUENCH_DATA names. Without that the test is skipped;
// with it a missing file fails the test.
func Data(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("QUENCH_DATA")
	if dir == "" {
		if Required() {
			t.Fatal("QUENCH_DATA is not set (required by QUENCH_REQUIRE_BROWSERS)")
		}
		t.Skip("QUENCH_DATA is not set")
	}
	path := filepath.Join(dir, filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("QUENCH_DATA: %v", err)
	}
	return path
}

// File reads a file of the public data; see Data.
func File(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(Data(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
