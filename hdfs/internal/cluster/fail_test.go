package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass/hdfs"
	"example.com/fdpass/internal/fdtest"
)

func TestWhichErrorIsWhich(t *testing.T) {
	n := newNodes(t)
	b := n.blocks(n.write(1000, mib, 1))[0]
	altered := b.token
	altered.Password = slices.Clone(b.token.Password)
	altered.Password[0] ^= 1
	stamp, pool, short, long := b.Block, b.Block, b.Block, b.Block
	stamp.GenerationStamp += 7
	pool.Pool = "BP-1-127.0.0.1-1"
	short.Length--
	long.Length++
	c := b.client(shortcircuit.Options{})
	defer c.Close()
	for _, test := range []struct {
		name  string
		block shortcircuit.Block
		token shortcircuit.Token
		want  error
	}{
		{"no token", b.Block, shortcircuit.Token{}, shortcircuit.StatusErrorAccessToken},
		{"an altered token", b.Block, altered, shortcircuit.StatusErrorAccessToken},
		{"another stamp", stamp, b.token, shortcircuit.StatusError},
		{"too short", short, b.token, shortcircuit.ErrLength},
		{"too long", long, b.token, shortcircuit.ErrLength},
		{"nothing", b.Block, b.token, nil},
	} {
		r, err := c.Open(soon(t), test.block, test.token)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
		if r != nil {
			r.Close()
		}
	}
	// To a block of an unknown pool there is no answer.
	hasty := b.client(shortcircuit.Options{Timeout: time.Second})
	defer hasty.Close()
	r, err := hasty.Open(soon(t), pool, b.token)
	if !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an unknown pool: %v, %v", r, err)
	}
}

func TestWhatDoesAFullDescriptorTableDo(t *testing.T) {
	n := newNodes(t)
	path := n.write(1000, mib, 1)
	b := n.blocks(path)[0]
	for free := range 6 {
		c := b.client(shortcircuit.Options{})
		before := fdtest.Count(t)
		restore := fdtest.LimitTable(t, free)
		r, err := c.Open(soon(t), b.Block, b.token)
		restore()
		if free < 5 && !errors.Is(err, syscall.EMFILE) || free == 5 && err != nil {
			t.Errorf("%d free: %v", free, err)
		}
		if r != nil {
			r.Close()
		}
		if r, err = c.Open(soon(t), b.Block, b.token); err != nil {
			t.Errorf("%d had been free: %v", free, err)
		} else {
			r.Close()
		}
		c.Close()
		if after := fdtest.Count(t); after != before {
			t.Errorf("%d free: %d descriptors before and %d after", free, before, after)
		}
	}
}

func TestWhatIfADataNodeStopsAndStartsAgain(t *testing.T) {
	n := newNodes(t)
	path := n.write(3*mib, mib, 2) // both DataNodes have it
	want := n.mustRead(n.hdfs(nil), path)
	d := n.dialer(shortcircuit.DialerOptions{
		LeaveAlone: time.Millisecond, Options: shortcircuit.Options{Timeout: 2 * time.Second},
	})
	n.mustRead(n.hdfs(d), path)
	port := n.blocks(path)[0].port

	// Readers go on while a DataNode stops: the other one has everything.
	var work sync.WaitGroup
	var done atomic.Bool
	for range 4 {
		c := n.hdfs(d)
		work.Go(func() {
			for !done.Load() {
				if got, err := read(c, path); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%d bytes, %v", len(got), err)
					return
				}
			}
		})
	}
	n.do("stop", port)
	time.Sleep(200 * time.Millisecond)
	n.do("start", port)
	done.Store(true)
	work.Wait()

	b := n.blocks(path)
	i := slices.IndexFunc(b, func(l located) bool { return l.port == port })
	if i < 0 {
		i = 0 // the NameNode names the other DataNode first now
	}
	c := b[i].client(shortcircuit.Options{})
	defer c.Close()
	until(t, "short-circuit again", func() bool {
		r, err := c.Open(soon(t), b[i].Block, b[i].token)
		if err == nil {
			r.Close()
		}
		return err == nil
	})
}

// suspend stops the process by SIGSTOP and returns when all its threads stand.
func (n nodes) suspend() {
	n.t.Helper()
	if err := n.Signal(syscall.SIGSTOP); err != nil {
		n.t.Fatal(err)
	}
	until(n.t, "all threads stand", func() bool {
		files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", n.Pid))
		for _, f := range files {
			if stat, _ := os.ReadFile(f); !bytes.Contains(stat, []byte(") T ")) {
				return false
			}
		}
		return len(files) > 0
	})
}

// The last test of a cluster of its own: a DataNode that is stopped by SIGSTOP in
// the middle of requests, continued, and killed.
func TestWhatIfTheDataNodeIsSuspendedAndKilled(t *testing.T) {
	n := nodesOf(t, start)
	path := n.write(3*mib, mib, 1)
	want := n.mustRead(n.hdfs(nil), path)
	bs := n.blocks(path)
	c := bs[0].client(shortcircuit.Options{})
	defer c.Close()
	kept, err := c.Open(soon(t), bs[0].Block, bs[0].token)
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	readable := func(when string) {
		t.Helper()
		var all bytes.Buffer
		if _, err := kept.WriteTo(&all); err != nil || !bytes.Equal(all.Bytes(), want[:mib]) {
			t.Errorf("%s: a kept replica: %d bytes, %v", when, all.Len(), err)
		}
	}

	n.suspend()
	short, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	// The client asks for the second block on a socket of the first one's
	// DataNode: whether it is there does not matter when nobody answers.
	if _, err := c.Open(short, bs[1].Block, bs[1].token); !errors.Is(err, context.DeadlineExceeded) {
		t.Error("suspended:", err)
	}
	readable("suspended")
	n.Signal(syscall.SIGCONT)
	if r, err := shortcircuit.Open(soon(t), bs[0].socket, bs[0].Block, bs[0].token); err != nil {
		t.Error("continued:", err)
	} else {
		r.Close()
	}

	// Requests without an end, into which the kill comes.
	var work sync.WaitGroup
	var granted atomic.Int64
	busy := bs[0].client(shortcircuit.Options{Replicas: -1})
	defer busy.Close()
	for range 4 {
		work.Go(func() {
			for {
				r, err := busy.Open(soon(t), bs[0].Block, bs[0].token)
				if err != nil {
					return
				}
				granted.Add(1)
				r.Close()
			}
		})
	}
	until(t, "requests are going on", func() bool { return granted.Load() > 100 })
	n.Kill()
	work.Wait()
	readable("killed")
	until(t, "the end of the DataNode is noticed", func() bool { return !kept.Valid() })
	if _, err := c.Open(soon(t), bs[0].Block, bs[0].token); err == nil {
		t.Error("a DataNode that is killed has answered")
	}
	// A reader of the file gets an error, and not a wrong byte.
	d := n.dialer(shortcircuit.DialerOptions{})
	if conn, err := d.DialContext(soon(t), "tcp", "127.0.0.1:"+bs[0].port); err == nil {
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("a DataNode that is killed has sent a byte")
		}
		conn.Close()
	}
}
