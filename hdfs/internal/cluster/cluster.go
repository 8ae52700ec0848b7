// Package cluster starts a cluster of HDFS, and Java's client, for the tests and
// the benchmark. make hdfs downloads what it needs.
package cluster

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Variable names the environment variable with the path of this folder. It is set
// by make, which has downloaded everything by then.
const Variable = "FDPASS_HDFS"

// Process is a Java process that takes commands; Cluster.java explains them.
type Process struct {
	*os.Process
	Dir string // of the log, and of a cluster's data and sockets

	cmd *exec.Cmd
	mu  sync.Mutex
	in  io.WriteCloser
	out *bufio.Reader
}

// Cluster is a NameNode and DataNodes, in one process.
type Cluster struct {
	*Process
	NameNode string // host and port
}

// Start starts a cluster. Its files are in dir, which is made or emptied. The
// sockets are dn.PORT there, and the DataNodes' log of who has read what is in
// the file trace. flags are for the Java machine.
func Start(dir string, datanodes int, flags ...string) (*Cluster, error) {
	p, answer, err := start(dir, flags, "cluster", dir, fmt.Sprint(datanodes))
	if err != nil {
		return nil, fmt.Errorf("starting a cluster: %w", err)
	}
	return &Cluster{Process: p, NameNode: answer}, nil
}

// Socket returns the path of the DataNodes' sockets as a client's settings have it.
func (c *Cluster) Socket() string { return filepath.Join(c.Dir, "dn._PORT") }

// Trace returns what the DataNodes have written about reads and writes so far.
func (c *Cluster) Trace() (string, error) {
	b, err := os.ReadFile(filepath.Join(c.Dir, "trace"))
	return string(b), err
}

// StartClient starts Java's client of a cluster, in a process of its own.
func StartClient(dir string, c *Cluster, shortCircuit bool) (*Process, error) {
	p, _, err := start(dir, nil, "client", c.NameNode, c.Socket(), fmt.Sprint(shortCircuit))
	if err != nil {
		return nil, fmt.Errorf("starting Java's client: %w", err)
	}
	return p, nil
}

func start(dir string, flags []string, args ...string) (*Process, string, error) {
	home := os.Getenv(Variable)
	if home == "" {
		return nil, "", fmt.Errorf("%s is not set: use make hdfs", Variable)
	}
	// Everybody may go to the sockets, and nobody to the data.
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o711), os.Chmod(dir, 0o711)); err != nil {
		return nil, "", err
	}
	bin := filepath.Join(home, "bin")
	words := append([]string{"-cp", bin + ":" + bin + "/lib/*", "-Djava.library.path=" + bin,
		"-Dlog4j.configuration=file:" + home + "/log4j.properties", "-Dcluster.dir=" + dir}, flags...)
	cmd := exec.Command("java", append(append(words, "Cluster"), args...)...)
	stderr, err := os.Create(filepath.Join(dir, "stderr"))
	if err != nil {
		return nil, "", err
	}
	defer stderr.Close()
	cmd.Stderr = stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, "", err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	p := &Process{Process: cmd.Process, Dir: dir, cmd: cmd, in: in, out: bufio.NewReader(out)}
	answer, err := p.answer()
	if err != nil {
		p.Stop()
		text, _ := os.ReadFile(stderr.Name())
		return nil, "", fmt.Errorf("%w\n%s", err, text)
	}
	return p, answer, nil
}

// patience is more than any command takes.
const patience = 2 * time.Minute

// Do gives a command and returns its result.
func (p *Process) Do(words ...any) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	line := strings.TrimSuffix(fmt.Sprintln(words...), "\n")
	if _, err := fmt.Fprintln(p.in, line); err != nil {
		return "", err
	}
	answer, err := p.answer()
	if err != nil {
		return "", fmt.Errorf("%s: %w", line, err)
	}
	return answer, nil
}

func (p *Process) answer() (string, error) {
	timer := time.AfterFunc(patience, func() { p.Kill() })
	defer timer.Stop()
	line, err := p.out.ReadString('\n')
	if err != nil {
		return "", err
	}
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	if word != "ok" {
		return "", errors.New(rest)
	}
	return rest, nil
}

// Stop ends the process. It may be called again. A process whose parent has ended
// ends by itself.
func (p *Process) Stop() {
	p.Kill()
	p.cmd.Wait()
}
