package site

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"example.com/fdpass/internal/fdtest"
)

// browser is a headless Chromium that is spoken to over two pipes, its
// descriptors 3 and 4: JSON messages that end with a NUL.
// https://chromedevtools.github.io/devtools-protocol
type browser struct {
	t       *testing.T
	write   *os.File
	session string // of the one tab

	mu       sync.Mutex
	last     int
	waiting  map[int]chan reply
	requests []string // addresses that the page asked for
	problems []string // what it threw, and what its console calls an error
}

type reply struct {
	ID     int
	Method string
	Params json.RawMessage
	Result json.RawMessage
	Error  *struct{ Message string }
}

// switches keep Chromium from everything but this page. Its sandbox is off
// since a container's root has none; the only page is ours.
var switches = []string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
	"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
	"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--remote-debugging-pipe"}

// startBrowser starts Chromium, with a profile of its own, or skips. It returns the
// folder with the page, too: what takes minutes where nothing has been compiled yet
// comes before the browser, which has a limit.
func startBrowser(t *testing.T) (b *browser, dir string) {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("FDPASS_SITE") == "all" {
			t.Fatal(err)
		}
		t.Skip("needs chromium; make test-site installs it")
	}
	dir = built(t)
	ctx, cancel := context.WithTimeout(fdtest.Context(t), 4*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, path, append(switches, "--user-data-dir="+profile(t), "about:blank")...)
	toBrowser, write := pipe(t)
	read, fromBrowser := pipe(t)
	cmd.ExtraFiles = []*os.File{toBrowser, fromBrowser}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	toBrowser.Close()
	fromBrowser.Close()
	b = &browser{t: t, write: write, waiting: map[int]chan reply{}}
	done := make(chan struct{})
	go func() { defer close(done); b.listen(read) }()
	t.Cleanup(func() {
		b.call("Browser.close", nil, nil)
		cmd.Wait() // ends at the latest with ctx
		read.Close()
		write.Close()
		<-done
	})
	b.openTab()
	return b, dir
}

// profile returns an empty folder. Processes of the browser may write to it for a
// moment after the first of them has ended.
func profile(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fdpass-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 100 {
			if err = os.RemoveAll(dir); err == nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Log(err)
	})
	return dir
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

// listen takes in replies and events until the browser ends.
func (b *browser) listen(read *os.File) {
	in := bufio.NewReader(read)
	for {
		text, err := in.ReadBytes(0)
		if err != nil {
			b.mu.Lock()
			defer b.mu.Unlock()
			for id, c := range b.waiting {
				close(c)
				delete(b.waiting, id)
			}
			b.waiting = nil
			return
		}
		var r reply
		if err := json.Unmarshal(text[:len(text)-1], &r); err == nil {
			b.take(r)
		}
	}
}

func (b *browser) take(r reply) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch r.Method {
	case "":
		if c, ok := b.waiting[r.ID]; ok {
			c <- r
			delete(b.waiting, r.ID)
		}
	case "Network.requestWillBeSent":
		var p struct{ Request struct{ URL string } }
		json.Unmarshal(r.Params, &p)
		b.requests = append(b.requests, p.Request.URL)
	case "Runtime.exceptionThrown", "Log.entryAdded":
		b.problems = append(b.problems, string(r.Params))
	}
}

// call sends a command to the tab, or to the browser as long as there is none.
func (b *browser) call(method string, params, result any) error {
	b.mu.Lock()
	if b.waiting == nil {
		b.mu.Unlock()
		return errors.New("the browser has ended")
	}
	b.last++
	id, c := b.last, make(chan reply, 1)
	b.waiting[id] = c
	b.mu.Unlock()
	message := map[string]any{"id": id, "method": method}
	if params != nil {
		message["params"] = params
	}
	if b.session != "" && method != "Browser.close" {
		message["sessionId"] = b.session
	}
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	if _, err := b.write.Write(append(text, 0)); err != nil {
		return err
	}
	select {
	case r, ok := <-c:
		switch {
		case !ok:
			return errors.New("the browser has ended")
		case r.Error != nil:
			return fmt.Errorf("%s: %s", method, r.Error.Message)
		case result != nil:
			return json.Unmarshal(r.Result, result)
		}
		return nil
	case <-time.After(time.Minute):
		return fmt.Errorf("%s: no answer", method)
	}
}

type params map[string]any

// must is call, which has to succeed.
func (b *browser) must(method string, p params, result any) {
	b.t.Helper()
	if err := b.call(method, p, result); err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) openTab() {
	b.t.Helper()
	var tab struct{ TargetID string }
	b.must("Target.createTarget", params{"url": "about:blank"}, &tab)
	var attached struct{ SessionID string }
	b.must("Target.attachToTarget", params{"targetId": tab.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Network", "Log", "Accessibility"} {
		b.must(domain+".enable", params{}, nil)
	}
}

// eval is the value of an expression in JavaScript, which may be a promise.
func (b *browser) eval(expression string, result any) {
	b.t.Helper()
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct{ Exception struct{ Description string } }
	}
	b.must("Runtime.evaluate",
		params{"expression": expression, "awaitPromise": true, "returnByValue": true}, &r)
	if r.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, r.ExceptionDetails.Exception.Description)
	}
	if result != nil {
		if err := json.Unmarshal(r.Result.Value, result); err != nil {
			b.t.Fatalf("%s: %v", expression, err)
		}
	}
}

// text returns the text of what a CSS selector finds, as the page shows it.
func (b *browser) text(selector string) (s string) {
	b.t.Helper()
	b.eval(fmt.Sprintf("document.querySelector(%q).innerText", selector), &s)
	return s
}

// key presses and releases a key.
func (b *browser) key(key string, code int) {
	b.t.Helper()
	p := params{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code}
	if key == " " {
		p["code"], p["text"] = "Space", " "
	}
	b.must("Input.dispatchKeyEvent", p, nil)
	p = params{"type": "keyUp", "key": key, "code": p["code"], "windowsVirtualKeyCode": code}
	b.must("Input.dispatchKeyEvent", p, nil)
}

// open goes to an address and waits until the page's program runs.
func (b *browser) open(address string) {
	b.t.Helper()
	b.must("Page.navigate", params{"url": "about:blank"}, nil) // a fragment by itself would load nothing
	b.must("Page.navigate", params{"url": address}, nil)
	b.eval(`new Promise((resolve, reject) => {
	  const end = Date.now() + 50000;
	  const look = () => {
	    const main = document.querySelector('main');
	    if (main && !main.hidden) resolve(true);
	    else if (Date.now() > end) reject(new Error('not loaded: ' + document.body.innerText));
	    else setTimeout(look, 20);
	  };
	  look();
	})`, nil)
}
