//go:build linux

package interop

import (
	"os/exec"
	"testing"
)

func TestDoesPHPPassDescriptors(t *testing.T) {
	php := program(t, "php", "php-cli")
	if exec.Command(php, "-r", "exit(function_exists('socket_sendmsg') ? 0 : 1);").Run() != nil {
		missing(t, "php's socket functions", "php-cli")
	}
	l := language{
		interpreter: []string{"php", "-d", "display_errors=stderr", "-r"},
		pkg:         "php-cli",
		counts:      []int{1, 3, 253},
		send: `
$files = array_map(fn($path) => fopen($path, "r"), array_slice($argv, 1));
$files[] = STDOUT;
$socket = socket_import_stream(fopen("php://fd/3", "r+"));
socket_sendmsg($socket, ["iov" => ["hello"], "control" => [
	["level" => SOL_SOCKET, "type" => SCM_RIGHTS, "data" => $files]]]) === 5 or exit(1);
`,
		recv: `
$socket = socket_import_stream(fopen("php://fd/3", "r+"));
$message = ["buffer_size" => 100, "controllen" => socket_cmsg_space(SOL_SOCKET, SCM_RIGHTS, (int) $argv[1])];
socket_recvmsg($socket, $message) === 5 or exit(1);
$files = $message["control"][0]["data"];
$out = array_pop($files);
foreach ($files as $f) fwrite($out, fstat($f)["ino"] . " " . stream_get_contents($f));
`,
		payload: func(int) string { return "hello" },
	}
	l.test(t)
}
