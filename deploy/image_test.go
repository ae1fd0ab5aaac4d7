//go:build linux

// Package deploy holds what installs Quench; this tests its image.
package deploy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// engine is podman and buildah with a store of their own.
type engine struct {
	t    *testing.T
	args []string
}

func newEngine(t *testing.T) *engine {
	t.Helper()
	for _, name := range []string{"podman", "buildah", "runc"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("no %s here", name)
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("without root the engine would want user namespaces")
	}
	dir, err := os.MkdirTemp("", "img") // not t.TempDir: paths of sockets are short
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{t: t, args: []string{"--root", dir + "/s", "--runroot", dir + "/r", "--storage-driver", "vfs"}}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return e
}

func (e *engine) run(program string, args ...string) (string, error) {
	all := append([]string{}, e.args...)
	if program == "podman" {
		all = append(all, "--runtime", "runc")
	}
	out, err := exec.Command(program, append(all, args...)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (e *engine) must(program string, args ...string) string {
	e.t.Helper()
	out, err := e.run(program, args...)
	if err != nil {
		e.t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
	return out
}

// lastStage returns the Dockerfile's image, made of files in the folder out
// instead of those of its build stage: no image has to be fetched for it.
func lastStage(t *testing.T) string {
	t.Helper()
	file, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	_, stage, ok := strings.Cut(string(file), "\nFROM scratch\n")
	if !ok {
		t.Fatal("the Dockerfile's last stage is not FROM scratch")
	}
	stage = strings.ReplaceAll(stage, "--from=build ", "")
	stage = strings.ReplaceAll(stage, " /etc/ssl/certs/ca-certificates.crt ", " out/ca-certificates.crt ")
	return "FROM scratch\n" + strings.ReplaceAll(stage, " /out/", " out/")
}

// buildContext makes the folder that the image is built from.
func buildContext(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	if err := os.MkdirAll(filepath.Join(out, "lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(out, "lib", "quench"), 0o700); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(out, "quench"), "../cmd/quench")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build quench: %v\n%s", err, said)
	}
	for name, text := range map[string]string{
		"Dockerfile": lastStage(t), "out/ca-certificates.crt": "# none\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestImage runs the image as deploy/Dockerfile says to: nothing but its volume
// can be written to, by a user who is not root and may nothing.
func TestImage(t *testing.T) {
	e := newEngine(t)
	dir := buildContext(t)
	e.must("buildah", "bud", "--isolation", "chroot", "-t", "quench-test", dir)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	config := filepath.Join(dir, "quench.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "proxy: {listen: %q}\n", addr), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	// The last two let it run where the engine itself may raise no limit and
	// make no control group.
	said, err := e.run("podman", "run", "-d", "--name", "q", "--network", "host", "--read-only", "--read-only-tmpfs=false",
		"--cap-drop", "ALL", "--security-opt", "no-new-privileges", "-v", "data:/var/lib/quench", "-v", config+":/etc/quench/quench.yaml:ro",
		"--ulimit", "nofile=4096:4096", "--ulimit", "nproc=512:512", "--cgroups=no-conmon", "quench-test")
	if err != nil {
		t.Skipf("containers cannot run here: %v: %s", err, said)
	}
	defer func() { _, _ = e.run("podman", "rm", "-f", "-t", "5", "-v", "q") }()
	resp, err := askUntil(addr)
	if err != nil {
		t.Fatalf("%v; it says:\n%s", err, e.must("podman", "logs", "q"))
	}
	if resp.Header.Get("Content-Type") != "image/gif" {
		t.Errorf("a pixel was answered with %s, %v", resp.Status, resp.Header)
	}
	pid := e.must("podman", "inspect", "q", "--format", "{{.State.Pid}}")
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\nUid:\t65532\t65532\t65532\t65532\n", "\nCapEff:\t0000000000000000\n", "\nCapBnd:\t0000000000000000\n", "\nNoNewPrivs:\t1\n"} {
		if !strings.Contains(string(status), want) {
			t.Errorf("its status lacks %q", want)
		}
	}
	for path, may := range map[string]bool{"/var/lib/quench/man": true, "/man": false, "/etc/man": false, "/var/lib/man": false, "/tmp/man": false} {
		if said, err := e.run("podman", "exec", "q", "/quench", "man", path); (err == nil) != may {
			t.Errorf("writing to %s: %v, %s; want it to succeed: %v", path, err, said, may)
		}
	}
	e.must("podman", "stop", "-t", "10", "q")
	if code := e.must("podman", "inspect", "q", "--format", "{{.State.ExitCode}}"); code != "0" {
		t.Errorf("it ended with %s", code)
	}
}

// askUntil asks for a tracker's pixel through the proxy until it answers.
func askUntil(addr string) (*http.Response, error) {
	tr := &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: addr}), DisableKeepAlives: true}
	c := &http.Client{Transport: tr, Timeout: 10 * time.Second}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); ; <-tick.C {
		resp, err := c.Get("http://www.facebook.com/tr?id=1")
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			return resp, err
		}
		if time.Now().After(end) {
			return nil, err
		}
	}
}
