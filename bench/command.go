package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"example.com/fdpass"
)

// pythonCat is the shortest program that receives a descriptor and copies one
// byte from it.
const pythonCat = `import os, socket
s = socket.socket(fileno=3)
_, fds, _, _ = socket.recv_fds(s, 1, 1)
os.write(1, os.read(fds[0], 1))`

// commandRow is a program that receives a descriptor over its descriptor 3, and
// shows that it has it by copying what it finds there.
type commandRow struct {
	name  string
	words func(s *settings) []string
}

var commandRows = []commandRow{
	{"C", func(s *settings) []string { return []string{s.floor, "cat"} }},
	{"`fdpass recv -cat fd:3`", func(s *settings) []string {
		return []string{s.command, "recv", "-cat", "fd:3"}
	}},
	{"`python3 -c …`", func(s *settings) []string { return []string{s.python, "-c", pythonCat} }},
}

// measureCommand times programs from their start to the descriptor in hand. The
// message is in the socket's queue before they start.
func measureCommand(s *settings, r *results) error {
	r.command = newSamples()
	file, err := os.CreateTemp("", "fdpass-bench-")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	if _, err := file.WriteString("x"); err != nil {
		return err
	}
	for range 20 {
		for _, row := range commandRows {
			took, err := timeCommand(row.words(s), file)
			if err != nil {
				return fmt.Errorf("%s: %w", row.name, err)
			}
			r.command.add(cell{row.name, "start", 1}, float64(took.Nanoseconds()), 0, 0)
		}
	}
	return nil
}

func timeCommand(words []string, file *os.File) (time.Duration, error) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer syscall.Close(pair[0])
	theirs := os.NewFile(uintptr(pair[1]), "socket")
	defer theirs.Close()
	if _, err := file.Seek(0, 0); err != nil {
		return 0, err
	}
	if err := fdpass.Send(fdpass.Socket(pair[0]), file); err != nil {
		return 0, err
	}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.ExtraFiles, cmd.Stderr = []*os.File{theirs}, os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	_, err = out.Read(make([]byte, 1))
	took := time.Since(start)
	return took, errors.Join(err, cmd.Wait())
}
