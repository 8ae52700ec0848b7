package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// The statuses of a program that cannot be run, as env(1) and the shells have them.
const (
	cannotExecute = 126
	notFound      = 127
)

// statusError is an error with an exit status of its own.
type statusError struct {
	status int
	err    error
}

func (e statusError) Error() string { return e.err.Error() }
func (e statusError) Unwrap() error { return e.err }

// errPrinted is a failure whose errors have been printed already.
var errPrinted error = statusError{1, errors.New("some of it failed")}

// statusOf is the exit status that belongs to an error: 2 for wrong usage, 1 for
// most failures.
func statusOf(err error) int {
	var usage usageError
	var own statusError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &own):
		return own.status
	case errors.As(err, &usage):
		return 2
	}
	return 1
}

// findProgram finds the file of a program as a shell does. An error has the
// status 127 if there is none, and 126 if it cannot be executed.
func findProgram(name string) (path string, err error) {
	if path, err = exec.LookPath(name); err == nil {
		return path, nil
	}
	if errors.Is(err, exec.ErrNotFound) && isInPath(name) {
		err = &exec.Error{Name: name, Err: syscall.EACCES}
	}
	return "", cannotRun(err)
}

// isInPath reports whether PATH leads to a file of this name, executable or not.
func isInPath(name string) bool {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() {
			return true
		}
	}
	return false
}

// cannotRun gives the error of a program that cannot be run its status.
func cannotRun(err error) error {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return statusError{notFound, err}
	}
	return statusError{cannotExecute, fmt.Errorf("cannot be executed: %w", err)}
}
