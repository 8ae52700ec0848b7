#!/bin/sh
# fuzz.sh GO TARGET TIME PACKAGE: fuzzes one target for a time.
#
# Go's fuzzer now and then takes the end of that time for a failure: it says
# "context deadline exceeded" and names no input. Only that is tried again, twice
# at most, and it is shown.
for try in 1 2 3; do
	log=$(mktemp)
	"$1" test -run '^$' -fuzz "^$2\$" -fuzztime "$3" "$4" >"$log" 2>&1
	status=$?
	cat "$log"
	if [ $status = 0 ] || ! grep -qx '    context deadline exceeded' "$log" || grep -q 'Failing input' "$log"; then
		rm "$log"
		exit $status
	fi
	rm "$log"
	echo "the end of the time was taken for a failure: once more"
done
exit 1
