#!/bin/sh
# Installs those of the named Debian packages that are not there. It says so in
# one line, and nothing where there is nothing to do.
set -eu

missing=
for package; do
	case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
	*' installed') ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
	echo "only root can install these, and on Debian: apt-get install$missing" >&2
	exit 1
fi
echo "installing Debian packages, for the programs to test against:$missing"

# None of the servers among them is to be started; the tests do that.
log=$(mktemp)
policy=/usr/sbin/policy-rc.d
if [ -e $policy ]; then policy=; else
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod 755 $policy
fi
trap 'rm -f "$log" $policy' EXIT
trap 'exit 1' INT TERM
export DEBIAN_FRONTEND=noninteractive

# A machine that has just started may be installing something by itself, and a server
# may not answer once. So this waits for the locks, and tries it more than once.
for pause in 5 15 45 0; do
	if {
		apt-get update -o Acquire::Retries=3 &&
		apt-get install -y --no-install-recommends -o Dpkg::Use-Pty=0 \
			-o Acquire::Retries=3 -o DPkg::Lock::Timeout=120 $missing
	} >"$log" 2>&1 </dev/null; then
		exit 0
	fi
	sleep $pause
done
cat "$log"
exit 1
