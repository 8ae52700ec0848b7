package shortcircuit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
)

// Replica is a block on this machine, which is read from its file and not through the
// DataNode. Its methods may be used by several goroutines at the same time. The caller
// closes it. The garbage collector gives back a Replica that nobody has closed.
type Replica struct {
	shared  *replica
	count   *atomic.Int64 // of bytes that were read, or nil
	release func()
	cleanup runtime.Cleanup
	closed  atomic.Bool
}

// newHandle makes a Replica of a reference to what is shared. release takes the
// reference back.
func newHandle(shared *replica, count *atomic.Int64, release func()) *Replica {
	r := &Replica{shared: shared, count: count, release: release}
	r.cleanup = runtime.AddCleanup(r, func(f func()) { f() }, release)
	return r
}

// replica is what all users of a block in a cache share.
type replica struct {
	block Block
	data  *os.File
	sums  checksums
	slot  *slot       // nil without shared memory
	bad   atomic.Bool // a checksum was wrong
}

// newReplica makes a replica of the two files of a block. It owns the data file
// from now on unless there is an error; the meta file stays the caller's.
func newReplica(block Block, data, meta *os.File) (*replica, error) {
	info, err := data.Stat()
	if err != nil {
		return nil, fmt.Errorf("shortcircuit: %w", err)
	}
	if info.Size() != block.Length {
		return nil, fmt.Errorf("%w: %d bytes, and the block has %d", ErrLength, info.Size(), block.Length)
	}
	sums, err := readMeta(meta, block.Length)
	if err != nil {
		return nil, err
	}
	return &replica{block: block, data: data, sums: sums}, nil
}

// Len returns how many bytes the block has. It does not change: what somebody appends
// makes another block, with a new generation stamp.
func (r *Replica) Len() int64 { return r.shared.block.Length }

// Block returns the identity of the block.
func (r *Replica) Block() Block { return r.shared.block }

// Verified reports whether the block has checksums. Then nothing is returned
// that does not have the right one.
func (r *Replica) Verified() bool { return r.shared.sums.table != nil }

// Valid reports whether the DataNode still has the block, as far as it is known:
// the DataNode says so in shared memory, which only a [Client] uses. A replica
// that is not valid can still be read.
func (r *Replica) Valid() bool { return r.shared.valid() }

func (r *replica) valid() bool { return !r.bad.Load() && (r.slot == nil || r.slot.valid()) }

// Close gives the replica back. The file is closed when nobody uses it and the
// cache does not keep it. Close may be called again.
func (r *Replica) Close() error {
	if !r.closed.Swap(true) {
		r.cleanup.Stop()
		r.release()
	}
	return nil
}

// bounceSize is how much is read at once when the caller's part of the block does
// not begin or end with a chunk.
const bounceSize = 64 << 10

var bounces = sync.Pool{New: func() any { b := make([]byte, bounceSize); return &b }}

// ReadAt implements [io.ReaderAt]. At a chunk with a wrong checksum it returns the
// bytes before that chunk and a [ChecksumError]. After Close the error is
// [os.ErrClosed].
func (r *Replica) ReadAt(p []byte, off int64) (n int, err error) {
	if r.closed.Load() {
		return 0, os.ErrClosed
	}
	if off < 0 {
		return 0, errors.New("shortcircuit: a negative offset")
	}
	defer runtime.KeepAlive(r)
	n, err = r.shared.readAt(p, off)
	if r.count != nil {
		r.count.Add(int64(n))
	}
	return n, err
}

// parallelSize is the size from which on two goroutines share a read. Verifying takes
// longer than reading, so two processors need less time.
const parallelSize = 2 * stepSize

func (r *replica) readAt(p []byte, off int64) (n int, err error) {
	chunk := int64(r.sums.chunk)
	cut := (off+int64(len(p))/2)/chunk*chunk - off
	if len(p) < parallelSize || r.sums.table == nil || cut <= 0 || off+cut >= r.block.Length {
		return r.steps(p, off)
	}
	var rest int
	var restErr error
	done := make(chan struct{})
	go func() {
		defer close(done)
		rest, restErr = r.steps(p[cut:], off+cut)
	}()
	n, err = r.steps(p[:cut], off)
	<-done
	if err != nil {
		clear(p[n:])
		return n, err
	}
	return n + rest, restErr
}

// steps reads p step by step.
func (r *replica) steps(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		left := r.block.Length - off
		if left <= 0 {
			return n, io.EOF
		}
		k, err := r.step(p[n:n+int(min(left, int64(len(p)-n)))], off)
		n += k
		off += int64(k)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// stepSize is how much is read and then verified at once. It fits into a
// processor's cache of the second level, where verifying and the caller find it.
const stepSize = 256 << 10

// step reads a part of p, at least one byte unless there is an error.
func (r *replica) step(p []byte, off int64) (n int, err error) {
	chunk := int64(r.sums.chunk)
	start := off / chunk * chunk
	end := off + int64(len(p))
	if start == off && end == r.block.Length && len(p) <= stepSize { // to the end of the block
		return r.chunks(p, off)
	}
	most := max(stepSize, r.sums.chunk)
	if whole := min(len(p), most) / r.sums.chunk * r.sums.chunk; start == off && whole > 0 {
		return r.chunks(p[:whole], off)
	}
	// Whole chunks around p, as many as the buffer has room for.
	b := bounces.Get().(*[]byte)
	defer bounces.Put(b)
	if len(*b) < r.sums.chunk {
		*b = make([]byte, r.sums.chunk)
	}
	end = min((end+chunk-1)/chunk*chunk, start+int64(len(*b))/chunk*chunk, r.block.Length)
	good, err := r.chunks((*b)[:end-start], start)
	if skip := int(off - start); good > skip {
		n = copy(p, (*b)[skip:good])
	}
	if n == len(p) {
		err = nil
	}
	return n, err
}

// chunks fills p with whole chunks and verifies them. What it does not return is
// overwritten with zeros.
func (r *replica) chunks(p []byte, off int64) (n int, err error) {
	n, err = r.data.ReadAt(p, off)
	switch {
	case n == len(p):
		err = nil
	case err == io.EOF:
		err = fmt.Errorf("%w: it was longer", ErrLength)
	default:
		err = fmt.Errorf("shortcircuit: block %d: %w", r.block.ID, err)
	}
	if n < len(p) {
		n = n / r.sums.chunk * r.sums.chunk
	}
	good, ok := r.sums.verify(p[:n], off/int64(r.sums.chunk))
	if !ok {
		err = &ChecksumError{Block: r.block, Offset: off + int64(good)}
	}
	if err != nil {
		r.bad.Store(true)
		clear(p[good:])
	}
	return good, err
}

// writeSize is how much WriteTo reads at once.
const writeSize = 1 << 20

// WriteTo implements [io.WriterTo]: it writes the whole block to w. Errors are
// those of ReadAt and of w.
func (r *Replica) WriteTo(w io.Writer) (n int64, err error) {
	return io.CopyBuffer(onlyWriter{w}, io.NewSectionReader(r, 0, r.Len()),
		make([]byte, min(writeSize, max(r.Len(), 1))))
}

// onlyWriter hides the other methods of a writer. CopyBuffer would use them and not its
// buffer.
type onlyWriter struct{ io.Writer }
