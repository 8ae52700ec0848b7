//go:build linux

package interop

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// With ProxyUseFdpass, ssh's proxy command makes the connection, sends it over
// its standard output, and ends; ssh then has it without a program in between.
func TestDoesSSHTakeTheConnectionOfOurProxyCommand(t *testing.T) {
	ssh, sshd := program(t, "ssh", "openssh-client"), program(t, "sshd", "openssh-server")
	keygen := program(t, "ssh-keygen", "openssh-client")
	role := fdtest.Command(t, "proxy")
	for by, proxy := range map[string]string{
		"library": strings.Join(role.Args, " ") + " %h %p",
		"command": command(t) + " send fd:1 tcp:%h:%p",
	} {
		t.Run(by, func(t *testing.T) {
			clean(t)
			ln := listen(t)
			dir := sshFiles(t, keygen, ln)
			in, inOurs := pipe(t)
			outOurs, out := pipe(t)
			cmd := sshCommand(t, ssh, dir, proxy, ln)
			cmd.Env, cmd.Stdin, cmd.Stdout = role.Env, in, out
			p := start(t, cmd)
			server, far := serveSSH(t, sshd, dir, ln)
			fmt.Fprintln(inOurs, "a line through the session")
			inOurs.Close()
			got, err := io.ReadAll(outOurs)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(server.said(), "account is locked") {
				t.Skip("needs a user whom sshd lets in: usermod -p '*' of who runs this test")
			}
			p.wait(t)
			want := far + "\na line through the session\n"
			if !strings.HasSuffix(string(got), want) {
				t.Errorf("the session prints %q, not %q", got, want)
			}
		})
	}
}

func TestWhatDoesSSHSayWithoutADescriptor(t *testing.T) {
	ssh := program(t, "ssh", "openssh-client")
	clean(t)
	proxy := fdtest.Command(t, "proxy without a descriptor")
	cmd := exec.Command(ssh, "-F", "none", "-o", "ProxyUseFdpass=yes",
		"-o", "ProxyCommand="+strings.Join(proxy.Args, " "), "host.invalid")
	cmd.Env = proxy.Env
	p := start(t, cmd)
	err := p.result(t)
	if err == nil || !strings.Contains(p.said(), "no message header") {
		t.Errorf("ssh: %v, %s", err, p.said())
	}
}

// proxy is a role: the program for ProxyCommand, with host and port.
func proxy(args []string) error {
	conn, err := net.Dial("tcp", net.JoinHostPort(args[0], args[1]))
	if err != nil {
		return err
	}
	defer conn.Close()
	f, err := conn.(*net.TCPConn).File()
	if err != nil {
		return err
	}
	defer f.Close()
	return fdpass.Send(fdpass.Socket(1), f)
}

// proxyWithout is a role: one that forgets the descriptor.
func proxyWithout([]string) error {
	return fdpass.SendFDs(1)
}

// sshFiles makes a directory with the keys of both sides and what each has to
// know of the other.
func sshFiles(t *testing.T, keygen string, ln net.Listener) (dir string) {
	t.Helper()
	dir = t.TempDir()
	host, port := hostPort(ln)
	var public [2][]byte
	for i, name := range []string{"host", "user"} {
		path := filepath.Join(dir, name)
		out, err := exec.Command(keygen, "-q", "-t", "ed25519", "-N", "", "-f", path).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if public[i], err = os.ReadFile(path + ".pub"); err != nil {
			t.Fatal(err)
		}
	}
	put(t, filepath.Join(dir, "known"), fmt.Appendf(nil, "[%s]:%s %s", host, port, public[0]), 0o600)
	put(t, filepath.Join(dir, "authorized"), public[1], 0o600)
	put(t, filepath.Join(dir, "sshd_config"), fmt.Appendf(nil, `HostKey %[1]s/host
AuthorizedKeysFile %[1]s/authorized
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
PidFile none
`, dir), 0o600)
	return dir
}

// sshCommand is ssh with nothing of what the user or the machine has set.
func sshCommand(t *testing.T, ssh, dir, proxy string, ln net.Listener) *exec.Cmd {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	host, port := hostPort(ln)
	args := []string{"-F", "none", "-i", filepath.Join(dir, "user"), "-p", port, "-l", me.Username}
	for _, option := range []string{
		"ProxyUseFdpass=yes",
		"ProxyCommand=" + proxy,
		"BatchMode=yes",
		"IdentitiesOnly=yes",
		"IdentityAgent=none",
		"StrictHostKeyChecking=yes",
		"GlobalKnownHostsFile=none",
		"UserKnownHostsFile=" + filepath.Join(dir, "known"),
	} {
		args = append(args, "-o", option)
	}
	return exec.Command(ssh, append(args, host, "echo $SSH_CONNECTION; cat")...)
}

// serveSSH accepts a connection and starts the server on it. Ends is what this
// says of it in SSH_CONNECTION: the addresses of both.
func serveSSH(t *testing.T, sshd, dir string, ln *net.TCPListener) (server *peer, ends string) {
	t.Helper()
	conn, err := ln.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	f, err := conn.File()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		// Debian's service makes it before it starts the server.
		if os.Mkdir("/run/sshd", 0o755) == nil {
			t.Cleanup(func() { os.Remove("/run/sshd") })
		}
	}
	cmd := exec.Command(sshd, "-i", "-e", "-f", filepath.Join(dir, "sshd_config"))
	cmd.Stdin, cmd.Stdout = f, f
	server = start(t, cmd)
	from, to := conn.RemoteAddr().(*net.TCPAddr), conn.LocalAddr().(*net.TCPAddr)
	return server, fmt.Sprint(from.IP, " ", from.Port, " ", to.IP, " ", to.Port)
}
