package browsertest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/cdp"
	"github.com/go-rod/rod/lib/proto"
)

// chromium drives a tab over DevTools.
type chromium struct {
	browser *rod.Browser
	page    *rod.Page
	console console
	hangUp  context.CancelFunc
	events  sync.WaitGroup
}

// ConnectChromium connects to the DevTools address ws://… that a browser of the
// Chromium family told, and drives its first tab. ctx bounds the connecting
// only.
func ConnectChromium(ctx context.Context, url string) (Driver, error) {
	// rod ties the connection to the context it was made with.
	live, hangUp := context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, hangUp)
	d, err := newChromium(live, url)
	if err != nil || !stop() {
		hangUp()
		return nil, fmt.Errorf("connecting to %s: %w", url, errors.Join(err, ctx.Err()))
	}
	d.hangUp = hangUp
	return d, nil
}

func newChromium(ctx context.Context, url string) (*chromium, error) {
	client, err := cdp.StartWithURL(ctx, url, nil)
	if err != nil {
		return nil, err
	}
	// With a client given, rod neither launches nor looks for a browser.
	browser := rod.New().Context(ctx).Client(client).NoDefaultDevice()
	if err := browser.Connect(); err != nil {
		return nil, err
	}
	pages, err := browser.Pages()
	if err != nil {
		return nil, err
	}
	d := &chromium{browser: browser}
	if d.page = pages.First(); d.page == nil {
		if d.page, err = browser.Page(proto.TargetCreateTarget{URL: "about:blank"}); err != nil {
			return nil, err
		}
	}
	if err := (proto.LogEnable{}).Call(d.page); err != nil {
		return nil, err
	}
	wait := d.page.EachEvent(d.called, d.thrown, d.logged)
	d.events.Go(wait)
	return d, nil
}

func (d *chromium) called(e *proto.RuntimeConsoleAPICalled) {
	if e.Type != proto.RuntimeConsoleAPICalledTypeError && e.Type != proto.RuntimeConsoleAPICalledTypeAssert {
		return
	}
	text := ""
	for _, arg := range e.Args {
		if arg.Description != "" {
			text += " " + arg.Description
		} else {
			text += " " + arg.Value.String()
		}
	}
	d.console.add("console.%s:%s", e.Type, text)
}

func (d *chromium) thrown(e *proto.RuntimeExceptionThrown) {
	d.console.add("uncaught: %s", exceptionText(e.ExceptionDetails))
}

func (d *chromium) logged(e *proto.LogEntryAdded) {
	if e.Entry.Level == proto.LogLogEntryLevelError {
		d.console.add("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
	}
}

func exceptionText(e *proto.RuntimeExceptionDetails) string {
	if e.Exception != nil && e.Exception.Description != "" {
		return e.Exception.Description
	}
	if e.Exception != nil {
		return e.Text + " " + e.Exception.Value.String()
	}
	return e.Text
}

func (d *chromium) Navigate(ctx context.Context, url string) error {
	page := d.page.Context(ctx)
	loaded := page.WaitEvent(&proto.PageLoadEventFired{})
	if err := page.Navigate(url); err != nil {
		return fmt.Errorf("loading %s: %w", url, err)
	}
	loaded()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("loading %s: %w", url, err)
	}
	return nil
}

func (d *chromium) Eval(ctx context.Context, js string) (string, error) {
	r, err := proto.RuntimeEvaluate{Expression: wrap(js), AwaitPromise: true, ReturnByValue: true}.Call(d.page.Context(ctx))
	if err != nil {
		return "", fmt.Errorf("evaluating: %w", err)
	}
	if r.ExceptionDetails != nil {
		return "", fmt.Errorf("evaluating: %s", exceptionText(r.ExceptionDetails))
	}
	return r.Result.Value.Str(), nil
}

func (d *chromium) Click(ctx context.Context, selector string) error {
	x, y, err := middle(ctx, d, selector)
	if err != nil {
		return err
	}
	page := d.page.Context(ctx)
	for _, kind := range []proto.InputDispatchMouseEventType{
		proto.InputDispatchMouseEventTypeMouseMoved, proto.InputDispatchMouseEventTypeMousePressed, proto.InputDispatchMouseEventTypeMouseReleased,
	} {
		event := proto.InputDispatchMouseEvent{Type: kind, X: x, Y: y, Button: proto.InputMouseButtonLeft, ClickCount: 1}
		if err := event.Call(page); err != nil {
			return fmt.Errorf("clicking %s: %w", selector, err)
		}
	}
	return nil
}

func (d *chromium) Console() []string { return d.console.list() }

func (d *chromium) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), endTime)
	defer cancel()
	err := proto.BrowserClose{}.Call(d.browser.Context(ctx))
	d.hangUp()
	d.events.Wait()
	return err
}
