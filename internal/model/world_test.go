//go:build linux

package model

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"example.com/fdpass/internal/fdtest"
)

// poolSize is how many different files there are to send. Under a limit of 1024
// descriptors they fit into the table twice, and 253 of them three times.
const poolSize = 300

// world is everything that a sequence of steps acts on, and what the model
// knows of it.
type world struct {
	t   *testing.T
	rng *rand.Rand // of the step that is on

	pool   []*os.File
	fds    []int             // their descriptors
	files  map[fdtest.ID]int // where in the pool
	flying []bool            // sent and not yet received
	held   []int             // how many received descriptors are open on each
	others int               // descriptors of other kinds, those of the ends apart

	ends     [2]*end
	creds    bool // SO_PASSCRED, at both ends
	holdings []holding

	said    []string       // by the step that is on
	log     []string       // what each step was
	count   map[string]int // of what happened, in other sequences as well
	failure string
}

// holding is what has been received and handed over to the test.
type holding struct {
	files []int
	close func() error
}

// failed is what w.failf panics with.
type failed string

func (w *world) failf(format string, args ...any) { panic(failed(fmt.Sprintf(format, args...))) }

// must fails for an error that has nothing to do with what is tested.
func (w *world) must(err error) {
	if err != nil {
		w.failf("%v", err)
	}
}

func (w *world) sayf(format string, args ...any) {
	w.said = append(w.said, fmt.Sprintf(format, args...))
}

// n returns a random number below max.
func (w *world) n(max int) int { return w.rng.IntN(max) }

// play plays a sequence until its end or the first failure.
func play(t *testing.T, seq []step, count map[string]int) *world {
	t.Helper()
	w := newWorld(t)
	w.count = count
	for _, s := range seq {
		if w.failure == "" {
			w.play(s.String(), s.seed, func() { w.do(s.do) })
		}
	}
	if w.failure == "" {
		w.play("end", 0, w.end)
	}
	w.cleanUp()
	return w
}

// do plays a step, or nothing if it comes before the first connection.
func (w *world) do(name string) {
	if w.ends[0] == nil && name != "connect" {
		return
	}
	for _, s := range steps {
		if s.name == name {
			s.play(w)
			return
		}
	}
	w.failf("no step is called %q", name)
}

// play plays one step and looks at the table afterwards.
func (w *world) play(name string, seed uint32, f func()) {
	defer func() {
		r := recover()
		if _, ok := r.(failed); r != nil && !ok {
			panic(r)
		} else if ok {
			w.failure = fmt.Sprint(r)
			w.sayf("%v", r)
		}
		w.log = append(w.log, name+": "+strings.Join(w.said, ", "))
	}()
	w.said = nil
	w.rng = rand.New(rand.NewPCG(uint64(seed), 1))
	f()
	w.checkTable()
}

func newWorld(t *testing.T) *world {
	w := &world{
		t: t, files: make(map[fdtest.ID]int),
		flying: make([]bool, poolSize), held: make([]int, poolSize),
	}
	w.others = fdtest.Count(t)
	for i := range poolSize {
		var p [2]int // a pipe is the cheapest file that is like no other
		if err := syscall.Pipe2(p[:], syscall.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		syscall.Close(p[1])
		w.pool = append(w.pool, os.NewFile(uintptr(p[0]), fmt.Sprint("file ", i)))
		w.fds = append(w.fds, p[0])
		w.files[fdtest.IDs(t, p[0])[0]] = i
	}
	return w
}

// end closes everything, after which nothing may be left.
func (w *world) end() {
	w.disconnect()
	for _, h := range w.holdings {
		w.letGo(h)
	}
	w.holdings = nil
	for i := range w.pool {
		if w.flying[i] || w.held[i] != 0 {
			w.failf("file %d: sent and not received %v, held %d times", i, w.flying[i], w.held[i])
		}
	}
}

// cleanUp leaves the table as it was, after a failure as well.
func (w *world) cleanUp() {
	for _, h := range w.holdings {
		h.close()
	}
	for _, e := range w.ends {
		if e != nil && !e.gone {
			e.shut()
			e.close()
		}
	}
	for fd, i := range w.table() {
		if w.failure != "" && i >= 0 && fd != w.fds[i] {
			syscall.Close(fd)
		}
	}
	for _, f := range w.pool {
		f.Close()
	}
}

// table has every descriptor of this process: which file of the pool it is open
// on, or -1.
func (w *world) table() map[int]int {
	dir, err := os.Open("/proc/self/fd")
	w.must(err)
	names, err := dir.Readdirnames(-1)
	dir.Close()
	w.must(err)
	table := make(map[int]int, len(names))
	for _, name := range names {
		fd, err := strconv.Atoi(name)
		w.must(err)
		var st syscall.Stat_t
		if syscall.Fstat(fd, &st) != nil { // the directory's own
			continue
		}
		table[fd] = -1
		if i, ok := w.files[fdtest.ID{Dev: uint64(st.Dev), Ino: uint64(st.Ino)}]; ok {
			table[fd] = i
		}
	}
	return table
}

// checkTable compares the descriptor table with the model.
func (w *world) checkTable() {
	open, others := make([]int, poolSize), 0
	for _, i := range w.table() {
		if i < 0 {
			others++
		} else {
			open[i]++
		}
	}
	for i, n := range open {
		if n != 1+w.held[i] {
			w.failf("file %d is open %d times, want %d", i, n, 1+w.held[i])
		}
	}
	for _, e := range w.ends {
		if e != nil && !e.gone {
			others--
		}
	}
	if others != w.others {
		w.failf("%d descriptors that are not in the pool, want %d", others, w.others)
	}
}

// pick takes up to n files that are nowhere but in the pool.
func (w *world) pick(n int) (files []int) {
	for _, i := range w.rng.Perm(poolSize) {
		if len(files) == n {
			break
		}
		if !w.flying[i] && w.held[i] == 0 {
			files = append(files, i)
		}
	}
	return files
}

func (w *world) setFlying(files []int, flying bool) {
	for _, i := range files {
		if w.flying[i] == flying {
			w.failf("file %d: sent and not received was %v already", i, flying)
		}
		w.flying[i] = flying
	}
}

func (w *world) hold(files []int, by int) {
	for _, i := range files {
		w.held[i] += by
	}
}

// identify compares descriptors that were received with the files that they have to
// be open on.
func (w *world) identify(fds, want []int) {
	files := make([]int, len(fds))
	for k, fd := range fds {
		var st syscall.Stat_t
		if err := syscall.Fstat(fd, &st); err != nil {
			w.failf("descriptor %d: %v", fd, err)
		}
		i, ok := w.files[fdtest.ID{Dev: uint64(st.Dev), Ino: uint64(st.Ino)}]
		if !ok {
			w.failf("descriptor %d is open on something that was not sent", fd)
		}
		files[k] = i
		if !fdtest.CloseOnExec(w.t, fd) {
			w.failf("descriptor %d would survive exec", fd)
		}
	}
	if !slices.Equal(files, want) {
		w.failf("got files %v, want %v", files, want)
	}
}

// keep makes descriptors that were received the test's own for some steps.
func (w *world) keep(fds, files []int) {
	w.addHolding(files, func() (err error) {
		for _, fd := range fds {
			err = errors.Join(err, syscall.Close(fd))
		}
		return err
	})
}

func (w *world) keepFiles(osFiles []*os.File, files []int) {
	w.addHolding(files, func() (err error) {
		for _, f := range osFiles {
			err = errors.Join(err, f.Close())
		}
		return err
	})
}

// addHolding takes care of what was received, and closes older ones if the table
// becomes too full.
func (w *world) addHolding(files []int, close func() error) {
	total := len(files)
	for _, h := range w.holdings {
		total += len(h.files)
	}
	for total > poolSize && len(w.holdings) > 0 {
		total -= len(w.holdings[0].files)
		w.letGo(w.holdings[0])
		w.holdings = w.holdings[1:]
	}
	w.holdings = append(w.holdings, holding{files, close})
}

// letGo closes what the test owns.
func (w *world) letGo(h holding) {
	w.must(h.close())
	w.hold(h.files, -1)
}

// release is a step: some of what was received is closed.
func (w *world) release() {
	for range min(len(w.holdings), 1+w.n(4)) {
		i := w.n(len(w.holdings))
		w.letGo(w.holdings[i])
		w.holdings = slices.Delete(w.holdings, i, i+1)
		w.sayf("closed what was received")
	}
}
