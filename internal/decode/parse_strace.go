package decode

import (
	"slices"
	"strconv"
	"strings"

	"example.com/fdpass/internal/abi"
)

// straceMessage is the header of a control message as strace prints it.
var straceMessage = pattern(`\{cmsg_len=([0-9]+), cmsg_level=(\w+)(?: /\*[^*]*\*/)?, cmsg_type=(\w+)(?: /\*[^*]*\*/)?(?:, cmsg_data=)?`)

// straceFile is what strace -y and -yy add to a descriptor. In names strace writes >
// as \76; between the two ends of a socket it does not.
var straceFile = pattern(`<[\w-]+:\[.*?\]>|<[^>]*>`)

// straceControl is where a control buffer begins.
var straceControl = pattern(`msg_control=\[`)

// straceRoom is how long the control buffer is.
var straceRoom = pattern(`msg_controllen=([0-9]+)`)

func (p *parser) isStrace() bool { return strings.Contains(p.text, "cmsg_len=") }

// strace reads a control buffer that strace has explained: msg_control=[…], or the
// whole call. cmsg_len shows the word size and nothing else of the architecture, so
// that the bytes are put together for the first candidate that it fits.
func (p *parser) strace() (err error) {
	// Blanks instead of names keep the places of errors.
	p.text = straceFile().ReplaceAllStringFunc(p.text, func(s string) string {
		return strings.Repeat(" ", len(s))
	})
	if all := straceControl().FindAllStringIndex(p.text, 2); len(all) == 2 {
		return p.fail(all[1][0], "a second control buffer, where one is read at a time")
	}
	var first error
	for _, group := range p.candidates() {
		p.out = nil
		if err = p.straceFor(group); err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// candidates returns the architectures that the text may be of: the one that is known, or
// all, this machine's first.
func (p *parser) candidates() (all []abi.Arch) {
	if p.arch != nil {
		return []abi.Arch{*p.arch}
	}
	for _, g := range alike() {
		all = append(all, g[0])
	}
	return all
}

func (p *parser) straceFor(a abi.Arch) error {
	all := straceMessage().FindAllStringSubmatchIndex(p.text, -1)
	if all == nil {
		return p.fail(strings.Index(p.text, "cmsg_len="),
			"not a control message as strace prints it: {cmsg_len=…, cmsg_level=…, cmsg_type=…")
	}
	for i, m := range all {
		end := len(p.text)
		if i+1 < len(all) {
			end = all[i+1][0]
		}
		if err := p.straceMessage(a, m, end); err != nil {
			return err
		}
	}
	if m := straceRoom().FindStringSubmatch(p.text); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil && n < len(p.out) && len(p.out)-n < a.Word {
			p.out = p.out[:n] // there was no padding after the last one
		}
	}
	return nil
}

// straceMessage appends the message that m has found, which ends before end.
func (p *parser) straceMessage(a abi.Arch, m []int, end int) error {
	group := func(i int) string { return p.text[m[2*i]:m[2*i+1]] }
	level, ok := straceLevel(a, group(2))
	if !ok {
		return p.fail(m[4], "unknown cmsg_level %s", group(2))
	}
	typ, ok := straceType(a, group(3))
	if !ok {
		return p.fail(m[6], "unknown cmsg_type %s", group(3))
	}
	data, err := p.straceData(a, typ, m[1], end)
	if err != nil {
		return err
	}
	if n, err := strconv.Atoi(group(1)); err != nil || n != a.Len(len(data)) {
		return p.fail(m[2], "cmsg_len is %s, and with %s of data %s has %d", group(1),
			count(len(data), "byte"), a.Name, a.Len(len(data)))
	}
	if len(p.out)+a.Space(len(data)) > MaxBuffer {
		return p.fail(m[0], "more than %d bytes", MaxBuffer)
	}
	p.out = a.Append(p.out, level, typ, data)
	return nil
}

func straceLevel(a abi.Arch, s string) (int, bool) {
	if s == "SOL_SOCKET" {
		return a.SOLSocket, true
	}
	for n, name := range levels {
		if name == s {
			return n, true
		}
	}
	n, err := strconv.ParseInt(s, 0, 32)
	return int(n), err == nil
}

func straceType(a abi.Arch, s string) (int, bool) {
	s = strings.TrimSuffix(strings.Replace(s, "SO_TIMESTAMP", "SCM_TIMESTAMP", 1), "_OLD")
	for typ := range 128 {
		if m, ok := a.Message(typ); ok && (m.Name == s || m.Name == strings.Replace(s, "SCM_", "SO_", 1)) {
			return typ, true
		}
	}
	n, err := strconv.ParseInt(s, 0, 32)
	return int(n), err == nil
}

// straceNumber is a descriptor, or the value of a member.
var straceNumber = pattern(`(?:^|[\[ ,=])(-?[0-9]+)`)

// straceData returns the data between two offsets of the text: a string, or numbers
// that have the sizes of what the message carries.
func (p *parser) straceData(a abi.Arch, typ, from, to int) ([]byte, error) {
	body := p.text[from:to]
	if strings.HasPrefix(body, `"`) {
		sub := &parser{text: p.text}
		end, err := sub.str(from)
		if err == nil && strings.HasPrefix(p.text[end:], "...") {
			err = p.fail(end, "strace left out the rest of the string: give it a larger -s")
		}
		return sub.out, err
	}
	if i := closing(body); i >= 0 {
		body = body[:i]
	}
	if i := strings.Index(body, "..."); i >= 0 {
		return nil, p.fail(from+i, "strace left out the rest of the list: give it a larger -s, or -v")
	}
	sizes := []int{4}
	if known, ok := a.Message(typ); ok && len(known.Payload.Fields) > 0 {
		sizes = nil
		for _, f := range known.Payload.Fields {
			sizes = append(sizes, f.Size)
		}
	}
	var data []byte
	for i, m := range straceNumber().FindAllStringSubmatchIndex(body, -1) {
		n, err := strconv.ParseInt(body[m[2]:m[3]], 10, 64)
		if err != nil {
			return nil, p.fail(from+m[2], "%s is too large", body[m[2]:m[3]])
		}
		data = append(data, wordBytes(a, uint64(n), sizes[i%len(sizes)])...)
	}
	return data, nil
}

// closing returns where the bracket that opens s is closed; -1 if there is none.
func closing(s string) int {
	depth := 0
	for i, c := range s {
		switch c {
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth <= 0 {
				return i
			}
		}
	}
	return -1
}

// wordBytes returns a number as it lies in a's memory.
func wordBytes(a abi.Arch, v uint64, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(v >> (8 * i))
	}
	if a.Big {
		slices.Reverse(b)
	}
	return b
}
