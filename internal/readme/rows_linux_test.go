package readme

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
	"example.com/fdpass/internal/lines"
)

// row is a row of the README's table "You have, or want", with a program for it
// (programs_linux_test.go).
type row struct {
	wants int // descriptors in the first message
	plain bool
	// A program serves one client of a listener, and ends when ctx is done.
	program func(ctx context.Context, l *net.UnixListener) error
}

// rows are by the first column. Plain reports whether a message without
// descriptors is fine.
var rows = map[string]row{
	"a `net.UnixConn` and one file":        {1, false, oneFile},
	"exactly so many files, and a payload": {2, false, exactly},
	"some files or none":                   {2, true, someOrNone},
	"numbers instead of files":             {2, true, numbers},
	"a bare descriptor that blocks":        {2, true, bareDescriptor},
	"many messages without allocations; credentials, pidfds, labels, timestamps; " +
		"contexts; peeking": {1, false, manyMessages},
	"many messages in one system call":                                                  {2, true, batches},
	"a protocol in which each `sendmsg` is one message (D-Bus, varlink, vhost-user)":    {2, false, oneMessageEach},
	"a protocol in which one `sendmsg` carries many messages (Wayland, PipeWire, tmux)": {2, false, manyMessagesEach},
	"to pass on what others send":                                                       {253, true, passOn},
	"credentials from the first message of each client":                                 {1, false, credentials},
	"to read or write a control buffer yourself":                                        {1, false, codec},
	"the kernel's structs, one function for each system call, and no policy":            {1, false, codec},
}

// client is what the peer of a program does.
type client struct {
	name string
	send func(t *testing.T, conn *net.UnixConn, wants int) // nil: nothing
	hold bool                                              // it does not close the connection
}

var clients = []client{
	{name: "sends nothing", hold: true},
	{name: "closes"},
	{name: "sends plain bytes", send: func(t *testing.T, conn *net.UnixConn, wants int) {
		sendMsg(t, conn, wants, 0)
	}},
	{name: "sends one descriptor too many", send: func(t *testing.T, conn *net.UnixConn, wants int) {
		if wants == 253 {
			t.Skip("a message carries no more than this program wants")
		}
		sendMsg(t, conn, wants, wants+1)
	}},
	{name: "sends what the program wants", send: func(t *testing.T, conn *net.UnixConn, wants int) {
		sendMsg(t, conn, wants, wants)
	}},
}

// sendMsg sends a message whose one byte says how many descriptors it has.
func sendMsg(t *testing.T, conn *net.UnixConn, says, n int) {
	t.Helper()
	if _, err := fdpass.SendMsgFDs(conn, []byte{byte(says)}, fdtest.FDs(t, n)...); err != nil {
		t.Fatal(err)
	}
}

func TestDoesAProgramForEachRowOfTheTableLeakNothing(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		r := rows[name]
		for _, c := range clients {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				fdtest.NoLeak(t)
				err := r.serve(t, c)
				fine := c.name == "sends what the program wants" || r.plain && c.name == "sends plain bytes"
				if fine && err != nil {
					t.Error(err)
				}
				if !fine && err == nil {
					t.Error("the program says that everything was well")
				}
			})
		}
	}
}

// serve runs the program for one client.
func (r row) serve(t *testing.T, c client) error {
	t.Helper()
	path := filepath.Join(fdtest.SocketDir(t), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	patience := time.Minute
	if c.hold {
		patience = 50 * time.Millisecond // there is nothing to wait for
	}
	ctx, cancel := context.WithTimeout(fdtest.Context(t), patience)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- r.program(ctx, l) }()
	conn, err := net.DialUnix("unix", nil, l.Addr().(*net.UnixAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if c.send != nil {
		c.send(t, conn, r.wants)
	}
	if !c.hold {
		conn.CloseWrite()
	}
	return <-ended
}

// TestHasEachRowOfTheTableAProgram compares the table with the programs: each row
// has one, and the program calls what the row says.
func TestHasEachRowOfTheTableAProgram(t *testing.T) {
	_, table, ok := strings.Cut(read(t), "| You have, or want | call |\n|---|---|\n")
	if !ok {
		t.Fatal("the README has no table")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	source := calls(t, "programs_linux_test.go")
	seen := 0
	for line := range lines.Of(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		name := strings.TrimSpace(cells[0])
		r, ok := rows[name]
		if !ok || r.program == nil {
			t.Errorf("no program for the row %q", name)
			continue
		}
		seen++
		for _, m := range regexp.MustCompile("`([A-Za-z.]+)`").FindAllStringSubmatch(cells[1], -1) {
			word := m[1][strings.LastIndex(m[1], ".")+1:]
			if word != "UnixListener" && !source[word] && !source["New"+word] {
				t.Errorf("the row %q names %s, which no program calls", name, m[1])
			}
		}
	}
	if seen != len(rows) {
		t.Errorf("the table has %d rows, and there are programs for %d", seen, len(rows))
	}
}

// calls returns the names after a dot in a file of this folder.
func calls(t *testing.T, file string) map[string]bool {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			found[s.Sel.Name] = true
			if x, ok := s.X.(*ast.Ident); ok {
				found[x.Name] = true
			}
		}
		return true
	})
	return found
}

// accept takes the next client, whose connection ends its waits when ctx is done.
func accept(ctx context.Context, l *net.UnixListener) (*net.UnixConn, error) {
	end, _ := ctx.Deadline()
	conn, err := l.AcceptUnix()
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(end)
}

// descriptor returns the number of a connection, in a file of its own, that blocks for
// as long as ctx lasts.
func descriptor(ctx context.Context, conn *net.UnixConn) (*os.File, error) {
	f, err := conn.File()
	if err != nil {
		return nil, err
	}
	end, _ := ctx.Deadline()
	tv := syscall.NsecToTimeval(int64(max(time.Until(end), time.Millisecond)))
	fd := int(f.Fd())
	if err := syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &tv); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
