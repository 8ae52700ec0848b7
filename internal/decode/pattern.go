package decode

import (
	"regexp"
	"sync"
)

// pattern compiles an expression when it is first used. Programs that never read
// such a text start sooner for it.
func pattern(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
