# HDFS short-circuit reads. hdfs/ is a module of its own, so what it needs is no
# dependency of the library.

.PHONY: test-hdfs

test-hdfs: ## the HDFS module's tests that need neither Java nor a network
	cd hdfs && $(GO) vet ./... && $(GO) test -timeout $(TIMEOUT) ./...
