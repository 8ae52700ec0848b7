//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

func TestMain(m *testing.M) {
	fdtest.Main(m, map[string]func([]string) error{
		"server": func(args []string) error {
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
			defer stop()
			s := server{version: args[0], address: "127.0.0.1:0", path: args[1]}
			return s.run(ctx, os.Stdout)
		},
	})
}

// start runs a version of the server and returns when it serves, and where.
func start(t *testing.T, version, control string) (cmd *exec.Cmd, url string) {
	t.Helper()
	cmd = fdtest.Command(t, "server", version, control)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(line)
	return cmd, words[len(words)-1]
}

// stop asks a server to end, and fails if it ends in any other way.
func stop(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// clients keep asking until they are stopped, and count who answers.
type clients struct {
	t       *testing.T
	url     string
	stopped atomic.Bool
	wg      sync.WaitGroup

	mu      sync.Mutex
	answers map[string]int
	more    *sync.Cond
}

// newClients starts n of them, every second one with a connection for each request.
func newClients(t *testing.T, url string, n int) *clients {
	c := &clients{t: t, url: url, answers: map[string]int{}}
	c.more = sync.NewCond(&c.mu)
	for i := range n {
		fdtest.Go(&c.wg, func() { c.ask(i%2 == 0) })
	}
	return c
}

func (c *clients) ask(keepAlive bool) {
	transport := &http.Transport{DisableKeepAlives: !keepAlive}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	for !c.stopped.Load() {
		answer, err := get(client, c.url)
		if err != nil {
			c.t.Errorf("a request was lost (keep-alive %v): %v", keepAlive, err)
			answer = "error"
		}
		c.mu.Lock()
		c.answers[answer]++
		c.mu.Unlock()
		c.more.Broadcast()
	}
}

func get(client *http.Client, url string) (string, error) {
	resp, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// await waits for more answers of a version.
func (c *clients) await(version string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n += c.answers[version]; c.answers[version] < n && c.answers["error"] == 0; {
		c.more.Wait()
	}
}

func (c *clients) stop() {
	c.stopped.Store(true)
	c.wg.Wait()
}

func TestIsAnyRequestLostWhileTheServerIsReplaced(t *testing.T) {
	fdtest.NoLeak(t)
	control := filepath.Join(fdtest.SocketDir(t), "control")
	first, url := start(t, "1", control)
	c := newClients(t, url, 4)
	defer c.stop()
	c.await("1", 50)

	long := newLongRequest(t, url) // begun by the first version
	second, again := start(t, "2", control)
	if again != url {
		t.Errorf("moved from %s to %s", url, again)
	}
	c.await("2", 50)
	if answer, err := long.finish(); answer != "1" || err != nil {
		t.Errorf("the request that was under way: %q, %v", answer, err)
	}
	if err := first.Wait(); err != nil {
		t.Errorf("the first version: %v", err)
	}

	third, _ := start(t, "3", control)
	if err := second.Wait(); err != nil {
		t.Errorf("the second version: %v", err)
	}
	c.await("3", 50)
	c.stop()
	t.Logf("answers by version: %v", c.answers)
	stop(t, third)
	if _, err := os.Stat(control); !os.IsNotExist(err) {
		t.Errorf("the control socket is still there: %v", err)
	}
}

func TestDoesAFailedSuccessorChangeAnything(t *testing.T) {
	fdtest.NoLeak(t)
	control := filepath.Join(fdtest.SocketDir(t), "control")
	first, url := start(t, "1", control)
	defer stop(t, first)
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: control, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	files, err := fdpass.Recv(conn, 2)
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	conn.Close() // it has the sockets and dies
	for _, f := range files {
		f.Close()
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	for range 3 {
		if answer, err := get(client, url); answer != "1" || err != nil {
			t.Errorf("got %q, %v", answer, err)
		}
	}
}

// longRequest is one whose body is still on its way.
type longRequest struct {
	body   *io.PipeWriter
	answer chan string
	err    error
}

// newLongRequest returns when the server has begun to read the body.
func newLongRequest(t *testing.T, url string) *longRequest {
	t.Helper()
	r, w := io.Pipe()
	l := &longRequest{body: w, answer: make(chan string, 1)}
	begun := make(chan bool, 1)
	ctx := httptrace.WithClientTrace(fdtest.Context(t), &httptrace.ClientTrace{
		Got100Continue: func() { begun <- true },
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, r)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Expect", "100-continue")
	transport := &http.Transport{DisableKeepAlives: true, ExpectContinueTimeout: time.Minute}
	go func() {
		defer close(l.answer)
		resp, err := transport.RoundTrip(req)
		if err != nil {
			l.err = err
			return
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		l.err = err
		l.answer <- string(body)
	}()
	select {
	case <-begun:
	case <-time.After(time.Minute):
		t.Fatal("the server does not read the request")
	}
	return l
}

func (l *longRequest) finish() (answer string, err error) {
	fmt.Fprint(l.body, "the end")
	l.body.Close()
	answer = <-l.answer
	return answer, l.err
}
