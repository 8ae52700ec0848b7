# The documentation's pictures: a name, and what fdpass layout -svg draws.
define PICTURES
layout-amd64 -show msghdr,iovec,cmsghdr,message amd64
layout-386 -show msghdr,iovec,cmsghdr,message 386
pointers -show pointers amd64
rights -show message amd64 386 s390x
credentials -show message -with cred amd64
everything -show message -with timestamp,cred,security,pidfd,inq amd64
endef
export PICTURES

# draw-pictures draws all of them in a folder.
define draw-pictures
mkdir -p $(1) && $(GO) build -o $(1)/.fdpass ./cmd/fdpass && \
echo "$$PICTURES" | while read -r name args; do \
  $(1)/.fdpass layout -svg $$args >$(1)/$$name.svg || exit 1; \
done; status=$$?; rm -f $(1)/.fdpass; [ $$status = 0 ]
endef

.PHONY: docs docs-check
test: docs-check

docs: ## draw the documentation's pictures again
	@rm -f docs/img/*.svg
	@$(call draw-pictures,docs/img)
	@ls docs/img

# Pictures that are not what the command draws today, or that nothing draws.
docs-check:
	@dir=$$(mktemp -d) && trap 'rm -r "$$dir"' EXIT && $(call draw-pictures,$$dir) && \
	diff -rq docs/img "$$dir" || { echo "make docs draws the pictures again"; exit 1; }
	@echo "pictures: as fdpass draws them"
