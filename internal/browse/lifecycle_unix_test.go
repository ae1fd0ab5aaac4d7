//go:build unix

package browse

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fakeBrowser is a Session of a shell script, with a file that it can tell
// things through.
func fakeBrowser(t *testing.T, script string) (Session, string) {
	t.Helper()
	dir := t.TempDir()
	program, told := filepath.Join(dir, "chromium"), filepath.Join(dir, "told")
	// A process that another test starts meanwhile would have the file open for
	// writing for a moment, and a program that is being written cannot be run.
	syscall.ForkLock.RLock()
	err := os.WriteFile(program, []byte("#!/bin/sh\n"+script), 0o755)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	return Session{
		Browser: Browser{Name: "chromium", Path: program, Family: Chromium},
		Proxy:   "127.0.0.1:1", CA: testCA(t), TempDir: t.TempDir(), Downloads: dir,
		Environ:  append(os.Environ(), "TOLD="+told),
		LookPath: func(string) (string, error) { return "", errors.New("none") },
	}, told
}

// tell is shell for: write the rest of the line into the told file at once.
const tell = `tell() { echo "$@" >"$TOLD.new"; mv "$TOLD.new" "$TOLD"; }` + "\n"

func wait(t *testing.T, told string) string {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(time.Minute)
	for {
		if data, err := os.ReadFile(told); err == nil {
			return strings.TrimSpace(string(data))
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("the fake browser said nothing")
		}
	}
}

func checkEmpty(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left in the temporary directory: %v, %v", left, err)
	}
}

func TestArgumentsAndModes(t *testing.T) {
	t.Parallel()
	s, told := fakeBrowser(t, `for a; do case $a in --user-data-dir=*) p=${a#*=};; esac; done
{ echo "$@"; echo "$HOME"; stat -c %a "$p/.." "$HOME" "$p/Default/Preferences"; } >"$TOLD"`+"\necho words >&2\necho out\n")
	var stdout, stderr bytes.Buffer
	s.Stdout, s.Stderr, s.URL, s.Args = &stdout, &stderr, "https://a.example/", []string{"--no-sandbox", "--lang=de"}
	if err := s.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	checkEmpty(t, s.TempDir)
	lines := strings.Split(wait(t, told), "\n")
	if !strings.HasSuffix(lines[0], " https://a.example/ --no-sandbox --lang=de") || !strings.Contains(lines[0], " --ignore-certificate-errors-spki-list="+s.CA.SPKI()+" ") {
		t.Errorf("arguments = %s, want the SPKI, the address, then the user's flags", lines[0])
	}
	if privateHomes() && !strings.HasPrefix(lines[1], s.TempDir) {
		t.Errorf("HOME = %s, want it in %s", lines[1], s.TempDir)
	}
	if len(lines) != 5 || lines[2] != "700" || lines[3] != "700" || lines[4] != "600" {
		t.Errorf("modes = %v, want 700 700 600", lines[2:])
	}
	if stdout.String() != "out\n" || stderr.String() != "words\n" {
		t.Errorf("passed on %q and %q, want the browser's words and, with --no-sandbox, no hint", stdout.String(), stderr.String())
	}
}

func TestRootIsHinted(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("for root only")
	}
	s, _ := fakeBrowser(t, "exit 0\n")
	var stderr bytes.Buffer
	s.Stderr = &stderr
	if err := s.Run(context.Background()); err != nil || !strings.Contains(stderr.String(), "-- --no-sandbox") {
		t.Errorf("Run = %v, said %q, want a hint", err, stderr.String())
	}
}

func TestFailureIsReported(t *testing.T) {
	t.Parallel()
	s, _ := fakeBrowser(t, "exit 7\n")
	if err := s.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "exit status 7") {
		t.Errorf("Run = %v, want the exit status", err)
	}
	checkEmpty(t, s.TempDir)
}

// TestGroupEnds lets a browser that ignores SIGTERM and keeps a helper be ended
// by ctx, and another that ends by itself leave a helper behind that keeps
// stderr open.
func TestGroupEnds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, script string
		cancel       bool
	}{
		{"stubborn", tell + "trap '' TERM\nsleep 1000 & tell $$ $!\nwhile :; do sleep 1000; done\n", true},
		{"polite", tell + "trap 'exit 3' TERM\nsleep 1000 & tell $$ $!\nwait\n", true},
		{"closed by its user", tell + "trap '' TERM\nsleep 1000 & tell $$ $!\nexit 0\n", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, told := fakeBrowser(t, tc.script)
			s.Stderr = &bytes.Buffer{}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			ended := make(chan error, 1)
			go func() { ended <- s.Run(ctx) }()
			pids := strings.Fields(wait(t, told))
			if tc.cancel {
				cancel()
			}
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("Run = %v, want nil", err)
				}
			case <-time.After(time.Minute):
				t.Fatal("still running")
			}
			checkEmpty(t, s.TempDir)
			for _, pid := range pids {
				checkDead(t, pid)
			}
		})
	}
}

// checkDead waits for a killed process to be gone or a zombie that whoever
// adopted it has yet to reap.
func checkDead(t *testing.T, pid string) {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(time.Minute)
	for {
		stat, _ := os.ReadFile("/proc/" + pid + "/stat") // empty where there is no /proc
		if errors.Is(syscall.Kill(n, 0), syscall.ESRCH) || strings.Contains(string(stat), ") Z ") {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Errorf("process %s is still there", pid)
			return
		}
	}
}

func TestCancelledBeforeStart(t *testing.T) {
	t.Parallel()
	s, told := fakeBrowser(t, tell+"tell started\n")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want context.Canceled", err)
	}
	if _, err := os.Stat(told); err == nil {
		t.Error("the browser was started")
	}
	checkEmpty(t, s.TempDir)
}

func TestRemoveLeftovers(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	old := time.Now().Add(-2 * settle)
	lay := func(name string, mode os.FileMode, lock bool) string {
		dir := filepath.Join(base, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if lock {
			file := filepath.Join(dir, lockName)
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(file, old, old); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	dead := lay(tempPrefix+"dead", 0o700, true)
	keep := map[string]string{
		"no lock file":    lay(tempPrefix+"bare", 0o700, false),
		"open to others":  lay(tempPrefix+"open", 0o755, true),
		"another's name":  lay("other-dead", 0o700, true),
		"a live session":  lay(tempPrefix+"live", 0o700, true),
		"just being made": lay(tempPrefix+"young", 0o700, true),
	}
	if err := os.Chtimes(filepath.Join(keep["just being made"], lockName), time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	held, err := os.Open(filepath.Join(keep["a live session"], lockName))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if err := unix.Flock(int(held.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(keep["another's name"], filepath.Join(base, tempPrefix+"link")); err != nil {
		t.Fatal(err)
	}
	removeLeftovers(base)
	if _, err := os.Stat(dead); err == nil {
		t.Error("the directory of a dead session is left")
	}
	for what, dir := range keep {
		if _, err := os.Stat(dir); err != nil {
			t.Errorf("removed %s: %v", what, err)
		}
	}
}

// TestKilled kills a process that runs a session: the browser goes with it,
// and the next start removes its directory.
func TestKilled(t *testing.T) {
	if os.Getenv("QUENCH_TEST_SESSION") != "" {
		runToBeKilled(t)
		return
	}
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("the kernel ends orphans on Linux only")
	}
	t.Parallel()
	dir := t.TempDir()
	told := filepath.Join(dir, "told")
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), "QUENCH_TEST_SESSION="+dir, "TOLD="+told, "TMPDIR="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := wait(t, told)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the killed process ended well")
	}
	checkDead(t, pid)
	left, err := filepath.Glob(filepath.Join(dir, tempPrefix+"*", lockName))
	if err != nil || len(left) != 1 {
		t.Fatalf("lock files = %q, %v, want one", left, err)
	}
	old := time.Now().Add(-2 * settle)
	if err := os.Chtimes(left[0], old, old); err != nil {
		t.Fatal(err)
	}
	removeLeftovers(dir)
	if _, err := os.Stat(filepath.Dir(left[0])); err == nil {
		t.Error("the directory is left")
	}
}

func runToBeKilled(t *testing.T) {
	s, _ := fakeBrowser(t, tell+"tell $$\nexec sleep 1000\n")
	s.TempDir, s.Environ = os.Getenv("QUENCH_TEST_SESSION"), nil
	_ = s.Run(context.Background()) // does not come back
}

func TestRemovalFailureNamesTheDirectory(t *testing.T) {
	t.Parallel()
	d, err := makeTempDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	path := d.path
	d.path = filepath.Join(path, lockName, "below a file") // no RemoveAll succeeds there: ENOTDIR
	err = d.remove()
	if err == nil || !strings.Contains(err.Error(), d.path) || !strings.Contains(err.Error(), "by hand") {
		t.Errorf("remove = %v, want an error that names the directory", err)
	}
}
