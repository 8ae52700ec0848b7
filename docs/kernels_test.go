package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/fdpass/internal/facts"
)

// kernelTable returns the table of docs/kernels.md without its ruler, cell by cell.
func kernelTable(t *testing.T) (head []string, rows [][]string) {
	t.Helper()
	text, err := os.ReadFile("kernels.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| ---") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	if len(rows) < 2 {
		t.Fatal("there is no table in kernels.md")
	}
	return rows[0], rows[1:]
}

func TestAreAllOptionsInTheTableOfKernels(t *testing.T) {
	_, rows := kernelTable(t)
	if len(rows) != len(facts.Options) {
		t.Fatalf("%d rows, and %d options", len(rows), len(facts.Options))
	}
	for i, o := range facts.Options {
		want := []string{o.Name, o.For, o.Linux, o.Page}
		if o.Page == "" {
			want[3] = "-"
		}
		if got := rows[i][:4]; !slices.Equal(got, want) {
			t.Errorf("row %d begins with %q, want %q", i, got, want)
		}
	}
}

// A measured kernel has what is older than it and lacks what is newer. Labels
// depend on the security module as well, not on the version alone.
func TestIsWhatWasMeasuredWhatTheVersionsSay(t *testing.T) {
	head, rows := kernelTable(t)
	kernels := head[4:]
	if len(kernels) < 5 {
		t.Errorf("only %d kernels in the table", len(kernels))
	}
	for _, row := range rows {
		if len(row) != len(head) {
			t.Fatalf("%q has %d cells, want %d", row[0], len(row), len(head))
		}
		for i, kernel := range kernels {
			want := "no"
			if atLeast(t, kernel, row[2]) {
				want = "yes"
			}
			if got := row[4+i]; got != want && !(got == "no" && row[0] == "SO_PEERSEC") {
				t.Errorf("%s on Linux %s is %q, and it came with %s", row[0], kernel, got, row[2])
			}
		}
	}
}

// atLeast compares the first two numbers of versions.
func atLeast(t *testing.T, version, than string) bool {
	t.Helper()
	a, b := numbers(t, version), numbers(t, than)
	return slices.Compare(a[:], b[:]) >= 0
}

func numbers(t *testing.T, version string) (n [2]int) {
	t.Helper()
	if _, err := fmt.Sscanf(version, "%d.%d", &n[0], &n[1]); err != nil {
		t.Fatalf("version %q: %v", version, err)
	}
	return n
}

// Every option that an error of the library names with a version is in the list
// that the table is made of, with that version.
func TestDoTheLibrarysErrorsNameTheVersionsOfTheTable(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(top, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	since := regexp.MustCompile(`"(SO_\w+)", "Linux ([\d.]+)"`)
	named := 0
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range since.FindAllStringSubmatch(string(source), -1) {
			named++
			same := func(o facts.Option) bool { return o.Name == m[1] && o.Linux == m[2] }
			if !slices.ContainsFunc(facts.Options, same) {
				t.Errorf("%s says %s came with Linux %s: the list has no such option", file, m[1], m[2])
			}
		}
	}
	if named < 9 {
		t.Errorf("only %d options with a version found in the library", named)
	}
}
