//go:build linux

package fdpass_test

import (
	"testing"

	"example.com/fdpass"
	"example.com/fdpass/internal/fdtest"
)

func TestDoesAnEmptyMessageEndABatch(t *testing.T) {
	fdtest.NoLeak(t)
	a, b := fdtest.Conns(t, "unixpacket")
	s, err := fdpass.NewBatchSender(a)
	if err != nil {
		t.Fatal(err)
	}
	fds := fdtest.FDs(t, 2)
	out := []fdpass.Outgoing{{}, {Payload: []byte("x"), FDs: fds[:1]}, {}, {Payload: []byte("y"), FDs: fds[1:]}}
	if n, _, err := s.Send(out); n != len(out) || err != nil {
		t.Fatal(n, err)
	}
	r, err := fdpass.NewBatchReceiver(b, len(out), fdpass.Options{MaxFDs: 1})
	if err != nil {
		t.Fatal(err)
	}
	msgs, err := r.Recv([][]byte{make([]byte, 1), make([]byte, 1), make([]byte, 1), make([]byte, 1)})
	if err != nil || len(msgs) != len(out) {
		t.Fatalf("sent %d messages, got %d and %v", len(out), len(msgs), err)
	}
	for i := range msgs {
		if string(msgs[i].Payload()) != string(out[i].Payload) || len(msgs[i].FDs()) != len(out[i].FDs) {
			t.Errorf("message %d: %q with descriptors %v", i, msgs[i].Payload(), msgs[i].FDs())
		}
		msgs[i].Close()
	}
}
