package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/internal/foreign"
	"example.com/fdpass/internal/lines"
)

// report is what a guest's console said.
type report struct {
	kernel string // uname -r
	done   bool   // /init got through its plan: nothing else means success
	runs   []session
}

// session is the tests of one package on one target.
type session struct {
	target, pkg string
	output      string
	time        time.Duration
	verdict     string // "ok", or how the program ended; empty if it did not
}

// parse reads a console. The lines of /init begin with @@ and have their
// fields set apart by tabs; what stands between @@begin and @@end are a test
// binary's own.
func parse(console string) (r report) {
	var now *session
	for line := range lines.Of(console) {
		f := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		switch {
		case f[0] == "@@kernel" && len(f) == 2:
			r.kernel = f[1]
		case f[0] == "@@begin" && len(f) == 3:
			r.runs = append(r.runs, session{target: f[1], pkg: f[2]})
			now = &r.runs[len(r.runs)-1]
		case f[0] == "@@end" && len(f) == 5 && now != nil:
			ms, _ := strconv.Atoi(f[3])
			now.time, now.verdict = time.Duration(ms)*time.Millisecond, f[4]
			now = nil
		case f[0] == "@@done":
			r.done = true
		case now != nil:
			now.output += line
		}
	}
	return r
}

// rows counts the tests of each target. Whatever is amiss stands among the
// failed: tests, a program that died, a target that never began, a skip that
// belongs to qemu-user.
func (r report) rows(targets []string) (rows []foreign.Row, err error) {
	for _, name := range targets {
		t, err := foreign.Lookup(name)
		if err != nil {
			return nil, err
		}
		row := foreign.Row{Target: t, How: "Linux " + r.kernel}
		for _, run := range r.runs {
			if run.target == name {
				row.Result.Add(run.result())
				row.Time += run.time
			}
		}
		if !r.done {
			row.Result.Failed = append(row.Result.Failed, "the machine did not get to its end")
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (r session) result() foreign.Result {
	result, finished := foreign.Parse(r.pkg, r.output)
	if r.verdict != "ok" || !finished {
		result.Failed = append(result.Failed, fmt.Sprintf("%s: the program ended with %q", r.pkg, r.verdict))
	}
	for _, s := range result.Skipped {
		if strings.HasPrefix(s.Reason, fdtest.QemuUserPrefix) {
			result.Failed = append(result.Failed, fmt.Sprintf("%s: %s takes a real kernel for qemu-user", r.pkg, s.Test))
		}
	}
	return result
}

// times are what took long.
func (r report) times() (s string) {
	for _, run := range r.runs {
		if run.time >= 10*time.Second {
			s += fmt.Sprintf("; %s of %s %.0f s", run.pkg, run.target, run.time.Seconds())
		}
	}
	return s
}

// explain shows what programs that failed said, and where the machine stopped.
func (r report) explain(name, console string) {
	for _, s := range r.runs {
		if s.verdict != "ok" {
			fmt.Printf("%s: %s, %s: %q\n%s\n", name, s.target, s.pkg, s.verdict, foreign.Tail(foreign.Complaints(s.output), 200))
		}
	}
	if !r.done {
		fmt.Printf("%s: stopped; the end of the console:\n%s\n", name, foreign.Tail(console, 50))
	}
}
