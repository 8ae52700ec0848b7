//go:build linux && race

package fdpass_test

func init() { raceEnabled = true }
