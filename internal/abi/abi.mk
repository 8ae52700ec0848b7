# Debian 12's C compilers for foreign architectures, and their headers.
CROSS = gcc libc6-dev $(foreach c,aarch64-linux-gnu:arm64 arm-linux-gnueabihf:armhf \
  i686-linux-gnu:i386 mips-linux-gnu:mips mips64-linux-gnuabi64:mips64 \
  mips64el-linux-gnuabi64:mips64el mipsel-linux-gnu:mipsel powerpc64-linux-gnu:ppc64 \
  powerpc64le-linux-gnu:ppc64el riscv64-linux-gnu:riscv64 s390x-linux-gnu:s390x, \
  gcc-$(firstword $(subst :, ,$c)) libc6-dev-$(lastword $(subst :, ,$c))-cross)

.PHONY: layout-c

layout-c: ## ask C compilers whether the layouts are right; installs them with apt-get
	@internal/interop/install.sh $(CROSS)
	FDPASS_LAYOUT_C=all $(GO) test -count=1 -timeout $(TIMEOUT) -run TestDoCompilersAgree -v ./internal/abi
