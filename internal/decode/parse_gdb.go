package decode

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// memoryLine is a line of gdb's x: an address, perhaps with a name, and values.
var memoryLine = pattern(`^[ \t]*0x[0-9a-f]+(?: <[^>]*>)?:[ \t]*`)

// charLiteral is what gdb adds to a number that is a character.
var charLiteral = pattern(`'(?:\\.[^']*|[^'])'`)

// isMemory reports whether the text is what gdb's x prints.
func (p *parser) isMemory() bool {
	return memoryLine().MatchString(strings.TrimLeft(p.text, " \t\r\n"))
}

// memory reads what gdb's x prints: bytes in hex or decimal, or words in hex.
func (p *parser) memory() error {
	var little, big []byte
	for at := 0; at < len(p.text); {
		line, _, _ := strings.Cut(p.text[at:], "\n")
		if strings.TrimSpace(line) != "" {
			m := memoryLine().FindStringIndex(line)
			if m == nil {
				return p.fail(at, "no address, as the lines before have")
			}
			words := strings.Fields(charLiteral().ReplaceAllString(line[m[1]:], " "))
			k := memoryKind(words)
			for i := range words {
				words[i] = strings.TrimPrefix(words[i], "0x")
			}
			var err error
			if little, err = p.appendWords(little, at, words, k, binary.LittleEndian); err != nil {
				return err
			}
			if big, err = p.appendWords(big, at, words, k, binary.BigEndian); err != nil {
				return err
			}
		}
		at += len(line) + 1
	}
	p.out = p.likelier(little, big)
	return nil
}

// memoryKind returns how x writes words: hex of full width, or bytes in decimal.
func memoryKind(words []string) wordKind {
	if len(words) > 0 {
		if size := (len(words[0]) - 2) / 2; strings.HasPrefix(words[0], "0x") && size > 0 && size <= 8 {
			return wordKind{size, 16}
		}
	}
	return wordKind{1, 10}
}

// repeats is how gdb folds equal elements, as " <repeats 46 times>".
var repeats = pattern(`^<repeats ([0-9]{1,9}) times>`)

// repeat adds the last byte as often as the text at an offset says, and returns
// how long that text is; 0 if there is none.
func (p *parser) repeat(at int) (length int, err error) {
	m := repeats().FindStringSubmatch(p.text[at:])
	if m == nil || len(p.out) == 0 {
		return 0, nil
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0, p.fail(at, "%s is too large", m[1])
	}
	for last := p.out[len(p.out)-1]; n > 1; n-- {
		if err := p.add(at, last); err != nil {
			return 0, err
		}
	}
	return len(m[0]), nil
}
