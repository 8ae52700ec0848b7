//go:build linux

package fdpass_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

// relayed is two connections, and a relay between them.
type relayed struct {
	a, b           *net.UnixConn // what the programs at both ends have
	relayA, relayB *net.UnixConn // what the relay has
	cancel         context.CancelFunc
	ended          chan error
}

func newRelayed(t *testing.T, network string) *relayed {
	t.Helper()
	r := &relayed{ended: make(chan error, 1)}
	r.a, r.relayA = fdtest.Conns(t, network)
	r.relayB, r.b = fdtest.Conns(t, network)
	for _, c := range []*net.UnixConn{r.a, r.b} {
		if err := c.SetDeadline(time.Now().Add(5 * time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// start begins to relay.
func (r *relayed) start(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	r.cancel = cancel
	t.Cleanup(cancel)
	go func() { r.ended <- fdpass.Relay(ctx, r.relayA, r.relayB) }()
}

// end closes both ends, and checks that the relay ends without an error.
func (r *relayed) end(t *testing.T) {
	t.Helper()
	r.a.Close()
	r.b.Close()
	if err := <-r.ended; err != nil {
		t.Errorf("the relay ended with %v", err)
	}
}

// part is what one sendmsg sends.
type part struct {
	payload string
	fds     []int
}

// send sends parts, each with one sendmsg.
func send(t *testing.T, conn *net.UnixConn, parts []part) {
	t.Helper()
	for _, p := range parts {
		if n, err := fdpass.SendMsgFDs(conn, []byte(p.payload), p.fds...); err != nil || n != len(p.payload) {
			t.Fatalf("sent %d bytes, %v", n, err)
		}
	}
}

// places receives a stream byte by byte, and returns it with the files that came
// at each place.
func places(t *testing.T, conn *net.UnixConn, n int) (payload []byte, files map[int][]fdtest.ID) {
	t.Helper()
	r := fdtest.Receiver(t, conn, fdpass.Options{MaxFDs: rawmsg.SCM_MAX_FD})
	defer r.Close()
	files = map[int][]fdtest.ID{}
	var b [1]byte
	for i := range n {
		m, err := r.Recv(b[:])
		if err != nil {
			t.Fatalf("byte %d: %v", i, err)
		}
		payload = append(payload, b[0])
		if len(m.FDs()) > 0 {
			files[i] = fdtest.IDs(t, m.FDs()...)
		}
	}
	return payload, files
}

// expectPlaces checks that parts arrive as they were sent: all bytes, and the
// descriptors with the first byte of their part.
func expectPlaces(t *testing.T, conn *net.UnixConn, parts []part) {
	t.Helper()
	var payload string
	want := map[int][]fdtest.ID{}
	for _, p := range parts {
		if len(p.fds) > 0 {
			want[len(payload)] = fdtest.IDs(t, p.fds...)
		}
		payload += p.payload
	}
	got, files := places(t, conn, len(payload))
	if string(got) != payload {
		t.Errorf("got %d bytes that differ from the %d that were sent", len(got), len(payload))
	}
	if fmt.Sprint(files) != fmt.Sprint(want) {
		t.Errorf("files at %v, were sent at %v", files, want)
	}
}

// expectMessages checks that parts arrive on a seqpacket socket as they were sent,
// each as one message.
func expectMessages(t *testing.T, conn *net.UnixConn, parts []part) {
	t.Helper()
	p := make([]byte, 200000)
	for _, want := range parts {
		n, fds, err := fdpass.RecvMsgFDs(conn, p, rawmsg.SCM_MAX_FD)
		if err != nil {
			t.Fatal(err)
		}
		if string(p[:n]) != want.payload {
			t.Errorf("got %d bytes, sent %d", n, len(want.payload))
		}
		if got, want := fdtest.IDs(t, fds...), fdtest.IDs(t, want.fds...); !slices.Equal(got, want) {
			t.Errorf("got the files %v, sent %v", got, want)
		}
		fdtest.Close(t, fds...)
	}
}

func TestDoesARelayKeepDescriptorsWithTheirByte(t *testing.T) {
	fdtest.NeedsLinux(t, "a relay")
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	fds := fdtest.FDs(t, 6)
	for name, parts := range map[string][]part{
		"one message":        {{"hello", fds[:2]}},
		"one byte":           {{"x", fds[:1]}},
		"bytes before":       {{"first", nil}, {"second", fds[:2]}},
		"bytes after":        {{"first", fds[:1]}, {"second", nil}},
		"next to each other": {{"one", fds[:1]}, {"two", fds[1:3]}, {"three", fds[3:]}},
		"all kinds": {
			{"a", nil}, {"b", fds[:1]}, {"c", nil}, {"dd", nil}, {"ee", fds[1:4]}, {"f", nil},
		},
		"longer than a buffer": {
			{strings.Repeat("y", 70000), nil}, {strings.Repeat("z", 70000), fds[:2]}, {"end", fds[2:3]},
		},
	} {
		for _, queued := range []bool{true, false} {
			t.Run(fmt.Sprint(name, " queued ", queued), func(t *testing.T) {
				fdtest.NoLeak(t)
				r := newRelayed(t, "unix")
				if !queued {
					r.start(t)
				}
				send(t, r.a, parts)
				if queued { // all of it is there when the relay begins
					r.start(t)
				}
				expectPlaces(t, r.b, parts)
				r.end(t)
			})
		}
	}
}

func TestDoesARelayKeepAnyOrderOfMessages(t *testing.T) {
	fdtest.NeedsLinux(t, "a relay")
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	fdtest.NoLeak(t)
	fds := fdtest.FDs(t, 5)
	random := rand.New(rand.NewSource(1))
	for range 50 {
		var parts []part
		for range 1 + random.Intn(20) {
			p := part{strings.Repeat("x", 1+random.Intn(300)), nil}
			if random.Intn(2) == 0 {
				p.fds = fds[:1+random.Intn(len(fds))]
			}
			parts = append(parts, p)
		}
		r := newRelayed(t, "unix")
		r.start(t)
		send(t, r.b, parts) // from either end
		expectPlaces(t, r.a, parts)
		r.end(t)
	}
}

func TestDoesARelayKeepTheMessagesOfASeqpacketSocket(t *testing.T) {
	fdtest.NeedsLinux(t, "a relay")
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	fdtest.SkipUnderGVisor(t, fdtest.GVisorEmpty)
	fdtest.NoLeak(t)
	fds := fdtest.FDs(t, 3)
	parts := []part{
		{"one", nil}, {"two", fds[:1]}, {"", fds[1:]}, {strings.Repeat("long", 25000), fds}, {"end", nil},
	}
	r := newRelayed(t, "unixpacket")
	r.start(t)
	sent := make(chan error, 1)
	go func() {
		var err error
		for _, p := range parts {
			_, serr := fdpass.SendMsgFDs(r.a, []byte(p.payload), p.fds...)
			err = errors.Join(err, serr)
		}
		sent <- err
	}()
	expectMessages(t, r.b, parts)
	if err := <-sent; err != nil {
		t.Error(err)
	}
	r.end(t)
}

// What these options add to each message is not sent on. A pidfd belongs to the
// relay, which closes it.
func TestIsARelayExactWhateverItsSocketsHaveSwitchedOn(t *testing.T) {
	fdtest.NeedsLinux(t, "a relay")
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	fdtest.SkipUnderGVisor(t, fdtest.GVisorOptions)
	fds := fdtest.FDs(t, 4)
	parts := []part{{"one", nil}, {"two", fds[:1]}, {strings.Repeat("long", 500), nil},
		{"three", fds[1:3]}, {"four", fds[3:]}, {"end", nil}}
	for _, o := range []struct {
		network string
		option  int
		name    string
		expect  func(*testing.T, *net.UnixConn, []part)
	}{
		{"unix", rawmsg.SO_PASSSEC, "SO_PASSSEC", expectPlaces},
		{"unix", rawmsg.SO_PASSPIDFD, "SO_PASSPIDFD, which came with Linux 6.5", expectPlaces},
		{"unix", rawmsg.SO_INQ, "SO_INQ, which came with Linux 6.17", expectPlaces},
		{"unixpacket", rawmsg.SO_PASSSEC, "SO_PASSSEC", expectMessages},
		{"unixpacket", rawmsg.SO_PASSPIDFD, "SO_PASSPIDFD, which came with Linux 6.5", expectMessages},
	} {
		for _, before := range []bool{true, false} {
			t.Run(fmt.Sprint(o.network, " ", o.name, " before ", before), func(t *testing.T) {
				fdtest.NoLeak(t)
				r := newRelayed(t, o.network)
				if before {
					setOption(t, r.relayA, o.option, o.name)
					setOption(t, r.relayB, o.option, o.name)
				}
				r.start(t)
				send(t, r.a, parts[:1])
				o.expect(t, r.b, parts[:1])
				if !before { // a process that shares the sockets does it meanwhile
					setOption(t, r.relayA, o.option, o.name)
					setOption(t, r.relayB, o.option, o.name)
				}
				send(t, r.a, parts)
				o.expect(t, r.b, parts)
				send(t, r.b, parts)
				o.expect(t, r.a, parts)
				r.end(t)
			})
		}
	}
}

// An option that is on would cost a system call for each byte of a stream.
func TestDoesARelaySwitchOptionsOff(t *testing.T) {
	fdtest.NeedsLinux(t, "a relay")
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	fdtest.SkipUnderGVisor(t, fdtest.GVisorOptions)
	for name, option := range map[string]int{
		"SO_PASSSEC": rawmsg.SO_PASSSEC, "SO_PASSPIDFD, which came with Linux 6.5": rawmsg.SO_PASSPIDFD,
	} {
		t.Run(name, func(t *testing.T) {
			fdtest.NoLeak(t)
			r := newRelayed(t, "unix")
			setOption(t, r.relayA, option, name)
			r.start(t)
			send(t, r.a, []part{{"x", nil}})
			expectPlaces(t, r.b, []part{{"x", nil}})
			withFD(t, r.relayA, func(fd int) {
				if on, err := syscall.GetsockoptInt(fd, rawmsg.SOL_SOCKET, option); err != nil || on != 0 {
					t.Errorf("it is %d, %v", on, err)
				}
			})
			r.end(t)
		})
	}
}

// setOption sets a socket option to 1, or skips the test where the kernel does not
// have it.
func setOption(t *testing.T, conn *net.UnixConn, option int, name string) {
	t.Helper()
	withFD(t, conn, func(fd int) { fdtest.SetOption(t, fd, option, 1, name) })
}

// withFD calls f with the descriptor of a connection.
func withFD(t *testing.T, conn *net.UnixConn, f func(fd int)) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { f(int(fd)) }); err != nil {
		t.Fatal(err)
	}
}

func TestDoesARelayHoldDescriptorsBack(t *testing.T) {
	fdtest.NeedsLinux(t, "a relay")
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	fdtest.NoLeak(t)
	r := newRelayed(t, "unix")
	r.start(t)
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := fdpass.Send(r.a, out); err != nil {
		t.Fatal(err)
	}
	out.Close()
	f, err := fdpass.RecvFile(r.b)
	if err != nil {
		t.Fatal(err)
	}
	f.Close() // the pipe ends only if the relay has closed its own
	if err := in.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if n, err := in.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("read %d from the pipe, %v", n, err)
	}
	r.end(t)
}

// The receiver asks for credentials when everything has arrived, so the kernel has not
// added any: those that come are those that the relay has sent.
func TestDoesARelayCarryCredentials(t *testing.T) {
	fdtest.NeedsLinux(t, "a relay")
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	for _, network := range []string{"unix", "unixpacket"} {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			want := fdpass.Credentials{
				PID: int32(os.Getpid()), UID: uint32(os.Getuid()), GID: uint32(os.Getgid()),
			}
			if fdtest.ForeignPIDs(t) && os.Getuid() == 0 { // may send those of others
				want = fdpass.Credentials{PID: int32(max(os.Getppid(), 1)), UID: 1234, GID: 5678}
			}
			r := newRelayed(t, network)
			r.start(t)
			s, err := fdpass.NewSender(r.a)
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.SendMessage(&fdpass.Outgoing{
				Payload: []byte("hello"), FDs: fdtest.FDs(t, 1), Credentials: &want,
			})
			if err != nil {
				t.Fatal(err)
			}
			waiting := fdtest.Receiver(t, r.b, fdpass.Options{MaxFDs: 1})
			m, err := waiting.Peek(make([]byte, 1))
			if err != nil && !errors.Is(err, fdpass.ErrPayloadTruncated) {
				t.Fatal(err)
			}
			m.Close()
			in := fdtest.Receiver(t, r.b, fdpass.Options{MaxFDs: 1, Credentials: true})
			m, err = in.Recv(make([]byte, 9))
			if err != nil {
				t.Fatal(err)
			}
			cred, ok := m.Credentials()
			if !ok || fdtest.Process(cred) != want || len(m.FDs()) != 1 || string(m.Payload()) != "hello" {
				t.Errorf("got %q of %+v, %v with %d descriptors, want those of %+v",
					m.Payload(), cred, ok, len(m.FDs()), want)
			}
			m.Close()
			r.end(t)
		})
	}
}

// Nobody can send the credentials of a process that has ended. The relay sends its
// own instead.
func TestWhatIsSentForASenderThatHasEnded(t *testing.T) {
	fdtest.NeedsLinux(t, "a relay")
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	fdtest.NoLeak(t)
	fdtest.NeedsForeignPIDs(t)
	cmd := exec.Command("/proc/self/exe", "-test.run=^$") // which ends at once
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := newRelayed(t, "unix")
	s, err := fdpass.NewSender(r.a)
	if err != nil {
		t.Fatal(err)
	}
	// The relay's end has to ask for credentials before they are sent.
	if err := (fdpass.Options{Credentials: true}).Apply(r.relayA); err != nil {
		t.Fatal(err)
	}
	gone := fdpass.Credentials{PID: int32(cmd.Process.Pid)}
	_, err = s.SendMessage(&fdpass.Outgoing{Payload: []byte("x"), FDs: fdtest.FDs(t, 1), Credentials: &gone})
	if werr := cmd.Wait(); err != nil || werr != nil {
		t.Fatal(err, werr)
	}
	in := fdtest.Receiver(t, r.b, fdpass.Options{MaxFDs: 1, Credentials: true})
	defer in.Close()
	r.start(t)
	m, err := in.Recv(make([]byte, 9))
	if err != nil {
		t.Fatal(err)
	}
	if cred, ok := m.Credentials(); !ok || int(fdtest.Process(cred).PID) != os.Getpid() || len(m.FDs()) != 1 {
		t.Errorf("got credentials %+v, %v and %d descriptors", cred, ok, len(m.FDs()))
	}
	m.Close()
	r.end(t)
}

// relayAsNobody relays between the descriptors 3 and 4, as a user who may not send
// the credentials of others.
func relayAsNobody([]string) error {
	if err := syscall.Setuid(64321); err != nil {
		return err
	}
	a, err := fdpass.NewUnixConn(3)
	if err != nil {
		return err
	}
	b, err := fdpass.NewUnixConn(4)
	if err != nil {
		return err
	}
	return fdpass.Relay(context.Background(), a, b)
}

func TestWhoseCredentialsDoesARelayWithoutPrivilegeSend(t *testing.T) {
	fdtest.NeedsLinux(t, "a relay")
	fdtest.SkipUnderQemuUser(t, fdtest.QemuOptions)
	if os.Getuid() != 0 {
		t.Skip("needs root, to become another user: run it as root")
	}
	fdtest.NoLeak(t)
	a, relayA := fdtest.Conns(t, "unix")
	relayB, b := fdtest.Conns(t, "unix")
	cmd := fdtest.Command(t, "relay")
	for _, c := range []*net.UnixConn{relayA, relayB} {
		f, err := c.File()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	}
	in := fdtest.Receiver(t, b, fdpass.Options{MaxFDs: 1, Credentials: true})
	defer in.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	relayA.Close()
	relayB.Close()
	for _, payload := range []string{"x", "y"} { // refused by the kernel, and known to be refused
		if _, err := fdpass.SendMsgFDs(a, []byte(payload), fdtest.FDs(t, 1)...); err != nil {
			t.Fatal(err)
		}
		m, err := in.Recv(make([]byte, 9))
		if err != nil {
			t.Fatal(err)
		}
		cred, ok := m.Credentials()
		if !ok || int(fdtest.Process(cred).PID) != cmd.Process.Pid || cred.UID != 64321 || len(m.FDs()) != 1 ||
			string(m.Payload()) != payload {
			t.Errorf("%q from %+v, %v, with %d descriptors", m.Payload(), cred, ok, len(m.FDs()))
		}
	}
	a.Close()
	for _, f := range cmd.ExtraFiles {
		f.Close()
	}
	if _, err := in.Recv(make([]byte, 9)); err != io.EOF {
		t.Errorf("after the end of the sender: %v", err)
	}
	b.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("the relay ended with %v", err)
	}
}

func TestDoesARelayCarryHalfCloses(t *testing.T) {
	fdtest.NeedsLinux(t, "a relay")
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	for _, network := range []string{"unix", "unixpacket"} {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			r := newRelayed(t, network)
			r.start(t)
			send(t, r.a, []part{{"question", nil}})
			if err := r.a.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r.b); err != nil || string(got) != "question" {
				t.Fatalf("got %q, %v", got, err)
			}
			send(t, r.b, []part{{"answer", fdtest.FDs(t, 1)}})
			p := make([]byte, 100)
			n, files, err := fdpass.RecvExactly(r.a, p, 1)
			if err != nil || string(p[:n]) != "answer" {
				t.Fatalf("got %q, %v", p[:n], err)
			}
			files[0].Close()
			r.b.Close()
			if n, err := r.a.Read(p); n != 0 || err != io.EOF {
				t.Errorf("got %q, %v", p[:n], err)
			}
			if err := <-r.ended; err != nil {
				t.Errorf("the relay ended with %v", err)
			}
		})
	}
}

func TestDoesASenderLearnThatNobodyReads(t *testing.T) {
	fdtest.NeedsLinux(t, "a relay")
	fdtest.NoLeak(t)
	r := newRelayed(t, "unix")
	r.start(t)
	if err := r.b.CloseRead(); err != nil {
		t.Fatal(err)
	}
	var err error
	for err == nil {
		_, err = r.a.Write([]byte("x"))
	}
	if !errors.Is(err, syscall.EPIPE) {
		t.Errorf("got %v", err)
	}
	send(t, r.b, []part{{"still", nil}})
	p := make([]byte, 5)
	if _, err := io.ReadFull(r.a, p); err != nil || !bytes.Equal(p, []byte("still")) {
		t.Errorf("the opposite direction: %q, %v", p, err)
	}
	r.end(t)
}

func TestWhatEndsARelay(t *testing.T) {
	fdtest.NeedsLinux(t, "a relay")
	t.Run("a context", func(t *testing.T) {
		fdtest.NoLeak(t)
		r := newRelayed(t, "unix")
		r.start(t)
		r.cancel()
		if err := <-r.ended; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if n, err := r.a.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the other end read %d, %v", n, err)
		}
	})
	for _, free := range []int{0, 1} {
		t.Run(fmt.Sprint("a table with places for ", free), func(t *testing.T) {
			fdtest.SkipUnderQemuUser(t, "it offers the host its own table")
			if free > 0 {
				fdtest.SkipUnderGVisor(t, fdtest.GVisorTable)
			}
			fdtest.NoLeak(t)
			r := newRelayed(t, "unix")
			send(t, r.a, []part{{"x", fdtest.FDs(t, 3)}})
			restore := fdtest.LimitTable(t, free)
			r.start(t)
			err := <-r.ended
			restore()
			if !errors.Is(err, fdpass.ErrTruncated) || !errors.Is(err, syscall.EMFILE) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestWhatCannotBeRelayed(t *testing.T) {
	fdtest.NeedsLinux(t, "a relay")
	for name, networks := range map[string][2]string{
		"no connection": {"", ""},
		"one":           {"unix", ""},
		"two types":     {"unix", "unixpacket"},
		"datagrams":     {"unixgram", "unixgram"},
	} {
		t.Run(name, func(t *testing.T) {
			fdtest.NoLeak(t)
			var conns [2]*net.UnixConn
			for i, network := range networks {
				if network != "" {
					conns[i], _ = fdtest.Conns(t, network)
				}
			}
			err := fdpass.Relay(context.Background(), conns[0], conns[1])
			if !errors.Is(err, syscall.EINVAL) {
				t.Errorf("got %v", err)
			}
		})
	}
}
