package browsertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/coder/websocket"
)

// maxMessage bounds one message of the browser.
const maxMessage = 64 << 20

type object map[string]any

// errHungUp is what calls get that wait when the connection ends.
var errHungUp = errors.New("the browser hung up")

// bidi is a connection of the WebDriver BiDi protocol: numbered commands,
// their answers, and events in between.
type bidi struct {
	ws     *websocket.Conn
	event  func(method string, params json.RawMessage)
	cancel context.CancelFunc
	reader sync.WaitGroup

	mu      sync.Mutex
	last    int64
	waiting map[int64]chan bidiMessage // nil once the connection has ended
}

type bidiMessage struct {
	ID      int64           `json:"id"`
	Type    string          `json:"type"` // success, error or event
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
	Result  json.RawMessage `json:"result"`
	Error   string          `json:"error"`
	Message string          `json:"message"`
}

// dialBiDi connects to url; event is called for every event, in order, from
// one goroutine.
func dialBiDi(ctx context.Context, url string, event func(string, json.RawMessage)) (*bidi, error) {
	direct := &http.Client{Transport: &http.Transport{}} // whatever the environment says of proxies
	ws, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: direct})
	if err != nil {
		return nil, err
	}
	ws.SetReadLimit(maxMessage)
	live, cancel := context.WithCancel(context.Background())
	b := &bidi{ws: ws, event: event, cancel: cancel, waiting: map[int64]chan bidiMessage{}}
	b.reader.Go(func() { b.read(live) })
	return b, nil
}

func (b *bidi) read(ctx context.Context) {
	defer b.hungUp()
	for {
		_, data, err := b.ws.Read(ctx)
		if err != nil {
			return
		}
		var m bidiMessage
		if json.Unmarshal(data, &m) != nil {
			continue
		}
		if m.Type == "event" {
			b.event(m.Method, m.Params)
			continue
		}
		b.mu.Lock()
		answer := b.waiting[m.ID]
		delete(b.waiting, m.ID)
		b.mu.Unlock()
		if answer != nil {
			answer <- m // has room for one
		}
	}
}

func (b *bidi) hungUp() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, answer := range b.waiting {
		close(answer)
	}
	b.waiting = nil
}

// call sends a command, waits for its answer and decodes the result into out
// unless that is nil.
func (b *bidi) call(ctx context.Context, method string, params object, out any) error {
	answer := make(chan bidiMessage, 1)
	b.mu.Lock()
	if b.waiting == nil {
		b.mu.Unlock()
		return fmt.Errorf("%s: %w", method, errHungUp)
	}
	b.last++
	id := b.last
	b.waiting[id] = answer
	b.mu.Unlock()
	defer b.forget(id)

	data, err := json.Marshal(object{"id": id, "method": method, "params": params})
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	if err := b.ws.Write(ctx, websocket.MessageText, data); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	select {
	case m, ok := <-answer:
		switch {
		case !ok:
			return fmt.Errorf("%s: %w", method, errHungUp)
		case m.Type == "error":
			return fmt.Errorf("%s: %s: %s", method, m.Error, m.Message)
		case out == nil:
			return nil
		}
		if err := json.Unmarshal(m.Result, out); err != nil {
			return fmt.Errorf("%s: decoding the answer: %w", method, err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", method, ctx.Err())
	}
}

func (b *bidi) forget(id int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.waiting, id)
}

func (b *bidi) close() {
	_ = b.ws.CloseNow()
	b.cancel()
	b.reader.Wait()
}
