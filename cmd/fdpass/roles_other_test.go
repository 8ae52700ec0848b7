//go:build !linux

package main

var roles map[string]func(args []string) error
