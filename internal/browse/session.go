package browse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/quench-proxy/quench/internal/trust"
)

const (
	// quitTime is how long a browser may take to close when asked to.
	quitTime = 5 * time.Second
	// drainTime is how long its last words on stderr are waited for.
	drainTime = 2 * time.Second
)

// Session is one run of a browser. Browser, Proxy and CA are required; the
// rest has useful zeros. A Session is a value: it may be run again.
type Session struct {
	Browser Browser
	Proxy   string    // host:port of the proxy, without scheme or credentials
	CA      *trust.CA // trusted by this browser alone
	URL     string    // opened first; empty is a blank page
	Args    []string  // the user's own flags, last, so that they win

	Downloads string    // where downloads go; empty is the user's own folder
	Stdout    io.Writer // the browser's; nil discards
	Stderr    io.Writer // the browser's and our hints; nil discards

	TempDir  string                       // holds the temporary profile; empty is os.TempDir
	Environ  []string                     // nil is os.Environ
	LookPath func(string) (string, error) // finds certutil; nil is exec.LookPath
}

// ErrNeedsCertutil says that Firefox cannot be opened without NSS's certutil,
// because nothing else can make its profile trust the CA.
var ErrNeedsCertutil = errors.New("firefox needs certutil for its temporary profile")

// Run opens the browser and returns when it has been closed, or was ended
// because ctx was. Nothing it started is left then, nor any file but
// downloads; if the temporary directory cannot be removed, the error names it.
// A browser closed by its user or by ctx is no error; one that fails to start
// or ends with a failure is.
func (s Session) Run(ctx context.Context) (err error) {
	if s, err = s.withDefaults(); err != nil {
		return err
	}
	removeLeftovers(s.TempDir)
	dir, err := makeTempDir(s.TempDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.remove()) }()
	cmd, err := s.command(ctx, dir.path)
	if err != nil {
		return err
	}
	s.hint()
	if _, err := os.Stat(s.Downloads); errors.Is(err, fs.ErrNotExist) {
		// Browsers make the folder even if nothing is downloaded; one with files
		// in it is not removed by this.
		defer os.Remove(s.Downloads)
	}
	return s.runCommand(ctx, cmd)
}

func (s Session) withDefaults() (Session, error) {
	host, port, err := net.SplitHostPort(s.Proxy)
	if err != nil || host == "" {
		return s, fmt.Errorf("opening a browser: proxy address %q: want host:port", s.Proxy)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return s, fmt.Errorf("opening a browser: proxy address %q: bad port", s.Proxy)
	}
	if strings.HasPrefix(s.URL, "-") {
		return s, fmt.Errorf("opening a browser: %q is a flag, not an address: flags go after --", s.URL)
	}
	if s.Browser.Path == "" || s.CA == nil {
		return s, errors.New("opening a browser: no browser or no CA given")
	}
	if s.URL == "" {
		s.URL = "about:blank" // a start page would call its maker
	}
	if s.Environ == nil {
		s.Environ = os.Environ()
	}
	if s.TempDir == "" {
		s.TempDir = os.TempDir()
	}
	if s.LookPath == nil {
		s.LookPath = exec.LookPath
	}
	if s.Downloads == "" {
		s.Downloads = downloadDir(s.getenv)
	}
	if !filepath.IsAbs(s.Downloads) {
		return s, fmt.Errorf("opening a browser: downloads folder %q: want an absolute path, is HOME set?", s.Downloads)
	}
	if s.Stdout == nil {
		s.Stdout = io.Discard
	}
	if s.Stderr == nil {
		s.Stderr = io.Discard
	}
	return s, nil
}

func (s Session) getenv(key string) string { return lookupEnv(s.Environ, key) }

// command prepares the profile in dir and the process that uses it.
func (s Session) command(ctx context.Context, dir string) (*exec.Cmd, error) {
	home := ""
	if privateHomes() {
		home = filepath.Join(dir, "h")
		if err := makeHome(home, s.getenv); err != nil {
			return nil, err
		}
	}
	profile := filepath.Join(dir, "p")
	if err := os.Mkdir(profile, 0o700); err != nil {
		return nil, fmt.Errorf("making a browser profile: %w", err)
	}
	var args []string
	var err error
	if s.Browser.Family == Firefox {
		args, err = s.prepareFirefox(ctx, profile)
	} else {
		args, err = s.prepareChromium(ctx, profile, home)
	}
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(s.Browser.Path, append(args, s.Args...)...)
	cmd.Env = s.Environ
	if home != "" {
		cmd.Env = homeEnv(s.Environ, home, dir)
	}
	if info, err := os.Stat(s.Downloads); err == nil && info.IsDir() {
		cmd.Dir = s.Downloads // not ours: a shell's directory could hold it open
	}
	ownGroup(cmd)
	return cmd, nil
}

// privateHomes reports whether a browser takes its home from HOME, and its
// NSS database from there.
func privateHomes() bool { return runtime.GOOS != "darwin" && runtime.GOOS != "windows" }

func (s Session) hint() {
	if s.Browser.Family != Chromium || os.Geteuid() != 0 {
		return
	}
	for _, arg := range s.Args {
		if arg == "--no-sandbox" {
			return
		}
	}
	fmt.Fprintf(s.Stderr, "quench: %s does not run as root with its sandbox: run quench as an ordinary user, or pass `-- --no-sandbox` and lose it\n", s.Browser.Name)
}

// runCommand starts cmd and sees to it that its whole process group is gone
// when it returns.
func (s Session) runCommand(ctx context.Context, cmd *exec.Cmd) error {
	// The kernel ends the browser when the thread that started it ends, so this
	// one has to stay (see ownGroup).
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out, err := newPump(s.Stdout)
	if err != nil {
		return fmt.Errorf("starting %s: %w", s.Browser.Name, err)
	}
	defer out.finish()
	errs, err := newPump(s.Stderr)
	if err != nil {
		return fmt.Errorf("starting %s: %w", s.Browser.Name, err)
	}
	defer errs.finish()
	cmd.Stdout, cmd.Stderr = out.child, errs.child
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("starting %s: %w", s.Browser.Name, err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", s.Browser.Name, err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err = <-done:
	case <-ctx.Done():
		quitGroup(cmd)
		select {
		case <-done:
		case <-time.After(quitTime):
			killGroup(cmd)
			<-done
		}
		err = nil // ended because we asked for it, however it says so
	}
	killGroup(cmd) // helpers that outlive the browser itself
	if err != nil {
		return fmt.Errorf("%s ended: %w", s.Browser.Name, err)
	}
	return nil
}

// pump copies what a child writes to a Writer, without letting a grandchild
// that keeps the pipe open hold up the end.
type pump struct {
	child *os.File // the child's end
	read  *os.File // nil if child is the caller's own file
	done  chan struct{}
}

func newPump(w io.Writer) (*pump, error) {
	if f, ok := w.(*os.File); ok {
		return &pump{child: f}, nil
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p := &pump{child: write, read: read, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		_, _ = io.Copy(w, read) // a Writer that fails loses the words, no more
		_, _ = io.Copy(io.Discard, read)
	}()
	return p, nil
}

func (p *pump) finish() {
	if p.read == nil {
		return
	}
	p.child.Close()
	select {
	case <-p.done:
	case <-time.After(drainTime):
	}
	p.read.Close()
	<-p.done
}
