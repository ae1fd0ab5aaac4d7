package trust

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func FuzzListedProfiles(f *testing.F) {
	f.Add("[Profile0]\nPath=a\nIsRelative=1\n")
	f.Add("[Profile0]\r\nIsRelative=0\r\nPath=/\r\n[General]\nPath=x\n")
	f.Add("Path=..\n[Profile")
	root := f.TempDir()
	f.Fuzz(func(t *testing.T, ini string) {
		if err := os.WriteFile(filepath.Join(root, "profiles.ini"), []byte(ini), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, dir := range listedProfiles(root) {
			if info, err := os.Stat(dir); err != nil || !info.IsDir() {
				t.Fatalf("%q lists %q, which is no directory", ini, dir)
			}
		}
	})
}

func TestListedProfilesIsBounded(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	ini := strings.Repeat("[Profile0]\nPath=.\n", 4*maxPlaces)
	if err := os.WriteFile(filepath.Join(root, "profiles.ini"), []byte(ini), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := len(listedProfiles(root)); n < maxPlaces || n > maxPlaces+1 {
		t.Errorf("%d profiles listed, want at most about %d", n, maxPlaces)
	}
}
