package foreign

import (
	"reflect"
	"strings"
	"testing"
)

func TestWhatDoesATestBinarySay(t *testing.T) {
	const output = `=== RUN   TestA
--- PASS: TestA (0.00s)
=== RUN   TestB
=== RUN   TestB/one
    b_test.go:30: a note
    b_test.go:31: qemu-user: it truncates
=== RUN   TestB/two
--- FAIL: TestB (0.01s)
    --- SKIP: TestB/one (0.00s)
    --- FAIL: TestB/two (0.00s)
=== RUN   TestC
=== PAUSE TestC
=== CONT  TestC
    c_test.go:7: no such thing
--- SKIP: TestC (0.00s)
FAIL
`
	for _, end := range []string{"\n", "\r\n"} {
		r, finished := Parse("rawmsg", strings.ReplaceAll(output, "\n", end))
		want := Result{
			Passed: 1,
			Skipped: []Skip{
				{"rawmsg", "TestB/one", "qemu-user: it truncates"},
				{"rawmsg", "TestC", "no such thing"},
			},
			Failed: []string{"rawmsg: TestB", "rawmsg: TestB/two"},
		}
		if !finished || !reflect.DeepEqual(r, want) {
			t.Errorf("%+v, %v, want %+v", r, finished, want)
		}
	}
}

func TestIsAProgramThatDiedNoticed(t *testing.T) {
	const output = "=== RUN   TestA\n--- PASS: TestA (0.00s)\n=== RUN   TestB\npanic: no\n"
	if r, finished := Parse(".", output); finished || r.Passed != 1 {
		t.Errorf("%+v, %v", r, finished)
	}
	if !Failed([]Row{{}}) {
		t.Error("a target without a single test passed")
	}
}

func TestIsEveryArchitectureATarget(t *testing.T) {
	seen := make(map[string]bool)
	for _, target := range Targets() {
		seen[target.Arch.Name] = true
		if again, err := Lookup(target.String()); err != nil || again != target {
			t.Errorf("%v is found as %v, %v", target, again, err)
		}
	}
	if len(seen) != 13 {
		t.Errorf("%d architectures, want 13", len(seen))
	}
}
