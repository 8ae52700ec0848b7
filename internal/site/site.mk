# The page to play with: docs/site/index.html, which a browser opens from the
# disk, too. Nothing of it is part of the command.
SITE  = docs/site
SHOTS = internal/site/screenshots

.PHONY: site test-site chromium

site: ## build the page to play with in docs/site
	$(GO) run ./internal/site/build $(SITE)
	@ls -l $(SITE)

chromium:
	@internal/interop/install.sh chromium fonts-dejavu-core

test-site: chromium ## test the page in Chromium, which it installs with apt-get
	GOOS=js GOARCH=wasm $(GO) vet ./internal/site/wasm
	rm -rf $(SHOTS)
	FDPASS_SITE=all FDPASS_SHOTS=$(CURDIR)/$(SHOTS) $(GO) test -v -count=1 -timeout $(TIMEOUT) ./internal/site
	@ls -l $(SHOTS)
