package source

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// TestMaxInflated: of a compressed mailbox what lies before the bound is given,
// and the bound is said to be passed.
func TestMaxInflated(t *testing.T) {
	t.Parallel()
	text := f + a + "\n" + f + b
	var gz, zst bytes.Buffer
	g := gzip.NewWriter(&gz)
	z, err := zstd.NewWriter(&zst)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []io.WriteCloser{g, z} {
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	dir := write(t, map[string]string{"box.gz": gz.String(), "box.zst": zst.String()})
	for _, name := range []string{"box.gz", "box.zst"} {
		for _, most := range []int64{0, int64(len(text)), int64(len(text)) - 5} {
			list, errs := read(t, dir, []string{filepath.Join(dir, name)}, Options{MaxInflated: most})
			past := most > 0 && most < int64(len(text))
			if len(list) != 2 || list[0].Raw != a+"\n" || (list[1].Raw == b) == past || (len(errs) > 0) != past || past && !strings.Contains(errs[0], ErrInflated.Error()) {
				t.Errorf("%s, at most %d: %d messages, errors %q", name, most, len(list), errs)
			}
		}
	}
}

// TestMaxWindow: a zstd frame that asks for more memory than MaxWindow is
// refused before it gets any.
func TestMaxWindow(t *testing.T) {
	t.Parallel()
	text := f + a
	frame := func(log int) string { // one raw block, with a window of 1<<log bytes
		n := uint32(len(text))<<3 | 1
		return "\x28\xb5\x2f\xfd\x00" + string([]byte{byte(log-10) << 3, byte(n), byte(n >> 8), byte(n >> 16)}) + text
	}
	log := 0
	for 1<<log < MaxWindow {
		log++
	}
	for _, more := range []int{0, 1} {
		name := filepath.Join(t.TempDir(), "box.zst")
		if err := os.WriteFile(name, []byte(frame(log+more)), 0o600); err != nil {
			t.Fatal(err)
		}
		list, errs := read(t, filepath.Dir(name), []string{name}, Options{})
		if (len(list) == 1) != (more == 0) || (len(errs) == 1) != (more == 1) || more == 1 && !strings.Contains(errs[0], "window") {
			t.Errorf("window of 1<<%d: %d messages, errors %q", log+more, len(list), errs)
		}
	}
}
