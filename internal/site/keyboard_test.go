package site

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// axNode is what a screen reader is given of an element.
type axNode struct {
	Ignored    bool
	Role, Name struct{ Value any }
}

func (b *browser) accessible() (all []string) {
	b.t.Helper()
	var tree struct{ Nodes []axNode }
	b.must("Accessibility.getFullAXTree", params{}, &tree)
	for _, n := range tree.Nodes {
		role, _ := n.Role.Value.(string)
		name, _ := n.Name.Value.(string)
		if !n.Ignored {
			all = append(all, role+": "+name)
		}
	}
	return all
}

func TestWhatDoesAScreenReaderGet(t *testing.T) {
	b, dir := startBrowser(t)
	b.open("file://" + filepath.Join(dir, "index.html") + showing)
	b.eval("document.querySelectorAll('details').forEach(d => d.open = true)", nil)
	got := b.accessible()
	for _, want := range []string{
		"heading: Control messages, drawn and explained",
		"group: Architectures", "checkbox: amd64 64-bit little-endian", "checkbox: cred", "checkbox: message",
		"spinbutton: Descriptors", "textbox: Bytes of a control buffer", "combobox: Read as",
		"textbox: This link opens the page as it is now", "button: Copy the link", "button: Explain these bytes",
		"region: Drawing", "group: Control buffer on amd64: 56 bytes",
		"image: Layout in memory on 386: SCM_CREDENTIALS, SCM_RIGHTS",
		"table: 2. SCM_RIGHTS: 1 descriptor", "columnheader: Meaning", "cell: 20 = CMSG_LEN(4)",
		"status: ", "alert: ",
	} {
		if !slices.ContainsFunc(got, func(s string) bool {
			return s == want || strings.HasSuffix(want, ": ") && strings.HasPrefix(s, want)
		}) {
			t.Errorf("there is no %q", want)
		}
	}
	for _, s := range got {
		role, name, _ := strings.Cut(s, ": ")
		if slices.Contains([]string{"checkbox", "textbox", "spinbutton", "combobox", "button", "image",
			"svg-root", "link", "table", "region"}, role) && name == "" {
			t.Errorf("a %s has no name", role)
		}
	}
	if t.Failed() {
		t.Log(strings.Join(got, "\n"))
	}
}

func TestIsTheKeyboardEnough(t *testing.T) {
	b, dir := startBrowser(t)
	b.open("file://" + filepath.Join(dir, "index.html"))
	b.must("Page.bringToFront", params{}, nil)
	var reached []string
	for range 60 {
		b.key("Tab", 9)
		var at string
		b.eval("(e => e === document.body ? '' : e.type === 'checkbox' ? e.value : e.id || e.className || e.textContent)(document.activeElement)", &at)
		if at == "" {
			break
		}
		if at == "s390x" {
			b.key(" ", 32)
		}
		reached = append(reached, at)
	}
	for _, want := range []string{"skip", "s390x", "fds", "picture", "As a table", "Explain these bytes",
		"bytes", "read", "one descriptor", "link", "copy"} {
		if !slices.Contains(reached, want) {
			t.Errorf("the tabulator does not reach %s, only\n%s", want, strings.Join(reached, "\n"))
		}
	}
	b.textHas("#draw-status", "Control buffer on s390x: 24 bytes")
}
