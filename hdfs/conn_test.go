package shortcircuit

import (
	"context"
	"errors"
	"testing"
	"time"
)

// slowContext notices its deadline never, as any context may notice it late.
type slowContext struct {
	context.Context
	deadline time.Time
}

func (c slowContext) Deadline() (time.Time, bool) { return c.deadline, true }

func TestIsTheDeadlineOfAContextItsErrorAtOnce(t *testing.T) {
	n := newFakeNode(t)
	n.set(func() { n.mute = true })
	c, err := dial(soon(t), n.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	ctx := slowContext{context.Background(), time.Now().Add(20 * time.Millisecond)}
	err = c.within(ctx, func() error {
		_, err := c.call(opRequestShm, nil)
		return err
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
