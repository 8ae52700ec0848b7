package lines

import (
	"slices"
	"testing"
)

func TestWhatAreTheLines(t *testing.T) {
	for s, want := range map[string][]string{
		"":        nil,
		"a":       {"a"},
		"a\n":     {"a\n"},
		"a\n\nb":  {"a\n", "\n", "b"},
		"\na\r\n": {"\n", "a\r\n"},
	} {
		if got := slices.Collect(Of(s)); !slices.Equal(got, want) {
			t.Errorf("%q has the lines %q, want %q", s, got, want)
		}
	}
}
