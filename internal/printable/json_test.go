package printable

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestWhatIsEscapedInJSON(t *testing.T) {
	for s, want := range map[string]string{
		"/tmp/s":        `"/tmp/s"`,
		"Größe 日本":      `"Größe 日本"`,
		"\x1b[2J":       `"\u001b[2J"`,
		"\u009b2J":      `"\u009b2J"`,
		"\x7f":          `"\u007f"`,
		"\u202Etxt.exe": `"\u202etxt.exe"`,
		"\U000E0001":    `"\udb40\udc01"`,
	} {
		var b strings.Builder
		if err := JSON(&b, s, ""); err != nil || b.String() != want+"\n" {
			t.Errorf("%q: %s, %v, want %s", s, b.String(), err, want)
		}
	}
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{"/tmp/s", "\x1b]0;title\a", "\u009b", "a\u202eb", "\U000E0001", "<&>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		if err := JSON(&b, map[string]string{"s": s}, " "); err != nil {
			t.Fatal(err)
		}
		if text := strings.ReplaceAll(b.String(), "\n", ""); !harmless(text) {
			t.Errorf("%q became %q", s, text)
		}
		var back map[string]string
		err := json.Unmarshal(b.Bytes(), &back)
		if err != nil || back["s"] != strings.ToValidUTF8(s, "\uFFFD") && strings.ToValidUTF8(s, "") == s {
			t.Errorf("%q became %q, %v", s, back["s"], err)
		}
	})
}
