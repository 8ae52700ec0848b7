//go:build linux

package fdpass_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/rawmsg"
)

func TestAreTheMacrosThoseOfCmsg(t *testing.T) {
	for _, c := range []struct{ n, align64, align32, len64, len32, space64, space32 int }{
		{0, 0, 0, 16, 12, 16, 12},
		{1, 8, 4, 17, 13, 24, 16},
		{3, 8, 4, 19, 15, 24, 16},
		{4, 8, 4, 20, 16, 24, 16},
		{5, 8, 8, 21, 17, 24, 20},
		{8, 8, 8, 24, 20, 24, 20},
		{9, 16, 12, 25, 21, 32, 24},
		{12, 16, 12, 28, 24, 32, 24},
		{1012, 1016, 1012, 1028, 1024, 1032, 1024}, // 253 descriptors
	} {
		if got, want := fdpass.CmsgAlign(c.n), fdtest.ByWord(c.align64, c.align32); got != want {
			t.Errorf("CmsgAlign(%d) = %d, want %d", c.n, got, want)
		}
		if got, want := fdpass.CmsgLen(c.n), fdtest.ByWord(c.len64, c.len32); got != want {
			t.Errorf("CmsgLen(%d) = %d, want %d", c.n, got, want)
		}
		if got, want := fdpass.CmsgSpace(c.n), fdtest.ByWord(c.space64, c.space32); got != want {
			t.Errorf("CmsgSpace(%d) = %d, want %d", c.n, got, want)
		}
	}
}

func TestDoesTheCodecAgreeWithSyscall(t *testing.T) {
	var b, want []byte
	for n := range 255 {
		fds := make([]int, n)
		for i := range fds {
			fds[i] = 1000*n + i
		}
		if got := fdpass.CmsgSpace(4 * n); got != syscall.CmsgSpace(4*n) {
			t.Errorf("CmsgSpace(%d) = %d, and in syscall %d", 4*n, got, syscall.CmsgSpace(4*n))
		}
		if got := fdpass.CmsgLen(4 * n); got != syscall.CmsgLen(4*n) {
			t.Errorf("CmsgLen(%d) = %d, and in syscall %d", 4*n, got, syscall.CmsgLen(4*n))
		}
		b = fdpass.AppendRights(b, fds...)
		want = append(want, syscall.UnixRights(fds...)...)
	}
	if !bytes.Equal(b, want) {
		t.Fatal("AppendRights and syscall.UnixRights differ")
	}
	msgs, err := syscall.ParseSocketControlMessage(b)
	if err != nil || len(msgs) != 255 {
		t.Fatal(len(msgs), err)
	}
	i := 0
	for c, err := range fdpass.ParseControls(b) {
		if err != nil {
			t.Fatal(err)
		}
		m := &msgs[i]
		if c.Level != int(m.Header.Level) || c.Type != int(m.Header.Type) || !bytes.Equal(c.Data, m.Data) {
			t.Errorf("message %d: %v, and in syscall %v", i, c, m)
		}
		want, err := syscall.ParseUnixRights(m)
		if got, rerr := c.Rights(nil); !slices.Equal(got, want) || err != nil || rerr != nil {
			t.Errorf("message %d: %v, %v, and in syscall %v, %v", i, got, rerr, want, err)
		}
		i++
	}
	if i != 255 {
		t.Errorf("%d messages", i)
	}
}

// The codec reads and writes eight numbers at a time. So the unusual number is in
// every place, in messages of every length up to a few times eight.
func TestIsOneUnusualNumberFoundInEveryPlace(t *testing.T) {
	unusual := []int{-1, -24, math.MinInt32, math.MaxInt32}
	if bits.UintSize == 64 {
		unusual = append(unusual, math.MaxInt, math.MinInt, math.MaxInt-5) // no C ints
	}
	dirty := bytes.Repeat([]byte{0xa5}, 256)
	for n := 1; n <= 27; n++ {
		for i := range n {
			for _, odd := range unusual {
				fds := make([]int, n)
				fds[i] = odd
				want := slices.Clone(fds)
				if odd != int(int32(odd)) {
					want[i] = -1
				}
				b := fdpass.AppendRights(dirty[:0], fds...)
				if !bytes.Equal(b, syscall.UnixRights(want...)) {
					t.Fatalf("AppendRights(%v) = % x", fds, b)
				}
				var wantErr error
				if want[i] < 0 {
					wantErr = syscall.Errno(-want[i])
					want = slices.Delete(want, i, i+1)
				}
				for c, err := range fdpass.ParseControls(b) {
					if err != nil {
						t.Fatal(err)
					}
					if got, err := c.Rights(nil); !slices.Equal(got, want) || err != wantErr {
						t.Fatalf("% x: %v, %v, want %v, %v", b, got, err, want, wantErr)
					}
				}
			}
		}
	}
}

func TestAreCredentialsThoseOfSyscall(t *testing.T) {
	u := &syscall.Ucred{Pid: 1234, Uid: 1<<32 - 2, Gid: 56}
	b := syscall.UnixCredentials(u)
	for c, err := range fdpass.ParseControls(b) {
		got, ok := c.Credentials()
		if err != nil || !ok || got != (fdpass.Credentials{PID: 1234, UID: 1<<32 - 2, GID: 56}) {
			t.Errorf("got %v, %v, %v", got, ok, err)
		}
		if again := fdpass.AppendControl(nil, c.Level, c.Type, c.Data); !bytes.Equal(again, b) {
			t.Errorf("AppendControl made %x of %x", again, b)
		}
	}
}

func TestWhatIsAMalformedControlBuffer(t *testing.T) {
	one := fdpass.AppendRights(nil, 7)
	with := func(cmsgLen int) []byte { // another message, of this length
		b := fdpass.AppendRights(slices.Clone(one), 8)
		if fdtest.ByWord(8, 4) == 8 {
			binary.NativeEndian.PutUint64(b[len(one):], uint64(cmsgLen))
		} else {
			binary.NativeEndian.PutUint32(b[len(one):], uint32(cmsgLen))
		}
		return b
	}
	for _, c := range []struct {
		name string
		b    []byte
		good int
		err  error
	}{
		{"nothing", nil, 0, nil},
		{"less than a header", one[:fdtest.ByWord(15, 11)], 0, nil},
		{"without padding", one[:fdtest.ByWord(20, 16)], 1, nil},
		{"cut short", one[:fdtest.ByWord(19, 15)], 0, fdpass.ErrMalformed},
		{"a rest that is too short", slices.Concat(one, make([]byte, fdtest.ByWord(15, 11))), 1, nil},
		{"length 0", with(0), 1, fdpass.ErrMalformed},
		{"length below a header", with(fdtest.ByWord(15, 11)), 1, fdpass.ErrMalformed},
		{"length of a header", with(fdtest.ByWord(16, 12)), 2, nil},
		{"length beyond the end", with(fdtest.ByWord(25, 17)), 1, fdpass.ErrMalformed},
		{"length that is negative", with(-1), 1, fdpass.ErrMalformed},
		{"length that overflows", with(-8), 1, fdpass.ErrMalformed},
	} {
		good, last := 0, error(nil)
		for _, err := range fdpass.ParseControls(c.b) {
			if last = err; err == nil {
				good++
			}
		}
		if good != c.good || last != c.err {
			t.Errorf("%s: %d good messages, %v", c.name, good, last)
		}
	}
}

func TestDoesParsingStopWhenAsked(t *testing.T) {
	b := fdpass.AppendRights(fdpass.AppendRights(nil, 1), 2)
	n := 0
	for range fdpass.ParseControls(b) {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d messages", n)
	}
}

func TestAreValuesOfOtherMessagesRead(t *testing.T) {
	data := make([]byte, 64)
	for _, c := range []fdpass.Control{
		{},
		{Level: rawmsg.SOL_SOCKET + 1, Type: rawmsg.SCM_RIGHTS, Data: data},
		{Level: rawmsg.SOL_SOCKET + 1, Type: rawmsg.SCM_CREDENTIALS, Data: data},
		{Level: rawmsg.SOL_SOCKET + 1, Type: rawmsg.SO_TIMESTAMP_NEW, Data: data},
		{Level: rawmsg.SOL_SOCKET, Type: 1000, Data: data},
		{Level: rawmsg.SOL_SOCKET, Type: rawmsg.SCM_CREDENTIALS, Data: data[:11]},
		{Level: rawmsg.SOL_SOCKET, Type: rawmsg.SCM_PIDFD, Data: data[:3]},
		{Level: rawmsg.SOL_SOCKET, Type: rawmsg.SCM_INQ, Data: data[:3]},
		{Level: rawmsg.SOL_SOCKET, Type: rawmsg.SO_TIMESTAMP_NEW, Data: data[:15]},
		{Level: rawmsg.SOL_SOCKET, Type: rawmsg.SO_TIMESTAMP_OLD, Data: data[:fdtest.ByWord(15, 7)]},
	} {
		if fds, err := c.Rights(nil); fds != nil || err != nil {
			t.Errorf("%v: descriptors %v, %v", c, fds, err)
		}
		if fd, err := c.PIDFD(); fd != -1 || err != fdpass.ErrNoPIDFD {
			t.Errorf("%v: pidfd %v, %v", c, fd, err)
		}
		_, cred := c.Credentials()
		_, label := c.SecurityLabel()
		_, inq := c.QueuedBytes()
		_, stamp := c.Timestamp()
		if cred || label || inq || stamp {
			t.Errorf("%v has a value", c)
		}
	}
}

func TestIsANegativeSlotADescriptor(t *testing.T) {
	emfile := -int(syscall.EMFILE) // what SO_RIGHTS_NOTRUNC of coming kernels leaves there
	b := fdpass.AppendRights(nil, 5, emfile, 6)
	for c := range fdpass.ParseControls(b) {
		if fds, err := c.Rights([]int{4}); !slices.Equal(fds, []int{4, 5, 6}) || err != syscall.EMFILE {
			t.Errorf("got %v, %v", fds, err)
		}
	}
}

func TestWhereDoesALabelEnd(t *testing.T) {
	for data, want := range map[string]string{
		"": "", "unconfined": "unconfined", "system_u:\x00": "system_u:",
	} {
		c := fdpass.Control{Level: rawmsg.SOL_SOCKET, Type: rawmsg.SCM_SECURITY, Data: []byte(data)}
		if got, ok := c.SecurityLabel(); !ok || got != want {
			t.Errorf("%q: %q, %v", data, got, ok)
		}
	}
}
