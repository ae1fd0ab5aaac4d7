package main

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/quench-proxy/quench/internal/dnsfilter"
)

const (
	// queryLogName is the query log in the data directory; the one before it has
	// ".1" behind it.
	queryLogName = "queries.jsonl"
	// maxQueryLog is when a new file is begun.
	maxQueryLog = 16 << 20
	// maxQueued bounds what waits to be written; what is more is not logged.
	maxQueued = 4096
	// flushEvery is how long a line may wait for others.
	flushEvery = time.Second
)

// queryLog writes every question, for those who asked for that. Instead of the
// client it has a mark that is another one each day, and of the time only the
// minute: enough to see what a network asks for, not who asked when.
type queryLog struct {
	path  string
	log   *slog.Logger
	queue chan dnsfilter.Query
	lost  atomic.Int64

	file *os.File
	out  *bufio.Writer
	size int64
	day  string
	key  [32]byte
}

// queryLine is one line.
type queryLine struct {
	Schema int    `json:"schema"`
	Time   string `json:"time"`
	Client string `json:"client"`
	Host   string `json:"host"`
	Type   uint16 `json:"type"`
	RCode  int    `json:"rcode"`
	Action string `json:"action"`
	From   string `json:"from"`
	Via    string `json:"via"`
	MS     int64  `json:"ms"`
}

func openQueryLog(dir string, log *slog.Logger) (*queryLog, error) {
	q := &queryLog{path: filepath.Join(dir, queryLogName), log: log, queue: make(chan dnsfilter.Query, maxQueued)}
	return q, q.open()
}

func (q *queryLog) open() error {
	f, err := os.OpenFile(q.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the query log: %w", err)
	}
	st, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return fmt.Errorf("open the query log: %w", err)
	}
	q.file, q.out, q.size = f, bufio.NewWriter(f), st.Size()
	return nil
}

// note takes a question. It never waits.
func (q *queryLog) note(x dnsfilter.Query) {
	select {
	case q.queue <- x:
	default:
		q.lost.Add(1)
	}
}

// serve writes until ctx ends, and then what is queued.
func (q *queryLog) serve(ctx context.Context) {
	defer q.close()
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case x := <-q.queue:
			q.write(x)
		case <-tick.C:
			q.flush()
		case <-ctx.Done():
			for {
				select {
				case x := <-q.queue:
					q.write(x)
					continue
				default:
				}
				return
			}
		}
	}
}

func (q *queryLog) write(x dnsfilter.Query) {
	at := x.At.UTC()
	if day := at.Format(time.DateOnly); day != q.day {
		q.day = day
		_, _ = rand.Read(q.key[:]) // never fails
	}
	m := hmac.New(sha256.New, q.key[:])
	m.Write([]byte(x.Client))
	line, err := json.Marshal(queryLine{Schema: 1, Time: at.Truncate(time.Minute).Format(time.RFC3339),
		Client: hex.EncodeToString(m.Sum(nil)[:4]), Host: x.Host, Type: x.QType, RCode: x.RCode,
		Action: x.Action.String(), From: x.From, Via: x.Via, MS: x.Took.Milliseconds()})
	if err != nil {
		return
	}
	n, _ := q.out.Write(append(line, '\n')) // flush reports
	if q.size += int64(n); q.size > maxQueryLog {
		q.rotate()
	}
}

func (q *queryLog) rotate() {
	q.flush()
	_ = q.file.Close()
	if err := os.Rename(q.path, q.path+".1"); err != nil {
		q.log.Error("the query log cannot be put aside", "err", err)
	}
	if err := q.open(); err != nil {
		q.log.Error("the query log ends", "err", err)
		q.file, q.out = nil, bufio.NewWriter(discarded{})
	}
}

type discarded struct{}

func (discarded) Write(p []byte) (int, error) { return len(p), nil }

func (q *queryLog) flush() {
	if err := q.out.Flush(); err != nil {
		q.log.Error("the query log cannot be written", "err", err)
		q.out.Reset(q.file)
	}
}

// close writes what is buffered; a nil log has nothing.
func (q *queryLog) close() {
	if q == nil {
		return
	}
	q.flush()
	if q.file != nil {
		_ = q.file.Close()
	}
}
