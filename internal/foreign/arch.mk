# Every architecture. Each target installs what it needs from Debian, says so,
# and keeps downloads and builds in $XDG_CACHE_HOME/fdpass, or ~/.cache/fdpass.

.PHONY: test-qemu

test-qemu: ## every architecture's tests, emulated under qemu-user
	$(GO) run ./internal/testqemu
