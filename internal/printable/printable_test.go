package printable

import (
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestWhatIsPrintedAsItIs(t *testing.T) {
	for _, s := range []string{"", "/etc/hostname", "a b", "Größe 日本", `"`, `\x1b`, "\uFFFD"} {
		if got := Line(s); got != s {
			t.Errorf("Line(%q) is %s", s, got)
		}
	}
}

func TestWhatIsQuoted(t *testing.T) {
	for s, want := range map[string]string{
		"\x1b[2J":       `"\x1b[2J"`,
		"a\nb":          `"a\nb"`,
		"\u009b2J":      `"\u009b2J"`,      // CSI in one character
		"\x9b2J":        `"\x9b2J"`,        // and in one byte, of a terminal without UTF-8
		"\u202Etxt.exe": `"\u202etxt.exe"`, // writes the rest from right to left
		"\x7f":          `"\x7f"`,
		"\xff":          `"\xff"`,
		"\u00a0":        `"\u00a0"`,
	} {
		if got := Line(s); got != want {
			t.Errorf("Line(%q) is %s, want %s", s, got, want)
		}
	}
}

func TestWhatIsText(t *testing.T) {
	for s, want := range map[string]bool{
		"a\n\tb": true, "": true, "\x1b": false, "\u0080": false, "\xff": false, "\r": false,
	} {
		if got := IsText(s); got != want {
			t.Errorf("IsText(%q) is %v", s, got)
		}
	}
}

// harmless reports whether a terminal only draws s. It looks at bytes for what a
// terminal without UTF-8 would obey, and at characters for the others.
func harmless(s string) bool {
	for _, r := range s {
		if r < ' ' || 0x7f <= r && r <= 0x9f || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) ||
			unicode.Is(unicode.Zp, r) {
			return false
		}
	}
	return utf8.ValidString(s)
}

func FuzzLine(f *testing.F) {
	for _, s := range []string{"/tmp/s", "\x1b]0;title\a", "\u009b", "\x80", "a\u202eb", "\xed\xa0\x80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Line(s)
		if !harmless(got) {
			t.Errorf("Line(%q) is %q", s, got)
		}
		if got != s {
			if back, err := strconv.Unquote(got); err != nil || back != s {
				t.Errorf("Line(%q) is %s, which is %q, %v", s, got, back, err)
			}
		}
		if IsText(s) && !harmless(strings.NewReplacer("\n", "", "\t", "").Replace(s)) {
			t.Errorf("IsText(%q)", s)
		}
	})
}
