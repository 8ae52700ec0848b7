//go:build linux

package interop

import "testing"

func TestDoesRubyPassDescriptors(t *testing.T) {
	l := language{
		interpreter: []string{"ruby", "-rsocket", "-e"},
		pkg:         "ruby",
		counts:      []int{1, 3},
		one:         true,
		send: `
socket = UNIXSocket.for_fd(3)
ARGV.each { |path| socket.send_io(File.open(path)) }
socket.send_io($stdout)
`,
		recv: `
socket = UNIXSocket.for_fd(3)
files = (1...ARGV[0].to_i).map { socket.recv_io(File) }
out = socket.recv_io(IO, "w")
files.each { |f| out.write("#{f.stat.ino} #{f.read}") }
`,
		payload: zero,
	}
	l.test(t)
}
