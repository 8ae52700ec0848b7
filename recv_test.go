//go:build linux

package fdpass_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

func TestDoDescriptorsArrive(t *testing.T) {
	for network, typ := range fdtest.Types {
		for _, n := range []int{0, 1, 2, 3, 8, 253} {
			t.Run(fmt.Sprint(network, " ", n), func(t *testing.T) {
				fdtest.NoLeak(t)
				a, b := fdtest.Pair(t, typ)
				sent := fdtest.FDs(t, n)
				if err := fdpass.SendFDs(a, sent...); err != nil {
					t.Fatal(err)
				}
				got, err := fdpass.RecvFDs(b, n)
				if err != nil {
					t.Fatal(err)
				}
				defer fdtest.Close(t, got...)
				if want, got := fdtest.IDs(t, sent...), fdtest.IDs(t, got...); !slices.Equal(want, got) {
					t.Errorf("sent %v, got %v", want, got)
				}
				for _, fd := range got {
					if !fdtest.CloseOnExec(t, fd) {
						t.Errorf("descriptor %d would survive exec", fd)
					}
				}
			})
		}
	}
}

func TestWhatBecomesOfTooManyDescriptors(t *testing.T) {
	for network, typ := range fdtest.Types {
		for _, n := range []int{2, 3, 253} {
			t.Run(fmt.Sprint(network, " ", n), func(t *testing.T) {
				if n > 3 {
					fdtest.SkipUnderQemuUser(t, "it takes in more descriptors than fit into the program's buffer, and leaks them")
				}
				fdtest.NoLeak(t)
				a, b := fdtest.Pair(t, typ)
				if err := fdpass.SendFDs(a, fdtest.FDs(t, n)...); err != nil {
					t.Fatal(err)
				}
				fds, err := fdpass.RecvFDs(b, 1)
				if !errors.Is(err, fdpass.ErrTruncated) || errors.Is(err, syscall.EMFILE) {
					t.Errorf("want ErrTruncated without EMFILE, got %v", err)
				}
				if fds != nil {
					t.Errorf("got descriptors with an error: %v", fds)
				}
			})
		}
	}
}

func TestIsThePayloadOfATruncatedMessageReturned(t *testing.T) {
	for network := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Conns(t, network)
			if _, err := fdpass.SendMsg(a, []byte("hello"), fdtest.Files(t, 3)...); err != nil {
				t.Fatal(err)
			}
			p := make([]byte, 64)
			n, files, err := fdpass.RecvMsg(b, p, 2)
			if !errors.Is(err, fdpass.ErrTruncated) {
				t.Errorf("want ErrTruncated, got %v", err)
			}
			if string(p[:n]) != "hello" || files != nil {
				t.Errorf("got %q and %v", p[:n], files)
			}
		})
	}
}

func TestDoFilesArriveWithTheirPayload(t *testing.T) {
	for network := range fdtest.Types {
		t.Run(network, func(t *testing.T) {
			fdtest.NoLeak(t)
			a, b := fdtest.Conns(t, network)
			if n, err := fdpass.SendMsg(a, []byte("hello"), fdtest.Files(t, 3)...); n != 5 || err != nil {
				t.Fatal(n, err)
			}
			p := make([]byte, 64)
			n, files, err := fdpass.RecvMsg(b, p, 8)
			if err != nil || string(p[:n]) != "hello" || len(files) != 3 {
				t.Fatalf("got %q, %v, %v", p[:n], files, err)
			}
			for i, f := range files {
				if data, err := io.ReadAll(f); err != nil || string(data) != fdtest.Contents(i) {
					t.Errorf("file %d: %q, %v", i, data, err)
				}
				f.Close()
			}
		})
	}
}

func TestDoesAFullTableLeakAnything(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, fdtest.QemuRoom)
	fdtest.NoLeak(t)
	a, b := fdtest.Pair(t, syscall.SOCK_STREAM)
	if err := fdpass.SendFDs(a, fdtest.FDs(t, 5)...); err != nil {
		t.Fatal(err)
	}
	restore := fdtest.LimitTable(t, 2)
	fds, err := fdpass.RecvFDs(b, 5)
	restore()
	if !errors.Is(err, fdpass.ErrTruncated) || !errors.Is(err, syscall.EMFILE) {
		t.Errorf("want ErrTruncated with EMFILE, got %v, %v", fds, err)
	}
}
