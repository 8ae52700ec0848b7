package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"example.com/fdpass/internal/lines"
)

func TestDoesHelpExplainEveryTopicAndCommand(t *testing.T) {
	var all []string
	for _, topic := range topics {
		all = append(all, topic.name)
	}
	for _, c := range commands() {
		all = append(all, c.name)
	}
	for _, name := range all {
		var b strings.Builder
		if err := help(&b, []string{name}); err != nil || b.Len() < 200 {
			t.Errorf("%s: %v\n%s", name, err, b.String())
		}
		first := strings.Split(b.String(), "\n")[2]
		if name == "errors" && !strings.HasPrefix(first, "  0  ") {
			t.Errorf("the first line of the list of %s is not set in as the others: %q", name, first)
		}
		for line := range lines.Of(b.String()) {
			if n := utf8.RuneCountInString(line) - 1; n > 80 {
				t.Errorf("%s: %d columns: %s", name, n, line)
			}
		}
	}
	var b strings.Builder
	if err := help(&b, nil); err != nil {
		t.Fatal(err)
	}
	for _, topic := range topics {
		if !strings.Contains(b.String(), "\n  "+topic.name+" ") {
			t.Errorf("fdpass help does not list %s", topic.name)
		}
	}
	for _, args := range []string{"fly", "recv send"} {
		if err := help(&b, strings.Fields(args)); err == nil {
			t.Errorf("help %s: no error", args)
		}
	}
}
