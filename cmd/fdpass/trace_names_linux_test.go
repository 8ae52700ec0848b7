package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// sendFlags looks at a datagram with too little room for its bytes, and takes it.
func sendFlags() error {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	fdtest.Sendmsg(pair[0], []byte("four"), fdpass.AppendRights(nil, 0), 0)
	for _, flags := range []int{
		syscall.MSG_PEEK | syscall.MSG_DONTWAIT,
		syscall.MSG_CMSG_CLOEXEC | syscall.MSG_TRUNC,
	} {
		_, _, _, _, err := syscall.Recvmsg(pair[1], make([]byte, 2), make([]byte, 16), flags)
		if err != nil {
			return err
		}
	}
	return nil
}

// The room of 16 bytes is for one descriptor on 32-bit machines and for none on
// others.
func TestAreTheFlagsOfACallAndOfAMessageShown(t *testing.T) {
	fdtest.NoLeak(t)
	trace, _ := tracedAs(t, nil, "flags")
	ctrunc := ""
	if fdtest.ByWord(64, 32) == 64 {
		ctrunc = `MSG_CTRUNC\|`
	}
	for _, want := range []string{
		`recvmsg\(\d+ of a pair, MSG_PEEK\|MSG_DONTWAIT\) = 2, msg_flags ` + ctrunc + `MSG_TRUNC\n`,
		`recvmsg\(\d+ of a pair, MSG_TRUNC\|MSG_CMSG_CLOEXEC\) = 4, msg_flags ` +
			ctrunc + `MSG_TRUNC\|MSG_CMSG_CLOEXEC\n`,
	} {
		if !regexp.MustCompile(want).MatchString(trace) {
			t.Errorf("no %s in\n%s", want, trace)
		}
	}
}

// sendSockets passes sockets of several kinds, and says what recv would say of
// them.
func sendSockets(a *net.UnixConn, path string) error {
	unix, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return err
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	conn, err := net.Dial("tcp", tcp.Addr().String())
	if err != nil {
		return err
	}
	var files []*os.File
	for _, s := range []interface{ File() (*os.File, error) }{
		unix, tcp.(*net.TCPListener), conn.(*net.TCPConn), a,
	} {
		f, err := s.File()
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	for _, d := range (batch{files: files}).describe() {
		fmt.Printf("%s %s\n", d.kind, d.what)
	}
	return fdpass.Send(a, files...)
}

func TestDoesTraceNameSocketsAsRecvDoes(t *testing.T) {
	fdtest.NoLeak(t)
	path := filepath.Join(fdtest.SocketDir(t), "s")
	fdtest.SkipUnderQemuUser(t, "it does not have ptrace")
	fdtest.SkipUnderGVisor(t, fdtest.GVisorTrace)
	traced(t, nil, self, "help") // skips where tracing is not possible
	out := startFdpass(t, "trace", "-o", "-", self, "traced", "sockets", path).succeed()
	said, trace, ok := strings.Cut(out, "exe[")
	if !ok || strings.Count(said, "\n") != 4 {
		t.Fatalf("%s", out)
	}
	for _, line := range strings.Split(strings.TrimSpace(said), "\n") {
		if !regexp.MustCompile(`(?m)^    \d+ is ` + regexp.QuoteMeta(line) + `$`).MatchString(trace) {
			t.Errorf("recv would say %q, and the trace is\n%s", line, trace)
		}
	}
}

// members are the names of all members of a JSON object and of those in it.
func members(typ reflect.Type) (names []string) {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct {
		return nil
	}
	for i := range typ.NumField() {
		f := typ.Field(i)
		if tag, ok := f.Tag.Lookup("json"); ok {
			name, _, _ := strings.Cut(tag, ",")
			names = append(append(names, name), members(f.Type)...)
		}
	}
	return names
}

func TestIsEveryMemberOfTheJSONExplained(t *testing.T) {
	for topic, typ := range map[string]reflect.Type{
		"trace-json": reflect.TypeOf(traceRecord{}), "json": reflect.TypeOf(receivedJSON{}),
	} {
		var b strings.Builder
		if err := help(&b, []string{topic}); err != nil {
			t.Fatal(err)
		}
		for _, name := range members(typ) {
			if !regexp.MustCompile(`\b` + name + `\b`).MatchString(b.String()) {
				t.Errorf("fdpass help %s does not explain %s", topic, name)
			}
		}
	}
}
