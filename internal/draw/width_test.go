package draw

import (
	"encoding/json"
	"encoding/xml"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"example.com/fdpass/internal/lines"
)

func TestDoesEveryDrawingFitEveryWidth(t *testing.T) {
	for _, width := range []int{MinWidth, 60, 79, 100, 200} {
		for _, o := range every {
			for _, archs := range combinations() {
				var b strings.Builder
				if err := Text(&b, pictures(t, o, archs...), Style{Width: width}); err != nil {
					t.Fatal(err)
				}
				for line := range lines.Of(b.String()) {
					if n := utf8.RuneCountInString(line) - 1; n > width {
						t.Errorf("%v, %+v: %d columns of %d: %s", archs, o, n, width, line)
					}
				}
			}
		}
	}
}

func TestAreEqualLayoutsDrawnOnce(t *testing.T) {
	var names []string
	for _, c := range combinations()[:13] {
		names = append(names, c...)
	}
	o := Options{FDs: 1, Show: []string{"pointers", "cmsghdr", "message"}}
	text := drawn(t, o, names...)
	// By word size there are two kinds; by word size, byte order and SOL_SOCKET seven.
	for what, n := range map[string]int{
		"cmsghdr, ": 2, "msg_control, ": 7, "size_t cmsg_len =": 7, "struct msghdr": 2,
	} {
		if got := strings.Count(strings.Join(strings.Fields(text), " "), what); got != n {
			t.Errorf("%q is drawn %d times, want %d:\n%s", what, got, n, text)
		}
	}
	const together = "amd64, arm64, loong64, ppc64le, riscv64: 64-bit little-endian, SOL_SOCKET is 1\n"
	if !strings.Contains(text, together) {
		t.Errorf("no line\n%s", together)
	}
}

// A picture for people: no wider than a screen, each figure once, and no text that
// runs out of it.
func TestIsTheImageOfAllAPicture(t *testing.T) {
	var names []string
	for _, c := range combinations()[:13] {
		names = append(names, c...)
	}
	var b strings.Builder
	if err := SVG(&b, pictures(t, Options{FDs: 1, Show: Parts}, names...)); err != nil {
		t.Fatal(err)
	}
	var image struct {
		Width int `xml:"width,attr"`
	}
	if err := xml.Unmarshal([]byte(b.String()), &image); err != nil {
		t.Fatal(err)
	}
	if image.Width > svgMax+2*svgSpace || image.Width < 600 {
		t.Errorf("%d pixels wide", image.Width)
	}
	if n := strings.Count(b.String(), ">msg_control on "); n != 7 {
		t.Errorf("%d control buffers, want 7", n)
	}
}

// Every class that has a colour on a light page has another one on a dark page.
func TestDoImagesFollowADarkPage(t *testing.T) {
	light, dark, ok := strings.Cut(svgStyle, "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("no colours for a dark page")
	}
	colour := regexp.MustCompile(`(text|\.\w+) {[^}]*(#[0-9a-f]{6})[^}]*}`)
	found := 0
	for _, m := range colour.FindAllStringSubmatch(light, -1) {
		found++
		at := strings.Index(dark, m[1]+" {")
		if at < 0 {
			at = strings.Index(dark, m[1]+", ")
		}
		if at < 0 {
			t.Errorf("%s is %s on a dark page, too", m[1], m[2])
			continue
		}
		rule, _, _ := strings.Cut(dark[at:], "}")
		if strings.Contains(rule, m[2]) || !strings.Contains(rule, "#") {
			t.Errorf("%s is %s on a light page, and on a dark one:%s", m[1], m[2], rule)
		}
	}
	if found < 12 {
		t.Errorf("only %d classes have a colour", found)
	}
}

func TestDoesAFullMessageContradictItself(t *testing.T) {
	for _, fds := range []int{252, 253} {
		text := drawn(t, Options{FDs: fds, Show: []string{"message"}}, "amd64")
		flat := strings.Join(strings.Fields(text), " ")
		if fds == MaxFDs && (strings.Contains(flat, "lets more than") || strings.Contains(flat, "too many")) {
			t.Errorf("more than the kernel passes:\n%s", text)
		}
		if fds == MaxFDs && !strings.Contains(flat, "passes 253 descriptors in a message at most") {
			t.Errorf("no word of the limit:\n%s", text)
		}
	}
	p := pictures(t, Options{FDs: MaxFDs, Show: []string{"message"}}, "amd64")[0]
	b, err := json.Marshal(p)
	if err != nil || strings.Contains(string(b), "one descriptor more") {
		t.Errorf("%v, and it has room for one descriptor more: %.100s", err, b[len(b)-min(len(b), 400):])
	}
}

func TestIsPaddingNamedAndUnspecified(t *testing.T) {
	b, err := json.Marshal(pictures(t, Options{FDs: 1, Show: Parts}, "s390x"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"name":"padding","offset":12,"size":4}`, // after msg_namelen
		`{"offset":20,"size":4,"name":"padding","note":"unspecified bytes, room for one descriptor more"}`,
		`"pointers":[{"from":"msghdr.msg_iov","to":"struct iovec[]"},{"from":"iovec.iov_base","to":"payload"},` +
			`{"from":"msghdr.msg_control","to":"control buffer"}]`,
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in\n%s", want, b)
		}
	}
}

func TestWhatPointsToWhat(t *testing.T) {
	got := drawn(t, Options{FDs: 1, With: []string{"cred"}, Show: []string{"pointers"}}, "s390x")
	const want = `s390x: 64-bit big-endian, SOL_SOCKET is 1

struct msghdr                 struct iovec             payload
┌───────────────────────┐     ┌───────────────────┐    ┌───────────┐
│ msg_name         NULL │  ┌─▶│ iov_base        ●─┼───▶│ 4 bytes   │
│ msg_namelen         0 │  │  │ iov_len         4 │    └───────────┘
│ msg_iov             ●─┼──┘  └───────────────────┘
│ msg_iovlen          1 │     control buffer
│ msg_control         ●─┼──┐  ┌────────────────────────────────────┐
│ msg_controllen     56 │  └─▶│ SCM_CREDENTIALS           32 bytes │
│ msg_flags           0 │     │ SCM_RIGHTS                24 bytes │
└───────────────────────┘     └────────────────────────────────────┘
`
	if got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
	var narrow strings.Builder
	err := Text(&narrow, pictures(t, Options{FDs: 1, Show: []string{"pointers"}}, "386"), Style{Width: 50})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"msg_iov points to struct iovec", "iov_base points to the payload",
		"msg_control points to the buffer"} {
		if !strings.Contains(narrow.String(), want) {
			t.Errorf("no %q in\n%s", want, narrow.String())
		}
	}
}
