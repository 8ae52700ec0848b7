# Needs Go and make, nothing else. Everything runs in this directory and
# nothing is installed; what a missing program makes impossible is skipped,
# and the output says so. CI installs those programs first: see .ci/run.

GO      ?= go
TIMEOUT ?= 5m
PACKAGES ?= ./...

# Nothing here needs the commit's name, and asking git for it fails in a clone
# that belongs to somebody else.
export GOFLAGS := $(GOFLAGS) -buildvcs=false

.DEFAULT_GOAL := help
.PHONY: help demo build test vet fmt unit test-portable fence deps cross interop peers

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: ## the first run: pass open files to a second process and show how
	@$(GO) run ./cmd/fdpass demo

build: ## build the command as ./fdpass
	$(GO) build -trimpath -o fdpass ./cmd/fdpass

test: vet fmt fence deps unit cross ## everything that needs only Go
	@echo "make test: all passed"

vet:
	$(GO) vet ./...

fmt:
	@out=$$(find . -name '*.go' -not -path './.git/*' -exec gofmt -l {} +) || exit 1; \
	if [ -n "$$out" ]; then echo "gofmt -w these:"; echo "$$out"; exit 1; fi
	@echo "gofmt: clean"

# The race detector needs cgo and a C compiler. Whether they work is found out
# by trying; RACE=-race insists on it, RACE= does without. Tests that are
# skipped are shown, which takes -v, and those that pass are not.
unit:
	@race="$(RACE)"; \
	if [ "$(origin RACE)" = undefined ]; then \
	  if $(GO) test -race -run '^$$' ./internal/cmsg >/dev/null 2>&1; then race=-race; \
	  else echo "no C compiler for the race detector: testing without it"; fi; \
	fi; \
	echo "$(GO) test $$race $(TESTFLAGS) -timeout $(TIMEOUT) $(PACKAGES)"; \
	{ $(GO) test -v $$race $(TESTFLAGS) -timeout $(TIMEOUT) $(PACKAGES) 2>&1; echo "go test ended with $$?"; } | \
	awk 'BEGIN { status = 1 } /^(=== |PASS$$| *--- PASS)/ { next } /^go test ended with / { status = $$5; next } \
	  { print; fflush() } END { exit status }'

# The backend for macOS and the BSDs, on Linux. Left out are the command, which is
# only for Linux, and what needs the options and the credentials of Linux.
test-portable: ## the library's tests with its backend for macOS and the BSDs
	$(GO) vet -tags fdpass_portable ./...
	@$(MAKE) --no-print-directory unit TESTFLAGS="-tags fdpass_portable $(TESTFLAGS)" \
	  PACKAGES=". ./internal/closer ./internal/cmsg ./internal/fdtest ./examples/blocks ./examples/memfd"
	@echo "make test-portable: all passed"

# unsafe (and cgo, which implies it) is used in rawmsg and in tests, nowhere
# else, and no address is taken by means of package reflect. The files are
# searched, not the build: one build sees the files of one system.
fence:
	@out=$$(grep -rlE '^[[:space:]]*(import[[:space:]]+)?([a-zA-Z_.]+[[:space:]]+)?["`](unsafe|C)["`]' --include='*.go' . \
	  | grep -vE '^\./(rawmsg|bench)/|_test\.go$$'); \
	if [ -n "$$out" ]; then echo "unsafe outside rawmsg:"; echo "$$out"; exit 1; fi
	@out=$$(grep -rlE '"reflect"' --include='*.go' . | grep -vE '_test\.go$$' \
	  | xargs -r grep -nE '\.(Pointer|UnsafePointer|UnsafeAddr|Addr)\(\)'); \
	if [ -n "$$out" ]; then echo "addresses by package reflect:"; echo "$$out"; exit 1; fi
	@grep -rq '"unsafe"' rawmsg || { echo "the fence looks in the wrong place"; exit 1; }
	@echo "unsafe: only in rawmsg and in tests"

# What a user of the module gets is this module and the standard library; its
# tests have cmp as well. No file mentions the modules of the Go project.
deps:
	@module=$$($(GO) list -m) && \
	out=$$($(GO) list -deps -f '{{if not .Standard}}{{.ImportPath}}{{end}}' ./...) || exit 1; \
	echo "$$out" | grep -q "^$$module/rawmsg$$" || { echo "go list shows nothing"; exit 1; }; \
	out=$$(echo "$$out" | grep -vE "^$$module(/|$$)"); \
	if [ -n "$$out" ]; then echo "outside the standard library:"; echo "$$out"; exit 1; fi; \
	out=$$($(GO) list -m all | grep -vE "^($$module$$|github.com/google/go-cmp )"); \
	if [ -n "$$out" ]; then echo "required modules:"; echo "$$out"; exit 1; fi
	@out=$$(grep -rIl 'golang[.]org/x' . | grep -vE '^\./(\.git|bench|hdfs)(/|$$)'); \
	if [ -n "$$out" ]; then echo "a module of the Go project in:"; echo "$$out"; exit 1; fi
	@echo "dependencies: the standard library"

# Compiles every package for every Linux architecture that this Go has, for the
# systems of the portable backend, and for systems where calls return
# errors.ErrUnsupported. The command is linked as well; of other programs, and of the
# tests, vet checks the types.
PORTABLE = darwin/arm64 freebsd/amd64 freebsd/386 netbsd/amd64 openbsd/amd64 dragonfly/amd64
OTHERS = solaris/amd64 illumos/amd64 aix/ppc64 windows/amd64 js/wasm wasip1/wasm

cross:
	@for target in $$($(GO) tool dist list | grep '^linux/') $(PORTABLE) $(OTHERS); do \
	  export GOOS=$${target%/*} GOARCH=$${target#*/} CGO_ENABLED=0; \
	  $(GO) build $$($(GO) list -f '{{if .GoFiles}}{{if ne .Name "main"}}{{.ImportPath}}{{end}}{{end}}' ./...) \
	    ./cmd/fdpass && $(GO) vet ./... || \
	    { echo "does not build for $$target"; exit 1; }; \
	  echo "builds for $$target"; \
	done

# The oldest Go that the module takes, those in between, and the newest. The go
# command downloads them as modules; the examples with os.Root need 1.24.
GO_VERSIONS = go1.23.12 go1.24.13 go1.25.5

.PHONY: test-go

test-go: ## the tests with every version of Go from 1.23 on
	@for version in $(GO_VERSIONS); do \
	  echo "== $$version"; \
	  for pause in 5 15 45 0; do \
	    if GOTOOLCHAIN=$$version CGO_ENABLED=0 $(GO) version; then break; fi; sleep $$pause; \
	  done; \
	  GOTOOLCHAIN=$$version CGO_ENABLED=0 $(GO) test -timeout $(TIMEOUT) . ./rawmsg ./internal/cmsg ./internal/facts ./internal/model && \
	  GOTOOLCHAIN=$$version CGO_ENABLED=0 $(GO) build ./... || exit 1; \
	done

# The programs that internal/interop passes descriptors to and from. Without
# them make test skips its tests, and interop does not.
PEERS = dbus-daemon fuse3 gcc haproxy libc6-dev libio-fdpass-perl libpipewire-0.3-dev libsystemd0 \
  libwayland-dev netcat-openbsd nodejs nscd openssh-client openssh-server perl php-cli pipewire-bin \
  pulseaudio pulseaudio-utils python3 ruby s6 swtpm systemd tmux weston

interop: peers ## test against real programs, which it installs with apt-get
	FDPASS_INTEROP=all $(GO) test -count=1 -timeout $(TIMEOUT) ./internal/interop

peers:
	@internal/interop/install.sh $(PEERS)

# What takes long, and how long.
FUZZTIME ?= 30s

SOAK     ?= 5000000
SOAKTIME ?= 0s

.PHONY: fuzz soak checkptr

fuzz: ## run every fuzz target for FUZZTIME (30s)
	@count=0; for package in $$($(GO) list ./...); do \
	  list=$$($(GO) test -list '^Fuzz' $$package) || { echo "$$list"; exit 1; }; \
	  for target in $$(echo "$$list" | grep '^Fuzz'); do \
	    echo "== $$package $$target"; count=$$((count+1)); \
	    internal/fdtest/fuzz.sh $(GO) $$target $(FUZZTIME) $$package || exit 1; \
	  done; \
	done; \
	if [ $$count = 0 ]; then echo "no fuzz targets found"; exit 1; fi; \
	echo "make fuzz: $$count targets, $(FUZZTIME) each"

soak: ## pass SOAK (5000000) descriptors between two processes, twice, and compare what they hold
	$(GO) run ./internal/soak -n $(SOAK)
	GOGC=1 GODEBUG=clobberfree=1 FDPASS_LEDGER=$(SOAK) FDPASS_LEDGER_TIME=$(SOAKTIME) \
	  $(GO) test -race -v -count=1 -timeout 0 ./internal/ledger

# What the kernel is given and Go does not hold would not survive this. First the
# compiler checks each conversion of an unsafe.Pointer (checkptr), and the
# collector runs nearly all the time (GOGC=1) and overwrites what it frees
# (clobberfree). Then each function call moves the stack, where checkptr=2 leaves
# nothing that could move. Such a collector also empties pools all the time, so
# allocations are not counted here.
STRESS = GOGC=1 GODEBUG=clobberfree=1 $(GO) test -count=1 -timeout $(TIMEOUT) -skip 'Allocate'

checkptr: ## the library's tests with its pointers and the garbage collector under stress
	$(STRESS) -gcflags="$$($(GO) list -m)/...=-d=checkptr=2" . ./internal/cmsg ./internal/facts ./internal/model
	$(STRESS) -gcflags="$$($(GO) list -m)/...=-d=maymorestack=runtime.mayMoreStackMove" . ./internal/cmsg ./internal/facts ./internal/model

include internal/foreign/arch.mk
include docs/docs.mk
include internal/site/site.mk
include internal/abi/abi.mk
include bench/bench.mk
include hdfs/hdfs.mk
