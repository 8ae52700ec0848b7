package site

import (
	"fmt"
	"strings"

	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/decode"
)

// maxText is how much text Explain reads at most: xxd -c 1 takes 16 characters
// for a byte.
const maxText = 16 * decode.MaxBuffer

// ExplainRequest is what the page's second form asks for.
type ExplainRequest struct {
	Text string `json:"text"` // bytes in one of the forms of decode.Parse
	Arch string `json:"arch"` // GOARCH, or empty for the first that the bytes make sense for
}

// Explanation is the answer.
type Explanation struct {
	Arch    string   `json:"arch"`    // as which the bytes were read
	Suits   []string `json:"suits"`   // the groups of architectures that they may be of, if nobody said which
	Summary string   `json:"summary"` // one sentence
	Blocks  []Block  `json:"blocks"`
	Error   string   `json:"error"` // why the text cannot be read, or where the bytes stop making sense
}

// Explain explains bytes, and also those before a place that makes no sense.
func Explain(q ExplainRequest) Explanation {
	if strings.TrimSpace(q.Text) == "" {
		return Explanation{}
	}
	if len(q.Text) > maxText {
		return Explanation{Error: fmt.Sprintf("more than %d bytes of text; no control buffer is that long",
			maxText)}
	}
	buf, err := decode.Parse(q.Text)
	if err != nil {
		return Explanation{Error: err.Error()}
	}
	var e Explanation
	a, err := e.choose(q.Arch, buf)
	if err != nil {
		return Explanation{Error: err.Error()}
	}
	r := decode.Explain(a, buf)
	e.Arch, e.Blocks = a.Name, reportBlocks(r, buf)
	if r.Error != nil {
		e.Error = r.Error.Error()
	}
	var names []string
	for _, m := range r.Messages {
		names = append(names, m.Name+" ("+m.Summary+")")
	}
	if names == nil {
		names = []string{"no message"}
	}
	e.Summary = fmt.Sprintf("%d bytes, read as %s: %s.", r.Size, a.Name, strings.Join(names, ", "))
	return e
}

// fallback is read where the bytes make sense nowhere.
const fallback = "amd64"

// choose returns the architecture that was asked for, or the first that the bytes
// make sense for.
func (e *Explanation) choose(name string, buf []byte) (abi.Arch, error) {
	if name != "" {
		return abi.Lookup(name)
	}
	groups := decode.Guess(buf)
	for _, g := range groups {
		var names []string
		for _, a := range g {
			names = append(names, a.Name)
		}
		e.Suits = append(e.Suits, fmt.Sprintf("%s (%s)", strings.Join(names, ", "), g[0].Kind()))
	}
	for _, g := range groups {
		for _, a := range g {
			if a.Name == fallback {
				return a, nil
			}
		}
	}
	if len(groups) > 0 {
		return groups[0][0], nil
	}
	return abi.Lookup(fallback)
}
