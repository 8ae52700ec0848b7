//go:build linux

package interop

import (
	"encoding/binary"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

// tpmSetDataFD is CMD_SET_DATAFD of swtpm's control channel: the descriptor that
// comes with it is where TPM commands will come from.
var tpmSetDataFD = []byte{0, 0, 0, 0x10}

func TestDoesSwtpmServeTheSocketItIsGiven(t *testing.T) {
	p, control := startSwtpm(t)
	ours, theirs := pair(t, "unix")
	if _, err := fdpass.SendMsg(control, tpmSetDataFD, theirs); err != nil {
		t.Fatal(err)
	}
	d := newDecoder(t, control, 0)
	if result := binary.BigEndian.Uint32(d.bytes(t, 4)); result != 0 {
		t.Fatalf("swtpm answers %#x", result)
	}
	has(t, p, []*os.File{theirs})
	theirs.Close()

	// TPM2_GetRandom of 8 bytes: tag, size, command, count.
	tpm := newDecoder(t, ours, 0)
	tpm.send(t, []byte{0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x7b, 0, 8})
	answer := tpm.bytes(t, 20) // tag, size, result, count, random bytes
	size, result := binary.BigEndian.Uint32(answer[2:]), binary.BigEndian.Uint32(answer[6:])
	if size != 20 || result != 0 {
		t.Errorf("the TPM answers % x", answer)
	}
}

func TestWhatDoesSwtpmSayWithoutASocket(t *testing.T) {
	_, control := startSwtpm(t)
	d := newDecoder(t, control, 0)
	d.send(t, tpmSetDataFD)
	if result := binary.BigEndian.Uint32(d.bytes(t, 4)); result == 0 {
		t.Error("swtpm is content without a descriptor")
	}
}

// startSwtpm starts a TPM with an empty state and connects to its control
// socket.
func startSwtpm(t *testing.T) (p *peer, control *net.UnixConn) {
	t.Helper()
	swtpm := program(t, "swtpm", "swtpm")
	clean(t)
	dir := fdtest.SocketDir(t)
	path := filepath.Join(dir, "control")
	p = start(t, exec.Command(swtpm, "socket", "--tpm2", "--tpmstate", "dir="+dir,
		"--ctrl", "type=unixio,path="+path, "--flags", "not-need-init,startup-clear"))
	return p, p.dial(t, path)
}
