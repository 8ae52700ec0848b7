package main

import (
	"bytes"
	"testing"
)

func TestWhatIsAnArchiveInBytes(t *testing.T) {
	var b bytes.Buffer
	a := newArchive(&b)
	a.dir("dev")
	a.console("dev/console")
	a.file("init", []byte("hello"))
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	const zero = "00000000"
	want := "070701" + "00000001" + "000041ed" + zero + zero + "00000001" + zero + zero + zero + zero + zero + zero + "00000004" + zero +
		"dev\x00\x00\x00" +
		"070701" + "00000002" + "00002180" + zero + zero + "00000001" + zero + zero + zero + zero + "00000005" + "00000001" + "0000000c" + zero +
		"dev/console\x00\x00\x00" +
		"070701" + "00000003" + "000081ed" + zero + zero + "00000001" + zero + "00000005" + zero + zero + zero + zero + "00000005" + zero +
		"init\x00\x00" + "hello\x00\x00\x00" +
		"070701" + "00000004" + zero + zero + zero + "00000001" + zero + zero + zero + zero + zero + zero + "0000000b" + zero +
		"TRAILER!!!\x00\x00\x00\x00"
	if b.String() != want {
		t.Errorf("\n%q, want\n%q", b.String(), want)
	}
}
