//go:build race

package fdpass_test

const raceEnabled = true
