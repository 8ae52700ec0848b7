package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os/user"
	"strings"
	"time"

	"example.com/fdpass/hdfs"
	"example.com/fdpass/hdfs/internal/cluster"
	"github.com/colinmarc/hdfs/v2"
)

// row is a way to read. Its functions return nanoseconds.
type row struct {
	name   string
	count  int // random reads in a round
	cpu    func() float64
	whole  func() (float64, error)
	random func(count int) (float64, error)
	first  func() (float64, error)
}

// The rows.
const (
	goTCP       = "colinmarc/hdfs by TCP"
	goDialer    = "colinmarc/hdfs with `Dialer`"
	ourReplicas = "`Replica`s that are kept"
	javaTCP     = "Java by TCP"
	javaLocal   = "Java short-circuit"
)

// open makes the rows, and checks that each reads in the way that it says.
func open(c *cluster.Cluster, dir string) (rows []*row, done func(), err error) {
	var ends []func()
	done = func() {
		for _, end := range ends {
			end()
		}
	}
	defer func() {
		if err != nil {
			done()
		}
	}()
	for _, name := range []string{javaTCP, javaLocal} {
		p, err := cluster.StartClient(dir+"/"+strings.ReplaceAll(name, " ", "-"), c, name == javaLocal)
		if err != nil {
			return nil, done, err
		}
		ends = append(ends, p.Stop)
		if err := checkJava(p, name == javaLocal); err != nil {
			return nil, done, fmt.Errorf("%s: %w", name, err)
		}
		rows = append(rows, javaRow(name, p))
	}
	dialer := shortcircuit.NewDialer(c.Socket(), shortcircuit.DialerOptions{})
	ends = append(ends, func() { dialer.Close() })
	for _, name := range []string{goTCP, goDialer} {
		u, err := user.Current()
		if err != nil {
			return nil, done, err
		}
		opts := hdfs.ClientOptions{Addresses: []string{c.NameNode}, User: u.Username}
		if name == goDialer {
			opts.DatanodeDialFunc = dialer.DialContext
		}
		client, err := hdfs.NewClient(opts)
		if err != nil {
			return nil, done, err
		}
		ends = append(ends, func() { client.Close() })
		rows = append(rows, goRow(name, client))
		if _, err := rows[len(rows)-1].whole(); err != nil {
			return nil, done, err
		}
	}
	if s := dialer.Stats(); s.ShortCircuitBytes != fileSize || len(s.Fallbacks) > 0 {
		return nil, done, fmt.Errorf("not short-circuit: %+v", s)
	}
	ours, end, err := ourRow(c)
	if err != nil {
		return nil, done, err
	}
	ends = append(ends, end)
	return append(rows, ours), done, nil
}

// checkJava holds Java's client to what its row says.
func checkJava(p *cluster.Process, local bool) error {
	answer, err := p.Do("hash", path)
	if err != nil {
		return err
	}
	var sum string
	var n int64
	if _, err := fmt.Sscan(answer, &sum, &n); err != nil {
		return err
	}
	if local != (n == fileSize) {
		return fmt.Errorf("%d bytes were short-circuit", n)
	}
	return nil
}

func javaRow(name string, p *cluster.Process) *row {
	do := func(words ...any) (ns float64, err error) {
		answer, err := p.Do(words...)
		if err == nil {
			_, err = fmt.Sscan(answer, &ns)
		}
		return ns, err
	}
	return &row{name: name, count: 300,
		cpu:    func() float64 { ns, _ := do("cpu"); return ns },
		whole:  func() (float64, error) { return do("whole", path) },
		random: func(n int) (float64, error) { return do("random", path, n, pieces) },
		first:  func() (float64, error) { return do("first", path) },
	}
}

// buffer is what all rows read the whole file into, piece by piece; Java's are of
// the same size.
var buffer = make([]byte, mib)

// drain reads to the end.
func drain(r io.Reader) (total int64, err error) {
	for {
		n, err := r.Read(buffer)
		total += int64(n)
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// timed returns how long f takes.
func timed(f func() error) (float64, error) {
	start := time.Now()
	err := f()
	return float64(time.Since(start)), err
}

// randomly reads at random places.
func randomly(r io.ReaderAt, count int) (float64, error) {
	random := rand.New(rand.NewPCG(1, 2))
	p := make([]byte, pieces)
	return timed(func() error {
		for range count {
			if _, err := r.ReadAt(p, random.Int64N(fileSize-pieces)); err != nil {
				return err
			}
		}
		return nil
	})
}

func goRow(name string, client *hdfs.Client) *row {
	var kept *hdfs.FileReader
	reading := func(read func(*hdfs.FileReader) error) (float64, error) {
		return timed(func() error {
			f, err := client.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			return read(f)
		})
	}
	return &row{name: name, count: 300, cpu: ownTime,
		whole: func() (float64, error) {
			return reading(func(f *hdfs.FileReader) error {
				n, err := drain(f)
				if err == nil && n != fileSize {
					err = fmt.Errorf("%d bytes", n)
				}
				return err
			})
		},
		random: func(count int) (_ float64, err error) {
			if kept == nil {
				if kept, err = client.Open(path); err != nil {
					return 0, err
				}
			}
			return randomly(kept, count)
		},
		first: func() (float64, error) {
			return reading(func(f *hdfs.FileReader) error {
				_, err := f.Read(make([]byte, 1))
				return err
			})
		},
	}
}

// replicas are a file: those of its blocks.
type replicas []*shortcircuit.Replica

// ReadAt implements [io.ReaderAt] for a part that is within a block or in two.
func (rs replicas) ReadAt(p []byte, off int64) (int, error) {
	i, at := off/blockSize, off%blockSize
	n := int(min(int64(len(p)), blockSize-at))
	if _, err := rs[i].ReadAt(p[:n], at); err != nil || n == len(p) {
		return n, err
	}
	k, err := rs[i+1].ReadAt(p[n:], 0)
	return n + k, err
}

// ourRow reads what is kept. For the first byte it asks the DataNode for the block
// again, on a new connection.
func ourRow(c *cluster.Cluster) (*row, func(), error) {
	blocks, err := locate(c)
	if err != nil {
		return nil, nil, err
	}
	client := shortcircuit.NewClient(blocks[0].socket, shortcircuit.Options{})
	var rs replicas
	done := func() {
		for _, r := range rs {
			r.Close()
		}
		client.Close()
	}
	for _, b := range blocks {
		r, err := client.Open(context.Background(), b.block, b.token)
		if err != nil {
			done()
			return nil, nil, err
		}
		rs = append(rs, r)
	}
	return &row{name: ourReplicas, count: 5000, cpu: ownTime,
		whole: func() (float64, error) {
			return timed(func() error {
				n, err := drain(io.NewSectionReader(rs, 0, fileSize))
				if err == nil && n != fileSize {
					err = fmt.Errorf("%d bytes", n)
				}
				return err
			})
		},
		random: func(count int) (float64, error) { return randomly(rs, count) },
		first: func() (float64, error) {
			return timed(func() error {
				r, err := shortcircuit.Open(context.Background(), blocks[0].socket, blocks[0].block,
					blocks[0].token)
				if err != nil {
					return err
				}
				defer r.Close()
				_, err = r.ReadAt(make([]byte, 1), 0)
				return err
			})
		},
	}, done, nil
}
