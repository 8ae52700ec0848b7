package main

import (
	"testing"

	"example.com/fdpass/internal/foreign"
)

const console = "firmware speaks\r\n\r\n@@kernel\t6.1.0-50-s390x\r\n" +
	"\r\n@@begin\ts390x\trawmsg\r\n=== RUN   TestA\r\n--- PASS: TestA (0.00s)\r\nPASS\r\n\r\n@@end\ts390x\trawmsg\t1500\tok\r\n" +
	"\r\n@@begin\ts390x\t.\r\n=== RUN   TestB\r\n    b.go:1: qemu-user: no\r\n--- SKIP: TestB (0.00s)\r\nPASS\r\n\r\n@@end\ts390x\t.\t500\tok\r\n"

func TestWhatDoesAConsoleTell(t *testing.T) {
	r := parse(console + "\r\n@@done\r\n")
	rows, err := r.rows([]string{"s390x"})
	if err != nil || len(rows) != 1 {
		t.Fatalf("%v, %v", rows, err)
	}
	row := rows[0]
	if row.How != "Linux 6.1.0-50-s390x" || row.Result.Passed != 1 || row.Time.Seconds() != 2 {
		t.Errorf("%+v", row)
	}
	// A skip that belongs to qemu-user is a failure on a real kernel.
	if len(row.Result.Skipped) != 1 || len(row.Result.Failed) != 1 {
		t.Errorf("%+v", row.Result)
	}
}

func TestIsAMachineThatStoppedAFailure(t *testing.T) {
	for what, c := range map[string]string{
		"at once":              "",
		"within a package":     "@@kernel\t6.1\n@@begin\ts390x\trawmsg\n=== RUN   TestA\n--- PASS: TestA (0.00s)\n",
		"between the packages": console,
		"by a crash":           "@@kernel\t6.1\n@@begin\ts390x\trawmsg\n--- PASS: TestA (0.00s)\npanic: no\n@@end\ts390x\trawmsg\t1\texit status 2\n@@done\n",
	} {
		rows, err := parse(c).rows([]string{"s390x"})
		if err != nil || !foreign.Failed(rows) {
			t.Errorf("a machine that stopped %s passed: %+v, %v", what, rows, err)
		}
	}
	// A target that the machine never began.
	rows, err := parse("@@kernel\t6.1\n@@done\n").rows([]string{"mips"})
	if err != nil || !foreign.Failed(rows) {
		t.Errorf("a target without tests passed: %+v, %v", rows, err)
	}
}
