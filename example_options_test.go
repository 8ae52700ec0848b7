//go:build linux && !fdpass_portable

package fdpass_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"example.com/fdpass"
)

// The examples in this file show what only the backend for Linux has.

// Every connection that is accepted from a listening socket inherits its options.
func ExampleOptions_Apply() {
	dir, err := os.MkdirTemp("", "fdpass")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "socket"), Net: "unix"})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	opts := fdpass.Options{MaxFDs: 1, Credentials: true}
	if err := opts.Apply(l); err != nil {
		log.Fatal(err)
	}

	client, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	client.Write([]byte("sent before anybody accepts"))

	conn, err := l.AcceptUnix()
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	r, err := fdpass.NewReceiver(conn, opts)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	m, err := r.Recv(make([]byte, 100))
	if err != nil {
		log.Fatal(err)
	}
	cred, ok := m.Credentials()
	fmt.Println(ok, int(cred.PID) == os.Getpid())
	// Output: true true
}

// Peek returns the next message and leaves it on the socket. Each Peek makes its own
// duplicates of the descriptors.
func ExampleReceiver_Peek() {
	a, b := connected("unix")
	defer a.Close()
	defer b.Close()
	fdpass.SendMsg(a, []byte("hello"), os.Stdin)
	r, err := fdpass.NewReceiver(b, fdpass.Options{MaxFDs: 1})
	if err != nil {
		log.Fatal(err)
	}
	for _, recv := range []func([]byte) (*fdpass.Message, error){r.Peek, r.Recv} {
		m, err := recv(make([]byte, 100))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s, descriptors: %d\n", m.Payload(), len(m.FDs()))
		m.Close()
	}
	// Output:
	// hello, descriptors: 1
	// hello, descriptors: 1
}

// If the option Credentials is on, the kernel says who sent each message.
func ExampleMessage_Credentials() {
	m, done := received("unixgram", fdpass.Options{Credentials: true},
		fdpass.Outgoing{Payload: []byte("it is me")})
	defer done()

	cred, ok := m.Credentials()
	fmt.Println(ok, int(cred.PID) == os.Getpid(), int(cred.UID) == os.Getuid())
	// Output: true true true
}

func ExampleMessage_Timestamp() {
	a, b := connected("unixgram")
	defer a.Close()
	defer b.Close()
	r, err := fdpass.NewReceiver(b, fdpass.Options{Timestamp: true})
	if errors.Is(err, errors.ErrUnsupported) { // before Linux 5.1
		r, err = fdpass.NewReceiver(b, fdpass.Options{})
	}
	if err != nil {
		log.Fatal(err)
	}
	a.Write([]byte("now"))
	m, err := r.Recv(make([]byte, 100))
	if err != nil {
		log.Fatal(err)
	}
	sent, ok := m.Timestamp()
	if !ok {
		sent = time.Now() // when it arrived will have to do
	}
	fmt.Printf("%s, after 2001: %v\n", m.Payload(), sent.Unix() > 1e9)
	// Output: now, after 2001: true
}

// A pidfd always stands for the sender. The sender's number may be that of another
// process by now.
func ExampleMessage_TakePIDFD() {
	a, b := connected("unix")
	defer a.Close()
	defer b.Close()
	r, err := fdpass.NewReceiver(b, fdpass.Options{PIDFD: true})
	if errors.Is(err, errors.ErrUnsupported) { // before Linux 6.5
		r, err = fdpass.NewReceiver(b, fdpass.Options{Credentials: true})
	}
	if err != nil {
		log.Fatal(err)
	}
	a.Write([]byte("it is me"))
	m, err := r.Recv(make([]byte, 100))
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()

	pid := -1
	if pidfd, err := m.TakePIDFD(); err == nil {
		pid = processOf(pidfd)
		syscall.Close(pidfd)
	} else if cred, ok := m.Credentials(); ok {
		pid = int(cred.PID)
	}
	fmt.Println(pid == os.Getpid())
	// Output: true
}

// Controls iterates over all control messages, in the order of the kernel.
func ExampleMessage_Controls() {
	m, done := received("unixgram", fdpass.Options{MaxFDs: 2, Credentials: true},
		fdpass.Outgoing{Payload: []byte("hello"), FDs: []int{0, 1}})
	defer done()

	for c := range m.Controls() {
		fmt.Printf("type %d, %d bytes\n", c.Type, len(c.Data))
	}
	// Output:
	// type 2, 12 bytes
	// type 1, 8 bytes
}

// A sender may say which credentials it has. The kernel checks that they are its own.
func ExampleSender_SendMessage() {
	a, b := connected("unixpacket")
	defer a.Close()
	defer b.Close()
	r, err := fdpass.NewReceiver(b, fdpass.Options{MaxFDs: 1, Credentials: true})
	if err != nil {
		log.Fatal(err)
	}
	s, err := fdpass.NewSender(a)
	if err != nil {
		log.Fatal(err)
	}
	me := fdpass.Credentials{
		PID: int32(os.Getpid()), UID: uint32(os.Getuid()), GID: uint32(os.Getgid()),
	}
	n, err := s.SendMessage(&fdpass.Outgoing{
		Payload: []byte("hello"), FDs: []int{0}, Credentials: &me,
	})
	fmt.Println("sent", n, err)

	m, err := r.Recv(make([]byte, 100))
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	cred, _ := m.Credentials()
	fmt.Println("mine:", cred == me, "descriptors:", len(m.FDs()))
	// Output:
	// sent 5 <nil>
	// mine: true descriptors: 1
}

// A relay stands between a client and a server, and does not know their protocol.
func ExampleRelay() {
	client, front := connected("unix")
	back, server := connected("unix")
	defer server.Close()
	ended := make(chan error)
	go func() { ended <- fdpass.Relay(context.Background(), front, back) }()

	if _, err := fdpass.SendMsg(client, []byte("look"), os.Stdin); err != nil {
		log.Fatal(err)
	}
	client.Close()

	p := make([]byte, 16)
	n, files, err := fdpass.RecvExactly(server, p, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, %d file\n", p[:n], len(files))
	files[0].Close()
	server.Close()
	fmt.Println(<-ended)
	// Output:
	// look, 1 file
	// <nil>
}

// PeerCredentials says who is at the other end, before any message has come.
func ExamplePeerCredentials() {
	a, b := connected("unix")
	defer a.Close()
	defer b.Close()
	cred, err := fdpass.PeerCredentials(b)
	if err != nil {
		log.Fatal(err)
	}
	if int(cred.UID) != os.Getuid() {
		fmt.Println("refused: user", cred.UID)
		return
	}
	fmt.Println("welcome")
	// Output: welcome
}

func ExamplePeerPIDFD() {
	a, b := connected("unix")
	defer a.Close()
	defer b.Close()

	pid := -1
	pidfd, err := fdpass.PeerPIDFD(b)
	switch {
	case err == nil:
		pid = processOf(pidfd)
		syscall.Close(pidfd)
	case errors.Is(err, errors.ErrUnsupported): // before Linux 6.5
		cred, err := fdpass.PeerCredentials(b)
		if err != nil {
			log.Fatal(err)
		}
		pid = int(cred.PID)
	default:
		log.Fatal(err)
	}
	fmt.Println("the peer is this process:", pid == os.Getpid())
	// Output: the peer is this process: true
}
