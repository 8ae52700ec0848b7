//go:build linux

package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"example.com/fdpass/internal/fdtest"
)

// A client of PulseAudio and its server share a memfd only if credentials come with
// what the client sends, and are those of the server's user. Otherwise they copy, and
// nobody says so. Root, who may send the credentials of others, runs both as nobody.
func TestDoesPulseAudioShareMemoryThroughARelay(t *testing.T) {
	daemon, client := program(t, "pulseaudio", "pulseaudio"), program(t, "pactl", "pulseaudio-utils")
	clean(t)
	const nobody = 65534
	dir := fdtest.SocketDir(t)
	path := filepath.Join(dir, "native")
	run := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(name, args...)
		cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_RUNTIME_DIR="+dir, "LC_ALL=C")
		if os.Getuid() == 0 {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		}
		return cmd
	}
	server := run(daemon, "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1",
		"--log-target=stderr", "-vvvv", "-L", "module-null-sink", "-L", "module-native-protocol-unix socket="+path)
	if os.Getuid() == 0 {
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	p := start(t, server)
	const connections = 20
	front := relayTo(t, p, path, connections)
	for _, name := range []string{front, filepath.Dir(front)} {
		if err := os.Chmod(name, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for range connections {
		out, err := run(client, "--server=unix:"+front, "info").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "Default Sink: null\n") {
			t.Fatalf("pactl: %v\n%s", err, out)
		}
	}
	for _, want := range []string{"Negotiated SHM type: shared memfd", "Client enabled srbchannel"} {
		if n := strings.Count(p.said(), want); n != connections {
			t.Errorf("%q was said %d times, not %d", want, n, connections)
		}
	}
}
