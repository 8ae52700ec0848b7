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
{
	apt-get update &&
	apt-get install -y --no-install-recommends -o Dpkg::Use-Pty=0 $missing
} >"$log" 2>&1 </dev/null || { cat "$log"; exit 1; }
