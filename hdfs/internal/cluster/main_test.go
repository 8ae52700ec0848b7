package cluster_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/fdpass/hdfs"
	"example.com/fdpass/hdfs/internal/cluster"
	"example.com/fdpass/internal/fdtest"
	"github.com/colinmarc/hdfs/v2"
)

func TestMain(m *testing.M) {
	code := m.Run()
	for _, end := range ends {
		end()
	}
	os.Exit(code)
}

var ends []func()

// shared is the cluster that most tests use.
var shared = sync.OnceValues(start)

// start starts a cluster with two DataNodes. It is not compiled by the better
// compiler of the Java machine, which would take longer than it saves.
func start() (*cluster.Cluster, error) {
	dir, err := os.MkdirTemp("", "hdfs")
	if err != nil {
		return nil, err
	}
	ends = append(ends, func() { os.RemoveAll(dir) })
	c, err := cluster.Start(dir, 2, "-XX:TieredStopAtLevel=1")
	if err == nil {
		ends = append([]func(){c.Stop}, ends...)
	}
	return c, err
}

// nodes are the DataNodes of a cluster, as a test sees them.
type nodes struct {
	*cluster.Cluster
	t testing.TB
}

// newNodes returns the shared cluster. At the test's end as many descriptors are
// open as now.
func newNodes(t testing.TB) nodes { return nodesOf(t, shared) }

func nodesOf(t testing.TB, start func() (*cluster.Cluster, error)) nodes {
	t.Helper()
	if os.Getenv(cluster.Variable) == "" {
		t.Skip("needs DataNodes of Hadoop, which make hdfs downloads and starts")
	}
	c, err := start()
	if err != nil {
		t.Fatal(err)
	}
	fdtest.NoLeak(t)
	return nodes{c, t}
}

func (n nodes) do(words ...any) string {
	n.t.Helper()
	answer, err := n.Do(words...)
	if err != nil {
		n.t.Fatal(err)
	}
	return answer
}

const mib = 1 << 20

// write makes a file, named after the test.
func (n nodes) write(size, blockSize int64, replication int) string {
	n.t.Helper()
	return n.writeWith(size, blockSize, replication, "CRC32C", 512)
}

func (n nodes) writeWith(size, blockSize int64, replication int, checksum string, chunk int) string {
	n.t.Helper()
	path := "/" + strings.ReplaceAll(n.t.Name(), "/", "-")
	n.do("write", path, size, blockSize, replication, checksum, chunk)
	return path
}

// located is a block, where it is and the right to read it.
type located struct {
	shortcircuit.Block
	token  shortcircuit.Token
	port   string
	socket string
}

// blocks asks the NameNode for a file's blocks.
func (n nodes) blocks(path string) (ls []located) {
	n.t.Helper()
	words := strings.Fields(n.do("blocks", path))
	for ; len(words) >= 9; words = words[9:] {
		id, _ := strconv.ParseUint(words[1], 10, 64)
		stamp, _ := strconv.ParseUint(words[2], 10, 64)
		length, err := strconv.ParseInt(words[3], 10, 64)
		identifier, err2 := hex.DecodeString(words[5])
		password, err3 := hex.DecodeString(words[6])
		if id == 0 || stamp == 0 || err != nil || err2 != nil || err3 != nil {
			n.t.Fatal("not a block: ", words[:9])
		}
		ls = append(ls, located{
			Block: shortcircuit.Block{Pool: words[0], ID: id, GenerationStamp: stamp, Length: length},
			token: shortcircuit.Token{Identifier: identifier, Password: password, Kind: words[7],
				Service: strings.Trim(words[8], `"`)},
			port:   words[4],
			socket: strings.Replace(n.Socket(), "_PORT", words[4], 1),
		})
	}
	return ls
}

// hdfs is colinmarc's client. Without a dialer it reads by TCP.
func (n nodes) hdfs(dialer *shortcircuit.Dialer) *hdfs.Client {
	n.t.Helper()
	u, err := user.Current()
	if err != nil {
		n.t.Fatal(err)
	}
	opts := hdfs.ClientOptions{Addresses: []string{n.NameNode}, User: u.Username}
	opts.DatanodeDialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if dialer != nil {
			return dialer.DialContext(ctx, network, addr)
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	c, err := hdfs.NewClient(opts)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { c.Close() })
	return c
}

// dialer makes a Dialer that waits for the socket as long as a test does, if opts do
// not say how long.
func (n nodes) dialer(opts shortcircuit.DialerOptions) *shortcircuit.Dialer {
	if opts.Timeout == 0 {
		opts.Timeout = patience
	}
	d := shortcircuit.NewDialer(n.Socket(), opts)
	n.t.Cleanup(func() { d.Close() })
	return d
}

// read returns all of a file.
func read(c *hdfs.Client, path string) ([]byte, error) {
	f, err := c.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var b bytes.Buffer
	_, err = io.Copy(&b, f)
	return b.Bytes(), err
}

func (n nodes) mustRead(c *hdfs.Client, path string) []byte {
	n.t.Helper()
	b, err := read(c, path)
	if err != nil {
		n.t.Fatal(err)
	}
	return b
}

func hash(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// javaHash returns the SHA-256 of what Java's client reads, and how many bytes of
// it that client has read short-circuit.
func (n nodes) javaHash(path string) (sum string, local int64) {
	n.t.Helper()
	if _, err := fmt.Sscan(n.do("hash", path), &sum, &local); err != nil {
		n.t.Fatal(err)
	}
	return sum, local
}

// file returns the path of a block's file on disk, in all of its replicas.
func (n nodes) files(b shortcircuit.Block) []string {
	n.t.Helper()
	var found []string
	filepath.WalkDir(n.Dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Name() == fmt.Sprintf("blk_%d", b.ID) {
			found = append(found, path)
		}
		return nil
	})
	if len(found) == 0 {
		n.t.Fatalf("block %d is not on disk", b.ID)
	}
	return found
}

// client makes a Client of the DataNode of a block that does the same.
func (b located) client(opts shortcircuit.Options) *shortcircuit.Client {
	if opts.Timeout == 0 {
		opts.Timeout = patience
	}
	return shortcircuit.NewClient(b.socket, opts)
}

// patience is how long anything may take that should take no time, on a busy machine,
// too.
const patience = time.Minute

// soon returns a context that no test should need to the end.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// until waits for something that happens soon.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: ", what)
		}
	}
}
