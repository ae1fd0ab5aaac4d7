// Package faults is a bad network: it listens before a server and does to each
// connection what networks and servers do at their worst.
//
// The faults are Toxiproxy's toxics. The listener is our own: Toxiproxy's puts
// the same toxics on all connections of a port, counts nothing, and keeps
// goroutines of connections that a toxic has closed while data was under way.
// Here each connection draws one toxic and the moment at which it strikes, is
// counted, and is let go.
package faults

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Fault is what happens to one connection.
type Fault int

// The faults. None lets the connection be.
const (
	None      Fault = iota
	Latency         // 5 to 50 ms before each piece of an answer
	Slicer          // answers come in slices of a kilobyte
	Bandwidth       // answers trickle: 64 KB a second
	SlowClose       // the end of the answer is held back for three seconds
	Limit           // an orderly end after some bytes of an answer
	Reset           // a reset instead of a piece of an answer
	Timeout         // silence, and an orderly end after 1.5 seconds of it
	HalfOpen        // silence both ways, without an end
	FaultsLen       // how many there are
)

var names = [FaultsLen]string{"none", "latency", "slicer", "bandwidth", "slow_close", "limit_data", "reset_peer", "timeout", "half_open"}

func (f Fault) String() string { return names[f] }

const (
	maxConns = 2048 // more are closed at once
	// halfLife is how long a connection stays half open, or half ended, if
	// nobody lets go of it: longer than any bound of who is tested.
	halfLife = 10 * time.Minute
	maxSpan  = 256 << 10       // bytes of an answer after which a fault strikes, at most
	maxWait  = 3 * time.Second // or the time, whichever comes first
)

// Weights say how often each fault strikes beside the others.
type Weights [FaultsLen]int

// Options say how a Listener is.
type Options struct {
	Target  string  // host and port of the server
	Weights Weights // at least one above 0
	Seed    uint64  // makes the order of faults the same again
	// Life ends connections that are still well after it; 0 is 60 s.
	Life time.Duration
}

// Listener stands before a server.
type Listener struct {
	o      Options
	ln     net.Listener
	total  int
	counts [FaultsLen]atomic.Int64
	open   atomic.Int64

	mu  sync.Mutex
	rng *rand.Rand
	sem chan struct{}
	wg  sync.WaitGroup
	ctx context.Context
	end context.CancelFunc
}

// Listen starts on a port of 127.0.0.1.
func Listen(o Options) (*Listener, error) {
	l := &Listener{o: o, rng: rand.New(rand.NewPCG(o.Seed, o.Seed)), sem: make(chan struct{}, maxConns)}
	if l.o.Life == 0 {
		l.o.Life = time.Minute
	}
	for _, w := range o.Weights {
		l.total += max(0, w)
	}
	if l.total == 0 {
		return nil, errors.New("no fault has a weight")
	}
	var err error
	if l.ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	l.ctx, l.end = context.WithCancel(context.Background())
	l.wg.Go(l.accept)
	return l, nil
}

// Addr returns where l listens.
func (l *Listener) Addr() string { return l.ln.Addr().String() }

// Counts returns how many connections drew each fault.
func (l *Listener) Counts() (n [FaultsLen]int64) {
	for i := range n {
		n[i] = l.counts[i].Load()
	}
	return n
}

// Open returns how many connections are open.
func (l *Listener) Open() int64 { return l.open.Load() }

// Close ends all connections and returns when nothing is left.
func (l *Listener) Close() error {
	l.end()
	err := l.ln.Close()
	l.wg.Wait()
	return err
}

func (l *Listener) accept() {
	for {
		c, err := l.ln.Accept()
		if err != nil {
			return
		}
		select {
		case l.sem <- struct{}{}:
		default:
			_ = c.Close()
			continue
		}
		d := l.draw()
		l.counts[d.fault].Add(1)
		l.open.Add(1)
		l.wg.Go(func() {
			defer func() {
				l.open.Add(-1)
				<-l.sem
			}()
			l.serve(c.(*net.TCPConn), d)
		})
	}
}

// drawn is what a connection will meet.
type drawn struct {
	fault Fault
	span  int64         // strikes after so many bytes of an answer
	wait  time.Duration // or so long
}

func (l *Listener) draw() drawn {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.rng.IntN(l.total)
	d := drawn{span: l.rng.Int64N(maxSpan), wait: time.Duration(l.rng.Int64N(int64(maxWait)))}
	if l.rng.IntN(4) == 0 { // in the handshake, or instead of the first answer
		d.span = 0
	}
	for f, w := range l.o.Weights {
		if n < w {
			d.fault = Fault(f)
			break
		}
		n -= max(0, w)
	}
	return d
}

func (l *Listener) serve(c *net.TCPConn, d drawn) {
	defer c.Close()
	life := l.o.Life
	if d.fault == HalfOpen || d.fault == SlowClose {
		life = halfLife
	}
	ctx, cancel := context.WithTimeout(l.ctx, life)
	defer cancel()
	up, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", l.o.Target)
	if err != nil {
		return
	}
	defer up.Close()
	carry(ctx, c, up.(*net.TCPConn), d)
}
