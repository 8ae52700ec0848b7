package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"example.com/fdpass/internal/fdtest"
)

// ownScripts are what a shell runs in an empty folder: our programs, passing
// descriptors to each other.
var ownScripts = map[string]string{
	"recv and send": `
fdpass recv -timeout 20s s >list &
fdpass send -wait -timeout 20s s /dev/null /etc/passwd
wait $!
[ $(wc -l <list) = 5 ]`,
	"recv of seqpacket, json": `
fdpass recv -type seqpacket -json -timeout 20s s >list &
fdpass send -wait -timeout 20s s /dev/null /etc/passwd
wait $!
grep -q /etc/passwd list`,
	"recv of datagrams": `
fdpass recv -type dgram -timeout 20s s >list &
fdpass send -wait -timeout 20s s /etc/passwd
wait $!
grep -q /etc/passwd list`,
	"recv -cat": `
echo hello >file
fdpass recv -cat -timeout 20s s >copy &
fdpass send -wait -timeout 20s s file
wait $!
cmp file copy`,
	"recv that becomes a program": `
echo hello >file
fdpass recv -n 1 -timeout 20s s -- sh -c 'cat <&3 >copy' &
fdpass send -wait -timeout 20s s file
wait $!
cmp file copy`,
	"recv -connect and send -listen": `
fdpass send -listen -timeout 20s s /dev/null /etc/passwd &
fdpass recv -connect -wait -timeout 20s s >list
wait $!
grep -q /etc/passwd list`,
	"relay": `
fdpass recv -timeout 20s s >list & recv=$!
fdpass relay -wait r s & relay=$!
fdpass send -wait -timeout 20s r /dev/null /etc/passwd
wait $recv
kill -TERM $relay
wait $relay || [ $? = 143 ]
grep -q /etc/passwd list`,
	"demo": `fdpass demo >/dev/null`,
}

// exampleScripts are the same with the programs in examples. Each begins with the
// name of the program that it needs.
var exampleScripts = map[string]string{
	"memfd": `
memfd serve s &
[ "$(try memfd upper s hello)" = HELLO ]
kill $!`,
	"opener": `
user=$(id -u)
[ $user != 0 ] || user=65534
mkdir public
echo page >public/page
opener serve s public $user &
[ "$(try opener read s $user page)" = page ]
kill $!`,
	"blocks": `
mkdir stored
echo some data | blocks store stored b1
blocks serve s stored &
[ "$(try blocks read s b1 5 4)" = data ]
kill $!`,
	"handover": `
handover -version 1 -http 127.0.0.1:0 -control s >first & first=$!
try [ -s first ]
handover -version 2 -control s >second &
wait $first
try grep -q 'version 2' second
kill -TERM $!
wait $!`,
}

// begin is how each script begins: try is for what a server has to be there for.
const begin = `set -e
cd "$(mktemp -d -p "$0")"
chmod 711 .
try() {
	tries=0
	while [ $tries -lt 100 ]; do
		"$@" 2>/dev/null && return
		sleep 0.2
		tries=$((tries + 1))
	done
	"$@"
}
`

func TestIsNothingWrongInOurOwnPrograms(t *testing.T) {
	fdtest.NoLeak(t)
	for _, program := range []string{"sh", "mktemp"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs a machine with programs of its own: %v", err)
		}
	}
	programs := ownPrograms(t)
	t.Setenv("PATH", programs+":"+os.Getenv("PATH"))
	dir := fdtest.SocketDir(t)
	if err := os.Chmod(dir, 0o711); err != nil { // one of them becomes another user
		t.Fatal(err)
	}
	found := func(t *testing.T, script string) {
		if got := trapsFound(t, "sh", "-c", begin+script, dir); len(got) > 0 {
			t.Errorf("%q", got)
		}
	}
	for name, script := range ownScripts {
		t.Run(name, func(t *testing.T) { found(t, script) })
	}
	for name, script := range exampleScripts {
		t.Run(name, func(t *testing.T) {
			if _, err := os.Stat(filepath.Join(programs, name)); err != nil {
				t.Skipf("this version of Go does not build it: %v", err)
			}
			found(t, script)
		})
	}
}

// ownPrograms is a folder with the command and the examples.
func ownPrograms(t *testing.T) string {
	t.Helper()
	dir := commandPath(t)
	build := exec.CommandContext(fdtest.Context(t), "go", "build", "-o", dir, "../../examples/...")
	out, err := build.CombinedOutput()
	if err != nil && !strings.Contains(string(out), "build constraints exclude all Go files") {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}
