package main

import (
	"bufio"
	"os"
	"sync"
	"time"
)

// slowWriter writes to a file, a tenth of a second late at most, so that many
// messages take one system call.
type slowWriter struct {
	mu    sync.Mutex
	file  *os.File
	buf   *bufio.Writer
	timer *time.Timer // runs while something is in buf
	err   error       // of a write that the timer made
}

func newSlowWriter(f *os.File) *slowWriter {
	return &slowWriter{file: f, buf: bufio.NewWriterSize(f, 1<<16)}
}

func (w *slowWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return 0, w.err
	}
	if w.buf.Buffered() == 0 {
		w.timer = time.AfterFunc(100*time.Millisecond, func() { w.flush() })
	}
	return w.buf.Write(b)
}

func (w *slowWriter) flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = w.buf.Flush()
	}
	return w.err
}

func (w *slowWriter) Close() error {
	flushed, closed := w.flush(), w.file.Close()
	if flushed != nil {
		return flushed
	}
	return closed
}
