package main

import (
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

// explainDurations lets the flags for a length of time explain their errors.
func explainDurations(fs *flag.FlagSet) {
	fs.VisitAll(func(f *flag.Flag) {
		if g, ok := f.Value.(flag.Getter); ok {
			if _, ok := g.Get().(time.Duration); ok {
				f.Value = duration{f.Value}
			}
		}
	})
}
