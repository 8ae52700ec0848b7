//go:build linux

package interop

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"example.com/fdpass"
)

func TestDoesFusermountHandOverItsFileSystem(t *testing.T) {
	fusermount := program(t, "fusermount3", "fuse3")
	if f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0); err != nil {
		t.Skipf("needs /dev/fuse, which the kernel and who runs this test have to provide: %v", err)
	} else {
		f.Close()
	}
	clean(t)
	dir := t.TempDir()
	ours, theirs := pair(t, "unix")
	cmd := exec.Command(fusermount, "-o", "rw,fsname=fdpass", "--", dir)
	cmd.Env = append(os.Environ(), "_FUSE_COMMFD=3")
	cmd.ExtraFiles = []*os.File{theirs}
	p := start(t, cmd)
	if err := p.result(t); err != nil {
		t.Skipf("needs the right to mount: %s", p.said())
	}
	t.Cleanup(func() {
		if out, err := exec.Command(fusermount, "-u", "--", dir).CombinedOutput(); err != nil {
			t.Errorf("not unmounted: %v: %s", err, out)
		}
	})
	payload := make([]byte, 16)
	n, files, err := fdpass.RecvMsg(ours, payload, 1)
	defer closeAll(files)
	if err != nil || len(files) != 1 || string(payload[:n]) != "\x00" {
		t.Fatalf("want one zero byte and one descriptor, got %q, %v, %v", payload[:n], files, err)
	}
	checkFuse(t, p, files[0])
}

// checkFuse checks that f is the kernel's side of a file system on which it is
// going to call: it begins with FUSE_INIT, of 40 bytes and 64 more.
func checkFuse(t *testing.T, p *peer, f *os.File) {
	t.Helper()
	var st, dev syscall.Stat_t
	if err := errors.Join(syscall.Fstat(number(t, f), &st), syscall.Stat("/dev/fuse", &dev)); err != nil {
		t.Fatal(err)
	}
	if st.Rdev != dev.Rdev {
		t.Errorf("device %#x is not /dev/fuse, %#x", st.Rdev, dev.Rdev)
	}
	if err := syscall.SetNonblock(number(t, f), true); err != nil {
		t.Fatal(err)
	}
	request := make([]byte, 1<<16)
	n, err := syscall.Read(number(t, f), request)
	if err != nil {
		t.Fatal(err)
	}
	const fuseInit = 26 // FUSE_INIT of linux/fuse.h
	size, op := binary.NativeEndian.Uint32(request), binary.NativeEndian.Uint32(request[4:])
	if n != 104 || size != 104 || op != fuseInit {
		t.Errorf("%d bytes say: length %d, operation %d", n, size, op)
	}
}
