package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"runtime"
	"strings"
	"testing"

	"example.com/fdpass/internal/abi"
	"example.com/fdpass/internal/decode"
)

func layout(d drawer, args ...string) (string, error) {
	var out strings.Builder
	d.out, d.look.width = &out, pipeWidth
	err := d.run(args)
	return out.String(), err
}

func TestWhichArchitecturesDoesLayoutDraw(t *testing.T) {
	for _, c := range []struct {
		args  string
		lines int // one for each architecture, before an empty line
		first string
	}{
		{"", 1, abi.Native().Name + ": "},
		{"s390x", 1, "s390x: 64-bit big-endian"},
		{"amd64 386 s390x", 3, "amd64: 64-bit little-endian"},
		{"all", 7, "386, arm: 32-bit little-endian, SOL_SOCKET is 1\n"},
		{"s390x all", 7, "s390x, ppc64: 64-bit big-endian, SOL_SOCKET is 1\n386, arm: "},
		{"x86_64 amd64 aarch64", 1, "amd64, arm64: 64-bit little-endian"},
	} {
		got, err := layout(drawer{fds: 1, show: "message"}, strings.Fields(c.args)...)
		head, _, _ := strings.Cut(got, "\n\n")
		if err != nil || strings.Count(head, "\n")+1 != c.lines || !strings.HasPrefix(head, c.first) {
			t.Errorf("%q: %v, and it begins\n%s", c.args, err, head)
		}
	}
}

func TestWhatDoesLayoutRefuse(t *testing.T) {
	for name, c := range map[string]struct {
		d    drawer
		args string
	}{
		"an unknown architecture": {drawer{show: "message"}, "amd64 vax"},
		"too many descriptors":    {drawer{fds: 254, show: "message"}, ""},
		"fewer than none":         {drawer{fds: -1, show: "message"}, ""},
		"an unknown extra":        {drawer{with: "cred,fd", show: "message"}, ""},
		"an unknown part":         {drawer{show: "message,stat"}, ""},
		"nothing":                 {drawer{}, ""},
		"two formats":             {drawer{svg: true, json: true, show: "message"}, ""},
	} {
		got, err := layout(c.d, strings.Fields(c.args)...)
		var usage usageError
		if !errors.As(err, &usage) || got != "" {
			t.Errorf("%s: %v, and %q", name, err, got)
		}
	}
}

func TestIsLayoutsImageAnImage(t *testing.T) {
	got, err := layout(drawer{fds: 3, with: "cred,pidfd", show: "msghdr,message", svg: true}, "amd64", "386")
	var svg struct {
		XMLName xml.Name
		Title   string `xml:"title"`
	}
	if err := errors.Join(err, xml.Unmarshal([]byte(got), &svg)); err != nil {
		t.Fatal(err)
	}
	const title = "Layout in memory on amd64, 386: struct msghdr, SCM_CREDENTIALS, SCM_RIGHTS, SCM_PIDFD"
	if svg.XMLName.Local != "svg" || svg.Title != title {
		t.Errorf("<%s>, %q", svg.XMLName.Local, svg.Title)
	}
}

// What layout draws, decode explains: the same bytes, the same names.
func TestDoLayoutAndDecodeTellOneStory(t *testing.T) {
	d := drawer{fds: 3, with: "timestamp,cred,security,pidfd,inq", show: "message", json: true}
	got, err := layout(d, "all")
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Arch, Bytes string
		Message     decode.Report
	}
	if err := json.Unmarshal([]byte(got), &all); err != nil || len(all) != 13 {
		t.Fatalf("%d architectures, %v", len(all), err)
	}
	for _, a := range all {
		text, err := decoded(decoder{json: true}, a.Bytes)
		if err != nil {
			t.Fatalf("%s: %v", a.Arch, err)
		}
		var r struct {
			Suits []string
			decode.Report
		}
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(" "+strings.Join(r.Suits, " ")+" ", " "+a.Arch+" ") {
			t.Errorf("decode finds that %s's buffer is for %v", a.Arch, r.Suits)
		}
		if len(r.Messages) != 6 || len(a.Message.Messages) != 6 {
			t.Fatalf("%s: %d and %d messages", a.Arch, len(r.Messages), len(a.Message.Messages))
		}
		for i, m := range r.Messages {
			if m.Summary != a.Message.Messages[i].Summary {
				t.Errorf("%s on %s: %q and %q",
					a.Arch, runtime.GOARCH, m.Summary, a.Message.Messages[i].Summary)
			}
		}
	}
}
