package fdtest

import (
	"context"
	"sync"
	"testing"
)

// Context is cancelled when the test ends, as t.Context of Go 1.24 is.
func Context(t testing.TB) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	return ctx
}

// Go calls f in a goroutine of the group: WaitGroup.Go of Go 1.25.
func Go(group *sync.WaitGroup, f func()) {
	group.Add(1)
	go func() {
		defer group.Done()
		f()
	}()
}
