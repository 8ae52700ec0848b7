//go:build linux

package model

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/fdpass/internal/fdtest"
)

// The model of a queue is in queue_test.go and the world with its descriptor
// table in world_test.go. The steps are connections and what happens to them
// (end_test.go), sends (send_test.go) and receives (recv_test.go).
var (
	modelSeed  = flag.Uint64("seed", 1, "of the model test's first sequence")
	modelSeeds = flag.Int("seeds", 4,
		"how many sequences the model test plays, with seeds one after the other")
	modelSteps  = flag.Int("steps", 400, "in a sequence of the model test")
	modelReplay = flag.String("replay", "", "a sequence to play instead, as the model test prints it")
)

// step is one thing that happens. All that is random about it comes from its
// seed, so that a sequence of which some steps are left out makes sense as well.
type step struct {
	do   string
	seed uint32
}

func (s step) String() string { return fmt.Sprintf("%s/%x", s.do, s.seed) }

// steps are what can happen, and how often.
var steps = []struct {
	name   string
	weight int
	play   func(*world)
}{
	{"connect", 1, (*world).connect},
	{"send", 30, (*world).send},
	{"recv", 44, (*world).recv},
	{"take", 8, (*world).takeFromStream},
	{"release", 6, (*world).release},
	{"credentials", 2, (*world).switchCredentials},
	{"cancel", 6, (*world).cancelSend},
	{"signal", 5, (*world).signalSender},
	{"interrupt", 3, (*world).interruptReceive},
	{"vanish", 2, (*world).vanish},
}

// randomSteps returns the sequence of a seed.
func randomSteps(seed uint64, n int) []step {
	rng := rand.New(rand.NewPCG(seed, 0))
	var bag []string
	for _, s := range steps {
		bag = append(bag, slices.Repeat([]string{s.name}, s.weight)...)
	}
	seq := []step{{"connect", rng.Uint32()}}
	for len(seq) < n {
		seq = append(seq, step{bag[rng.IntN(len(bag))], rng.Uint32()})
	}
	return seq
}

// parseSteps reads what the test has printed.
func parseSteps(t *testing.T, s string) (seq []step) {
	for _, word := range strings.Fields(s) {
		do, hex, _ := strings.Cut(word, "/")
		seed, err := strconv.ParseUint(hex, 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		seq = append(seq, step{do, uint32(seed)})
	}
	return seq
}

func TestIsEveryDescriptorAccountedFor(t *testing.T) {
	fdtest.SkipUnderQemuUser(t, "it does not cut control messages where the kernel does")
	fdtest.NoLeak(t)
	count := make(map[string]int)
	if *modelReplay != "" {
		playAndShrink(t, parseSteps(t, *modelReplay), "-replay", count)
		return
	}
	for i := range *modelSeeds {
		seed := *modelSeed + uint64(i)
		name := fmt.Sprintf("-seed %d -steps %d", seed, *modelSteps)
		if !playAndShrink(t, randomSteps(seed, *modelSteps), name, count) {
			return
		}
	}
	for _, what := range slices.Sorted(maps.Keys(count)) {
		t.Logf("%7d %s", count[what], what)
	}
	n := *modelSeeds * *modelSteps
	if n >= 1000 && (count["descriptors received"] < n/10 || count["messages truncated"] < n/100) {
		t.Errorf("%d steps have tried next to nothing", n)
	}
}

// playAndShrink plays a sequence and reports whether all was well. If not, it
// prints what happened and looks for a shorter sequence that fails, too.
func playAndShrink(t *testing.T, seq []step, name string, count map[string]int) bool {
	t.Helper()
	w := play(t, seq, count)
	if w.failure == "" {
		return true
	}
	last := w.log[max(0, len(w.log)-20):]
	t.Errorf("%s: %s\nThe last steps:\n\t%s", name, w.failure, strings.Join(last, "\n\t"))
	short := shrink(seq[:min(len(w.log), len(seq))], func(seq []step) bool {
		return play(t, seq, count).failure != ""
	})
	again := play(t, short, count)
	t.Errorf("A shorter sequence: %s\n\t%s\nTo play it: go test ./internal/model -run '^%s$' -args -replay '%s'",
		cmp.Or(again.failure, "(it does not always fail)"), strings.Join(again.log, "\n\t"),
		t.Name(), strings.Trim(fmt.Sprint(short), "[]"))
	return false
}

// shrink leaves steps out, for a while, as long as what is left fails.
func shrink(seq []step, fails func([]step) bool) []step {
	end := time.Now().Add(20 * time.Second)
	for size := len(seq) / 2; size > 0; size /= 2 {
		for i := 0; i+size <= len(seq) && time.Now().Before(end); {
			if shorter := slices.Delete(slices.Clone(seq), i, i+size); fails(shorter) {
				seq = shorter
			} else {
				i += size
			}
		}
	}
	return seq
}

func TestDoesShrinkFindTheShortestSequence(t *testing.T) {
	seq := randomSteps(1, 100)
	got := shrink(seq, func(s []step) bool {
		return slices.Contains(s, seq[7]) && slices.Contains(s, seq[93])
	})
	if want := []step{seq[7], seq[93]}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if again := parseSteps(t, strings.Trim(fmt.Sprint(got), "[]")); !slices.Equal(again, got) {
		t.Errorf("%v was read as %v", got, again)
	}
}
