package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What a page shows of a C program's output is what the program says that it
// prints; c_test.go holds it to that. The block names the program, and the C
// library where it matters.
func TestDoTheProgramsPrintWhatThePageShows(t *testing.T) {
	block := regexp.MustCompile("(?ms)^```output (c/\\w+\\.c)(?: with (\\w+))?\n(.*?)^```$")
	shown := 0
	for path, text := range texts(t) {
		for _, m := range block.FindAllStringSubmatch(text, -1) {
			shown++
			source, err := os.ReadFile(filepath.Join(filepath.Dir(path), m[1]))
			if err != nil {
				t.Error(err)
				continue
			}
			library := m[2]
			if library == "" {
				library = "glibc"
			}
			if want := outputs(t, string(source))[library]; m[3] != want {
				t.Errorf("%s: %s prints\n%s\nand not\n%s", path, m[1], want, m[3])
			}
		}
	}
	if shown < 5 {
		t.Errorf("only %d outputs of C programs found", shown)
	}
}

// C and Python on a page are parts of files that are compiled and run: those of
// the folder c, and the recipe, which the benchmark runs.
func TestIsTheCodeOnThePageTheCodeThatIsRun(t *testing.T) {
	var sources strings.Builder
	files, err := filepath.Glob("c/*.[ch]")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d files of C, %v", len(files), err)
	}
	for _, f := range append(files, "../bench/recipe/recipe.py") {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		sources.Write(text)
	}
	block := regexp.MustCompile("(?ms)^```(?:c|python)\n(.*?)^```$")
	shown := 0
	for path, text := range texts(t) {
		for _, m := range block.FindAllStringSubmatch(text, -1) {
			shown++
			if !strings.Contains(sources.String(), m[1]) {
				t.Errorf("%s: no file has these lines:\n%s", path, m[1])
			}
		}
	}
	if shown < 3 {
		t.Errorf("only %d blocks of C and Python found", shown)
	}
}
