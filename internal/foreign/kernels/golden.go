package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	goldenfile "example.com/fdpass/internal/golden"
	"example.com/fdpass/internal/lines"
)

const (
	goldenPackage  = "internal/golden"
	goldenVariable = "FDPASS_GOLDEN"
)

// golden captures what the kernels of the chosen machines write into control
// buffers. Where that differs in its shape from the architecture's file it
// shows how and writes the file again, for the repository's own diff to judge.
func golden(ctx context.Context, every bool, only string) error {
	chosen, reports, err := bootAll(ctx, every, only, work{goldenPackage, "^TestDoesThisKernelWriteTheSame$", goldenVariable + "=1"})
	if err != nil {
		return err
	}
	seen := make(map[string]bool) // the first machine of an architecture counts
	for i, r := range reports {
		if !r.done || len(r.runs) != len(chosen[i].targets) {
			return errors.New(chosen[i].name + ": not every target was captured")
		}
		for _, s := range r.runs {
			if s.verdict != "ok" {
				return fmt.Errorf("%s: the capture on %s failed", chosen[i].name, s.target)
			}
			f, err := captured(s.output)
			if err != nil {
				return fmt.Errorf("%s: %w", chosen[i].name, err)
			}
			if seen[f.Arch] {
				continue
			}
			seen[f.Arch] = true
			if err := update(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// captured picks the file's lines out of what a test binary said.
func captured(output string) (goldenfile.File, error) {
	var text strings.Builder
	for line := range lines.Of(output) {
		if rest, ok := strings.CutPrefix(line, goldenVariable+"\t"); ok {
			text.WriteString(strings.TrimRight(rest, "\r\n") + "\n")
		}
	}
	return goldenfile.Parse(text.String())
}

func update(f goldenfile.File) error {
	name := filepath.Join(goldenPackage, "testdata", f.Arch+".txt")
	if text, err := os.ReadFile(name); err == nil {
		old, err := goldenfile.Parse(string(text))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		differences, err := old.Compare(f)
		if err != nil {
			return err
		}
		if len(differences) == 0 {
			fmt.Printf("%s: Linux %s writes the same as Linux %s\n", f.Arch, f.Kernel, old.Kernel)
			return nil
		}
		fmt.Printf("%s differs:\n%s\n", f.Arch, strings.Join(differences, "\n"))
	}
	fmt.Println("writing", name)
	return os.WriteFile(name, []byte(f.String()), 0o644)
}
