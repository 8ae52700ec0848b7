# HDFS short-circuit reads. hdfs/ is a module of its own, so what it needs is no
# dependency of the library. The tests against real DataNodes need a JDK and
# Maven, which are installed with apt-get where they are missing, and what Maven
# downloads, once.

CLUSTER = hdfs/internal/cluster

.PHONY: test-hdfs fuzz-hdfs hdfs hdfs-tools bench-hdfs

test-hdfs: ## the HDFS module's tests that need neither Java nor a network
	cd hdfs && $(GO) vet . && $(GO) test $(RACE) -timeout $(TIMEOUT) .

fuzz-hdfs: ## run the HDFS module's fuzz targets for FUZZTIME (30s)
	@cd hdfs && list=$$($(GO) test -list '^Fuzz' . | grep '^Fuzz') && \
	for target in $$list; do \
	  echo "== $$target"; ../internal/fdtest/fuzz.sh $(GO) $$target $(FUZZTIME) . || exit 1; \
	done

hdfs: $(CLUSTER)/bin/Cluster.class ## the HDFS module against real DataNodes; downloads 120 MB, once
	cd hdfs && FDPASS_HDFS=$(CURDIR)/$(CLUSTER) $(GO) test -count=1 -timeout $(TIMEOUT) ./...

bench-hdfs: $(CLUSTER)/bin/Cluster.class ## compare reads of HDFS with TCP and with Java; writes hdfs/RESULTS.md
	cd hdfs && FDPASS_HDFS=$(CURDIR)/$(CLUSTER) $(GO) run ./internal/bench

hdfs-tools:
	@if ! command -v javac >/dev/null || ! command -v mvn >/dev/null; then \
	  internal/interop/install.sh openjdk-17-jdk-headless maven; fi

$(CLUSTER)/bin/Cluster.class: $(CLUSTER)/Cluster.java $(CLUSTER)/bin/libhadoop.so
	javac -cp '$(CLUSTER)/bin/lib/*' -d $(CLUSTER)/bin $<

$(CLUSTER)/bin/libhadoop.so: $(CLUSTER)/pom.xml | hdfs-tools
	@cd $(CLUSTER) && for pause in 5 15 0; do \
	  echo "mvn -q -B -ntp verify"; \
	  if mvn -q -B -ntp verify; then touch bin/libhadoop.so && exit 0; fi; \
	  sleep $$pause; \
	done; exit 1
