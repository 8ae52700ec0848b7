//go:build !linux

package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

// errSystem is what needs Linux says elsewhere.
var errSystem = fmt.Errorf("needs Linux, this is %s: %w", runtime.GOOS, errors.ErrUnsupported)

func (s *sender) run([]string) error   { return errSystem }
func (r *receiver) run([]string) error { return errSystem }
func (r *relay) run([]string) error    { return errSystem }
func (d *demo) run([]string) error     { return errSystem }

func (t *tracer) run([]string) (int, error) { return 0, errSystem }

var stages map[string]func(args []string) error

// terminalColumns takes every file for one that is no terminal.
func terminalColumns(*os.File) (columns int, ok bool) { return 0, false }
