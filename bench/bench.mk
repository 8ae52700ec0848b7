# The comparison with C, other libraries and Python. bench/ is a module of its
# own, so what it needs is no dependency of the library. gcc, python3 and strace are
# installed with apt-get where they are missing: nothing else here installs
# anything.

BENCHFLAGS ?=

.PHONY: bench bench-build bench-trace bench-tools

bench: bench-build ## compare with C and other libraries, in minutes; writes bench/RESULTS.md
	cd bench && bin/bench $(BENCHFLAGS) -floor bin/floor -command bin/fdpass \
	  -python "$$(python3 -c 'import sys; print(sys.executable)')"

bench-trace: bench-build ## trace's speed beside strace's, in a minute; writes it into bench/RESULTS.md
	cd bench && bin/bench trace -command bin/fdpass -program bin/traced

bench-build: bench-tools
	@mkdir -p bench/bin
	gcc -O2 -Wall -Wextra -pthread -o bench/bin/floor bench/floor/floor.c
	gcc -O2 -Wall -Wextra -o bench/bin/traced bench/traced/traced.c
	$(GO) build -o bench/bin/fdpass ./cmd/fdpass
	cd bench && $(GO) vet ./... && CGO_ENABLED=1 $(GO) build -o bin/bench .

bench-tools:
	@for tool in gcc python3 strace; do \
	  if command -v $$tool >/dev/null; then continue; fi; \
	  echo "$$tool is missing: installing it with apt-get"; \
	  packages=$$tool; if [ $$tool = gcc ]; then packages="gcc libc6-dev"; fi; \
	  sudo=; if [ "$$(id -u)" != 0 ]; then sudo="sudo -n"; fi; \
	  $$sudo apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$packages || \
	    { echo "make bench needs $$tool"; exit 1; }; \
	done
