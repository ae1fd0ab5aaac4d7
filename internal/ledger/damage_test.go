package ledger

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const childEnv = "QUENCH_TEST_LEDGER_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		writeForever(dir)
		return
	}
	os.Exit(m.Run())
}

// writeForever writes events until it is killed, and prints the id of each
// that is committed.
func writeForever(dir string) {
	l, err := Open(context.Background(), Options{Dir: dir})
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	committed := l.Follow(context.Background(), Filter{})
	go func() {
		for i := 0; ; i++ {
			l.Note(note("Meta", fmt.Sprint("s", i, ".example"), time.Now()))
			if i%64 == 63 {
				_ = l.Flush(context.Background())
			}
		}
	}()
	for e := range committed {
		fmt.Println(e.ID)
	}
}

func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seen := map[int64]bool{}
	for range 6 {
		ids := killedAfter(t, dir, 50+rand.IntN(600))
		for _, id := range ids {
			if seen[id] {
				t.Fatalf("the number %d was used twice", id)
			}
			seen[id] = true
		}
		l := start(t, Options{Dir: dir})
		have := map[int64]bool{}
		for _, e := range all(t, l, Filter{}) {
			have[e.ID] = true
		}
		for id := range seen {
			if !have[id] {
				t.Errorf("event %d was committed and is lost", id)
			}
		}
		if s := l.Stats(); s.LastError != "" || !s.ReplacedAt.IsZero() {
			t.Errorf("stats %+v after kill", s)
		}
		stop(t, l)
		integrity(t, dir)
	}
	t.Logf("%d committed events printed before six kills, none lost", len(seen))
}

// killedAfter runs a child that writes, kills it when it has printed n ids,
// and returns all it printed.
func killedAfter(t *testing.T, dir string, n int) (ids []int64) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childEnv+"="+dir)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		id, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
		if err != nil {
			t.Errorf("the child says %q", line)
			break
		}
		if ids = append(ids, id); len(ids) == n {
			if err := c.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = c.Wait()
	if len(ids) < n {
		t.Fatalf("the child wrote %d events, want %d", len(ids), n)
	}
	return ids
}

func integrity(t *testing.T, dir string) {
	t.Helper()
	uri, err := fileURI(filepath.Join(dir, dirName, fileName))
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", uri)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var got string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&got); err != nil || got != "ok" {
		t.Errorf("integrity check: %q, %v", got, err)
	}
	if rows, err := db.Query("PRAGMA foreign_key_check"); err != nil {
		t.Error(err)
	} else {
		if rows.Next() {
			t.Error("fields are left without their event")
		}
		rows.Close()
	}
}

func TestDamagedAtOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, dirName, fileName)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.Repeat("this is no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	l := start(t, Options{Dir: dir})
	checkReplaced(t, dir, l)
}

func TestDamagedUnderway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := start(t, Options{Dir: dir})
	for i := range 300 {
		l.Note(note("Meta", fmt.Sprint("s", i, ".example"), noon))
	}
	settle(t, l)
	stop(t, l)
	file := filepath.Join(dir, dirName, fileName)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 3 * 4096; i < len(b); i++ { // past the schema
		b[i] = 0xA5
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	l = start(t, Options{Dir: dir})
	l.Note(note("X", "now.example", noon))
	settle(t, l)
	if _, err := l.Count(t.Context(), Filter{}); err != nil {
		t.Error(err)
	}
	if got := all(t, l, Filter{}); len(got) != 1 || got[0].Tracker.Company != "X" {
		t.Errorf("after the damage: %d events, want the new one", len(got))
	}
	checkReplaced(t, dir, l)
}

func checkReplaced(t *testing.T, dir string, l *Ledger) {
	t.Helper()
	if s := l.Stats(); s.ReplacedAt.IsZero() || s.LastError != "" {
		t.Errorf("stats %+v, want replaced and writing", s)
	}
	aside, _ := filepath.Glob(filepath.Join(dir, dirName, fileName+".corrupt-*"))
	if len(aside) == 0 {
		t.Error("the damaged file is not kept aside")
	}
	l.Note(note("Y", "later.example", noon))
	settle(t, l)
	if got := all(t, l, Filter{Company: "Y"}); len(got) != 1 {
		t.Errorf("%d events in the new store, want 1", len(got))
	}
	if _, err := l.Erase(t.Context(), EraseFilter{Site: "nowhere.example"}); err != nil {
		t.Error(err)
	}
	if aside, _ = filepath.Glob(filepath.Join(dir, dirName, fileName+".corrupt-*")); len(aside) != 0 {
		t.Errorf("erasing left %v", aside)
	}
}

func TestLinkKeyIsStable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var links []string
	for range 2 {
		l := start(t, Options{Dir: dir})
		l.Note(note("Meta", "shop.example", noon))
		settle(t, l)
		for _, e := range all(t, l, Filter{}) {
			links = append(links, e.Disclosed[0].Link)
		}
		stop(t, l)
	}
	if len(links) != 3 || links[0] != links[2] || links[0] == "" {
		t.Errorf("links %q, want one and the same", links)
	}
	if err := os.WriteFile(filepath.Join(dir, dirName, keyName), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := linkKey(filepath.Join(dir, dirName, keyName))
	if err != nil || len(key) != keySize {
		t.Errorf("a damaged key gives %d bytes, %v, want a new one of %d", len(key), err, keySize)
	}
}

// settleBoth has two ledgers of one directory write what they have. On a busy
// machine one may keep the file for longer than the other waits at a time; that
// one says so, keeps what it has and tries again.
func settleBoth(t *testing.T, ledgers ...*Ledger) {
	t.Helper()
	for _, l := range ledgers {
		for end := time.Now().Add(time.Minute); ; {
			err := l.Flush(t.Context())
			s := l.Stats()
			held := s.LastError == "" || s.LastError == "another program holds the ledger locked"
			if s.Lost.Total() != 0 || err != nil && (!held || time.Now().After(end)) {
				t.Fatalf("not written: %v; %+v", err, s)
			}
			if err == nil {
				break
			}
		}
	}
}

// TestTwoPrograms has two ledgers share one directory, as "serve" and "browse" may.
func TestTwoPrograms(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := start(t, Options{Dir: dir}), start(t, Options{Dir: dir})
	const each = 500
	for i := range each {
		a.Note(note("A", fmt.Sprint("s", i, ".example"), noon))
		b.Note(note("B", fmt.Sprint("s", i, ".example"), noon))
	}
	settleBoth(t, a, b)
	if n, err := a.Count(t.Context(), Filter{}); err != nil || n != 2*each {
		t.Errorf("%d events, %v, want %d", n, err, 2*each)
	}
	if n, err := b.Erase(t.Context(), EraseFilter{Site: "s7.example"}); err != nil || n != 2 {
		t.Errorf("Erase = %d, %v, want 2", n, err)
	}
	a.Note(note("A", "again.example", noon))
	settle(t, a)
	if n, err := b.Count(t.Context(), Filter{}); err != nil || n != 2*each-1 {
		t.Errorf("%d events after erasing, %v, want %d", n, err, 2*each-1)
	}
	wants(t, dir, "after erasing", []string{"s77.example"}, []string{"www.s7.example"})
}
