package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

func TestIsTheSenderChecked(t *testing.T) {
	fdtest.SkipUnderGVisor(t, fdtest.GVisorPeer)
	fdtest.NoLeak(t)
	own := fmt.Sprint(os.Getuid())
	for _, socket := range []string{socketPath(t), fmt.Sprintf("@fdpass-from-%d", os.Getpid())} {
		p := startFdpass(t, "recv", "-from", own, "-cat", socket)
		send(t, socket, fdtest.Files(t, 1)...)
		if got := p.succeed(); got != fdtest.Contents(0) {
			t.Errorf("%s: received %q", socket, got)
		}
		p = startFdpass(t, "recv", "-from", "54321", "-timeout", "2s", socket)
		dial(t, socket)
		p.waitFor(&p.err, fmt.Sprintf("refused: not user 54321, but process %d (", os.Getpid()))
		p.fail(1, "no descriptors came within 2s")
	}
	startFdpass(t, "recv", "-from", "no such user", "/tmp/s").fail(1, "there is no such user")
}

// On a datagram socket each message has its sender.
func TestIsTheSenderOfADatagramChecked(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	fdtest.NoLeak(t)
	path := socketPath(t)
	p := startFdpass(t, "recv", "-type", "dgram", "-from", "54321", path)
	startFdpass(t, "send", "-wait", path, "/dev/null").succeed()
	p.waitFor(&p.err, "refused: not user 54321, but ")
	p.interrupt()
	isGone(t, path)
}

func TestDoesADatagramOrSeqpacketSocketReceive(t *testing.T) {
	fdtest.NoLeak(t)
	files := fdtest.Files(t, 2)
	for _, typ := range []string{"dgram", "seqpacket", "stream"} {
		path := socketPath(t)
		p := startFdpass(t, "recv", "-type", typ, "-n", "2", path)
		long := filepath.Join(t.TempDir(), "payload")
		if err := os.WriteFile(long, bytes.Repeat([]byte("x"), 100_000), 0o600); err != nil {
			t.Fatal(err)
		}
		s := startFdpass(t, "send", "-wait", "-data", "@"+long, path, files[0].Name(), files[1].Name())
		s.succeed()
		out := p.succeed()
		for _, want := range []string{"received 2 descriptors with 100000 bytes", files[1].Name()} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", typ, want, out)
			}
		}
		isFrom(t, out, s.Process.Pid)
		isGone(t, path)
	}
}

// Each datagram may be somebody else's: no two are put together, and none ends recv.
func TestAreDatagramsPutTogether(t *testing.T) {
	fdtest.NoLeak(t)
	files := fdtest.Files(t, 3)
	path := socketPath(t)
	p := startFdpass(t, "recv", "-type", "dgram", "-n", "2", "-cat", path)
	conn := dial(t, path)
	for _, some := range [][]*os.File{files[:1], files, files[1:]} {
		if _, err := fdpass.SendMsg(conn, []byte("x"), some...); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := p.succeed(), fdtest.Contents(1)+fdtest.Contents(2); got != want {
		t.Errorf("received %q, want %q", got, want)
	}
	for _, want := range []string{
		"only 1 of 2 descriptors came in a datagram", "more than 2 descriptors came",
	} {
		if !strings.Contains(p.err.String(), want) {
			t.Errorf("no %q in %q", want, p.err.String())
		}
	}
}

func TestWhatIsTheModeOfTheSocket(t *testing.T) {
	fdtest.NoLeak(t)
	for _, c := range []struct {
		args []string
		mode fs.FileMode
	}{
		{[]string{"-mode", "0666"}, 0o666},
		{[]string{"-mode", "660", "-group", fmt.Sprint(os.Getgid())}, 0o660},
		{[]string{"-mode", "0"}, 0},
		{[]string{"-group", fmt.Sprint(os.Getgid())}, 0o600},
		{[]string{"-type", "dgram", "-mode", "622"}, 0o622},
	} {
		path := socketPath(t)
		p := startFdpass(t, append(append([]string{"recv", "-timeout", "20s"}, c.args...), path)...)
		for m := fs.FileMode(0); m != fs.ModeSocket|c.mode; {
			// The umask does not count, and nobody could connect before.
			if m = appears(t, path).Mode(); m != fs.ModeSocket|0o600 && m != fs.ModeSocket|c.mode {
				t.Fatalf("%v: mode %v", c.args, m)
			}
		}
		p.interrupt()
	}
	startFdpass(t, "recv", "-mode", "8", "/tmp/s").fail(2, "octal digits up to 0777")
	startFdpass(t, "recv", "-mode", "1777", "/tmp/s").fail(2, "octal digits up to 0777")
	startFdpass(t, "recv", "-mode", "0666", "@s").fail(2, "at a path")
	startFdpass(t, "recv", "-group", "no such group", "/tmp/s").fail(1, "there is no such group")
}

func TestDoesAnotherGroupGetTheSocket(t *testing.T) {
	fdtest.NoLeak(t)
	if os.Getuid() != 0 {
		t.Skip("needs root, to give a file away")
	}
	path := socketPath(t)
	l, err := listen(path, "unix", access{perm: 0o660, gid: 54321}, makePrivate)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if st := appears(t, path).Sys().(*syscall.Stat_t); st.Gid != 54321 || st.Mode&0o777 != 0o660 {
		t.Errorf("group %d, mode %o", st.Gid, st.Mode&0o777)
	}
}

func TestWhatDoesTheListSayInJSON(t *testing.T) {
	fdtest.NoLeak(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	path := socketPath(t)
	p := startFdpass(t, "recv", "-json", path)
	conn := dial(t, path)
	if _, err := fdpass.SendMsg(conn, []byte("a\x00b"), f); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	out := p.succeed()
	var got receivedJSON
	if err := json.Unmarshal([]byte(out), &got); err != nil || strings.Count(out, "\n") != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	d := got.Descriptors[0]
	if len(got.Descriptors) != 1 || d.Kind != "file" || d.Access != "w" ||
		strings.Join(d.Flags, " ") != "append" ||
		d.Size == nil || *d.Size != 5 || d.Offset == nil || *d.Offset != 0 || d.What != file {
		t.Errorf("descriptors: %s", out)
	}
	if got.Bytes != 3 || string(got.Payload) != "a\x00b" || got.Text != "a\x00b" {
		t.Errorf("payload: %s", out)
	}
	fdtest.SkipUnderGVisor(t, fdtest.GVisorPeer)
	s := got.Sender
	if s == nil || int(s.PID) != os.Getpid() || int(s.UID) != os.Getuid() || s.Program == "" {
		t.Errorf("sender: %s", out)
	}
}

// A script gets the payload in a file, in a descriptor, or as CMD's environment.
func TestWhereDoesThePayloadGo(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, execNeeded)
	fdtest.NoLeak(t)
	file := filepath.Join(t.TempDir(), "payload")
	for _, payload := range []string{"hello", "a\x00b", strings.Repeat("long ", 100_000)} {
		sent := filepath.Join(t.TempDir(), "sent")
		if err := os.WriteFile(sent, []byte(payload), 0o600); err != nil {
			t.Fatal(err)
		}
		path := socketPath(t)
		p := startFdpass(t, "recv", "-payload", file, "-cat", path)
		startFdpass(t, "send", "-wait", "-data", "@"+sent, path, "/dev/null").succeed()
		p.succeed()
		if got, err := os.ReadFile(file); err != nil || string(got) != payload {
			t.Errorf("%d bytes have become %d, %v", len(payload), len(got), err)
		}
		p = startFdpass(t, "recv", "-payload", "fd:1", path, "--",
			"sh", "-c", `printf "/%s/%s/" "$FDPASS_PAYLOAD" "$FDPASS_PID"`)
		s := startFdpass(t, "send", "-wait", "-data", "@"+sent, path, "/dev/null")
		s.succeed()
		want := payload + "/" + payload + "/"
		if payload != "hello" {
			want = payload + "//"
		}
		want += fmt.Sprintf("%d/", s.Process.Pid)
		if got := p.succeed(); got != want {
			t.Errorf("%d bytes: got %.50q…, want %.50q…", len(payload), got, want)
		}
	}
	startFdpass(t, "recv", "-payload", "/no/such/dir/x", "/tmp/s").fail(1, "no such file")
}

// What of a payload is not read is announced.
func TestIsAPayloadCutSilently(t *testing.T) {
	fdtest.NoLeak(t)
	path := socketPath(t)
	sent, kept := filepath.Join(t.TempDir(), "sent"), filepath.Join(t.TempDir(), "kept")
	for size, cut := range map[int]bool{maxData: false, maxData + 1: true, maxData + 500_000: true} {
		if err := os.WriteFile(sent, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		p := startFdpass(t, "recv", "-payload", kept, path)
		s := startFdpass(t, "send", "-wait", "-data", "@"+sent, path, "/dev/null")
		out := p.succeed()
		says := strings.Contains(out, "(only the first 1048576 bytes of the payload are kept)")
		if says != cut {
			t.Errorf("of %d bytes: %s", size, out)
		}
		if info, err := os.Stat(kept); err != nil || info.Size() != maxData {
			t.Errorf("of %d bytes: %v, %v", size, info, err)
		}
		s.end() // perhaps with an error: nobody reads the rest
	}
	l, err := bind(path, "unix", makePrivate)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn := dial(t, path)
	for _, f := range fdtest.Files(t, 2) { // both are there before it listens
		if err := fdpass.Send(conn, f); err != nil {
			t.Fatal(err)
		}
	}
	f, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	needsAcceptConn(t, f)
	p := fdpassCommand(t, "recv", "fd:3")
	p.ExtraFiles = []*os.File{f}
	p.begin()
	out := p.succeed()
	if !strings.Contains(out, "received 1 descriptor") ||
		!strings.Contains(out, "another message with descriptors came after this one, and was closed") {
		t.Errorf("%s", out)
	}
}

// A sender that keeps still and keeps its connection open may have more of a payload.
func TestIsItSaidThatAPayloadMayGoOn(t *testing.T) {
	fdtest.NoLeak(t)
	path := socketPath(t)
	for long, want := range map[bool]string{
		false: "with 1000 bytes", true: "(the payload may go on: the connection is open, and nothing more came in time)",
	} {
		p := startFdpass(t, "recv", path)
		payload := make([]byte, 1000)
		if long {
			payload = make([]byte, 2*firstFit)
		}
		if _, err := fdpass.SendMsg(dial(t, path), payload, fdtest.Files(t, 1)...); err != nil {
			t.Fatal(err)
		}
		out := p.succeed()
		if !strings.Contains(out, want) || strings.Contains(out, "may go on") != long {
			t.Errorf("of %d bytes: no %q in\n%s", len(payload), want, out)
		}
	}
}

// A sender that never ends its payload, and never keeps still, has the limit, too.
func TestDoesTheLimitHoldForTheRestOfAPayload(t *testing.T) {
	fdtest.NoLeak(t)
	path := socketPath(t)
	p := startFdpass(t, "recv", "-timeout", "3s", path)
	conn := dial(t, path)
	if _, err := fdpass.SendMsg(conn, make([]byte, 2*firstFit), fdtest.Files(t, 1)...); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if _, err := conn.Write([]byte("x")); err != nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("it goes on")
		}
	}
	if out := p.succeed(); !strings.Contains(out, "the payload may go on") {
		t.Errorf("it does not say that there was more:\n%s", out)
	}
}

func TestDoesConnectWaitForTheSocket(t *testing.T) {
	fdtest.NoLeak(t)
	path := socketPath(t)
	startFdpass(t, "recv", "-connect", path).fail(1, "no such file")
	startFdpass(t, "recv", "-connect", "-wait", "-timeout", "50ms", path).fail(1, "timed out")
	startFdpass(t, "recv", "-wait", path).fail(2, "-wait is for -connect")
	p := startFdpass(t, "recv", "-connect", "-wait", "-cat", path)
	startFdpass(t, "send", "-listen", path, fdtest.Files(t, 1)[0].Name()).succeed()
	if got := p.succeed(); got != fdtest.Contents(0) {
		t.Errorf("received %q", got)
	}
	isGone(t, path)
}
