# Every architecture. Each target installs what it needs from Debian, says so,
# and keeps downloads and builds in $XDG_CACHE_HOME/fdpass, or ~/.cache/fdpass.

.PHONY: test-qemu test-kernels test-gvisor kernels kernel-options golden

test-qemu: ## every architecture's tests, emulated under qemu-user
	$(GO) run ./internal/foreign/testqemu

test-kernels: ## the same on real kernels, one of each kind; ALL_KERNELS=1 for every architecture
	ALL_KERNELS=$(ALL_KERNELS) $(GO) run ./internal/foreign/kernels

test-gvisor: ## the tests, the demo, send and recv in a sandbox of gVisor; ALL_GVISOR=1 for an older one, too
	$(GO) run ./internal/foreign/gvisor

kernels: ## build the big-endian kernels that Debian lacks, once
	$(GO) run ./internal/foreign/kernels -build

kernel-options: ## which kernel has which option, asked of each Linux for amd64: docs/kernels.md
	$(GO) run ./internal/foreign/kernels -options

golden: ## capture what real kernels write into control buffers, and show differences
	$(GO) run ./internal/foreign/kernels -golden -all
	git diff --stat internal/golden/testdata
