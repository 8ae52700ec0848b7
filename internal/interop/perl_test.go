//go:build linux

package interop

import (
	"os/exec"
	"testing"
)

func TestDoesPerlPassDescriptors(t *testing.T) {
	perl := program(t, "perl", "perl")
	if exec.Command(perl, "-MIO::FDPass", "-e", "1").Run() != nil {
		missing(t, "perl's IO::FDPass", "libio-fdpass-perl")
	}
	l := language{
		interpreter: []string{"perl", "-MIO::FDPass", "-we"},
		pkg:         "perl",
		counts:      []int{1, 3},
		one:         true,
		send: `
for my $path (@ARGV) {
	open my $f, "<", $path or die "$path: $!";
	IO::FDPass::send 3, fileno $f or die "send: $!";
}
IO::FDPass::send 3, 1 or die "send: $!";
`,
		recv: `
my @files;
for (1..$ARGV[0]) {
	my $fd = IO::FDPass::recv 3;
	$fd >= 0 or die "recv: $!";
	open my $f, $_ < $ARGV[0] ? "<&=" : ">&=", $fd or die "fdopen: $!";
	push @files, $f;
}
my $out = pop @files;
print $out +(stat $_)[1], " ", readline $_ for @files;
`,
		payload: zero,
	}
	l.test(t)
}
