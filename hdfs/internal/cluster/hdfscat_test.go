package cluster_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// hdfscat builds the example and returns its path.
func (n nodes) hdfscat() string {
	n.t.Helper()
	program := filepath.Join(n.Dir, "hdfscat")
	out, err := exec.Command("go", "build", "-o", program, "../../examples/hdfscat").CombinedOutput()
	if err != nil {
		n.t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// Hdfscat runs as a user who cannot open the block's file.
func TestMayAnotherUserRead(t *testing.T) {
	n := newNodes(t)
	if os.Getuid() != 0 {
		t.Skip("only root can become another user: sudo make hdfs")
	}
	path := n.write(2*mib+5, mib, 1)
	as := func(words ...string) *exec.Cmd {
		cmd := exec.CommandContext(soon(t), words[0], words[1:]...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		cmd.Dir = "/"
		cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
		return cmd
	}
	if out, err := as("cat", n.files(n.blocks(path)[0].Block)[0]).CombinedOutput(); err == nil {
		t.Fatalf("this user can open the block's file himself (%d bytes)", len(out))
	}
	var stdout, stderr bytes.Buffer
	cmd := as(n.hdfscat(), "-v", "-socket", n.Socket(), "hdfs://"+n.NameNode+path)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	if sum, _ := n.javaHash(path); hash(stdout.Bytes()) != sum {
		t.Errorf("%d bytes with another SHA-256 than Java's", stdout.Len())
	}
	want := fmt.Sprintf(": %d bytes: %[1]d short-circuit, 0 by TCP from this machine, 0 from others\n",
		2*mib+5)
	if !strings.HasSuffix(stderr.String(), want) || strings.Count(stderr.String(), "\n") != 1 {
		t.Errorf("it says %q", &stderr)
	}
}

// The transcript is that of the README, but for the address and the path of the
// socket.
func TestIsTheTranscriptInTheREADMETrue(t *testing.T) {
	n := newNodes(t)
	n.do("write", "/data/events", 5*mib, mib, 1, "CRC32C", 512)
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```console\n")
	transcript, _, _ := strings.Cut(rest, "```")
	program, commands := n.hdfscat(), 0
	var want strings.Builder
	for line := range strings.Lines(transcript) {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		commands++
		want.WriteString(line)
		shell := strings.NewReplacer("hdfscat", program, "localhost:8020", n.NameNode, "/run/hdfs/dn._PORT",
			n.Socket()).Replace(command)
		out, err := exec.CommandContext(soon(t), "sh", "-c", shell).CombinedOutput()
		if err != nil {
			t.Fatalf("%s%v\n%s", shell, err, out)
		}
		want.WriteString(strings.ReplaceAll(string(out), n.NameNode, "localhost:8020"))
	}
	if commands == 0 || want.String() != transcript {
		t.Errorf("it should be\n%s", &want)
	}
}
