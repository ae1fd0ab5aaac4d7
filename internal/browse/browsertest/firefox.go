package browsertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// firefox drives a tab over WebDriver BiDi.
type firefox struct {
	conn    *bidi
	tab     string // the id of its browsing context
	console console
}

// ConnectFirefox connects to the WebDriver BiDi address ws://… that Firefox
// told, and drives its first tab. ctx bounds the connecting only.
func ConnectFirefox(ctx context.Context, url string) (Driver, error) {
	d := &firefox{}
	conn, err := dialBiDi(ctx, strings.TrimSuffix(url, "/")+"/session", d.event)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", url, err)
	}
	d.conn = conn
	if err := d.begin(ctx); err != nil {
		conn.close()
		return nil, fmt.Errorf("connecting to %s: %w", url, err)
	}
	return d, nil
}

func (d *firefox) begin(ctx context.Context) error {
	err := d.conn.call(ctx, "session.new", object{"capabilities": object{}}, nil)
	if err != nil {
		return err
	}
	var tree struct {
		Contexts []struct {
			Context string `json:"context"`
		} `json:"contexts"`
	}
	if err := d.conn.call(ctx, "browsingContext.getTree", object{"maxDepth": 0}, &tree); err != nil {
		return err
	}
	if len(tree.Contexts) == 0 {
		return errors.New("firefox has no tab")
	}
	d.tab = tree.Contexts[0].Context
	return d.conn.call(ctx, "session.subscribe", object{"events": []string{"log.entryAdded"}}, nil)
}

func (d *firefox) event(method string, params json.RawMessage) {
	if method != "log.entryAdded" {
		return
	}
	var e struct {
		Level  string `json:"level"`
		Type   string `json:"type"`
		Text   string `json:"text"`
		Source struct {
			Context string `json:"context"`
		} `json:"source"`
	}
	if json.Unmarshal(params, &e) == nil && e.Level == "error" {
		d.console.add("%s: %s", e.Type, e.Text)
	}
}

func (d *firefox) Navigate(ctx context.Context, url string) error {
	err := d.conn.call(ctx, "browsingContext.navigate", object{"context": d.tab, "url": url, "wait": "complete"}, nil)
	if err != nil {
		return fmt.Errorf("loading %s: %w", url, err)
	}
	return nil
}

func (d *firefox) Eval(ctx context.Context, js string) (string, error) {
	var r struct {
		Type   string `json:"type"`
		Result struct {
			Value string `json:"value"`
		} `json:"result"`
		ExceptionDetails struct {
			Text string `json:"text"`
		} `json:"exceptionDetails"`
	}
	params := object{"expression": wrap(js), "target": object{"context": d.tab}, "awaitPromise": true}
	if err := d.conn.call(ctx, "script.evaluate", params, &r); err != nil {
		return "", fmt.Errorf("evaluating: %w", err)
	}
	if r.Type == "exception" {
		return "", fmt.Errorf("evaluating: %s", r.ExceptionDetails.Text)
	}
	return r.Result.Value, nil
}

func (d *firefox) Click(ctx context.Context, selector string) error {
	x, y, err := middle(ctx, d, selector)
	if err != nil {
		return err
	}
	in := d.tab
	if f, err := d.frame(ctx, selector); err != nil {
		return err
	} else if f.context != "" {
		in, x, y = f.context, f.Width/2, f.Height/2
	}
	pointer := object{"type": "pointer", "id": "mouse", "actions": []object{
		{"type": "pointerMove", "x": int(x), "y": int(y)},
		{"type": "pointerDown", "button": 0},
		{"type": "pointerUp", "button": 0},
	}}
	err = d.conn.call(ctx, "input.performActions", object{"context": in, "actions": []object{pointer}}, nil)
	if err != nil {
		return fmt.Errorf("clicking %s: %w", selector, err)
	}
	return nil
}

// bidiFrame is a frame of the page; context is "" for anything else.
type bidiFrame struct {
	context       string
	N             int
	Width, Height float64
}

// frame looks whether the selector names a frame: what is done by coordinates
// of the page does not reach into one of another process.
func (d *firefox) frame(ctx context.Context, selector string) (f bidiFrame, err error) {
	quoted, err := json.Marshal(selector)
	if err != nil {
		return f, err
	}
	text, err := d.Eval(ctx, `(() => { const e = document.querySelector(`+string(quoted)+`);
		return {n: [...document.querySelectorAll("iframe")].indexOf(e), width: e.clientWidth, height: e.clientHeight}; })()`)
	if err != nil {
		return f, fmt.Errorf("finding %s: %w", selector, err)
	}
	if err := json.Unmarshal([]byte(text), &f); err != nil || f.N < 0 {
		return bidiFrame{}, err
	}
	var tree struct {
		Contexts []struct {
			Children []struct {
				Context string `json:"context"`
			} `json:"children"`
		} `json:"contexts"`
	}
	if err := d.conn.call(ctx, "browsingContext.getTree", object{"root": d.tab}, &tree); err != nil {
		return bidiFrame{}, fmt.Errorf("listing frames: %w", err)
	}
	if len(tree.Contexts) != 1 || f.N >= len(tree.Contexts[0].Children) {
		return bidiFrame{}, fmt.Errorf("%s is a frame that the browser does not list", selector)
	}
	f.context = tree.Contexts[0].Children[f.N].Context
	return f, nil
}

func (d *firefox) Console() []string { return d.console.list() }

func (d *firefox) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), endTime)
	defer cancel()
	err := d.conn.call(ctx, "browser.close", object{}, nil)
	d.conn.close()
	return err
}

// middle scrolls an element into view and returns the middle of it in the
// coordinates of the viewport.
func middle(ctx context.Context, d Driver, selector string) (x, y float64, err error) {
	quoted, err := json.Marshal(selector)
	if err != nil {
		return 0, 0, err
	}
	js := `(() => { const e = document.querySelector(` + string(quoted) + `);
		if (!e) throw new Error("no element matches");
		e.scrollIntoView({block: "center", inline: "center", behavior: "instant"});
		const r = e.getBoundingClientRect();
		if (!r.width || !r.height) throw new Error("the element cannot be seen");
		return {x: r.x + r.width/2, y: r.y + r.height/2}; })()`
	text, err := d.Eval(ctx, js)
	if err != nil {
		return 0, 0, fmt.Errorf("finding %s: %w", selector, err)
	}
	var at struct{ X, Y float64 }
	if err := json.Unmarshal([]byte(text), &at); err != nil {
		return 0, 0, fmt.Errorf("finding %s: %w", selector, err)
	}
	return at.X, at.Y, nil
}
