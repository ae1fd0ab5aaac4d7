// Package run scans whole mailboxes: it reads messages one after the other,
// scans several at a time, and gives the reports in the order of the messages.
//
// Memory does not grow with the mailbox: MaxHeld bounds the bytes of the
// messages that are under way.
package run

import (
	"context"
	"errors"
	"runtime"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/quench-proxy/quench/internal/scan"
	"github.com/quench-proxy/quench/internal/scan/source"
)

// MaxHeld is how many bytes of messages are under way at a time; a message
// longer than that is scanned alone.
const MaxHeld = 8 << 20

// perMessage is what a message counts at least: its findings take room too.
const perMessage = 32 << 10

// Options of Scan.
type Options struct {
	Paths  []string
	Source source.Options
	// Workers is how many messages are scanned at a time; 0 is one for each
	// processor.
	Workers int
}

// Sink takes what comes out, in order and in the caller's goroutine. An error
// of Report ends the scan.
type Sink struct {
	// Report takes a report and the message it is about. Until it returns it may
	// read the message's Raw and the report's Findings.
	Report func(*scan.Report, *source.Message) error
	// Failed takes an input that could not be read, or not to its end, or that
	// was passed over (source.ErrSkipped).
	Failed func(*source.FileError)
}

// item is one message or failure on its way.
type item struct {
	msg    *source.Message
	err    *source.FileError
	weight int64
	report chan *scan.Report
}

// Scan scans all messages of o.Paths with s. It returns the place behind the
// last message reported, from which a later Scan goes on; the error is ctx's,
// or the Sink's. Nothing runs any more when it returns.
func Scan(ctx context.Context, s *scan.Scanner, o Options, to Sink) (source.Place, error) {
	workers := o.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	p := &pipe{
		s: s, room: semaphore.NewWeighted(MaxHeld), todo: make(chan *item),
		order: make(chan *item, 4*workers), stop: make(chan struct{}),
	}
	var running sync.WaitGroup
	running.Go(func() { p.read(ctx, o) })
	for range workers {
		running.Go(p.work)
	}
	last, err := p.write(o.Source.From, to)
	close(p.stop)
	for it := range p.order { // what is under way ends
		p.room.Release(it.weight)
	}
	running.Wait()
	return last, errors.Join(err, ctx.Err())
}

type pipe struct {
	s     *scan.Scanner
	room  *semaphore.Weighted
	todo  chan *item // to the workers
	order chan *item // to the writer
	stop  chan struct{}
}

// read sends what the source gives to workers and writer.
func (p *pipe) read(ctx context.Context, o Options) {
	defer close(p.order)
	defer close(p.todo)
	for m, err := range source.Open(ctx, o.Paths, o.Source) {
		if ctx.Err() != nil {
			return // what came half is no message
		}
		it := &item{msg: m, report: make(chan *scan.Report, 1)}
		if err != nil && !errors.As(err, &it.err) {
			it.err = &source.FileError{Err: err}
		}
		if m != nil {
			it.weight = min(MaxHeld, max(perMessage, int64(len(m.Raw))))
		}
		if p.room.Acquire(ctx, it.weight) != nil || !p.send(ctx, it) {
			return
		}
	}
}

// send hands it over; false if nobody wants more. An archive is scanned here:
// its bytes are there only until the next message is asked for.
func (p *pipe) send(ctx context.Context, it *item) bool {
	if it.msg != nil && it.msg.Kind == source.HAR {
		it.report <- p.s.Message(it.msg)
	}
	select {
	case p.order <- it:
	case <-p.stop:
		p.room.Release(it.weight)
		return false
	case <-ctx.Done():
		p.room.Release(it.weight)
		return false
	}
	if it.err != nil || it.msg.Kind == source.HAR {
		return true
	}
	p.todo <- it // never waits for the writer: workers only wait for messages
	return true
}

func (p *pipe) work() {
	for it := range p.todo {
		it.report <- p.s.Message(it.msg)
	}
}

// write gives the reports in order.
func (p *pipe) write(last source.Place, to Sink) (source.Place, error) {
	for it := range p.order {
		if it.err != nil {
			to.Failed(it.err)
			continue
		}
		report := <-it.report
		err := to.Report(report, it.msg)
		p.s.Reuse(report)
		p.room.Release(it.weight)
		if err != nil {
			return last, err
		}
		last = it.msg.After()
	}
	return last, nil
}
