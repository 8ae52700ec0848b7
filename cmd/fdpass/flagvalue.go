package main

import (
	"errors"
	"flag"
	"fmt"
	"strconv"
	"time"
)

// duration is a flag for a length of time that says what is wrong with one.
type duration struct{ flag.Value }

// Set accepts what time.ParseDuration does, as long as it is not negative.
func (d duration) Set(s string) error {
	v, err := time.ParseDuration(s)
	if n, numErr := strconv.ParseFloat(s, 64); err != nil && numErr == nil && n >= 0 {
		return fmt.Errorf("a number without a unit: write %ss for seconds, %[1]sm for minutes", s)
	}
	switch {
	case err != nil:
		return fmt.Errorf("not a length of time such as 500ms, 10s or 1m30s")
	case v < 0:
		return fmt.Errorf("a length of time cannot be negative; 0 is no limit")
	}
	return d.Value.Set(s)
}

// count is a flag for a number that says what is wrong with one.
type count struct{ flag.Value }

// Set accepts what package flag does.
func (n count) Set(s string) error {
	if err := n.Value.Set(s); err == nil {
		return nil
	}
	if _, err := strconv.ParseInt(s, 0, strconv.IntSize); errors.Is(err, strconv.ErrRange) {
		return errors.New("too large")
	}
	return errors.New("not a number")
}

// processID is a flag for the number of a process; 0 is none.
type processID int

func (p *processID) String() string { return strconv.Itoa(int(*p)) }

func (p *processID) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n <= 0 {
		return errors.New("a process has a number from 1 on")
	}
	*p = processID(n)
	return nil
}

// explainErrors lets the flags for lengths of time and numbers say in plain words
// what is wrong with a value.
func explainErrors(fs *flag.FlagSet) {
	fs.VisitAll(func(f *flag.Flag) {
		if g, ok := f.Value.(flag.Getter); ok {
			switch g.Get().(type) {
			case time.Duration:
				f.Value = duration{f.Value}
			case int:
				f.Value = count{f.Value}
			}
		}
	})
}
