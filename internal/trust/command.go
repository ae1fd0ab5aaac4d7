package trust

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

const (
	commandTime   = 2 * time.Minute // update-ca-certificates takes many seconds on small machines
	commandOutput = 16 << 20        // a whole NSS listing is far smaller
	commandStderr = 400             // of a failed command's words, in the error
)

// Command is a program and its arguments, to be run as it is or to be shown to
// a person.
type Command struct {
	Name string
	Args []string
}

// String returns the command as a POSIX shell takes it.
func (c Command) String() string {
	words := []string{shellQuote(c.Name)}
	for _, arg := range c.Args {
		words = append(words, shellQuote(arg))
	}
	return strings.Join(words, " ")
}

func shellQuote(s string) string {
	plain := strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,@%+") == ""
	if s != "" && plain {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Runner runs a command without a terminal and returns its standard output. An
// error carries what the command said on standard error.
type Runner func(ctx context.Context, c Command) ([]byte, error)

// Run is the Runner that starts real processes. Time and output are bounded.
func Run(ctx context.Context, c Command) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.Name, c.Args...)
	cmd.WaitDelay = time.Second
	var stdout, stderr cappedBuffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		said := strings.Join(strings.Fields(stderr.String()), " ")
		if len(said) > commandStderr {
			said = said[:commandStderr] + "…"
		}
		return stdout.Bytes(), fmt.Errorf("running %s: %w: %s", c.Name, err, said)
	}
	return stdout.Bytes(), nil
}

// cappedBuffer drops what goes past commandOutput, so that a command gone wild
// cannot fill memory and does not block either.
type cappedBuffer struct{ bytes.Buffer }

func (b *cappedBuffer) Write(p []byte) (int, error) {
	if room := commandOutput - b.Len(); room > 0 {
		b.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
