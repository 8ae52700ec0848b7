package site

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// built returns the page in a folder.
func built(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "site")
	if out, err := exec.Command("go", "run", "./build", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

func (b *browser) textHas(selector string, wants ...string) {
	b.t.Helper()
	got := b.text(selector)
	for _, want := range wants {
		if !strings.Contains(got, want) {
			b.t.Errorf("%s has no %q in\n%s", selector, want, got)
		}
	}
}

// set changes a form's element as a person does, and the page hears of it.
func (b *browser) set(selector, property, value string) {
	b.t.Helper()
	b.eval("(e => { e."+property+" = "+value+"; e.dispatchEvent(new Event('input', {bubbles: true})) })(document.querySelector('"+selector+"'))", nil)
}

func TestDoesThePageWorkInABrowser(t *testing.T) {
	b, dir := startBrowser(t)
	file := "file://" + filepath.Join(dir, "index.html")
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()

	t.Run("What does it show at first", func(t *testing.T) {
		b.t = t
		b.open(file)
		b.textHas("#draw-status", "Control buffer on amd64: 24 bytes; meant for 1, it admits 2.")
		b.textHas("#drawing figcaption", "Control buffer on amd64: 24 bytes")
		var svg string
		b.eval("document.querySelector('#drawing svg').textContent", &svg)
		if !strings.Contains(svg, "int fd[0] = 5") || !strings.Contains(svg, "CMSG_SPACE(4)") {
			t.Errorf("the drawing says %s", svg)
		}
	})
	t.Run("Does it draw what is chosen", func(t *testing.T) {
		b.t = t
		b.open(file)
		b.set("[name=archs][value=s390x]", "checked", "true")
		b.set("[name=with][value=cred]", "checked", "true")
		b.set("#fds", "value", "'3'")
		b.textHas("#draw-status", "Control buffer on amd64: 64 bytes; meant for 3, it admits 4.",
			"Control buffer on s390x: 64 bytes")
		b.eval("document.querySelectorAll('details').forEach(d => d.open = true)", nil)
		b.textHas("#drawing", "SCM_CREDENTIALS: process 4242, user 1000, group 1000",
			"00 00 00 00 00 00 00 1c")
		b.set("#fds", "value", "'254'")
		b.textHas("#draw-error", "254 descriptors: the kernel passes 0 to 253 in a message")
		b.set("#fds", "value", "''")
		b.textHas("#draw-error", "-1 descriptors")
	})
	t.Run("Does it explain what is typed", func(t *testing.T) {
		b.t = t
		b.open(file)
		b.eval("document.querySelector('#bytes').focus()", nil)
		b.must("Input.insertText", params{"text": `"\0\0\0\20\0\0\377\377\0\0\0\1\0\0\0\5"`}, nil)
		b.textHas("#explain-status", "16 bytes, read as mips: SCM_RIGHTS (1 descriptor).")
		b.textHas("#explanation", "mips (32-bit big-endian)", "65535 = SOL_SOCKET", "int fd[0]")
		b.set("#read", "value", "'amd64'")
		b.textHas("#explain-error", "at offset 0")
		b.set("#bytes", "value", "'12 3'")
		b.textHas("#explain-error", "an odd number of hex digits")
		b.set("#bytes", "value", "''")
		b.textHas("#explain-error", "")
		if got := b.text("#explanation"); got != "" {
			t.Errorf("nothing is explained as %s", got)
		}
	})
	t.Run("Is anything that is typed taken for markup", func(t *testing.T) {
		b.t = t
		b.open(file)
		b.set("#bytes", "value", `'"<img src=x onerror=alert(1)>'`)
		// A label of SCM_SECURITY, which is shown as text: <b>.
		b.set("#bytes", "value", "'13000000 00000000 01000000 03000000 3c623e00 00000000'")
		b.textHas("#explanation", "<b>")
		var n int
		if b.eval("document.querySelectorAll('main img, #explanation b').length", &n); n != 0 {
			t.Errorf("%d elements were made of text", n)
		}
	})
	t.Run("Does a link hold the state", func(t *testing.T) {
		b.t = t
		b.open(file)
		b.set("[name=archs][value=mips]", "checked", "true")
		b.set("[name=parts][value=cmsghdr]", "checked", "true")
		b.set("#bytes", "value", "'14000000 00000000 01000000 01000000 05000000 00000000'")
		b.set("#read", "value", "'arm64'")
		var link string
		b.eval("document.querySelector('#link').value", &link)
		drawn, explained := b.text("#draw-status"), b.text("#explanation")
		for _, from := range []string{link, server.URL + "/" + link[strings.Index(link, "#"):]} {
			b.open(from)
			got := b.text("#draw-status")
			if got != drawn || !strings.Contains(got, "struct cmsghdr on mips: 12 bytes") {
				t.Errorf("%s draws %q, and not %q", from, got, drawn)
			}
			if got := b.text("#explanation"); got != explained || got == "" {
				t.Errorf("%s explains %q, and not %q", from, got, explained)
			}
		}
		// A link in the page, and back.
		b.eval(`new Promise(resolve => { addEventListener('hashchange', () => setTimeout(resolve)); document.querySelector('a[href*=ff00]').click() })`, nil)
		b.textHas("#explain-error", "cmsg_len is 255, and only 24 bytes left")
		b.textHas("#draw-status", "struct cmsghdr on mips: 12 bytes")
		b.eval(`new Promise(resolve => { addEventListener('hashchange', () => setTimeout(resolve)); history.back() })`, nil)
		if got := b.text("#explanation"); got != explained {
			t.Errorf("going back explains %q", got)
		}
	})
	t.Run("Are the drawn bytes explained by a button", func(t *testing.T) {
		b.t = t
		b.open(file + "#arch=ppc64&fds=2&with=pidfd")
		b.eval("document.querySelector('figure button').click()", nil)
		b.textHas("#explain-status",
			"SCM_RIGHTS (2 descriptors), SCM_PIDFD (descriptor of the sending process)")
	})
	t.Run("What is asked of the network", func(t *testing.T) {
		b.t = t
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, r := range b.requests {
			if !strings.HasPrefix(r, "file://"+dir) && !strings.HasPrefix(r, server.URL) && r != "data:," &&
				r != "about:blank" {
				t.Errorf("the page asked for %s", r)
			}
		}
		if len(b.requests) < 6 {
			t.Errorf("only %d requests seen", len(b.requests))
		}
		for _, p := range b.problems {
			t.Errorf("the page reports %s", p)
		}
	})
}

func TestDoesTheCommandContainThePage(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "../../cmd/fdpass").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := string(out)
	if !strings.Contains(deps, "internal/draw\n") || strings.Contains(deps, "internal/site") {
		t.Errorf("the command consists of\n%s", deps)
	}
}

func TestDoesThePageNameAHost(t *testing.T) {
	files, err := filepath.Glob("page/*")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "http:") || strings.Contains(string(text), "https:") {
			t.Errorf("%s names a host", f)
		}
	}
}
