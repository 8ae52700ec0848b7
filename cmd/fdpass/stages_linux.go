package main

import "example.com/fdpass/internal/ptrace"

// stages are what fdpass starts itself as, with arguments of its own making.
// Nobody types them, so no help lists them.
var stages = map[string]func(args []string) error{
	"activate":      activate,
	"demo-receiver": demoReceiver,
	"trace-start":   ptrace.Become,
	"trace-wake":    func([]string) error { return nil },
}
