package printable

import (
	"bytes"
	"encoding/json"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON writes v as JSON, and a line feed, to w. Characters that are not printable,
// which encoding/json leaves as they are from 0x7f on, are written as \u escapes.
// Indent is what each level is set in by; without one it is all on one line.
func JSON(w io.Writer, v any, indent string) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(escape(b.Bytes()))
	return err
}

// escape replaces the characters of a JSON text that are not printable. Outside of
// strings there are none but line feeds.
func escape(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r == '\n' || !unprintable(r) {
			out = append(out, text[:n]...)
		} else {
			for _, unit := range utf16.Encode([]rune{r}) {
				out = append(out, '\\', 'u')
				for shift := 12; shift >= 0; shift -= 4 {
					out = append(out, "0123456789abcdef"[unit>>shift&15])
				}
			}
		}
		text = text[n:]
	}
	return out
}
