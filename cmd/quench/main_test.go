package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/quench-proxy/quench/internal/control"
	"github.com/quench-proxy/quench/internal/ledger"
)

// patience bounds every wait for another process; a busy machine needs it.
const patience = time.Minute

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"quench": main, "chromium": fakeBrowser, "systemd-resolve": fakeResolved})
}

// scriptsTime is how long the scripts may take on a slow machine: one that hangs
// says what it waits for, long before the tests' own end.
const scriptsTime = 20 * time.Minute

func TestScript(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:      "testdata/script",
		Deadline: time.Now().Add(scriptsTime),
		Setup: func(e *testscript.Env) error {
			home := filepath.Join(e.WorkDir, "home")
			for k, v := range map[string]string{
				"HOME": home, "DATA": filepath.Join(home, ".local", "share", "quench"),
				"XDG_DATA_HOME": "", "XDG_CONFIG_HOME": "", "STATE_DIRECTORY": "", "CONFIGURATION_DIRECTORY": "",
				"NOTIFY_SOCKET": "", "LISTEN_PID": "", "CREDENTIALS_DIRECTORY": "", "LOGIN": "",
				"NO_COLOR": "1", "TZ": "UTC",
				"HTTP_PROXY": "", "HTTPS_PROXY": "", "http_proxy": "", "https_proxy": "", "ALL_PROXY": "", "all_proxy": "",
			} {
				e.Setenv(k, v)
			}
			return os.Mkdir(home, 0o700)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ready": cmdReady, "get": cmdGet, "waitlog": cmdWaitLog, "holdport": cmdHoldPort, "exitcode": cmdExitCode,
			"waitmode": cmdWaitMode, "hangup": cmdHangup, "reload": cmdReload,
			"listserver": cmdListServer, "waitlist": cmdWaitList, "nulfile": cmdNULFile, "ask": cmdAsk, "holdresolved": cmdHoldResolved, "makecert": cmdMakeCert,
		},
	})
}

// until asks again and again, until what is asked for holds.
func until(ts *testscript.TestScript, what string, holds func() error) {
	deadline := time.Now().Add(patience)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := holds()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s: still %v", what, err)
		}
		<-again.C
	}
}

// cmdReady waits until the service of $DATA answers, and puts the address of
// its proxy into $PROXY.
func cmdReady(ts *testscript.TestScript, _ bool, _ []string) {
	c := control.NewClient(ts.Getenv("DATA"))
	until(ts, "ready", func() error {
		st, err := c.Status(context.Background())
		if err != nil {
			return err
		}
		for _, l := range st.Listeners {
			ts.Setenv(strings.ToUpper(l.Name), l.Address)
		}
		return nil
	})
}

// cmdWaitMode waits until the service is in a mode.
func cmdWaitMode(ts *testscript.TestScript, _ bool, args []string) {
	c := control.NewClient(ts.Getenv("DATA"))
	until(ts, "mode", func() error {
		st, err := c.Status(context.Background())
		if err == nil && st.Mode != args[0] {
			err = fmt.Errorf("%s", st.Mode)
		}
		return err
	})
}

// cmdGet fetches a URL through $PROXY, with a Referer if a second argument is
// given, and prints status and content type.
func cmdGet(ts *testscript.TestScript, _ bool, args []string) {
	proxy := &url.URL{Scheme: "http", Host: ts.Getenv("PROXY")}
	if user, pass, ok := strings.Cut(ts.Getenv("LOGIN"), ":"); ok {
		proxy.User = url.UserPassword(user, pass)
	}
	c := http.Client{Timeout: patience, Transport: &http.Transport{Proxy: http.ProxyURL(proxy), DisableKeepAlives: true}}
	req, err := http.NewRequest("GET", args[0], nil)
	ts.Check(err)
	if len(args) > 1 {
		req.Header.Set("Referer", args[1])
	}
	resp, err := c.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%d %s %d\n", resp.StatusCode, resp.Header.Get("Content-Type"), n)
}

// cmdWaitLog waits until the ledger of the service has so many events.
func cmdWaitLog(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	c := control.NewClient(ts.Getenv("DATA"))
	until(ts, "waitlog", func() error {
		n := 0
		err := c.Events(context.Background(), control.Query{}, func(ledger.Event) error { n++; return nil })
		if err == nil && n < want {
			err = fmt.Errorf("%d events, want %d", n, want)
		}
		return err
	})
}

// cmdHangup tells the service to reload.
func cmdHangup(ts *testscript.TestScript, _ bool, _ []string) {
	st, err := control.NewClient(ts.Getenv("DATA")).Status(context.Background())
	ts.Check(err)
	p, err := os.FindProcess(st.PID)
	ts.Check(err)
	ts.Check(p.Signal(syscall.SIGHUP))
}

// cmdReload reloads through the control socket; with ! it must be refused.
func cmdReload(ts *testscript.TestScript, neg bool, _ []string) {
	err := control.NewClient(ts.Getenv("DATA")).Reload(context.Background())
	if (err != nil) != neg {
		ts.Fatalf("reload: %v", err)
	}
}

// cmdHoldPort listens on a port of the kernel's choice and puts the address
// into the named variable.
func cmdHoldPort(ts *testscript.TestScript, _ bool, args []string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = ln.Close() })
	ts.Setenv(args[0], ln.Addr().String())
}

// cmdExitCode runs quench and checks its exit code: exitcode 2 check.
func cmdExitCode(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec("quench", args[1:]...)
	got := "0"
	var exit interface{ ExitCode() int }
	if errors.As(err, &exit) {
		got = strconv.Itoa(exit.ExitCode())
	} else if err != nil {
		ts.Fatalf("run quench: %v", err)
	}
	if got != args[0] {
		ts.Fatalf("quench %s: exit code %s, want %s", strings.Join(args[1:], " "), got, args[0])
	}
}

// fakeBrowser stands for Chromium: it asks for one pixel through the proxy that
// it was given, says how it was called, and closes.
func fakeBrowser() {
	for _, arg := range os.Args[1:] {
		addr, ok := strings.CutPrefix(arg, "--proxy-server=")
		if !ok {
			continue
		}
		addr = strings.TrimPrefix(addr, "http://")
		c := http.Client{Timeout: patience, Transport: &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: addr})}}
		req, _ := http.NewRequest("GET", "http://www.facebook.com/tr?id=1&ev=PageView&dl=http://shop.example/", nil)
		req.Header.Set("Referer", "http://shop.example/")
		resp, err := c.Do(req)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Fprintln(os.Stderr, "fake browser got", resp.Header.Get("Content-Type"), "and was told", os.Args[len(os.Args)-1])
		_ = resp.Body.Close()
		return
	}
	fmt.Fprintln(os.Stderr, "no proxy given")
	os.Exit(1)
}
